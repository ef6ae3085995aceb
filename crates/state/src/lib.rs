//! Remembers: packages, publications, jobs, attempts, failures, hosts, samples and actions of operators. One
//! store ([`db`]) with two [`driver`]s; each other room is a group of functions that work inside a transaction.
//!
//! Knows no Git and no archive: the trust in a file, or the probe of a mirror, passes through as text.
//!
//! # Errors
//! Every function that takes a store or a transaction fails with [`StateError`] when the database cannot be read or
//! written. Functions with further errors name them.

pub mod audit;
pub mod db;
pub mod driver;
mod error;
pub mod failure;
pub mod figures;
pub mod fleet;
pub mod job;
pub mod operate;
pub mod outbox;
pub mod past;
pub mod publication;
pub mod publishing;
pub mod read;
pub mod repair;
pub mod schema;
pub mod transfer;
pub mod verdicts;
pub mod words;

pub use audit as events;
pub use db::{integrity, meta, open, retention, store, tx};
pub use error::{DbError, StateError};
pub use failure::{reclassify, retry_policy as policy, signature};
pub use figures::{latency, recount as counters, sample as samples};
pub use fleet::{identity, runs, settings};
pub use job::{
    attempt, breaker, claim_cursor as marks, finish, hold, queue, retry_batch as batch, wait as waits,
};
pub use publication::{groups, history as histories, rows as publications, suites, versions};
pub use store::Store;
