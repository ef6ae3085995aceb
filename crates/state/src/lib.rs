//! Remembers: packages, publications, jobs, attempts, failures, hosts, samples and what operators did. One [`store`]
//! with two [`driver`]s; each other module is a group of functions that work inside a transaction ([`tx`]).
//!
//! Knows no Git and no archive: what a file's trust is, or how to probe a mirror, passes through as text.

pub mod batch;
pub mod breaker;
pub mod counters;
pub mod driver;
mod error;
pub mod events;
mod failing;
pub mod finish;
pub mod histories;
pub mod hold;
pub mod identity;
pub mod integrity;
pub mod latency;
pub mod marks;
pub mod meta;
pub mod open;
pub mod operate;
mod persist;
pub mod policy;
pub mod publications;
pub mod queue;
pub mod read;
pub mod reclassify;
pub mod retention;
pub mod runs;
pub mod samples;
pub mod schema;
pub mod settings;
mod settle;
pub mod signature;
pub mod store;
pub mod suites;
pub mod transfer;
pub mod tx;
pub mod verdicts;
pub mod versions;
pub mod waits;
pub mod words;

pub use error::{DbError, StateError};
pub use store::Store;
