//! Forgets logs: a folder a day, below `logs/` in the root.

use std::fs;
use std::io;
use std::path::Path;

use crate::error::BackupError;

/// Removes the folders of days before `day` (`2026-11-24`). Returns their names; with `look`, nothing is removed.
pub fn prune(root: &Path, day: &str, look: bool) -> Result<Vec<String>, BackupError> {
    let folder = root.join("logs");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BackupError::file("read", &folder)(error)),
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut old: Vec<String> = names.filter(|name| is_day(name) && name.as_str() < day).collect();
    old.sort();
    for name in old.iter().filter(|_| !look) {
        let path = folder.join(name);
        fs::remove_dir_all(&path).map_err(BackupError::file("remove", &path))?;
    }
    Ok(old)
}

/// Whatever else lies there is somebody else's.
fn is_day(name: &str) -> bool {
    let shape: String = name.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00"
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_old_days_go() {
        let root = tempfile::tempdir().unwrap();
        for name in ["2026-08-25", "2026-08-26", "2026-11-24", "notes"] {
            fs::create_dir_all(root.path().join("logs").join(name)).unwrap();
        }
        assert_eq!(prune(root.path(), "2026-08-26", true).unwrap(), ["2026-08-25"]);
        assert_eq!(prune(root.path(), "2026-08-26", false).unwrap(), ["2026-08-25"]);
        assert_eq!(fs::read_dir(root.path().join("logs")).unwrap().count(), 3);
        assert!(prune(&root.path().join("none"), "2026-08-26", false).unwrap().is_empty());
    }
}
