//! What a repair has replaced is forgotten once it is old: its refs and its folder.

use std::fs;
use std::io;

use fail::fail_point;
use packaging_repo::repository::Repository;
use packaging_repo::{Error, Guard, mend};

use crate::files::named;
use crate::journal::Journal;

/// Forgets what these plans have kept. They cannot be taken back any more. It may be killed anywhere, and is called again then.
///
/// # Errors
/// The refs, or the folders.
pub fn forget(repository: &Repository, guard: &Guard, plans: &[i64]) -> Result<(), Error> {
    for id in plans {
        mend::forget_kept(repository, guard, *id)?;
        fail_point!("repair::forgotten");
        let folder = Journal::of(repository.path(), *id).folder().to_owned();
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => named("remove", &folder, other)?,
        }
        // Left by those that stay.
        let _ = folder.parent().map(fs::remove_dir);
    }
    Ok(())
}
