//! The kit of the checks, by its example: each test begins with the number of the requirement that it shows
//! (`docs/writing-a-check.md`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod behaviour;
mod common;
mod defects;
mod documentation;
mod postgresql;
mod readonly;
mod thresholds;
mod timeout;
