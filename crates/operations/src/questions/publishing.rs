//! Preview of publishing.

use importer::publishing::by_hand::{self, Looked};
use importer::publishing::entrance::Remotes;

use crate::actions::publish::check;
use crate::error::Error;
use crate::installation::Installation;

/// Asks remotes what publishing packages, or all, would do there. Nothing is changed, not even in the state. `answer` gets
/// each package on each remote.
///
/// # Errors
/// There is no such remote, or the repositories cannot be listed.
pub fn publishing(
    at: &Installation,
    packages: &[String],
    remote: Option<&str>,
    answer: impl FnMut(Looked),
) -> Result<(), Error> {
    let config = at.config()?;
    check(&config, remote)?;
    let remotes =
        Remotes::open(&config.remotes, &at.root).map_err(|problem| Error::Failed(problem.to_string()))?;
    let packages = at.with_repository(packages)?;
    by_hand::look(&remotes, &at.root, &packages, remote, answer);
    Ok(())
}
