//! What archives publish, and which of it is in a repository.

pub mod collisions;
pub mod foreign;
pub mod history;
pub mod listing;
pub mod rows;
pub mod suites;
pub mod versions;
