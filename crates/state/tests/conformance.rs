//! What both drivers must do: every test here runs on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

mod conformance {
    pub mod checked;
    pub mod closing;
    pub mod failures;
    pub mod freshness;
    pub mod homes;
    pub mod hosts;
    pub mod parked;
    pub mod policy;
    pub mod queue;
    pub mod random;
    pub mod reclassify;
    pub mod retention;
    pub mod transfers;
    pub mod verdicts;
}
