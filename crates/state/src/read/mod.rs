//! Reads for operators' screens. Each is of one moment, and the cost of no query grows with history.

pub mod archives;
pub mod clock;
pub mod explain;
pub mod failures;
pub mod freshness;
pub mod hosts;
pub mod incidents;
pub mod list;
pub mod metrics;
pub mod package;
pub mod queue;
mod standing;
pub mod status;
pub mod tune;
pub mod verdicts;
pub mod versions;
