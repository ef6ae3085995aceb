//! The job of a package, from the queue to its end: one live row of `job` per package.

pub mod attempt;
pub mod breaker;
pub mod claim_cursor;
pub mod finish;
pub mod hold;
pub mod queue;
pub mod retry_batch;
mod row;
mod settle;
pub(crate) mod transition;
pub mod wait;
