//! Tidies up after importers that were killed while they wrote a pack.

use std::fs;
use std::path::Path;

use super::TEMPORARY;
use crate::Error;
use crate::index;
use crate::refs::lock::remove_if_there;

/// Prefix of such a file's name while it is removed.
const DEAD: &str = "tmp_pack_import_dead-";

/// Removes the packs that killed importers did not complete. A pack becomes visible under its final name just before
/// its index does: if the index is still a temporary file, the pack without one is removed with it.
pub(crate) fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with(TEMPORARY) {
            continue;
        }
        // Its owner, if still alive, must not find it any more before its pack is removed.
        let dead = folder.join(format!("{DEAD}{}", name.trim_start_matches(DEAD)));
        if fs::rename(&path, &dead).is_err() {
            continue;
        }
        if name.ends_with(".idx")
            && let Some(trailer) = index::pack_of(&dead)
        {
            let pack = folder.join(format!("pack-{trailer}"));
            if !pack.with_extension("idx").exists() {
                remove_if_there(&pack.with_extension("pack"))?;
            }
        }
        remove_if_there(&dead)?;
    }
    Ok(())
}
