//! Events and result of a run, for display and for its record.

use state::queue::Claim;

use crate::protocol::VersionRequest;
use crate::publishing::perform;
use crate::queue::job;

/// Event of a run, for display.
pub enum Said<'a> {
    /// A version is being read.
    Reading(&'a Claim, &'a VersionRequest),
    /// A job has ended.
    Ended(&'a job::Result),
    /// A package was published, or was not.
    Published(&'a perform::Ended),
    /// Something that an operator might want to know.
    Note(String),
}

/// Work of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Jobs that were done, without those that only look after a repository.
    pub attempts: u64,
    /// Number of successful attempts.
    pub imported: u64,
    /// Number of failed attempts.
    pub failed: u64,
    /// Number of attempts that wait for an unreachable dependency.
    pub parked: u64,
    /// Reason why it ended.
    pub why: String,
}
