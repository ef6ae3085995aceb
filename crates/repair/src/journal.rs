//! The files of a repair in the repository's folder: the begun plan, so that another process can continue it after a
//! kill, and the files that were set aside. No push reaches them, and Git ignores them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use packaging_repo::Error;

use crate::files::{LARGEST, named, write};
use crate::plan::Plan;

/// The folder, in that of the repository.
const FOLDER: &str = "package-import-repair";
const PLAN: &str = "plan.json";
const DONE: &str = "done.json";
const RECORD: &str = "record";
const RECORD_AFTER: &str = "record-after";

/// The journal of one plan.
pub(crate) struct Journal {
    folder: PathBuf,
}

impl Journal {
    pub(crate) fn of(repository: &Path, id: i64) -> Journal {
        Journal { folder: repository.join(FOLDER).join(id.to_string()) }
    }

    /// The folder of the plan.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Folder of the kept files.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// The plan that was begun and is not done.
    pub(crate) fn begun(&self) -> Option<Plan> {
        self.read(PLAN)
    }

    /// The plan that was carried out.
    pub(crate) fn done(&self) -> Option<Plan> {
        self.read(DONE)
    }

    fn read(&self, name: &str) -> Option<Plan> {
        serde_json::from_slice(&bounded::file::read(&self.folder.join(name), LARGEST).ok()?).ok()
    }

    /// Notes durably that a plan is begun.
    pub(crate) fn begin(&self, plan: &Plan, record: &Path) -> Result<(), Error> {
        let files = self.files();
        named("create", &files, fs::create_dir_all(&files))?;
        let parents = self.folder.ancestors().skip(1).take(2);
        parents
            .chain([self.folder.as_path()])
            .try_for_each(|folder| named("sync", folder, bounded::file::sync_folder(folder)))?;
        let kept = self.folder.join(RECORD);
        match bounded::file::read(record, LARGEST) {
            Ok(content) if !kept.exists() => named("keep", &kept, write(&kept, &content))?,
            Err(error) if error.kind() != io::ErrorKind::NotFound => named("read", record, Err(error))?,
            _ => {}
        }
        self.write(PLAN, plan)
    }

    /// Notes that it is done.
    pub(crate) fn end(&self, plan: &Plan) -> Result<(), Error> {
        self.write(DONE, plan)?;
        let path = self.folder.join(PLAN);
        named("remove", &path, fs::remove_file(&path))
    }

    fn write(&self, name: &str, plan: &Plan) -> Result<(), Error> {
        let path = self.folder.join(name);
        let text = serde_json::to_vec_pretty(plan).map_err(io::Error::other);
        named("write", &path, text.and_then(|text| write(&path, &text)))
    }

    /// Notes what the record is once refs have moved.
    pub(crate) fn note_record(&self, record: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(RECORD_AFTER);
        named("write", &path, write(&path, record))
    }

    /// The record as it was before, if the one that is there now is the one that this plan has made.
    pub(crate) fn record_before(&self, now: &Path) -> Option<Vec<u8>> {
        let after = bounded::file::read(&self.folder.join(RECORD_AFTER), LARGEST).ok()?;
        // A line behind the seal says that refs have moved.
        let is_same = bounded::file::read(now, LARGEST).ok()?.starts_with(&after);
        is_same.then(|| bounded::file::read(&self.folder.join(RECORD), LARGEST).ok()).flatten()
    }
}
