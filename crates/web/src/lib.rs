//! The second face of an installation: pages, JSON and metrics over HTTP, for whoever has no login on the machine.
//!
//! [`serve`] answers until it is told to stop. Asynchronous code stays in this crate: what asks the state is a function of
//! `operations`, called by a thread of its own ([`reader`]), because a database may be away for as long as it wants and a
//! page may not. Whatever comes out of packages, logs and remotes is hostile: texts reach a page only through [`shown`],
//! which writes out what would be obeyed, and maud, which escapes.

mod act;
mod answers;
mod api;
mod app;
mod asked;
mod assets;
mod guard;
pub mod listen;
mod metrics;
mod pages;
mod problem;
mod questions;
mod random;
mod reader;
mod router;
mod server;
mod shown;
mod veil;
mod who;

pub use listen::{Listen, Prefix};
pub use metrics::render as render_metrics;
pub use questions::COSTS;
pub use server::{ServeError, Server, serve, serve_until};
pub use who::{Account, Accounts, Peer};
