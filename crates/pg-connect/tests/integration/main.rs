//! Connection strings, and the real server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod server;
mod target;
