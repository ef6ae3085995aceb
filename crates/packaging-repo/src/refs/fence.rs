//! Fences: an importer that was given a package later shuts out the one that had it before.
//!
//! A token in a database cannot stop a worker that was frozen after its last look at it. So the repository itself knows
//! the token: the folder `package-import` has a file named for the fence that stands. A new importer puts up its own,
//! removes the lower ones, and then removes what their owners had prepared. An importer that moves refs has first
//! written the new `packed-refs` under a name of its own, then checks that its fence still stands, then renames. A
//! frozen one finds its fence gone, or its file.
//!
//! Files that are made and removed by name need no lock that a frozen process could hold, and work on NFS: each step is
//! decided by the server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::durable::room;

/// Folder of the fences, below the repository.
const FOLDER: &str = "package-import";
const PREFIX: &str = "fence-";
/// Suffix of a fence's name for the moment in which it is checked.
const CHECKED: &str = ".checked";

/// Right to work on a repository: the highest fence wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence {
    /// Rises whenever the state is restored from a backup, whose tokens start again from lower ones.
    pub epoch: u64,
    /// Rises with each claim.
    pub token: u64,
}

impl std::fmt::Display for Fence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.epoch, self.token)
    }
}

impl Fence {
    fn parse(text: &str) -> Option<Fence> {
        let (epoch, token) = text.split_once('-')?;
        Some(Fence { epoch: epoch.parse().ok()?, token: token.parse().ok()? })
    }

    fn file(self, repository: &Path) -> PathBuf {
        repository.join(FOLDER).join(format!("{PREFIX}{self}"))
    }

    /// Sets this fence. Refused if a higher one exists.
    pub(crate) fn raise(self, repository: &Path) -> Result<(), Error> {
        let folder = repository.join(FOLDER);
        room()
            .and_then(|()| fs::create_dir_all(&folder))
            .map_err(|error| Error::file("create", &folder, error))?;
        let own = self.file(repository);
        room()
            .and_then(|()| bounded::file::create(&own))
            .map_err(|error| Error::file("create", &own, error))?;
        let standing = standing(&folder)?;
        if let Some((higher, _)) = standing.iter().find(|(fence, _)| *fence > self) {
            let higher = *higher;
            remove(&own)?;
            return Err(Error::Fenced { ours: self, higher: Some(higher) });
        }
        standing.iter().filter(|(fence, _)| *fence < self).try_for_each(|(_, path)| remove(path))
    }

    /// Checks that the fence still stands. Two renames make the server decide, not a client's cache.
    ///
    /// # Errors
    /// [`Error::Fenced`] when it is gone.
    pub(crate) fn check(self, repository: &Path) -> Result<(), Error> {
        let own = self.file(repository);
        let mut checked = own.clone().into_os_string();
        checked.push(CHECKED);
        let checked = PathBuf::from(checked);
        let renamed =
            room().and_then(|()| fs::rename(&own, &checked)).and_then(|()| fs::rename(&checked, &own));
        renamed.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Fenced { ours: self, higher: None },
            _ => Error::file("check", &own, error),
        })
    }
}

/// The existing fences, and their files.
fn standing(folder: &Path) -> Result<Vec<(Fence, PathBuf)>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let fence = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let fence = fence.map(|name| name.strip_suffix(CHECKED).unwrap_or(name)).and_then(Fence::parse);
        found.extend(fence.map(|fence| (fence, entry.path())));
    }
    Ok(found)
}

/// The highest fence of a repository.
pub(crate) fn highest(repository: &Path) -> Option<Fence> {
    standing(&repository.join(FOLDER)).ok()?.into_iter().map(|(fence, _)| fence).max()
}

fn remove(path: &Path) -> Result<(), Error> {
    crate::refs::lock::remove_if_there(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fence(epoch: u64, token: u64) -> Fence {
        Fence { epoch, token }
    }

    #[test]
    fn a_higher_fence_shuts_lower_ones_out() {
        let repository = tempfile::tempdir().unwrap();
        let path = repository.path();
        fence(1, 9).raise(path).unwrap();
        fence(1, 9).check(path).unwrap();
        fence(1, 10).raise(path).unwrap();
        assert!(matches!(fence(1, 9).check(path), Err(Error::Fenced { .. })));
        assert!(matches!(fence(1, 9).raise(path), Err(Error::Fenced { .. })));
        fence(1, 10).check(path).unwrap();
        fence(2, 1).raise(path).unwrap();
        assert!(
            matches!(fence(1, 10).check(path), Err(Error::Fenced { .. })),
            "a restored state goes on higher"
        );
    }

    #[test]
    fn one_that_was_killed_while_it_checked_is_shut_out_too() {
        let repository = tempfile::tempdir().unwrap();
        let path = repository.path();
        fence(1, 1).raise(path).unwrap();
        let own = fence(1, 1).file(path);
        fs::rename(&own, own.with_file_name("fence-1-1.checked")).unwrap();
        fence(1, 2).raise(path).unwrap();
        assert_eq!(fs::read_dir(path.join(FOLDER)).unwrap().count(), 1);
    }
}
