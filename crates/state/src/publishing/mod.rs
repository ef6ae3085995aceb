//! What is published on which remote: remotes, and a row for each package and remote. [`row`] alone writes those rows,
//! with the counter that moves with them.

pub mod asked;
pub mod claims;
pub mod ends;
pub mod read;
pub mod remotes;
pub(crate) mod row;

pub use row::{PublishLane, PublishState};
