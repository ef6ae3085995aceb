//! Works through the queue: claims jobs, imports each in a child, and records the result.
//!
//! [`dispatch`] decides when a job may start and notices what happens; [`job`] does one; [`heartbeat`] keeps the
//! leases; [`by_hand`] executes an operator's request at once, with the same records.

pub mod archives;
pub mod by_hand;
pub mod classify;
pub mod dispatch;
pub mod evict;
pub mod heartbeat;
pub mod job;
pub mod limits;
pub mod logs;
pub mod outage;
pub mod poll_thread;
pub mod probe;
pub mod process;
pub mod requests;
pub mod session;
pub mod trouble;
