//! Archives as others make and serve them: real apt, nginx and gpgv, and servers that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod apt;
mod common;
mod fetch;
mod history;
mod killed;
mod nginx;
mod own_rows;
mod poll;
mod poll_bad;
mod poll_http;
mod proxy;
