//! Errors of an archive: a sentence for operators; a stage, a code, a class and a dependency for programs.

use std::fmt;
use std::io;
use std::time::Duration;

pub use source_package::code::{Class, Code, Stage};

use crate::problem::Problem;

/// An error with its stage, dependency and pause.
#[derive(Debug)]
pub struct Error {
    /// Stage of the import.
    pub stage: Stage,
    /// Kind of the error.
    pub problem: Box<Problem>,
    /// The file that was asked for, as an address.
    pub url: Option<String>,
    /// Dependency that has to work for another try to succeed: a host with its port, or a folder. The circuit breaker
    /// counts errors by it.
    pub dependency: Option<String>,
    /// Time after which the server wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// An error that concerns no particular file yet.
    pub fn new(stage: Stage, problem: impl Into<Problem>) -> Error {
        Error { stage, problem: Box::new(problem.into()), url: None, dependency: None, retry_after: None }
    }

    /// The same error with a file of a mirror.
    pub(crate) fn about(mut self, url: &str, dependency: &str) -> Error {
        self.url.get_or_insert_with(|| url.to_owned());
        self.dependency.get_or_insert_with(|| dependency.to_owned());
        self
    }

    pub(crate) fn at(mut self, stage: Stage) -> Error {
        self.stage = stage;
        self
    }

    /// A word for the kind of problem; all of them are listed in `docs/archives.md`.
    pub fn code(&self) -> Code {
        self.problem.code()
    }

    /// Class of the error, which decides about the next try.
    pub fn class(&self) -> Class {
        self.problem.code().class(self.stage)
    }

    /// True when a host or a mount is out of order, and not a file.
    pub fn is_outage(&self) -> bool {
        self.problem.code().is_outage()
    }

    /// True when the server has no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(*self.problem, Problem::NotFound)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.url {
            Some(url) => write!(f, "{url}: {}", self.problem),
            None => self.problem.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.problem)
    }
}

/// Error of our own disk, with a description of the work.
pub(crate) fn disk(stage: Stage, action: &'static str, error: io::Error) -> Error {
    Error::new(stage, Problem::disk(action, error))
}
