//! A mirror in a folder: a copy on this machine, or one that is mounted.

use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bounded::file::open_regular;

use super::{Answer, Body, Limits, Mirror, Request, Validators};
use crate::config::{is_path, stays_below};
use crate::error::{Error, Stage};
use crate::location::Location;
use crate::problem::Problem;

pub(super) struct Folder {
    location: Location,
    path: PathBuf,
    limits: Arc<Limits>,
}

impl Folder {
    pub(super) fn new(location: Location, path: PathBuf, limits: Arc<Limits>) -> Folder {
        Folder { location, path, limits }
    }

    fn error(&self, path: &Path, problem: Problem) -> Error {
        let url = format!("file://{}", path.display());
        Error::new(Stage::Fetch, problem).about(&url, &self.location.dependency())
    }

    fn explain(&self, path: &Path, error: io::Error) -> Error {
        let missing = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        // If the folder itself is missing or empty (a mount that is not there), no file is known to be missing.
        match missing {
            true if !self.path.is_dir() => self.error(path, Problem::Unreadable(error)),
            true if !self.has_content() => self.error(path, Problem::Unmounted),
            true => self.error(path, Problem::NotFound),
            false => self.error(path, Problem::Unreadable(error)),
        }
    }

    /// True when the folder has any part of an archive: a folder, an index or a list. A mount point may have a note in
    /// it, and a new file system has `lost+found`.
    fn has_content(&self) -> bool {
        let Ok(entries) = fs::read_dir(&self.path) else { return false };
        entries.flatten().any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.path().is_dir() && name != "lost+found" && !name.starts_with('.');
            is_folder || ["InRelease", "Release", "Sources"].iter().any(|start| name.starts_with(start))
        })
    }
}

impl Mirror for Folder {
    fn location(&self) -> &Location {
        &self.location
    }

    fn get(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let path = self.path.join(request.path);
        if !stays_below(request.path) {
            return Err(self.error(&path, Problem::UnsafePath(request.path.to_owned())));
        }
        let slot = self.limits.connect();
        let mut file = open_regular(&path).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => self.error(&path, Problem::NotAFile),
            _ => self.explain(&path, error),
        })?;
        let metadata = file.metadata().map_err(|error| self.explain(&path, error))?;
        let validators = validators(&metadata);
        if request.known == Some(&validators) {
            return Ok(Answer::Unchanged);
        }
        let same = request.version.is_none_or(|version| *version == validators);
        let offset = if same && request.offset < metadata.len() { request.offset } else { 0 };
        file.seek(SeekFrom::Start(offset)).map_err(|error| self.explain(&path, error))?;
        Ok(Answer::Body(Box::new(Body {
            offset,
            // A file that is just being written may grow: the index has its right length.
            length: None,
            validators,
            url: format!("file://{}", path.display()),
            dependency: self.location.dependency(),
            reader: Box::new(file),
            explain: |error| Problem::Unreadable(io::Error::new(error.kind(), error.to_string())),
            read: 0,
            pace: None,
            limits: self.limits.clone(),
            _slot: slot,
        })))
    }

    fn folders(&self, path: &str) -> Result<Vec<String>, Error> {
        let path = self.path.join(path);
        let entries = fs::read_dir(&path).map_err(|error| self.explain(&path, error))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| self.explain(&path, error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_path(&name) && entry.path().is_dir() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

fn validators(metadata: &fs::Metadata) -> Validators {
    let (seconds, nanos) = (metadata.mtime(), metadata.mtime_nsec());
    let etag = format!("{seconds}.{nanos:09}-{}-{}", metadata.len(), metadata.ino());
    Validators { etag: Some(etag), last_modified: None }
}
