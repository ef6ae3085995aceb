//! Restores a backup into an empty root: checked first, in a new epoch.
//!
//! The state comes last: a root without one is no installation, so an interrupted restore is never taken for one. It is
//! begun again instead.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use packaging_repo::seal::{KEY, place as place_of_key};
use serde::Serialize;
use state::open::Location;
use state::{Store, identity, meta, transfer};

use crate::check;
use crate::error::BackupError;
use crate::manifest::{ACCOUNTS, CONFIG, STATE};
use crate::reconcile::{self, Damaged};
use crate::sums;

/// Problems of a backup's repositories, by their paths below it.
pub type Bad = BTreeMap<PathBuf, Vec<String>>;

/// Name of the file that marks a root as incomplete.
const UNFINISHED: &str = "restore.unfinished";

/// Names that a restored root may have.
const PARTS: [&str; 8] = ["repos", "logs", KEY, CONFIG, ACCOUNTS, "state.db", "state.db-wal", "state.db-shm"];

/// Destination and actor of a restore.
pub struct Here<'a> {
    /// Root of the installation.
    pub root: &'a Path,
    /// Name of this host.
    pub host: &'a str,
    /// Name of the actor.
    pub actor: &'a str,
    /// Version of this program.
    pub program: &'a str,
}

/// Result of a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The backup that was used.
    pub backup: PathBuf,
    /// The epoch that has begun.
    pub epoch: i64,
    /// Jobs that were running, and are queued again.
    pub taken_back: usize,
    /// Versions that repositories had and the state did not.
    pub reconciled: usize,
    /// Repositories that cannot be read.
    pub damaged: Vec<Damaged>,
    /// Repositories that were not brought back, because they are damaged in the backup.
    pub passed_over: Vec<Damaged>,
}

/// Copies everything but the state into an empty root. Repositories that are `bad`, or turn out to be, are passed over, and
/// nothing of them is left; returned are all that were.
///
/// # Errors
/// [`BackupError::NotEmpty`] when the root has files; others when a file cannot be written.
pub fn files(backup: &Path, root: &Path, mut bad: Bad) -> Result<Bad, BackupError> {
    prepare(root)?;
    for part in ["logs", CONFIG, ACCOUNTS] {
        copy_all(&backup.join(part), &root.join(part))?;
    }
    let repos = root.join("repos");
    fs::create_dir(&repos).map_err(BackupError::file("create", &repos))?;
    for name in check::repositories(backup)? {
        if bad.contains_key(&name) {
            continue;
        }
        let to = root.join(&name);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(BackupError::file("create", folder))?;
        }
        match copy_all(&backup.join(&name), &to) {
            // A read error of one repository does not stop the others; a write error does.
            Err(error @ BackupError::File { verb: "read", .. }) => {
                fs::remove_dir_all(&to).map_err(BackupError::file("remove", &to))?;
                bad.insert(name, vec![error.to_string()]);
            }
            other => other?,
        }
    }
    copy_all(&backup.join(KEY), &place_of_key(&repos))?;
    Ok(bad)
}

/// The packages whose repositories were passed over, each with the first thing that is wrong.
pub fn passed_over(bad: &Bad) -> Vec<Damaged> {
    let package =
        |path: &Path| path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let one = |(path, problems): (&PathBuf, &Vec<String>)| {
        let more = problems.len().saturating_sub(1);
        let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        let cause = problems.first().map_or(String::new(), |first| format!("{first}{more}"));
        Damaged { package: package(path), cause }
    };
    bad.iter().map(one).collect()
}

/// Creates an empty folder that is marked as incomplete, and removes the files of an earlier attempt.
fn prepare(root: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(root).map_err(BackupError::file("create", root))?;
    let mark = root.join(UNFINISHED);
    if mark.exists() {
        for part in PARTS {
            let path = root.join(part);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(BackupError::file("remove", &path)(error));
                }
                _ => {}
            }
        }
    }
    let mut entries = fs::read_dir(root).map_err(BackupError::file("read", root))?;
    if entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != UNFINISHED)) {
        return Err(BackupError::NotEmpty(root.to_owned()));
    }
    fs::write(&mark, "").map_err(BackupError::file("write", &mark))
}

pub(crate) fn copy_all(from: &Path, to: &Path) -> Result<(), BackupError> {
    let Ok(metadata) = fs::symlink_metadata(from) else { return Ok(()) };
    if !metadata.is_dir() {
        return sums::copy(from, to).map(drop).map_err(|error| error.named(from, to));
    }
    fs::create_dir(to).map_err(BackupError::file("create", to))?;
    for entry in fs::read_dir(from).map_err(BackupError::file("read", from))? {
        let name = entry.map_err(BackupError::file("read", from))?.file_name();
        copy_all(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Puts the state where the configuration wants it, which has to be empty, and makes it usable: interrupted jobs are
/// queued again, old tokens become invalid, and the content of the repositories is recorded. `watch` gets the number of
/// repositories that are done, and of all. The packages of repositories that are `bad` are checked by the next run.
///
/// # Errors
/// [`BackupError::NotEmpty`] when the database is not empty; others when it cannot be written.
pub fn state(
    backup: &Path,
    location: &Location,
    here: &Here<'_>,
    bad: &Bad,
    watch: impl FnMut(usize, usize),
) -> Result<Restored, BackupError> {
    let store = place(backup, location, here)?;
    let reason = format!("backup {}", backup.display());
    let floor = reconcile::highest_epoch(here.root)?;
    let why = (here.actor, "restore", Some(reason.as_str()));
    let (epoch, taken_back) = identity::take_over(&store, here.host, floor, why, here.program)?;
    let done = reconcile::all(&store, here.root, here.program, watch)?;
    let passed_over = passed_over(bad);
    for lacking in &passed_over {
        reconcile::look_at(&store, &lacking.package)?;
    }
    transfer::complete(&store)?;
    let mark = here.root.join(UNFINISHED);
    // A state that is restored beside surviving repositories has no such mark.
    let _ = fs::remove_file(&mark);
    let (reconciled, damaged) = (done.versions, done.damaged);
    let backup = backup.to_owned();
    Ok(Restored { backup, epoch, taken_back, reconciled, damaged, passed_over })
}

/// True when there is a state that an earlier attempt did not complete.
fn is_unfinished(location: &Location) -> bool {
    let opened = location.connect(false);
    opened.is_ok_and(|store| store.read(|tx| meta::get(tx, meta::INCOMING)).is_ok_and(|it| it.is_some()))
}

/// Copies the state to its place, marked as incomplete: it cannot be used before it has its new epoch.
fn place(backup: &Path, location: &Location, here: &Here<'_>) -> Result<Store, BackupError> {
    let source = backup.join(STATE);
    match location {
        Location::Sqlite(path) => {
            if path.exists() && !is_unfinished(location) {
                return Err(BackupError::NotEmpty(path.clone()));
            }
            // Files of an earlier attempt; its log must not be read into the new file.
            for ending in ["", "-wal", "-shm"] {
                let old = PathBuf::from(format!("{}{ending}", path.display()));
                match fs::remove_file(&old) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(BackupError::file("remove", &old)(error));
                    }
                    _ => {}
                }
            }
            let part = path.with_extension("part");
            let _ = fs::remove_file(&part);
            sums::copy(&source, &part).map_err(|error| error.named(&source, &part))?;
            fs::rename(&part, path).map_err(BackupError::file("rename", &part))?;
            let store = location.connect(false)?;
            store.migrate()?;
            transfer::begin(&store, &backup.display().to_string())?;
            Ok(store)
        }
        Location::Postgres { .. } => {
            // Opening an SQLite file writes beside it, and a backup must not change.
            let own = here.root.join("state.db.part");
            for ending in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(format!("{}{ending}", own.display()));
            }
            sums::copy(&source, &own).map_err(|error| error.named(&source, &own))?;
            let from = Location::Sqlite(own.clone()).connect(false)?;
            from.migrate()?;
            let to = location.connect(true)?;
            to.migrate()?;
            transfer::carry(&from, &to, |_, _| ())?;
            drop(from);
            for ending in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(format!("{}{ending}", own.display()));
            }
            Ok(to)
        }
    }
}

/// The backup that a path means, checked, and what is wrong with single repositories of it.
///
/// # Errors
/// There is no backup, or it is damaged as a whole.
pub fn find(source: &Path, watch: impl FnMut(usize, usize)) -> Result<(PathBuf, Bad), BackupError> {
    let backup = check::newest(source)?;
    let bad = check::check(&backup, watch)?;
    Ok((backup, bad))
}
