//! What both drivers must do: the tests run on SQLite and on PostgreSQL. And what jobs cost, what roles may do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cached;
mod checked;
mod closing;
mod collisions;
mod common;
mod cost;
mod failures;
mod foreign;
mod freshness;
mod frozen;
mod grants;
mod homes;
mod hosts;
mod load;
mod outbox;
mod parked;
mod past;
mod policy;
mod publishing;
mod queue;
mod random;
mod reclassify;
mod retention;
mod transfers;
mod upgrades;
mod verdicts;
mod writers;
