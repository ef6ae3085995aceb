//! Packs that are not whole, and packs that bring what is missing.

use std::fs;
use std::io;
use std::path::Path;

use packaging_repo::repository::Repository;
use packaging_repo::{Error, mend};

use crate::files::{kept_at, named};

/// What belongs to a pack.
const ENDINGS: [&str; 6] = ["rev", "bitmap", "mtimes", "keep", "idx", "pack"];

/// Sets a pack aside, and takes out of it what can be read.
pub(crate) fn set_aside(repository: &Repository, subject: &str, aside: &Path) -> Result<(), Error> {
    let path = repository.path().join(subject);
    for ending in ENDINGS {
        let file = path.with_extension(ending);
        let subject = file.strip_prefix(repository.path()).unwrap_or(&file).display().to_string();
        match fs::rename(&file, kept_at(aside, &subject)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => named("set aside", &file, other)?,
        }
    }
    let pack = Path::new(subject).with_extension("pack").display().to_string();
    let kept = kept_at(aside, &pack);
    if kept.is_file() { mend::salvage(repository, &kept) } else { Ok(()) }
}

/// Takes over the packs of a repository that was built anew: they have names of what is in them.
pub(crate) fn bring_in(repository: &Repository, brought: Option<&Path>) -> Result<(), Error> {
    let Some(from) = brought else {
        let error = io::Error::new(io::ErrorKind::NotFound, "nothing was built anew");
        return Err(Error::File { action: "bring in objects of", path: repository.path().to_owned(), error });
    };
    let to = repository.path().join("objects/pack");
    named("create", &to, fs::create_dir_all(&to))?;
    let entries =
        fs::read_dir(from).map_err(|error| Error::File { action: "read", path: from.to_owned(), error })?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    // Git takes a pack for one as soon as its index is there.
    paths.sort_by_key(|path| path.extension().is_some_and(|ending| ending == "idx"));
    for path in paths {
        let Some(name) = path.file_name().filter(|name| name.to_string_lossy().starts_with("pack-")) else {
            continue;
        };
        let target = to.join(name);
        if target.exists() {
            continue;
        }
        let begun = to.join(format!("tmp_{}", name.to_string_lossy()));
        named("copy", &path, fs::copy(&path, &begun).map(drop))?;
        let synced = bounded::file::open_regular(&begun).and_then(|file| file.sync_all());
        named("write", &begun, synced.and_then(|()| fs::rename(&begun, &target)))?;
    }
    named("sync", &to, bounded::file::sync_folder(&to))
}
