//! Tells people: from the outbox of the state, by mail and by webhooks.
//!
//! What is to be told stands in the state, where it was written together with what it is about (`state::outbox`). [`deliver`] puts
//! together what each channel of the configuration wants to hear, sends it, and notes that it was taken, so that nothing is lost
//! and a repeat has the name of the first. [`Courier`] does so beside a run. A channel that fails pauses and is shown; nothing else
//! waits for it.
//!
//! All text is hostile: it comes out of packages, logs and servers. It is cleaned in [`text`] before it becomes a part of a message, and
//! who gets a message stands in the configuration alone.

mod address;
pub mod config;
mod courier;
pub mod feed;
mod mail;
mod outgoing;
mod secret;
mod send;
pub mod text;
mod webhook;

pub use config::{Channel, Config, Wrong};
pub use courier::{Courier, REHEARSAL, Round, deliver, rehearse};
pub use send::{Unsent, trial};
