//! Entry of a run: what dead runs of this host left is taken back first.

use packaging_repo::seal::Key;
use state::publishing::cached;
use state::runs::{self, NewRun};
use state::tx::Tx;
use state::{StateError, Store, identity};

use super::{LEASE, Start, VERSION};
use crate::queue::process;

/// Checks that this host may work with the state: all hosts must have repositories in the same role.
pub(super) fn enter_as_configured(start: &Start<'_>) -> Result<(), StateError> {
    let Some(remote) = start.config.remotes.first().filter(|_| start.config.repos.is_cache()) else {
        return start.store.read(cached::enter_with_repositories);
    };
    let key = Key::keep_outside(&start.root.join("repos"));
    let key = key.map_err(|error| StateError::Refused(error.to_string()))?.fingerprint();
    start.store.write(|tx| cached::enter(tx, &remote.name, &key))
}

/// Begins a run, after what dead ones left was taken back. Returns its row and the epoch. As a rule nothing is left,
/// and this is one transaction.
pub(super) fn begin_run(store: &Store, new: &NewRun<'_>, alone: bool) -> Result<(i64, i64), StateError> {
    let here = identity::here(store, new.host)?;
    let begun = store.write(|tx| {
        identity::check(tx, here.as_ref(), process::is_alive)?;
        if is_something_left(tx, new.host)? { Ok(None) } else { enter(tx, new, alone).map(Some) }
    })?;
    if let Some(begun) = begun {
        return Ok(begun);
    }
    take_back(store, new.host)?;
    store.write(|tx| enter(tx, new, alone))
}

/// Begins a run, unless it wants to be alone and is not. Returns its row and the epoch.
fn enter(tx: &mut Tx<'_>, new: &NewRun<'_>, alone: bool) -> Result<(i64, i64), StateError> {
    runs::lock_host(tx, new.host)?;
    if alone {
        let others = runs::open_runs(tx, new.host)?;
        // Run that this process began itself without getting the confirmation, because the connection broke just then.
        let (own, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|run| run.process == *new.process && run.mode == new.mode);
        for run in own {
            runs::end(tx, run.id, "lost", Some("begun again after the connection broke"))?;
        }
        let other = others.iter().find(|run| {
            matches!(run.mode.as_str(), "until-empty" | "service") && process::is_alive(&run.process)
        });
        if let Some(other) = other {
            return Err(StateError::RunActive(format!(
                "run {} ({}), process {}",
                other.id, other.mode, other.process.pid
            )));
        }
    }
    Ok((runs::begin(tx, new)?, runs::epoch(tx)?))
}

/// True when there is something for [`take_back`].
fn is_something_left(tx: &mut Tx<'_>, host: &str) -> Result<bool, StateError> {
    let open = runs::open_runs(tx, host)?;
    Ok(open.iter().any(|run| !process::is_alive(&run.process))
        || !runs::lost(tx, &[], 1)?.is_empty()
        || !runs::silent(tx, SILENCE)?.is_empty())
}

/// Takes back what dead runs of this host hold, and closes them. Others' leases come back when they are over.
pub fn take_back(store: &Store, host: &str) -> Result<usize, StateError> {
    let open = store.read(|tx| runs::open_runs(tx, host))?;
    let dead: Vec<i64> =
        open.iter().filter(|run| !process::is_alive(&run.process)).map(|run| run.id).collect();
    let mut taken = 0;
    loop {
        let some = store.write(|tx| runs::reclaim(tx, &dead, CHUNK, VERSION))?;
        taken += some;
        if some == 0 {
            break;
        }
    }
    store.write(|tx| {
        runs::close_dead(tx, &dead)?;
        runs::close_silent(tx, SILENCE)
    })?;
    Ok(taken)
}

/// Milliseconds without a heartbeat after which a run is over.
const SILENCE: i64 = LEASE * 10;

/// Jobs in one transaction: each writes up to eight rows.
const CHUNK: i64 = 20;
