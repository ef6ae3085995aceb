//! The behaviour that both drivers share: the tests run on SQLite and on PostgreSQL. And the costs of jobs and the
//! rights of roles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod births;
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
mod past_kept;
mod policy;
mod publishing;
mod queue;
mod random;
mod reclassify;
mod repairs;
mod retention;
mod transfers;
mod upgrades;
mod verdicts;
mod writers;
