//! Errors of a remote, in classes that an operator can act on.

use std::time::Duration;

use crate::address::Scheme;
use crate::answers::Answer;

/// Reason why an operation on a remote failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The server cannot be reached, or cannot work: so it is for every package.
    #[error("the server is out of reach: {0}")]
    Away(String),
    /// The server, or we, do not know the other: so it is for every package.
    #[error("no entry: {0}")]
    NoEntry(String),
    /// The server wants to be left alone.
    #[error("the server wants fewer requests: {said}")]
    Paced {
        /// Message of the server.
        said: String,
        /// Pause that the server asks for.
        after: Option<Duration>,
    },
    /// There is no repository.
    #[error("there is no repository at {address}: {said}; make it, or set `create` for the remote")]
    Missing {
        /// Address of the repository.
        address: String,
        /// Message of the server.
        said: String,
    },
    /// The server does not take it, of this package.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// It is more than the server takes at once, however small the pieces.
    #[error("more than the server takes: {0}")]
    TooLarge(String),
    /// A lock file that nobody gives up.
    #[error(
        "{lock} stays on the server: a push was killed there. If no push is under way, remove it, then `package-import publish` \
         the package"
    )]
    StaleLock {
        /// Its name, as the server says it.
        lock: String,
    },
    /// It cannot move refs all or none, and was asked to.
    #[error("the server cannot move refs all or none")]
    NotAtomic,
    /// Another pusher moves the same refs all the time.
    #[error("another push moved the same refs {0} times: it is tried again later")]
    Raced(u32),
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs())]
    Late(Duration),
    /// Something of this machine: Git, a file.
    #[error("{0}")]
    Local(String),
    /// The server said something that is not understood.
    #[error("the push failed: {0}")]
    Failed(String),
}

impl Problem {
    /// The code, under the stage `publish`.
    pub fn code(&self) -> &'static str {
        match self {
            Problem::Away(_) => "remote-away",
            Problem::NoEntry(_) => "remote-no-entry",
            Problem::Paced { .. } => "remote-paced",
            Problem::Missing { .. } => "remote-missing",
            Problem::Refused(_) => "remote-refused",
            Problem::TooLarge(_) => "remote-too-large",
            Problem::StaleLock { .. } => "stale-lock",
            Problem::NotAtomic => "remote-failed",
            Problem::Raced(_) => "remote-raced",
            Problem::Late(_) => "remote-late",
            Problem::Local(_) => "remote-local",
            Problem::Failed(_) => "remote-failed",
        }
    }

    /// True when it concerns every package of the remote: one incident.
    pub fn is_of_remote(&self) -> bool {
        matches!(self, Problem::Away(_) | Problem::NoEntry(_) | Problem::Paced { .. })
    }
}

/// Largest number of characters of a program's message, of which control characters are removed.
const LONGEST: usize = 300;

/// The lines of a program that say why, as one.
pub fn said(text: &str) -> String {
    let noise = |line: &&str| {
        let line = line.trim();
        line.is_empty()
            || line.starts_with("Please make sure you have the correct access rights")
            || line.starts_with("and the repository exists")
            || line.starts_with("hint:")
            || line.starts_with("error: failed to push some refs to")
            || line.starts_with("warning: Permanently added")
            || line.starts_with("mux_client")
            || line.starts_with("ControlSocket")
    };
    let mut one = String::new();
    for line in text.lines().filter(|line| !noise(line)) {
        if !one.is_empty() {
            one.push_str("; ");
        }
        one.extend(line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }));
        if one.len() > LONGEST {
            break;
        }
    }
    let end = one.char_indices().map(|(at, _)| at).find(|&at| at >= LONGEST).unwrap_or(one.len());
    one.truncate(end);
    one
}

/// A lock file that a server could not make because it is there.
pub fn stale_lock(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("Unable to create '")?;
    let (name, after) = rest.split_once('\'')?;
    (name.ends_with(".lock") && after.starts_with(": File exists")).then(|| said(name))
}

/// Words of servers, all of them in any of the texts.
fn says(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

const NO_ENTRY: [&str; 7] = [
    "Host key verification failed",
    "REMOTE HOST IDENTIFICATION HAS CHANGED",
    "Permission denied (",
    "Too many authentication failures",
    "Authentication failed",
    "terminal prompts disabled",
    "could not read Password",
];
const AWAY: [&str; 17] = [
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Connection closed",
    "timed out",
    "closed by remote host",
    "No route to host",
    "Network is unreachable",
    "Could not resolve host",
    "Name or service not known",
    "Temporary failure in name resolution",
    "kex_exchange_identification",
    "Operation timed out",
    "Failed to connect",
    "No space left on device",
    "Disk quota exceeded",
    "the remote end hung up unexpectedly",
];
const MISSING: [&str; 8] = [
    "does not appear to be a git repository",
    "mis-spelled the reponame",
    "Repository not found",
    "could not be found",
    "Unknown repository",
    "Push to create is not enabled",
    "repository not found",
    "Cannot find repository",
];
const LARGE: [&str; 5] =
    ["maximum allowed size", "exceeds the limit", "too large", "Request Entity Too Large", "file size limit"];
const BUSY: [&str; 3] = ["rate limit", "Too many requests", "too many connections"];

/// Problem of a failed exchange with a server. `text` is all output of Git and the server.
pub fn classify(scheme: Scheme, address: &str, text: &str, answer: Answer) -> Problem {
    let words = said(text);
    if let Some(lock) = stale_lock(text) {
        return Problem::StaleLock { lock };
    }
    if scheme == Scheme::Http
        && let Some(problem) = of_status(address, &words, text, answer)
    {
        return problem;
    }
    if says(text, &NO_ENTRY) {
        return Problem::NoEntry(words);
    }
    if says(text, &BUSY) {
        return Problem::Paced { said: words, after: None };
    }
    if says(text, &MISSING) {
        return Problem::Missing { address: address.to_owned(), said: words };
    }
    if says(text, &LARGE) {
        return Problem::TooLarge(words);
    }
    if says(text, &AWAY) {
        return Problem::Away(words);
    }
    Problem::Failed(words)
}

fn of_status(address: &str, words: &str, text: &str, answer: Answer) -> Option<Problem> {
    let words = words.to_owned();
    let said = |status: u16| format!("HTTP {status}; {words}");
    Some(match answer.status {
        None if says(text, &["certificate", "SSL", "TLS", "gnutls"]) => Problem::NoEntry(words),
        None => Problem::Away(words),
        Some(429) => Problem::Paced { said: said(429), after: answer.retry_after },
        Some(503) if answer.retry_after.is_some() => {
            Problem::Paced { said: said(503), after: answer.retry_after }
        }
        Some(401 | 407) => Problem::NoEntry(words),
        Some(403) => Problem::Refused(said(403)),
        Some(404 | 410) => Problem::Missing { address: address.to_owned(), said: words },
        Some(413) => Problem::TooLarge(said(413)),
        Some(status @ 300..=399) => {
            Problem::Refused(format!("{}: it has moved; write its new address", said(status)))
        }
        Some(status @ 500..=599) => Problem::Away(said(status)),
        Some(_) => return None,
    })
}
