//! What requests are answered from.

use crate::act::Pending;
use crate::listen::{Listen, Prefix};
use crate::reader::Reader;
use crate::who::Gate;

/// What requests are answered from.
pub struct App {
    /// Who may.
    pub gate: Gate,
    /// Where it listens.
    pub listen: Listen,
    /// The path below which the pages are.
    pub prefix: Prefix,
    /// What asks the state.
    pub reader: Reader,
    /// What changes it, which needs the right to write.
    pub writer: Reader,
    /// What was shown and waits for its confirmation.
    pub pending: Pending,
}
