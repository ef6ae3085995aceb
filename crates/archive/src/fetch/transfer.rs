//! One answer of one mirror.

use std::sync::atomic::{AtomicU64, Ordering};

use source_package::checksum::{ListedFile, Mismatch};

use super::Wanted;
use crate::cache::Partial;
use crate::dates::parse_date;
use crate::error::{Error, Stage, disk};
use crate::problem::Problem;
use crate::transport::{Answer, Body, Mirror, Request, Validators, sniff};

/// Bytes at the start of a file by which a web page is recognised.
const START: usize = 1024;

pub(super) struct Transfer<'a> {
    pub(super) mirror: &'a dyn Mirror,
    pub(super) wanted: &'a Wanted,
    pub(super) partial: &'a mut Partial,
    pub(super) transferred: &'a AtomicU64,
    /// Version of the file that this mirror began to send.
    pub(super) version: &'a mut Option<Validators>,
}

impl Transfer<'_> {
    /// Gets the missing rest of the file, and checks the whole.
    pub(super) fn run(&mut self) -> Result<ListedFile, Error> {
        let size = self.wanted.file.size;
        if self.partial.size() > size {
            self.partial.clear().map_err(store)?;
        }
        let complete = self.partial.size() == size && size > 0;
        if complete {
            // An earlier worker was killed between the last byte and the renaming.
            let found = self.partial.found(&self.wanted.file.name);
            return self
                .wanted
                .file
                .check(&found)
                .map(|()| found)
                .map_err(|mismatch| Error::new(Stage::Fetch, mismatch_problem(mismatch)));
        }
        let offset = self.partial.size();
        let request = Request {
            path: &self.wanted.path,
            offset,
            version: self.version.as_ref(),
            size: Some(size - offset),
            ..Request::default()
        };
        let Answer::Body(mut body) = self.mirror.get(&request)? else {
            return Err(Error::new(Stage::Fetch, Problem::BadHttp("unchanged, though not known".to_owned())));
        };
        if body.offset != offset {
            self.partial.clear().map_err(store)?;
        }
        *self.version = Some(body.validators.clone());
        self.copy(&mut body)
    }

    fn copy(&mut self, body: &mut Body) -> Result<ListedFile, Error> {
        let size = self.wanted.file.size;
        let mut start = Vec::new();
        let mut buffer = vec![0; 128 << 10];
        let announced = body.length.map(|length| self.partial.size() + length);
        loop {
            let count = body.next(&mut buffer)?;
            let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
            self.transferred.fetch_add(count as u64, Ordering::Relaxed);
            if self.partial.size() < START as u64 {
                start.extend_from_slice(piece.get(..piece.len().min(START)).unwrap_or_default());
            }
            if let Some(other) = announced.filter(|announced| *announced != size) {
                return Err(self.wrong_size(body, &start, other));
            }
            if self.partial.size() + count as u64 > size {
                return Err(body.error(sniff(&start).unwrap_or(Problem::Endless(size))));
            }
            self.partial.add(piece).map_err(store)?;
        }
        let found = self.partial.found(&self.wanted.file.name);
        if found.size < size {
            let page = sniff(&start).filter(|_| announced.is_none());
            let cut = Problem::Truncated { found: found.size, expected: size };
            return Err(body.error(page.unwrap_or(cut)));
        }
        match self.wanted.file.check(&found) {
            Ok(()) => Ok(found),
            Err(mismatch) => {
                let problem = sniff(&start).unwrap_or_else(|| self.mismatch(body, mismatch));
                Err(body.error(problem))
            }
        }
    }

    fn wrong_size(&self, body: &Body, start: &[u8], found: u64) -> Error {
        let mismatch = Mismatch {
            name: self.wanted.file.name.clone(),
            what: "size",
            found: found.to_string(),
            expected: self.wanted.file.size.to_string(),
        };
        body.error(sniff(start).unwrap_or_else(|| self.mismatch(body, mismatch)))
    }

    /// A wrong file that is newer than the index has been replaced since.
    fn mismatch(&self, body: &Body, mismatch: Mismatch) -> Problem {
        let date = body.validators.last_modified.as_deref().and_then(parse_date);
        match (date, self.wanted.listed) {
            (Some(date), Some(listed)) if date > listed => Problem::FileChanged(mismatch),
            _ => mismatch_problem(mismatch),
        }
    }
}

fn store(error: std::io::Error) -> Error {
    disk(Stage::Fetch, "write into the cache", error)
}

fn mismatch_problem(mismatch: Mismatch) -> Problem {
    if mismatch.what == "size" {
        Problem::SizeMismatch(mismatch)
    } else {
        Problem::ChecksumMismatch(mismatch)
    }
}

/// True when the bytes that came are not those of the wanted file, so that none of them may be kept.
pub(super) fn is_other_file(error: &Error) -> bool {
    use Problem::{ChecksumMismatch, Endless, FileChanged, FolderListing, SizeMismatch, WebPage};
    matches!(
        *error.problem,
        ChecksumMismatch(_) | Endless(_) | FileChanged(_) | FolderListing | SizeMismatch(_) | WebPage
    )
}
