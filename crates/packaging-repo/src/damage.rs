//! Damage of a repository's files that can be seen without reading objects: locks without an owner, packs that are not
//! whole, owners and modes that keep the importer out.

mod setup;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use source_package::finding::Finding;

use crate::repository::Repository;
use crate::verify::Problem;

/// Time after which the lock of a working program is usually gone.
const MOMENT: Duration = Duration::from_millis(300);

/// Folder of a repository in which repairs keep files that they set aside.
pub(crate) const REPAIRS: &str = "package-import-repair";

/// Message about pipes, sockets and devices.
pub(crate) const STRANGE: &str = "is neither a file nor a folder";

/// Looks through the files. A pipe or a device among them could block every reader for ever, so it is reported alone,
/// as an error.
pub(crate) fn find(repository: &Repository) -> Result<Vec<Problem>, Vec<Problem>> {
    let root = repository.path();
    let mut files = Vec::new();
    walk(root, 0, &mut files);
    let strange: Vec<Problem> =
        files.iter().filter(|path| is_strange(path)).map(|path| strange(root, path)).collect();
    if !strange.is_empty() {
        return Err(strange);
    }
    let mut problems = locks(root, &files);
    problems.extend(packs(root));
    problems.extend(rights(root, &files));
    problems.extend(setup::find(root));
    Ok(problems)
}

/// True when something is neither a file nor a folder, links followed.
fn is_strange(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| !it.is_file() && !it.is_dir())
}

fn strange(root: &Path, path: &Path) -> Problem {
    let message = format!(
        "{STRANGE}, and whoever opens it may wait for ever; nothing else was looked at: rm {}, and \
         bring the file back from a backup",
        path.display()
    );
    Problem::new(Finding::FileStrange, shown(root, path), message)
}

/// Everything but loose objects, which Git checks.
fn walk(folder: &Path, depth: u32, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // Files that repairs have set aside are damaged, but harmless.
        if depth == 0 && path.ends_with(REPAIRS) {
            continue;
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        found.push(path.clone());
        if is_folder && depth < 32 {
            walk(&path, depth + 1, found);
        }
    }
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

fn locks(root: &Path, files: &[PathBuf]) -> Vec<Problem> {
    let is_lock = |path: &&PathBuf| {
        !path.starts_with(root.join("objects")) && path.extension().is_some_and(|ending| ending == "lock")
    };
    let mut found: Vec<&PathBuf> = files.iter().filter(is_lock).collect();
    if !found.is_empty() {
        thread::sleep(MOMENT);
        found.retain(|path| fs::symlink_metadata(path).is_ok_and(|it| it.is_file()));
    }
    let told = |path: &PathBuf| {
        let message = format!(
            "is a lock of Git's, and keeps everybody from changing what it locks; if no Git works in the repository, it \
             was left by one that was killed: rm {}",
            path.display()
        );
        Problem::new(Finding::LockLeft, shown(root, path), message)
    };
    found.into_iter().map(told).collect()
}

fn packs(root: &Path) -> Vec<Problem> {
    let folder = root.join("objects/pack");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        // Said as a folder that is gone.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let message = format!("cannot be read: {error}; bring it back from a backup");
            return vec![Problem::new(Finding::PackGone, "objects/pack", message)];
        }
    };
    let mut problems = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let lacks = |ending: &str| !path.with_extension(ending).exists();
        let is = |ending: &str| path.extension().is_some_and(|it| it == ending);
        let (code, message) = if is("idx") && lacks("pack") {
            (Finding::PackGone, "its pack is gone, and all objects in it; bring the pack back from a backup")
        } else if is("pack") && lacks("idx") {
            (Finding::PackIndexGone, "its index is gone; `git index-pack FILE` makes it again")
        } else if is("pack") && !is_whole(&path) {
            (Finding::PackTorn, "is cut off; bring it back from a backup")
        } else {
            continue;
        };
        let message = message.replace("FILE", &path.display().to_string());
        problems.push(Problem::new(code, shown(root, &path), message));
    }
    problems
}

/// True when a pack begins as one, and is long enough for a header and a checksum.
fn is_whole(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 4];
    let read = bounded::file::open_regular(path).and_then(|mut file| {
        file.read_exact(&mut head)?;
        file.metadata()
    });
    read.is_ok_and(|metadata| head == *b"PACK" && metadata.len() >= 32)
}

/// The repository as a whole belongs to another user than the folder that it is in: whoever imports owns both.
fn whole(root: &Path, owner: u32) -> Option<Problem> {
    let around = root.parent()?;
    let right = fs::metadata(around).ok()?.uid();
    let (folder, place) = (root.display(), around.display());
    let message = format!(
        "belongs to user {owner}, and the folder that it is in to user {right}: chown -R --reference={place} {folder}"
    );
    (owner != right).then(|| Problem::new(Finding::OwnerWrong, "repository", message))
}

fn rights(root: &Path, files: &[PathBuf]) -> Vec<Problem> {
    let Ok(owner) = fs::metadata(root).map(|it| it.uid()) else { return Vec::new() };
    if let Some(problem) = whole(root, owner) {
        return vec![problem];
    }
    let (mut foreign, mut closed) = (Vec::new(), Vec::new());
    for path in files {
        let Ok(it) = fs::symlink_metadata(path) else { continue };
        if it.uid() != owner {
            foreign.push(path);
        } else if (it.is_dir() && it.mode() & 0o700 != 0o700) || (it.is_file() && it.mode() & 0o400 == 0) {
            closed.push(path);
        }
    }
    let told = |code: Finding, found: &[&PathBuf], what: String| {
        let first = found.first()?;
        let more = if found.len() > 1 { format!(" (and {} more)", found.len() - 1) } else { String::new() };
        Some(Problem::new(code, shown(root, first), format!("{what}{more}")))
    };
    let (root, of) = (root.display(), "the repository");
    let foreign = told(
        Finding::OwnerWrong,
        &foreign,
        format!("belongs to another user than {of}, {owner}: chown -R --reference={root} {root}"),
    );
    let closed = told(
        Finding::ModeWrong,
        &closed,
        format!(
            "its owner has not the rights that an import needs: chmod -R u+rX {root}; chmod u+w for folders"
        ),
    );
    foreign.into_iter().chain(closed).collect()
}
