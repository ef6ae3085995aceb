//! The web interface of an installation: pages, JSON and metrics over HTTP, for users without a login on the machine.
//!
//! [`serve`] answers until it is told to stop. Asynchronous code stays in this crate: questions to the state are
//! functions of `operations`, called by a thread of their own ([`reader`]), because a database may be unreachable for
//! any time, and a page must not wait. Texts from packages, logs and remotes are hostile: they reach a page only
//! through [`shown`], which makes control characters visible, and maud, which escapes.

mod act;
mod answers;
mod api;
mod app;
mod asked;
mod assets;
mod feeds;
mod guard;
pub mod listen;
mod metrics;
mod pages;
mod problem;
mod questions;
mod random;
mod reader;
mod router;
mod seats;
mod server;
mod shown;
mod then;
mod veil;
mod who;

pub use listen::{Listen, Prefix};
pub use metrics::render as render_metrics;
pub use questions::COSTS;
pub use server::{ServeError, Server, serve, serve_until};
pub use who::{Account, Accounts, Peer};
