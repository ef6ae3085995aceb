//! The machines that share a state: their runs, their settings, and the place of a state.

pub mod identity;
pub mod look;
pub mod rights;
pub mod runs;
pub mod settings;
pub mod trouble;
pub mod walls;
