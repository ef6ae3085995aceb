//! Repositories of this machine as a cache of a remote's: whether the copy here is what the remote has, and how it gets here.

use importer::config::Config;
use importer::publishing::job::fingerprint;
use importer::queue::by_hand;
use serde::Serialize;
use state::StateError;
use state::publishing::cached;
use state::tx::Tx;
use state::words::{Lane, Tasks};
use state::{Store, operate, queue};

use crate::error::Error;
use crate::installation::Installation;

/// The copy of a repository in the cache of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Copy {
    /// It is what was read back from the remote last.
    Current,
    /// The remote has something else.
    Other,
    /// There is none.
    Absent,
}

/// State of the copy of a package; `None` if repositories are no cache, or nothing of it was ever published.
///
/// # Errors
/// The state cannot be read.
pub fn copy(installation: &Installation, store: &Store, package: &str) -> Result<Option<Copy>, Error> {
    if !installation.config()?.repos.is_cache() {
        return Ok(None);
    }
    let Some(there) = store.read(|tx| cached::done_of(tx, package))? else { return Ok(None) };
    Ok(Some(match fingerprint(&installation.root, package) {
        Some(here) if here == there => Copy::Current,
        Some(_) => Copy::Other,
        None => Copy::Absent,
    }))
}

/// Brings the repository of a package here from the remote, by a job that verifies it.
///
/// # Errors
/// The reason why that cannot be done now.
pub fn bring(installation: &Installation, package: &str) -> Result<(), Error> {
    do_job(installation, package, |tx, id| queue::enqueue(tx, id, Lane::Operator, Tasks::VERIFY))
}

/// Does the job of a package now, in this process, after `ask` has asked for it.
///
/// # Errors
/// The cause of its failure; another process has it; it is held.
pub(crate) fn do_job(
    installation: &Installation,
    package: &str,
    ask: impl Fn(&mut Tx<'_>, i64) -> Result<(), StateError>,
) -> Result<(), Error> {
    let config: Config = installation.config()?;
    let session = installation.begin(config, "import", 1, false)?;
    let pulse = installation.pulse(&session)?;
    let asked = session.store.write(|tx| {
        let id = operate::known(tx, package)?;
        ask(tx, id).map(|()| id)
    });
    let done = asked.and_then(|id| by_hand::carry_out(&session, id));
    drop(pulse);
    session.close("done", None)?;
    match done? {
        Some(result) => match result.cause {
            Some(cause) => Err(Error::Failed(format!("{}/{}: {}", cause.stage, cause.code, cause.message))),
            None => Ok(()),
        },
        None => Err(Error::Failed(format!(
            "another import of {package} is running, or the package is held: try again when it has ended, or release it"
        ))),
    }
}
