//! Secrets, each in a file of its own.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A secret is no longer.
const LONGEST: u64 = 64 << 10;

/// Reads a secret: the content of a file that others cannot read, without the end of its line.
///
/// # Errors
///
/// It cannot be read, or others can.
pub fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mode = std::fs::metadata(path).map_err(failed)?.mode();
    if mode & 0o007 != 0 {
        return Err(format!("{} can be read by everybody on this machine: chmod 0600", path.display()));
    }
    let text = bounded::file::read_text(path, LONGEST).map_err(failed)?;
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.is_empty() || secret.chars().any(char::is_control) {
        return Err(format!("{} has to have one line, the secret", path.display()));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_what_others_cannot_read_is_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write(&path, "s3cret\n").unwrap();
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path).unwrap_err().contains("chmod 0600"));
        for mode in [0o600, 0o640] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).unwrap(), "s3cret");
        }
        for wrong in ["", "\n", "a\nb"] {
            write(&path, wrong).unwrap();
            assert!(read(&path).unwrap_err().contains("one line"), "{wrong:?}");
        }
        assert!(read(&folder.path().join("nothing")).unwrap_err().contains("cannot read"));
    }
}
