//! Result of a request that no mirror could answer.

use std::time::Duration;

use crate::error::{Class, Error};
use crate::problem::Problem;

/// No mirror could deliver.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failed {
    /// The most telling error.
    pub error: Error,
    /// Those of the other mirrors.
    pub others: Vec<Error>,
}

impl Failed {
    /// Shortest time after which one of the servers wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.others.iter().chain([&self.error]).filter_map(|error| error.retry_after).min()
    }

    /// Collects the errors of all mirrors. An error that a mirror reported comes first: it tells more than that others
    /// could not be reached.
    pub(crate) fn new(mut errors: Vec<Error>, none: impl FnOnce() -> Error) -> Failed {
        let telling = errors.iter().position(|error| error.class() != Class::Transient);
        let telling = telling.or_else(|| errors.iter().position(|error| !is_network(&error.problem)));
        match (telling.unwrap_or(0), errors.is_empty()) {
            (_, true) => Failed { error: none(), others: errors },
            (at, false) => Failed { error: errors.remove(at), others: errors },
        }
    }
}

pub(crate) fn is_network(problem: &Problem) -> bool {
    use Problem::{Broken, Busy, Connect, ServerError, Timeout, Tls, UnknownHost};
    matches!(problem, Broken(_) | Busy(_) | Connect(_) | ServerError(_) | Timeout(_) | Tls(_) | UnknownHost)
}
