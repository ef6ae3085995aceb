//! Keeps a cache of repositories within its limit: what was used longest ago goes first, and never what the remote does not have.

use packaging_repo::Error;
use packaging_repo::cache;
use packaging_repo::published;
use packaging_repo::repository::Repository;
use state::publishing::cached;

use super::session::Session;

/// A cache that is over its limit is brought down to so many parts of 100 of it.
const DOWN_TO: u64 = 90;
/// The noun for it.
const EVICTION: &str = "the limit of the cache of repositories";

/// Removes what is over the limit. What cannot be done is noted, and tried again. Returns how many went.
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
        // What is on no record stays.
        let Ok(Some(there)) = there else { continue };
        let is_still = |repository: &Repository| fingerprint(repository).as_ref() == Some(&there);
        match cache::discard_idle(&repos, &it.package, is_still) {
            Ok(true) => {
                gone += 1;
                bytes = bytes.saturating_sub(it.bytes);
            }
            // Somebody works in it.
            Ok(false) | Err(Error::Busy(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

/// Of what is here, as it is on record of what was read back.
fn fingerprint(repository: &Repository) -> Option<String> {
    let published = published::of(repository).ok()??;
    let refs = published.refs.iter().map(|(name, value)| (name.as_str(), &value.id));
    Some(remote::refs::fingerprint(refs))
}
