//! Publications of archives, and the versions that repositories have.

pub mod collisions;
pub mod foreign;
pub mod groups;
pub mod history;
pub mod key;
pub mod listing;
pub mod rows;
pub mod suites;
pub mod versions;
