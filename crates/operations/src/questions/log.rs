//! Log of an attempt, line by line.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use baseline::time::Millis;
use importer::publishing::journal;
use importer::queue::logs;
use state::breaker;
use state::operate;
use state::publishing::remotes;
use state::read::package::{self, Attempt};
use state::words::Outcome;

use crate::error::Error;
use crate::installation::Opened;

/// Size limit of what is shown of a log at once.
const LONGEST: u64 = 64 << 20;

/// Choice of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogWanted {
    /// That of an attempt.
    Attempt(i64),
    /// That of the last attempt of a package.
    Last(String),
}

/// The log of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Number of the attempt.
    pub attempt: i64,
    /// Text of the log.
    pub text: String,
    /// Remark beside a short log: the work that was done, or the reason why nothing was.
    pub remark: Option<String>,
}

/// New part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of the part.
    pub bytes: Vec<u8>,
    /// True when it is the last part.
    pub is_last: bool,
}

/// The log of an attempt: whole where it was made, else the end that is kept of a failed one.
///
/// # Errors
/// There is no such attempt or log, or it cannot be read.
pub fn log(at: &Opened, wanted: &LogWanted) -> Result<String, Error> {
    Ok(log_of(at, wanted)?.text)
}

/// The same, with the facts for a remark.
///
/// # Errors
/// There is no such attempt or log, or it cannot be read.
pub fn log_of(at: &Opened, wanted: &LogWanted) -> Result<Log, Error> {
    let attempt = number(at, wanted)?;
    let (started, kept) = known(at, attempt)?;
    let path = path(at, started, attempt);
    let text = match (bounded::file::read_end(&path, LONGEST), kept) {
        (Ok((bytes, left_out)), _) => {
            let start = match left_out {
                0 => String::new(),
                count => format!("[{count} bytes before this are only in {}]\n", path.display()),
            };
            start + &String::from_utf8_lossy(&bytes)
        }
        (Err(_), Some(kept)) => kept,
        (Err(error), None) => {
            return Err(Error::NotFound(format!(
                "the log of attempt {attempt} is not on this machine ({}: {error}), and the end of a log is kept only of \
                 failed attempts",
                path.display()
            )));
        }
    };
    let remark = remark(at, attempt, wanted)?;
    Ok(Log { attempt, text, remark })
}

/// The newest lines of this machine's journal of publishing about a package, oldest first; of one remote, or of all.
pub fn published_log(
    at: &Opened,
    package: &str,
    remote: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, Error> {
    at.store.read(|tx| {
        remote.map_or(Ok(()), |name| remotes::url(tx, name).map(drop))?;
        operate::known(tx, package).map(drop)
    })?;
    journal::of_package(&at.root, package, remote, limit)
        .map_err(|error| Error::File { what: "cannot read the journal of publishing".into(), error })
}

/// The number of the attempt that is meant.
///
/// # Errors
/// There is no such attempt, or the state cannot be read.
pub fn number(at: &Opened, wanted: &LogWanted) -> Result<i64, Error> {
    let name = match wanted {
        LogWanted::Attempt(number) => return Ok(*number),
        LogWanted::Last(name) => name,
    };
    let last = at.store.read(|tx| {
        let id = operate::known(tx, name)?;
        package::history(tx, id, 1)
    })?;
    match last.first() {
        Some(attempt) => Ok(attempt.id),
        None => {
            let why = parked(at, name)?.map_or(String::new(), |why| format!(": {why}"));
            Err(Error::NotFound(format!("{name} was never attempted{why}")))
        }
    }
}

/// Part of an attempt's log behind a number of bytes. Only the machine of the attempt can follow it.
///
/// # Errors
/// The log cannot be read, or the state cannot.
pub fn follow(at: &Opened, attempt: i64, from: u64) -> Result<Piece, Error> {
    // First the end of the attempt: lines that come in between are read then.
    let found = at.store.read(|tx| package::attempt_of(tx, attempt))?;
    let Some((name, it)) = found else { return Err(unknown(attempt)) };
    let path = path(at, it.started, attempt);
    let read = || {
        let mut file = bounded::file::open_regular(&path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Piece { bytes, is_last: it.ended.is_some() }),
        Err(error) => Err(Error::NotFound(format!(
            "the log of attempt {attempt} of {name}, which is made by {}, is not on this machine ({}: {error})",
            it.host,
            path.display()
        ))),
    }
}

fn unknown(attempt: i64) -> Error {
    Error::NotFound(format!("attempt {attempt} is not known; old ones are pruned"))
}

/// Beginning of an attempt in Unix milliseconds, and the stored end of its log.
fn known(at: &Opened, attempt: i64) -> Result<(i64, Option<String>), Error> {
    at.store.read(|tx| package::log(tx, attempt))?.ok_or_else(|| unknown(attempt))
}

fn path(at: &Opened, started: i64, attempt: i64) -> PathBuf {
    logs::path(&at.root, &Millis(started).day(), attempt)
}

/// Remark about an attempt that its log does not have.
fn remark(at: &Opened, attempt: i64, wanted: &LogWanted) -> Result<Option<String>, Error> {
    let Some((name, it)) = at.store.read(|tx| package::attempt_of(tx, attempt))? else { return Ok(None) };
    if let (LogWanted::Last(_), Some(why)) = (wanted, parked(at, &name)?) {
        return Ok(Some(why));
    }
    if it.outcome.as_deref() == Some(Outcome::Parked.as_str()) {
        let cause = cause(&it).map_or(String::new(), |cause| format!(": {cause}"));
        return Ok(Some(format!("attempt {attempt} was parked{cause}")));
    }
    if it.outcome.as_deref() != Some(Outcome::Maintained.as_str()) {
        return Ok(None);
    }
    let before = at.store.read(|tx| {
        let id = operate::known(tx, &name)?;
        package::history(tx, id, LOOKED_AT)
    })?;
    let import = before
        .iter()
        .find(|it| it.id < attempt && it.outcome.as_deref() != Some(Outcome::Maintained.as_str()));
    let import = import.map_or(String::new(), |it| format!("; its last import is attempt {}", it.id));
    let done = format!(
        "attempt {attempt} of {name} imported nothing: its repository was checked or repacked{import}"
    );
    Ok(Some(done))
}

/// Number of attempts that are looked through for the last import.
const LOOKED_AT: i64 = 20;

fn cause(attempt: &Attempt) -> Option<String> {
    let (stage, code) = (attempt.stage.as_ref()?, attempt.code.as_ref()?);
    Some(format!("{stage}/{code}: {}", attempt.message.as_deref().unwrap_or_default()))
}

/// Dependency that a package is parked on now.
fn parked(at: &Opened, name: &str) -> Result<Option<String>, Error> {
    Ok(at.store.read(|tx| {
        let Some(package) = package::read(tx, name, 0)? else { return Ok(None) };
        let Some(dependency) = package.waits_for.filter(|_| package.work == "parked") else {
            return Ok(None);
        };
        let cause = breaker::get(tx, &dependency)?.and_then(|it| it.cause);
        let cause = cause.map_or(String::new(), |cause| format!(" ({cause})"));
        Ok(Some(format!("{name} is parked now: it waits for {dependency}{cause}, and resumes automatically")))
    })?)
}
