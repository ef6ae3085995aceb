//! Pages of generated states, asked as a proxy, a person or a stranger would.
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
