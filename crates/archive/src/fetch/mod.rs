//! Getting the files of a version into the cache, and from there into a folder where an import finds them.
//!
//! The index has the hashes of the `.dsc`; index and `.dsc` have those of all other files: every size and every
//! hash in either of them has to match before the file gets its name.

mod download;
mod transfer;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bounded::file::open_regular;
pub(crate) use download::Source;
use source_package::checksum::{Checksums, ListedFile};
use source_package::dsc::Dsc;

use crate::answers::Kind;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::error::{Error, Stage, disk};
use crate::failed::Failed;
use crate::problem::Problem;
use crate::sources::Publication;
use crate::transport::Mirror;

/// The largest `.dsc` that is read. The largest of Debian's has 80 KiB.
const MAX_DSC: u64 = 16 << 20;

/// Options of fetching.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files of one version at the same time.
    pub connections: usize,
    /// The longest `Retry-After` that is waited for.
    pub longest_wait: Duration,
    /// True when files without SHA-256 are accepted.
    pub allow_weak_checksums: bool,
}

/// Fetches from one archive.
pub struct Fetcher<'a> {
    /// Mirrors, the best first.
    pub mirrors: &'a [Box<dyn Mirror>],
    /// Cache for the files.
    pub cache: &'a Cache,
    /// Options of fetching.
    pub options: Options,
    /// Clock for waiting.
    pub clock: Arc<dyn Clock>,
}

/// Result for a version.
#[derive(Debug)]
pub enum Outcome {
    /// All files are here.
    Fetched(Fetched),
    /// A file is on no mirror any more: the version was superseded meanwhile. This is no failure.
    Gone {
        /// Name of the file.
        file: String,
    },
}

/// A version whose files are here.
#[derive(Debug)]
pub struct Fetched {
    /// Path of the `.dsc`.
    pub dsc: PathBuf,
    /// All its files with all their hashes, in the order of the `.dsc`.
    pub files: Vec<FetchedFile>,
    /// Bytes that came over the network.
    pub transferred: u64,
}

/// One file.
#[derive(Debug)]
pub struct FetchedFile {
    /// Name, size, and all known hashes.
    pub file: ListedFile,
    /// Path of the file; `None` if it was not needed.
    pub path: Option<PathBuf>,
}

/// A file to fetch: its expected size and hashes, and its path.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) file: ListedFile,
    /// Below the mirror's folder.
    pub(crate) path: String,
    /// Time of the list that names it, in seconds since 1970: a newer file was replaced.
    pub(crate) listed: Option<i64>,
    /// Column of the table of answers that it belongs to.
    pub(crate) kind: Kind,
}

/// Result for one file.
pub(crate) enum Got {
    There(PathBuf, ListedFile),
    Gone,
}

/// Test whether a file is not needed, because the repository knows its content.
pub type Known<'a> = &'a (dyn Fn(&ListedFile) -> bool + Sync);

impl Fetcher<'_> {
    /// Fetches a publication into the folder `into`. `listed` is the date of the index that names it.
    ///
    /// # Errors
    /// [`Failed`] when a file cannot be had now. A file that no mirror has, and that is replaced or not listed, is
    /// [`Outcome::Gone`].
    pub fn fetch(
        &self,
        publication: &Publication,
        listed: Option<i64>,
        known: Known<'_>,
        into: &Path,
    ) -> Result<Outcome, Failed> {
        let wanted = |file: &ListedFile| {
            let path = publication.path(file);
            Wanted { file: file.clone(), path, listed, kind: Kind::Pool }
        };
        let transferred = AtomicU64::new(0);
        let Got::There(dsc, _) = self.one(&wanted(&publication.dsc), &transferred, into)? else {
            return Ok(Outcome::Gone { file: publication.dsc.name.clone() });
        };
        let parsed = read_dsc(&dsc).map_err(failed)?;
        let files =
            agree(publication, parsed).map_err(|problem| failed(Error::new(Stage::Fetch, problem)))?;
        let files: Vec<Wanted> = files.iter().map(wanted).collect();
        self.rest(dsc, files, known, transferred, into)
    }

    /// Fetches the files that the `.dsc` names, several at once.
    pub(crate) fn rest(
        &self,
        dsc: PathBuf,
        files: Vec<Wanted>,
        known: Known<'_>,
        transferred: AtomicU64,
        into: &Path,
    ) -> Result<Outcome, Failed> {
        let needed: Vec<bool> = files.iter().map(|wanted| !known(&wanted.file)).collect();
        let queue: Vec<(usize, &Wanted)> =
            files.iter().enumerate().filter(|(at, _)| needed.get(*at) == Some(&true)).collect();
        let mut results = self.all(&queue, &transferred, into);
        let mut fetched = Vec::new();
        for (at, wanted) in files.iter().enumerate() {
            let Some(place) = results.iter().position(|(number, _)| *number == at) else {
                fetched.push(FetchedFile { file: wanted.file.clone(), path: None });
                continue;
            };
            match results.swap_remove(place).1? {
                Got::There(path, file) => fetched.push(FetchedFile { file, path: Some(path) }),
                Got::Gone => return Ok(Outcome::Gone { file: wanted.file.name.clone() }),
            }
        }
        Ok(Outcome::Fetched(Fetched { dsc, files: fetched, transferred: transferred.into_inner() }))
    }

    fn all(
        &self,
        queue: &[(usize, &Wanted)],
        transferred: &AtomicU64,
        into: &Path,
    ) -> Vec<(usize, Result<Got, Failed>)> {
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            let mut done = Vec::new();
            while !stop.load(Ordering::Relaxed)
                && let Some((at, wanted)) = queue.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let result = self.one(wanted, transferred, into);
                // If one file cannot be had, the others are of no use.
                stop.fetch_or(!matches!(result, Ok(Got::There(..))), Ordering::Relaxed);
                done.push((*at, result));
            }
            done
        };
        let workers = self.options.connections.clamp(1, queue.len().max(1));
        let results: Vec<_> = thread::scope(|scope| {
            let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
            let mut done = work();
            for other in others {
                match other.join() {
                    Ok(more) => done.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        errors_first(results)
    }

    /// Fetches one file into the cache, if it is not there, and gives it its name in `into`.
    pub(crate) fn one(&self, wanted: &Wanted, transferred: &AtomicU64, into: &Path) -> Result<Got, Failed> {
        const TRIES: usize = 3;
        let source = Source {
            mirrors: self.mirrors,
            cache: self.cache,
            options: &self.options,
            clock: self.clock.as_ref(),
            transferred,
        };
        let mut try_again = TRIES;
        loop {
            let Got::There(cached, found) = source.get(wanted)? else { return Ok(Got::Gone) };
            let place = into.join(&wanted.file.name);
            match lay(&cached, &place) {
                Ok(()) => {
                    self.cache.settle();
                    return Ok(Got::There(place, found));
                }
                // Another worker made room just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound && try_again > 0 && into.is_dir() => {
                    try_again -= 1;
                }
                Err(error) => {
                    return Err(failed(disk(Stage::Fetch, "put a fetched file in its place", error)));
                }
            }
        }
    }
}

/// The first error ends the work, so it is reported before the files that are missing because of it.
fn errors_first(mut results: Vec<(usize, Result<Got, Failed>)>) -> Vec<(usize, Result<Got, Failed>)> {
    if let Some(at) = results.iter().position(|(_, result)| result.is_err()) {
        let (_, error) = results.swap_remove(at);
        return vec![(0, error)];
    }
    if let Some(at) = results.iter().position(|(_, result)| matches!(result, Ok(Got::Gone))) {
        let gone = results.swap_remove(at);
        return vec![gone];
    }
    results
}

pub(crate) fn failed(error: Error) -> Failed {
    Failed { error, others: Vec::new() }
}

/// A second name for the cached file, else a copy. The second name keeps the file when the cache is trimmed.
fn lay(cached: &Path, place: &Path) -> io::Result<()> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs::hard_link(cached, place) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => fs::copy(cached, place).map(|_| ()),
    }
}

pub(crate) fn read_dsc_text(path: &Path) -> Result<Vec<u8>, Error> {
    let file = open_regular(path).map_err(|error| disk(Stage::Fetch, "read the .dsc", error))?;
    let mut text = Vec::new();
    let read = file.take(MAX_DSC + 1).read_to_end(&mut text);
    read.map_err(|error| disk(Stage::Fetch, "read the .dsc", error))?;
    if text.len() as u64 > MAX_DSC {
        return Err(Error::new(Stage::Fetch, Problem::Endless(MAX_DSC)));
    }
    Ok(text)
}

fn read_dsc(path: &Path) -> Result<Dsc, Error> {
    let text = read_dsc_text(path)?;
    Dsc::parse(&text).map_err(|error| Error::new(Stage::Fetch, Problem::BadDsc(error)))
}

/// Files of a version, by index and `.dsc`.
///
/// # Errors
/// [`Problem::DscDisagrees`] when the two contradict each other.
pub(crate) fn agree(publication: &Publication, dsc: Dsc) -> Result<Vec<ListedFile>, Problem> {
    let disagree = |text: String| Problem::DscDisagrees(text);
    if dsc.source != publication.package || dsc.version != publication.version {
        let (own, other) = (&publication.package, &publication.version);
        return Err(disagree(format!("{own} {other} and {} {}", dsc.source, dsc.version)));
    }
    let extra = publication.files.iter().find(|file| !dsc.files.iter().any(|own| own.name == file.name));
    if let Some(file) = extra {
        return Err(disagree(format!("only the index has {}", file.name)));
    }
    let mut files = Vec::new();
    for file in dsc.files {
        let listed = publication.files.iter().find(|listed| listed.name == file.name);
        let listed = listed.ok_or_else(|| disagree(format!("only the .dsc has {}", file.name)))?;
        listed.check(&file).map_err(|mismatch| disagree(mismatch.to_string()))?;
        files.push(ListedFile { checksums: union(&file.checksums, &listed.checksums), ..file });
    }
    Ok(files)
}

pub(crate) fn union(one: &Checksums, other: &Checksums) -> Checksums {
    let either = |one: &Option<String>, other: &Option<String>| one.clone().or_else(|| other.clone());
    Checksums {
        md5: either(&one.md5, &other.md5),
        sha1: either(&one.sha1, &other.sha1),
        sha256: either(&one.sha256, &other.sha256),
    }
}
