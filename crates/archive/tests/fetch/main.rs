//! Fetching files: resumed, from the next mirror, through the cache.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad;
#[path = "../common/mod.rs"]
mod common;
mod good;
mod parts;
mod world;
