//! Getting files from a mirror: from a web server or from a folder, behind one trait.

mod faults;
mod file;
mod headers;
mod http;
mod limits;
mod proxy;
mod redirect;
mod sniff;
mod turns;

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use limits::Limits;
pub(crate) use limits::{Pace, Slot};
pub use proxy::{ProxyError, check_environment};
pub(crate) use sniff::sniff;

use crate::config::Transfer;
use crate::error::{Error, Stage};
use crate::location::Location;
use crate::problem::Problem;

/// Number of times that a server which answers others may refuse one request, each after a longer pause.
pub(crate) const PAUSES: usize = 6;

/// Validators of a file from a server's answer (RFC 9110, section 8.8), by which it can be asked whether the file has
/// changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// Value of the header `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`, as the server wrote it.
    pub last_modified: Option<String>,
}

/// A file to get.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// Its path below the mirror's folder.
    pub path: &'a str,
    /// Query, the part behind the question mark; not used with a folder.
    pub query: Option<&'a str>,
    /// Validators of the last answer: an unchanged file is not sent again.
    pub known: Option<&'a Validators>,
    /// Bytes that are there already.
    pub offset: u64,
    /// The version that those bytes are of.
    pub version: Option<&'a Validators>,
    /// Expected size in bytes.
    pub size: Option<u64>,
}

impl<'a> Request<'a> {
    /// Request for the whole file.
    pub fn whole(path: &'a str) -> Request<'a> {
        Request { path, ..Request::default() }
    }
}

/// Kind of an answer.
#[derive(Debug)]
pub enum Answer {
    /// The file has not changed.
    Unchanged,
    /// The file.
    Body(Box<Body>),
}

/// Somewhere to get files from.
pub trait Mirror: Send + Sync {
    /// Address of the mirror.
    fn location(&self) -> &Location;

    /// Asks for a file.
    fn get(&self, request: &Request<'_>) -> Result<Answer, Error>;

    /// Names of the folders in a folder. They are not signed: each has to be checked by its own index.
    fn folders(&self, path: &str) -> Result<Vec<String>, Error>;

    /// True when it has answered within the last minute: then a refusal concerns the pace, and is no outage.
    fn is_alive(&self) -> bool {
        false
    }

    /// Asks for a file, and again after a pause if the server refuses without `Retry-After`: several times while it
    /// answers other requests, else once.
    fn patiently(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let mut asked = 0;
        loop {
            let error = match self.get(request) {
                Err(error) if matches!(*error.problem, Problem::Busy(_)) => error,
                other => return other,
            };
            let most = if self.is_alive() { PAUSES } else { 1 };
            if error.retry_after.is_some() || asked >= most {
                return Err(error);
            }
            // The next request waits for its turn.
            asked += 1;
        }
    }

    /// Gets a small file, up to a limit.
    fn read(&self, request: &Request<'_>, limit: u64) -> Result<Option<(Vec<u8>, Validators)>, Error> {
        let Answer::Body(mut body) = self.patiently(request)? else { return Ok(None) };
        let mut bytes = Vec::new();
        body.read_to(limit, &mut bytes)?;
        Ok(Some((bytes, body.validators)))
    }
}

/// Opens a mirror. The limits are shared by all mirrors of an archive.
pub fn open(location: &Location, transfer: &Transfer, limits: &Arc<Limits>) -> Box<dyn Mirror> {
    match location {
        Location::Web { .. } => Box::new(http::Web::new(location.clone(), transfer, limits.clone())),
        Location::Folder(path) => Box::new(file::Folder::new(location.clone(), path.clone(), limits.clone())),
    }
}

/// The content of a file as it comes in.
pub struct Body {
    /// Offset at which it starts: 0, or the one that was asked for.
    pub offset: u64,
    /// Number of bytes from there to the end, if the server gives it.
    pub length: Option<u64>,
    /// Validators for the next request.
    pub validators: Validators,
    url: String,
    dependency: String,
    reader: Box<dyn Read + Send>,
    explain: fn(&io::Error) -> Problem,
    read: u64,
    pace: Option<Pace>,
    limits: Arc<Limits>,
    _slot: Slot,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("url", &self.url).field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Body {
    /// The next bytes; none at the end. An end before the announced one is an error.
    ///
    /// # Errors
    /// [`Problem::Truncated`] when it ends before the announced length; others of the connection.
    pub fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let count = match self.reader.read(buffer) {
            Ok(count) => count,
            Err(error) => return Err(self.broken(&error)),
        };
        self.read += count as u64;
        if count == 0 {
            return match self.length {
                Some(expected) if self.read < expected => {
                    Err(self.error(Problem::Truncated { found: self.read, expected }))
                }
                _ => Ok(0),
            };
        }
        let waited = self.limits.pass(count as u64);
        if let Some(pace) = &mut self.pace {
            let verdict = pace.passed(self.limits.now(), waited, count as u64);
            verdict.map_err(|problem| self.error(problem))?;
        }
        Ok(count)
    }

    /// Reads to the end, up to a limit.
    ///
    /// # Errors
    /// [`Problem::Endless`] when there are more bytes than the limit.
    pub fn read_to(&mut self, limit: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = self.next(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
            if bytes.len() as u64 > limit {
                return Err(self.error(Problem::Endless(limit)));
            }
        }
    }

    /// An error about this file.
    pub fn error(&self, problem: Problem) -> Error {
        Error::new(Stage::Fetch, problem).about(&self.url, &self.dependency)
    }

    /// Error of a connection that ends early; if the length of the file is known, the file counts as cut off.
    fn broken(&self, error: &io::Error) -> Error {
        match self.length {
            Some(expected) if is_end(error) => self.error(Problem::Truncated { found: self.read, expected }),
            _ => self.error((self.explain)(error)),
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// Longest time for a file of this size. Inside an encrypted record the speed cannot be seen, so this limits it
/// from outside.
fn longest(size: Option<u64>, transfer: &Transfer) -> Duration {
    const SMALL_FILE: u64 = 1 << 20;
    let seconds = size.unwrap_or(SMALL_FILE) / transfer.minimum_rate.max(1);
    transfer.stall_timeout + transfer.rate_window + Duration::from_secs(seconds)
}
