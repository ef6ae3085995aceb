//! The programs as they are used, beside the real dpkg-source, Git, gpgv, apt, PostgreSQL, NRPE, Nagios and Icinga.
//!
//! One binary: each more would be linked with everything again. `cargo test ... --test end_to_end storm::` runs one
//! module.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod absence;
mod archives;
mod backup;
mod cases;
mod checks;
mod collisions;
mod daemons;
mod damage;
mod disk_full;
mod engine;
mod file_modes;
mod fleet;
mod floor;
mod forged_upstream;
mod forgery;
mod history;
mod hostile;
mod hosts;
mod housekeeping;
mod in_time;
mod interference;
mod lineage;
mod operator;
mod outage;
mod packager;
mod pages;
mod publishing;
mod queue_storm;
mod random_histories;
mod real;
mod real_headers;
mod repair;
mod roots;
mod signature;
mod small_archive;
mod storm;
mod story;
mod telling;
mod unit;
mod upgrades;
mod verify;
mod waits;
