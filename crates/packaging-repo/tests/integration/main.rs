//! Repositories as the real Git reads, checks and changes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod failpoints;
mod growth;
mod modules;
mod names;
mod pack;
mod refs;
mod refs_of_others;
mod repack;
mod trees;
