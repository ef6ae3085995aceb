//! Publishing on remotes: the remotes, and a row for each package and remote. Only [`row`] writes those rows, with the
//! counter that moves with them.

pub mod asked;
pub mod cached;
pub mod claims;
pub mod day;
pub mod ends;
pub mod read;
pub mod remotes;
pub(crate) mod row;

pub use row::{PublishLane, PublishState};
