//! The machines that share a state: their runs, their settings, and where a state lives.

pub mod identity;
pub mod look;
pub mod rights;
pub mod runs;
pub mod settings;
pub mod trouble;
pub mod walls;
