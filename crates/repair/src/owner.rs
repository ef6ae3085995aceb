//! Files that belong to another user. Nobody but root can give them away, but whoever owns their folder can put a copy in
//! their place. A folder of another user needs root: the finding has the command.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use source_package::finding::Finding;

use crate::plan::{Act, Mark, Step};

/// A step for each file of another user that can be read, in a folder of the repository's owner.
pub(crate) fn steps(root: &Path) -> Vec<Step> {
    let mut steps = Vec::new();
    let Ok(owner) = fs::metadata(root).map(|it| it.uid()) else { return steps };
    // A repository that belongs to another user as a whole needs the command of the finding.
    if root.parent().and_then(|around| fs::metadata(around).ok()).is_none_or(|around| around.uid() != owner) {
        return steps;
    }
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let is_ours = fs::metadata(&folder).is_ok_and(|it| it.uid() == owner);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(it) = fs::symlink_metadata(&path) else { continue };
            if it.is_dir() {
                folders.push(path);
            } else if it.is_file()
                && it.uid() != owner
                && is_ours
                && bounded::file::open_regular(&path).is_ok()
            {
                let subject = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                let user = |uid: u32| Some(format!("user {uid}"));
                let step = Step::new(Act::Owner, Mark::Forward, subject, Finding::OwnerWrong.as_str());
                steps.push(step.moving(user(it.uid()), user(owner)).by_person().for_good());
            }
        }
    }
    steps
}

/// Puts a copy in the place of a file, with its content, its mode and its time.
pub(crate) fn take(path: &Path) -> io::Result<()> {
    let mut from = bounded::file::open_regular(path)?;
    let before = from.metadata()?;
    let begun = begun(path);
    let mut to = fs::File::create(&begun)?;
    io::copy(&mut from, &mut to)?;
    to.set_permissions(before.permissions())?;
    to.set_modified(before.modified()?)?;
    to.sync_all()?;
    // Git may have written another one meanwhile.
    if fs::symlink_metadata(path)?.ino() == before.ino() {
        fs::rename(&begun, path)?;
    } else {
        fs::remove_file(&begun)?;
    }
    path.parent().map_or(Ok(()), bounded::file::sync_folder)
}

/// Its name is that of no ref, and of no pack.
fn begun(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("tmp_{name}.lock"))
}
