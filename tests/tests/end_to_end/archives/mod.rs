//! Tests of archives as they are: publications of others, their imports, and the messages about them.

mod apt;
mod cases;
mod explain;
mod faults;
mod histories;
mod month;
mod nights;
mod odd_lists;
mod refusals;
mod stale;
pub mod world;
