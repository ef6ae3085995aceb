//! Shared state that requests are answered from.

use crate::act::Pending;
use crate::listen::{Listen, Prefix};
use crate::reader::Reader;
use crate::who::Gate;

/// Shared state that requests are answered from.
pub struct App {
    /// Accounts, sessions and roles.
    pub gate: Gate,
    /// Address that it listens on.
    pub listen: Listen,
    /// The path below which the pages are.
    pub prefix: Prefix,
    /// Thread that reads the state.
    pub reader: Reader,
    /// Thread that reads what is over, how it was at a time and incidents: that takes longer, and other pages do not wait for it.
    pub past: Reader,
    /// Thread that changes the state, which needs the right to write.
    pub writer: Reader,
    /// Previews that wait for confirmation.
    pub pending: Pending,
}
