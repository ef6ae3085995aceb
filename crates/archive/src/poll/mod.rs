//! The poll of a suite: its signed index, then the lists of source packages that the index names.
//!
//! Nothing is used before it was checked: the signature covers the index, the index has the hashes of the lists. A
//! mirror that is behind, broken or in the middle of an update is passed over; only if all are is it an error.

mod download;
mod listing;
mod newest;
mod remembered;
mod signed;
mod visit;

use std::path::{Path, PathBuf};

pub use listing::{ComponentList, Entries, Listing};
pub use remembered::{Mark, Reading, Remembered, Served};
use visit::{Turn, Visit};

use crate::answers::{self, Answer, Kind, Next};
use crate::error::{Error, Stage};
use crate::failed::Failed;
use crate::problem::Problem;
use crate::transport::Mirror;

/// Version of the reader of indices and lists. It is stored with the result of a poll, because a newer reader may
/// understand entries that an older one passed over.
pub const READER: u32 = 3;

/// Suite to poll, and the conditions for trusting it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The suite, as it is called below `dists/`; with a slash at its end a flat archive's folder.
    pub suite: &'a str,
    /// The components; all that have source packages if none is named.
    pub components: &'a [String],
    /// The keyrings whose keys may sign.
    pub keyrings: &'a [PathBuf],
    /// The codename or suite that the index has, if it is not the name asked for; empty for one without either.
    pub expect: Option<&'a str>,
    /// `Valid-Until` does not count.
    pub end_of_life: bool,
    /// True when all mirrors are asked, and the newest index wins. Otherwise the first mirror with an index does.
    pub compare: bool,
    /// True when an index that is older than the last one is accepted.
    pub accept_older: bool,
}

/// A poll that worked.
#[derive(Debug)]
pub struct Polled {
    /// Result of the poll.
    pub outcome: Outcome,
    /// State for the next poll.
    pub remember: Remembered,
    /// The mirror that answered.
    pub mirror: String,
    /// Errors of the mirrors that were asked before.
    pub skipped: Vec<Error>,
    /// Remarks about the index, its components, or mirrors that are behind.
    pub remarks: Vec<String>,
}

/// Result of a poll.
#[derive(Debug)]
pub enum Outcome {
    /// All lists are as they were.
    Unchanged,
    /// Publications of the suite now.
    Changed(Listing),
}

/// Polls a suite. `now` is in seconds since 1970; `scratch` is a folder for lists that are being read.
///
/// # Errors
/// [`Failed`] when no mirror has an index that can be accepted: the most telling error, with those of all mirrors.
pub fn poll(
    mirrors: &[Box<dyn Mirror>],
    wanted: &Wanted<'_>,
    remembered: Option<&Remembered>,
    now: i64,
    scratch: &Path,
) -> Result<Polled, Failed> {
    let visits: Vec<Visit<'_>> = mirrors
        .iter()
        .map(|mirror| Visit { mirror: mirror.as_ref(), wanted, remembered, now, scratch })
        .collect();
    let mut skipped = Vec::new();
    let turns = if wanted.compare && visits.len() > 1 {
        newest::first(visits, &mut skipped)
    } else {
        visits
            .into_iter()
            .map(|visit| Turn { visit, answer: None, remarks: Vec::new(), also: Vec::new() })
            .collect()
    };
    for Turn { visit, answer, remarks, also } in turns {
        match visit.run(answer) {
            Ok((outcome, mut remember)) => {
                let mirror = visit.mirror.location().to_string();
                for (address, served) in also {
                    remember.mirrors.entry(address).or_insert(served);
                }
                if wanted.compare {
                    remember.compared = now;
                }
                let remarks = remember.remarks.iter().cloned().chain(remarks).collect();
                return Ok(Polled { outcome, remember, mirror, skipped, remarks });
            }
            Err(error) => {
                let is_last = is_ours(&error);
                skipped.push(error.at(Stage::Poll));
                if is_last {
                    break;
                }
            }
        }
    }
    let suite = wanted.suite.to_owned();
    Err(Failed::new(skipped, || Error::new(Stage::Poll, Problem::NoSuite(suite))))
}

/// True when the error is one of this machine, so that no other mirror can do better.
fn is_ours(error: &Error) -> bool {
    answers::meaning(Kind::Index, Answer::of(&error.problem)).0 == Next::Stop
}

/// Path of a suite's index, below the archive's folder; without a slash at the end.
fn folder(suite: &str) -> String {
    match suite.strip_suffix('/') {
        Some(flat) => flat.trim_start_matches("./").trim_matches(['.', '/']).to_owned(),
        None => format!("dists/{suite}"),
    }
}

/// Joins a folder, which may be empty, and a name.
fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
