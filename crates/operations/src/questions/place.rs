//! What this machine sees of the installation's own folder. What the state says is the same everywhere; this is not.

use importer::place;
use state::driver::Kind;
use state::read::status::Place;
use state::versions;

use crate::error::Error;
use crate::installation::Opened;

/// Packages without a repository that are named.
const NAMED: usize = 5;

/// Looks at the folder: can it be written, are the repositories there that the state knows of?
pub(super) fn look(at: &Opened) -> Result<Place, Error> {
    let mut place = Place::default();
    let root = at.root.as_path();
    let beside = at.store.path().and_then(|path| path.parent().map(ToOwned::to_owned));
    let others = beside.filter(|folder| folder != root);
    for folder in [Some(root.to_owned()), others].into_iter().flatten() {
        place.disks.extend(place::unwritable(&folder, at.config.limits.disk_reserve));
    }
    // Whoever asks a server from elsewhere has no repositories, and need not have any.
    let found = match (place::repositories(root), at.store.kind()) {
        (Some(found), _) => found,
        (None, Kind::Sqlite) => std::collections::BTreeSet::new(),
        (None, Kind::Postgres) => return Ok(place),
    };
    let imported = at.store.read(versions::packages)?;
    let lost: Vec<String> = imported.into_iter().filter(|name| !found.contains(name)).collect();
    place.lost = i64::try_from(lost.len()).unwrap_or(i64::MAX);
    place.lost_packages = lost.into_iter().take(NAMED).collect();
    Ok(place)
}
