//! Getting a list of source packages, in the first form that the mirror has.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256, Sha512};
use source_package::checksum::hex;

use super::join;
use super::listing::Downloaded;
use crate::answers::{self, Kind, Next};
use crate::error::{Error, Stage, disk};
use crate::problem::Problem;
use crate::release::{Algorithm, Listed, Lists};
use crate::transport::{Answer, Body, Mirror, Request, sniff};

/// Folder of the lists, and folder to download them to.
pub(super) struct Place<'a> {
    /// Folder of the suite.
    pub(super) folder: String,
    /// Temporary folder of this poll.
    pub(super) scratch: &'a Path,
}

/// Gets a list and checks its hash.
pub(super) fn get(
    mirror: &dyn Mirror,
    place: &Place<'_>,
    lists: &Lists,
    by_hash: bool,
) -> Result<Downloaded, Error> {
    let mut wrong: Option<Error> = None;
    for (ending, listed) in lists.readable() {
        for (kind, path) in paths(&place.folder, lists, ending, listed, by_hash) {
            match one(mirror, &path, listed, place.scratch) {
                Ok(file) => {
                    let plain = lists.plain().map(|listed| listed.size);
                    return Ok(Downloaded { file, size: listed.size, plain, compressed: !ending.is_empty() });
                }
                Err(error) if is_elsewhere(kind, &error) => {
                    // A mismatch between list and index is the most important error: the index is asked for again.
                    if matches!(*error.problem, Problem::IndexMismatch(_)) {
                        wrong = Some(error);
                    } else if !error.is_missing() {
                        wrong.get_or_insert(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
    let missing = || {
        let url = format!("{}/{}", mirror.location(), join(&place.folder, &lists.path));
        Error::new(Stage::Poll, Problem::IndexMismatch("no form of it is there".to_owned()))
            .about(&url, &mirror.location().dependency())
    };
    Err(wrong.unwrap_or_else(missing))
}

/// True when the list may be available under another name, or in another form.
fn is_elsewhere(kind: Kind, error: &Error) -> bool {
    answers::meaning(kind, answers::Answer::of(&error.problem)).0 == Next::OtherName
}

fn paths(folder: &str, lists: &Lists, ending: &str, listed: &Listed, by_hash: bool) -> Vec<(Kind, String)> {
    let named = join(folder, &format!("{}{ending}", lists.path));
    let parent = named.rsplit_once('/').map_or("", |(parent, _)| parent);
    let hashed = join(parent, &format!("by-hash/{}/{}", listed.algorithm.name(), listed.sum));
    if by_hash { vec![(Kind::ByHash, hashed), (Kind::List, named)] } else { vec![(Kind::List, named)] }
}

/// The hash by which a list is known.
enum Sum {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Sum {
    fn new(algorithm: Algorithm) -> Sum {
        match algorithm {
            Algorithm::Sha256 => Sum::Sha256(Sha256::new()),
            Algorithm::Sha512 => Sum::Sha512(Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Sum::Sha256(hasher) => hasher.update(bytes),
            Sum::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Sum::Sha256(hasher) => hex(&hasher.finalize()),
            Sum::Sha512(hasher) => hex(&hasher.finalize()),
        }
    }
}

fn one(mirror: &dyn Mirror, path: &str, listed: &Listed, scratch: &Path) -> Result<File, Error> {
    let request = Request { size: Some(listed.size), ..Request::whole(path) };
    let Answer::Body(mut body) = mirror.patiently(&request)? else {
        return Err(Error::new(
            Stage::Poll,
            Problem::BadHttp("unchanged, though it is not known".to_owned()),
        ));
    };
    let store = |error| disk(Stage::Poll, "keep a list of source packages", error);
    let mut file = tempfile::tempfile_in(scratch).map_err(store)?;
    let mut hasher = Sum::new(listed.algorithm);
    let mut start: Vec<u8> = Vec::new();
    let mut size = 0;
    let mut buffer = vec![0; 128 << 10];
    loop {
        let count = body.next(&mut buffer)?;
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        if start.is_empty() {
            start = piece.get(..piece.len().min(1024)).unwrap_or_default().to_vec();
        }
        size += count as u64;
        if size > listed.size {
            return Err(too_long(&body, &start, listed));
        }
        hasher.update(piece);
        file.write_all(piece).map_err(store)?;
    }
    if size == 0 && listed.size > 0 {
        return Err(body.error(Problem::Truncated { found: 0, expected: listed.size }));
    }
    if size != listed.size || hasher.finish() != listed.sum {
        let mismatch = || Problem::IndexMismatch(format!("{size} bytes came, {} are listed", listed.size));
        return Err(body.error(sniff(&start).unwrap_or_else(mismatch)));
    }
    file.seek(SeekFrom::Start(0)).map_err(store)?;
    Ok(file)
}

/// A body with another announced length is another file; one without a length may never end.
fn too_long(body: &Body, start: &[u8], listed: &Listed) -> Error {
    let other = match body.length {
        Some(length) => Problem::IndexMismatch(format!("{length} bytes come, {} are listed", listed.size)),
        None => Problem::Endless(listed.size),
    };
    body.error(sniff(start).unwrap_or(other))
}
