//! Result of a request that no mirror could answer.

use std::fmt;
use std::time::Duration;

use crate::error::{Class, Error};
use crate::problem::Problem;

/// No mirror could deliver. As a text it names each mirror and its answer, the most telling one first.
#[derive(Debug)]
pub struct Failed {
    /// The most telling error.
    pub error: Error,
    /// Those of the other mirrors, of those that do not have the file, too.
    pub others: Vec<Error>,
}

/// Mirrors that a text names, beside the first one.
const NAMED: usize = 4;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        // One without an address is of this machine, and the same with each mirror.
        let mut others: Vec<String> =
            self.others.iter().filter(|it| it.url.is_some()).map(ToString::to_string).collect();
        others.dedup();
        let own = self.error.to_string();
        others.retain(|other| *other != own);
        others.iter().take(NAMED).try_for_each(|other| write!(f, "; {other}"))?;
        match others.len().checked_sub(NAMED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "; and {more} other mirrors"),
        }
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.error)
    }
}

impl Failed {
    /// Shortest time after which one of the servers wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.others.iter().chain([&self.error]).filter_map(|error| error.retry_after).min()
    }

    /// The same, beside mirrors that do not have the file at all.
    pub(crate) fn beside(mut self, absent: Vec<Error>) -> Failed {
        self.others.extend(absent);
        self
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
