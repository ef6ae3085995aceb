//! Download of one file: from the cache, else from the first mirror that has it right.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bounded::waiting::tell_pause;
use source_package::checksum::ListedFile;

use super::transfer::{Transfer, is_other_file};
use super::{Got, Options, Wanted, failed};
use crate::answers::{self, Answer, Next};
use crate::cache::{Cache, Partial, Turn};
use crate::clock::Clock;
use crate::error::{Error, Stage, disk};
use crate::failed::Failed;
use crate::problem::Problem;
use crate::transport::{Mirror, PAUSES, Validators};

/// Number of times that one mirror may break off, without a single byte in between, before the next one is asked.
const BREAKS: usize = 2;
/// Number of times that all mirrors may ask to come back later.
const WAITS: usize = 3;

/// Mirrors, cache and limits of a download.
pub(crate) struct Source<'a> {
    pub(crate) mirrors: &'a [Box<dyn Mirror>],
    pub(crate) cache: &'a Cache,
    pub(crate) options: &'a Options,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) transferred: &'a AtomicU64,
}

/// Results of asking each mirror once.
#[derive(Default)]
struct Round {
    errors: Vec<Error>,
    /// Answers of mirrors that do not have the file.
    absent: Vec<Error>,
    wait: Option<Duration>,
}

impl Source<'_> {
    /// Gets a file, or finds that no mirror has it.
    pub(crate) fn get(&self, wanted: &Wanted) -> Result<Got, Failed> {
        let sha256 = wanted.file.checksums.sha256.as_deref();
        let key = self.key(wanted).map_err(failed)?;
        let store = |error| failed(disk(Stage::Fetch, "use the cache", error));
        let claim = match self.cache.turn(&key, sha256).map_err(store)? {
            Turn::There(path) => return there(path, wanted).map_err(failed),
            Turn::Ours(claim) => claim,
        };
        let mut partial = self.cache.partial(&key, &claim).map_err(store)?;
        let mut waits = WAITS;
        loop {
            let mut round = Round::default();
            if let Some(found) = self.round(wanted, &mut partial, &mut round) {
                let path = self.cache.keep(partial, &found).map_err(store)?;
                // The claim ends only now that the next worker can see the file.
                drop(claim);
                return Ok(Got::There(path, found));
            }
            if !round.absent.is_empty() && round.errors.is_empty() {
                partial.discard();
                return Ok(Got::Gone);
            }
            match round.wait.filter(|wait| waits > 0 && *wait <= self.options.longest_wait) {
                Some(wait) => {
                    waits -= 1;
                    tell_pause(wait, || format!("{}: the server wants it so", wanted.file.name));
                    self.clock.sleep(wait);
                }
                None => {
                    let failed = Failed::new(round.errors, || Error::new(Stage::Fetch, Problem::NotFound));
                    return Err(failed.beside(round.absent));
                }
            }
        }
    }

    /// Files are identified by their best listed hash.
    fn key(&self, wanted: &Wanted) -> Result<String, Error> {
        let sums = &wanted.file.checksums;
        match (&sums.sha256, &sums.sha1, &sums.md5) {
            (Some(sha256), _, _) => Ok(sha256.clone()),
            (None, Some(sha1), _) if self.options.allow_weak_checksums => Ok(format!("sha1-{sha1}")),
            (None, None, Some(md5)) if self.options.allow_weak_checksums => Ok(format!("md5-{md5}")),
            _ => Err(Error::new(Stage::Fetch, Problem::WeakChecksums(wanted.file.name.clone()))),
        }
    }

    /// Asks one mirror after the other.
    fn round(&self, wanted: &Wanted, partial: &mut Partial, round: &mut Round) -> Option<ListedFile> {
        for mirror in self.mirrors {
            match self.from(mirror.as_ref(), wanted, partial) {
                Ok(found) => return Some(found),
                Err(error) if error.is_missing() => round.absent.push(error),
                Err(error) => {
                    let wait = error.retry_after;
                    round.wait = [round.wait, wait].into_iter().flatten().min();
                    let is_last = answers::meaning(wanted.kind, Answer::of(&error.problem)).0 == Next::Stop;
                    round.errors.push(error);
                    // An error of this machine is the same with every mirror.
                    if is_last {
                        break;
                    }
                }
            }
        }
        None
    }

    /// Asks one mirror, and resumes where it broke off as long as bytes come.
    fn from(&self, mirror: &dyn Mirror, wanted: &Wanted, partial: &mut Partial) -> Result<ListedFile, Error> {
        let (mut breaks, mut pauses, mut anew) = (BREAKS, PAUSES, true);
        let mut version: Option<Validators> = None;
        loop {
            let before = partial.size();
            let mut transfer =
                Transfer { mirror, wanted, partial, transferred: self.transferred, version: &mut version };
            let error = match transfer.run() {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            let came = partial.size() > before;
            match answers::meaning(wanted.kind, Answer::of(&error.problem)).0 {
                // The earlier part may be of another file, or damaged: once more, from the start.
                Next::Anew => {
                    partial.clear().map_err(|error| disk(Stage::Fetch, "begin a file anew", error))?;
                    version = None;
                    if before == 0 || !anew {
                        return Err(error);
                    }
                    anew = false;
                }
                // The next request waits for its turn.
                Next::Pause if pauses > 0 && error.retry_after.is_none() && mirror.is_alive() => pauses -= 1,
                Next::Resume if came => {}
                Next::Resume if breaks > 0 && is_break(&error) => breaks -= 1,
                _ if is_break(&error) && came => {}
                _ if is_break(&error) && breaks > 0 => breaks -= 1,
                _ => {
                    if is_other_file(&error) {
                        partial.clear().map_err(|error| disk(Stage::Fetch, "begin a file anew", error))?;
                        if before > 0 && anew {
                            anew = false;
                            continue;
                        }
                    }
                    return Err(error);
                }
            }
        }
    }
}

/// File of the cache, which has the right SHA-256. Its other hashes are computed again when it is unpacked; a
/// different size in a list is an error at once.
fn there(path: PathBuf, wanted: &Wanted) -> Result<Got, Error> {
    let size = fs::metadata(&path).map_err(|error| disk(Stage::Fetch, "look at a cached file", error))?.len();
    let found = ListedFile { size, ..wanted.file.clone() };
    match wanted.file.check(&found) {
        Ok(()) => Ok(Got::There(path, found)),
        Err(mismatch) => Err(Error::new(Stage::Fetch, Problem::SizeMismatch(mismatch))),
    }
}

/// True when the connection ended in the middle of a file.
fn is_break(error: &Error) -> bool {
    matches!(*error.problem, Problem::Truncated { .. } | Problem::Broken(_) | Problem::Timeout("more bytes"))
}
