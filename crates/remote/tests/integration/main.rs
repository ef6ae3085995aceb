//! Publishing to real servers on loopback: sshd, gitolite, nginx with git-http-backend.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod facts;
mod firsts;
mod foreigners;
mod refusals;
mod secrets;
mod world;
