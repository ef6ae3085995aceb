//! Pages of generated states, requested by a proxy, a signed-in person or a stranger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod acts;
mod alerts;
mod away;
mod browser;
mod cost;
mod feeds;
mod fuzz;
mod hostile;
mod pages;
mod pictures;
mod roles;
mod site;
mod then;
mod walk;
mod wire;
mod world;
