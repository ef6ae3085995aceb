//! A remote that is a folder of this machine: written by our own transaction, without `git push`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bounded::Deadline;
use packaging_repo::mirror::Mirror;
use packaging_repo::refs::{Edit, Value};
use packaging_repo::{Error, ObjectId};
use remote::porcelain::{Became, Told};
use remote::problem::Problem;
use remote::refs::Advertised;
use remote::server::{Created, Move, Server};

use super::trouble::of_repository;

/// A package's repository in a folder.
pub(super) struct Folder<'a> {
    mirror: Mirror,
    /// Part of the path that all packages share: if it is missing, the disk is not mounted.
    base: PathBuf,
    /// Path of the importer's repository.
    ours: &'a Path,
    /// Branch that a clone checks out, as `DISTRO/SUITE`.
    head: Option<&'a str>,
    limit: Duration,
}

impl<'a> Folder<'a> {
    pub(super) fn new(
        path: &Path,
        base: &str,
        ours: &'a Path,
        head: Option<&'a str>,
        limit: Duration,
    ) -> Folder<'a> {
        Folder { mirror: Mirror::at(path), base: base.into(), ours, head, limit }
    }

    fn is_there(&self) -> Result<(), Problem> {
        if self.base.is_dir() {
            return Ok(());
        }
        let base = self.base.display();
        Err(Problem::Away(format!("the folder {base} is not there: mount its disk, or make it")))
    }
}

impl Server for Folder<'_> {
    fn read(&self) -> Result<Advertised, Problem> {
        self.is_there()?;
        if !self.mirror.exists() {
            return Ok(Advertised::default());
        }
        let (refs, head) = self.mirror.read().map_err(of_repository)?;
        let refs = refs.into_iter().map(|(name, value)| (name, value.id)).collect();
        Ok(Advertised { refs, head })
    }

    fn push(&self, moves: &[Move], _atomic: bool) -> Result<Vec<Told>, Problem> {
        let edits: Vec<Edit> = moves
            .iter()
            .map(|it| Edit {
                name: it.name.clone(),
                expected: it.old,
                new: Value { id: it.new, peeled: it.peeled },
            })
            .collect();
        let deadline = Deadline::after(self.limit);
        let pushed = self.mirror.push(&self.ours.join("objects"), &edits, self.head, deadline);
        let became = match pushed {
            Ok(()) => Became::Moved,
            // Another pusher was faster.
            Err(error @ (Error::RefMoved { .. } | Error::TagExists { .. } | Error::NameConflict { .. })) => {
                Became::Raced(error.to_string())
            }
            Err(error) => return Err(of_repository(error)),
        };
        Ok(moves.iter().map(|it| Told { name: it.name.clone(), became: became.clone() }).collect())
    }

    fn fetch(&self, refs: &[(String, ObjectId)]) -> Result<(), Problem> {
        let ids: Vec<ObjectId> = refs.iter().map(|(_, id)| *id).collect();
        self.mirror.fetch(self.ours, &ids, Deadline::after(self.limit)).map_err(of_repository)
    }

    fn create(&self) -> Result<Created, Problem> {
        Ok(Created::No)
    }

    fn set_head(&self, branch: &str) -> Result<bool, Problem> {
        let branch = branch.trim_start_matches("refs/heads/");
        let deadline = Deadline::after(self.limit);
        self.mirror.push(&self.ours.join("objects"), &[], Some(branch), deadline).map_err(of_repository)?;
        Ok(true)
    }

    fn is_whole(&self) -> bool {
        true
    }
}
