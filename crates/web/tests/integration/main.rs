//! Pages of generated states, requested by a proxy, a signed-in person or a stranger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acts;
mod away;
mod browser;
mod cost;
mod fuzz;
mod hostile;
mod pages;
mod roles;
mod site;
mod walk;
mod wire;
mod world;
