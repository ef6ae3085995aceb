//! Mail by a real server of Debian, webhooks by a real HTTP receiver, with a state that lives by a clock of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod mail;
mod receiver;
mod rules;
mod tls;
mod webhook;
mod world;
