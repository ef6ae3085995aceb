//! The machine that an SQLite state belongs to, so that a copy of it is recognised while the original may still run.
//!
//! Two installations with one identity would import the same packages into two sets of repositories, and would give
//! out the same tokens. The rule: a state that is opened elsewhere than last time may be used if every run that is
//! open in it is known to be dead. On the machine of the last time that can be found out: the process is gone, or the
//! machine was started again. On another machine it cannot, and an operator has to decide: `adopt`. A state that was
//! copied while nothing ran has no open run, and works at once. A state on PostgreSQL is shared by design.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::audit;
use crate::db::meta;
use crate::db::store::Store;
use crate::db::tx::Tx;
use crate::driver::Kind;
use crate::error::StateError;
use crate::fleet::runs::{self, Process};

/// Machine and place of a state's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// The machine's name, for people.
    pub host: String,
    /// Content of `/etc/machine-id`; empty if there is none.
    pub machine: String,
    /// The file, by its full path.
    pub path: String,
    /// The file itself: its device and its number there.
    pub file: (u64, u64),
}

/// Result of comparing a state's place with the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The state is where it always was, or is shared, or has never been anywhere.
    AtHome,
    /// It has come from elsewhere, and its original cannot run.
    Moved(Home),
}

impl Home {
    /// Place of a file on this machine.
    ///
    /// # Errors
    /// [`StateError::File`] when the file cannot be looked at.
    pub fn of(file: &Path, host: &str) -> Result<Home, StateError> {
        let failed = |error| StateError::File { verb: "look at", path: file.to_owned(), error };
        let path = fs::canonicalize(file).map_err(failed)?;
        let metadata = fs::metadata(&path).map_err(failed)?;
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned();
        Ok(Home {
            host: host.to_owned(),
            machine,
            path: path.display().to_string(),
            file: (metadata.dev(), metadata.ino()),
        })
    }

    /// True when both are on one machine. Without machine ids, the host names are compared.
    fn same_machine(&self, other: &Home) -> bool {
        match (self.machine.as_str(), other.machine.as_str()) {
            ("", "") => self.host == other.host,
            (ours, theirs) => ours == theirs,
        }
    }

    fn is(&self, other: &Home) -> bool {
        self.same_machine(other) && self.file == other.file
    }

    fn shown(&self) -> String {
        format!("{} on {}", self.path, self.host)
    }
}

/// Looks whether a state may be used `here`, and notes that it lives here now. `is_alive` knows the processes of this
/// machine. One that is shared has no `here`.
pub fn check(
    tx: &mut Tx<'_>,
    here: Option<&Home>,
    is_alive: impl Fn(&Process) -> bool,
) -> Result<Found, StateError> {
    let Some(here) = here else { return Ok(Found::AtHome) };
    let Some(known) = known_locked(tx)? else {
        settle(tx, here)?;
        return Ok(Found::AtHome);
    };
    if known == *here {
        return Ok(Found::AtHome);
    }
    if known.is(here) {
        // The folder has another name now, or the machine.
        settle(tx, here)?;
        return Ok(Found::AtHome);
    }
    let may_live = |process: &Process| !known.same_machine(here) || is_alive(process);
    if let Some((run, mode)) =
        open_runs(tx)?.into_iter().find_map(|(run, mode, process)| may_live(&process).then_some((run, mode)))
    {
        return Err(StateError::Foreign(format!(
            "this state was copied from {}, where run {run} ({mode}) may still be active. If it is not, and will \
             not be started again there, run `package-import adopt` here",
            known.shown()
        )));
    }
    settle(tx, here)?;
    let reason = Some("copied while nothing ran");
    let (before, after) = (known.shown(), here.shown());
    audit::record(tx, "package-import", "moved", "state", reason, Some(&before), Some(&after))?;
    Ok(Found::Moved(known))
}

/// Jobs that are taken back in one transaction: each writes up to eight rows.
const CHUNK: i64 = 20;

/// Makes this the home of a state, whatever home it records: running attempts count as lost and are done again, in a
/// new epoch above `floor`. Returns the epoch and the number of jobs that were taken back.
pub fn take_over(
    store: &Store,
    host: &str,
    floor: i64,
    (actor, action, reason): (&str, &str, Option<&str>),
    importer: &str,
) -> Result<(i64, usize), StateError> {
    let epoch = store.write(|tx| meta::begin_epoch(tx, floor))?;
    let open = store.read(open_runs)?;
    let dead: Vec<i64> = open.into_iter().map(|(run, ..)| run).collect();
    let mut taken = take_back(store, &dead, importer)?;
    // Runs that were pruned, or never written, may have left jobs all the same.
    let others = store.read(|tx| {
        let rows = tx.query("SELECT DISTINCT run_id FROM job WHERE state = 'running'", &[])?;
        Ok(rows.iter().map(|row| row.int(0)).collect::<Vec<_>>())
    })?;
    taken += take_back(store, &others, importer)?;
    for some in dead.chunks(50) {
        store.write(|tx| runs::close_dead(tx, some))?;
    }
    let here = here(store, host)?;
    store.write(|tx| {
        let before = known(tx)?.map(|known| known.shown());
        if let Some(here) = &here {
            settle(tx, here)?;
        }
        let after = format!("epoch {epoch}, {taken} jobs taken back");
        audit::record(tx, actor, action, "state", reason, before.as_deref(), Some(&after))
    })?;
    Ok((epoch, taken))
}

fn take_back(store: &Store, runs: &[i64], importer: &str) -> Result<usize, StateError> {
    let mut taken = 0;
    loop {
        match store.write(|tx| runs::reclaim(tx, runs, CHUNK, importer))? {
            0 => return Ok(taken),
            some => taken += some,
        }
    }
}

/// Present place of a state; `None` with PostgreSQL, where a state is shared.
pub fn here(store: &Store, host: &str) -> Result<Option<Home>, StateError> {
    match (store.kind(), store.path()) {
        (Kind::Sqlite, Some(path)) => Home::of(&path, host).map(Some),
        _ => Ok(None),
    }
}

fn known(tx: &mut Tx<'_>) -> Result<Option<Home>, StateError> {
    Ok(meta::get(tx, meta::HOME)?.and_then(|text| serde_json::from_str(&text).ok()))
}

fn known_locked(tx: &mut Tx<'_>) -> Result<Option<Home>, StateError> {
    Ok(meta::lock(tx, meta::HOME)?.and_then(|text| serde_json::from_str(&text).ok()))
}

fn settle(tx: &mut Tx<'_>, here: &Home) -> Result<(), StateError> {
    let text = serde_json::to_string(here).unwrap_or_default();
    meta::set(tx, meta::HOME, &text)
}

/// Runs that have not ended, of whatever host.
fn open_runs(tx: &mut Tx<'_>) -> Result<Vec<(i64, String, Process)>, StateError> {
    let sql = "SELECT id, mode, pid, pid_start, boot FROM run WHERE ended IS NULL ORDER BY id";
    let rows = tx.query(sql, &[])?;
    let process =
        |row: &crate::driver::Row| Process { pid: row.int(2), start: row.int(3), boot: row.text(4) };
    Ok(rows.iter().map(|row| (row.int(0), row.text(1), process(row))).collect())
}
