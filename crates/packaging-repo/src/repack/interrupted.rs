//! Tidies up after repacks that were killed. Git does not: a pack whose index it had just removed, or one that had no
//! index yet, stays for ever, and so do the temporary files of `git repack`, which `git prune` does not know.
//!
//! While a repack runs, a file in the repository lists the packs from before. If a holder of the repository's lock
//! finds that file, the repack is dead, because Git holds the lock as well.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::refs::lock::remove_if_there;

/// The file that marks a repack: a line for each pack, its name without an ending.
const MARK: &str = "package-import.repack";
/// Size limit of that file.
const LARGEST: u64 = 16 << 20;
/// Prefix of the temporary files of `git repack`; its process and the pack's name follow.
const REPACK: &str = ".tmp-";
/// Prefix of these files while they are removed, so that they are found again after a crash.
const CLAIMED: &str = ".tmp-claimed-";
/// Prefixes of the temporary files of `git pack-objects`.
const PACK_OBJECTS: [&str; 4] = ["tmp_pack_", "tmp_idx_", "tmp_rev_", "tmp_bitmap_"];

/// True when a repack has begun and not ended.
pub(super) fn is_marked(repository: &Path) -> bool {
    repository.join(MARK).exists()
}

/// Notes the packs there are.
pub(super) fn mark(repository: &Path) -> Result<(), Error> {
    let mut lines = String::new();
    for path in list(&repository.join("objects/pack"))? {
        if path.extension().is_some_and(|it| it == "idx")
            && let Some(stem) = path.file_stem().and_then(|stem| stem.to_str())
        {
            lines.extend([stem, "\n"]);
        }
    }
    let path = repository.join(MARK);
    let write = || -> io::Result<()> {
        let mut file = bounded::file::create(&path)?;
        file.write_all(lines.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| Error::file("write", &path, error))
}

/// Finishes the removals that a dead repack had begun, and undoes its additions. The caller has the lock.
pub(crate) fn tidy(repository: &Path) -> Result<(), Error> {
    let mark = repository.join(MARK);
    let before = match bounded::file::read_text(&mark, LARGEST) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file("read", &mark, error)),
    };
    let folder = repository.join("objects/pack");
    // An index goes first and comes last (`git-repack(1)` removes packs only when all it made is in place): so a pack
    // without one holds nothing that another pack has not.
    let mut dead: BTreeSet<PathBuf> =
        before.lines().filter(|name| name.starts_with("pack-")).map(|name| folder.join(name)).collect();
    let mut temporary = Vec::new();
    for path in list(&folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some((_, of)) = name.strip_prefix(REPACK).and_then(|name| name.split_once('-')) {
            // A repack by hand fails if it does not find these any more. So it must not, before their pack goes; and
            // they must stay until it has gone, in case that this is killed, too.
            let claimed = folder.join(format!("{CLAIMED}{of}"));
            if fs::rename(&path, &claimed).is_ok() {
                dead.insert(folder.join(of).with_extension(""));
                temporary.push(claimed);
            }
        } else if PACK_OBJECTS.iter().any(|it| name.starts_with(it)) {
            temporary.push(path);
        }
    }
    for pack in dead {
        if !pack.with_extension("idx").exists() {
            for ending in ["pack", "rev", "bitmap"] {
                remove_if_there(&pack.with_extension(ending))?;
            }
        }
    }
    temporary.iter().try_for_each(|path| remove_if_there(path))?;
    remove_if_there(&mark)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}
