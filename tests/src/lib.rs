//! The independent truth that the importer is measured against: synthetic source packages, the real
//! dpkg-source as the oracle, and readers of what the importer has made of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod archive;
pub mod build;
pub mod cases;
pub mod check;
pub mod daemons;
pub mod engine;
pub mod fuzzing;
pub mod git;
pub mod installation;
pub mod listing;
pub mod nginx;
pub mod oracle;
pub mod parallel;
pub mod programs;
pub mod queue;
pub mod real;
pub mod rounds;
pub mod run;
pub mod signer;
pub mod snapshot;
pub mod story;
pub mod synthetic;
pub mod verify;
pub mod web;
