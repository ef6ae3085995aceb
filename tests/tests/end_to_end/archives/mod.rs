//! Archives as they are: what others publish and serve, what is made of it, and what is said about it.

mod apt;
mod cases;
mod explain;
mod faults;
mod histories;
mod month;
mod refusals;
mod stale;
pub mod world;
