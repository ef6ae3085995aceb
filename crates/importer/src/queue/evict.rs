//! Keeps a cache of repositories within its limit: the least recently used ones are removed first, and never one
//! that the remote does not have.

use packaging_repo::Error;
use packaging_repo::cache;
use packaging_repo::published;
use packaging_repo::repository::Repository;
use state::publishing::cached;

use super::session::Session;

/// Percentage of the limit to which a cache over its limit is reduced.
const DOWN_TO: u64 = 90;
/// The name of this task in reports of trouble.
const EVICTION: &str = "the limit of the cache of repositories";

/// Removes repositories until the cache is within its limit. Errors are recorded, and it is tried again later. Returns
/// the number of removed repositories.
pub fn evict(session: &Session) -> usize {
    if session.cache().is_none() {
        return 0;
    }
    match try_evict(session) {
        Ok(gone) => {
            session.troubles.clear(EVICTION);
            gone
        }
        Err(error) => {
            session.troubles.note(EVICTION, &error);
            0
        }
    }
}

fn try_evict(session: &Session) -> Result<usize, Error> {
    let repos = session.root.join("repos");
    let all = cache::list(&repos)?;
    let mut bytes: u64 = all.iter().map(|it| it.bytes).sum();
    let limit = session.config.repos.limit;
    if bytes <= limit {
        return Ok(0);
    }
    let mut gone = 0;
    for it in all {
        if bytes <= limit / 100 * DOWN_TO || session.is_stopping() {
            break;
        }
        let there = session.store.read(|tx| cached::done_of(tx, it.package.as_str()));
        // A repository without a row stays.
        let Ok(Some(there)) = there else { continue };
        let is_still = |repository: &Repository| fingerprint(repository).as_ref() == Some(&there);
        match cache::discard_idle(&repos, &it.package, is_still) {
            Ok(true) => {
                gone += 1;
                bytes = bytes.saturating_sub(it.bytes);
            }
            // Another worker uses it.
            Ok(false) | Err(Error::Busy(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

/// The fingerprint of the local published refs, comparable with the recorded one.
fn fingerprint(repository: &Repository) -> Option<String> {
    let published = published::of(repository).ok()??;
    let refs = published.refs.iter().map(|(name, value)| (name.as_str(), &value.id));
    Some(remote::refs::fingerprint(refs))
}
