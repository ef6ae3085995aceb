//! What this machine sees of an installation's folder: whether it can be written, and which repositories are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::fs::StatVfsMountFlags;

use crate::queue::probe::disk_has_room;

/// What keeps anybody from writing to a folder: its disk is read-only, or full. `reserve` is never used.
pub fn unwritable(folder: &Path, reserve: u64) -> Option<String> {
    let found = rustix::fs::statvfs(folder).ok()?;
    if found.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Some(format!("{} is read-only: nothing can be imported or recorded", folder.display()));
    }
    let full = disk_has_room(folder, reserve).err()?;
    Some(format!("{full}: imports wait for room (limits.disk_reserve)"))
}

/// The names of all packages that have a folder for their repository; none if there is no folder for repositories. Only
/// folders are listed: no repository is looked into.
pub fn repositories(root: &Path) -> Option<BTreeSet<String>> {
    let prefixes = fs::read_dir(root.join("repos")).ok()?;
    let mut found = BTreeSet::new();
    for prefix in prefixes.flatten() {
        let entries = fs::read_dir(prefix.path()).into_iter().flatten().flatten();
        found.extend(
            entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".git")?.to_owned())),
        );
    }
    Some(found)
}
