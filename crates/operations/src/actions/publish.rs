//! Publishing on remotes, at once.

use importer::config::Config;
use importer::publishing::by_hand;
use importer::publishing::perform::Ended;
use state::operate;
use state::publishing::read::{self, RemoteStatus};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Installation;
use crate::packages::Known;
use crate::questions;
use crate::role::{Permit, Role};

/// Publishes packages on remotes now, in a session of this process. On record: the attempts to publish; no entry in the
/// audit trail.
pub struct Publish<'a> {
    /// The packages; without any, all that is to be published now.
    pub packages: Vec<String>,
    /// Name of the remote; all by default.
    pub remote: Option<String>,
    /// Called when a package was published on a remote, or could not be.
    pub watch: &'a (dyn Fn(&Ended) + Sync),
}

/// Result of publishing.
#[derive(Debug)]
pub struct Published {
    /// Packages that could not be published.
    pub failed: usize,
    /// Each remote, as it is afterwards.
    pub remotes: Vec<RemoteStatus>,
}

/// Checks that there are remotes, and the one that is named.
pub(crate) fn check(config: &Config, remote: Option<&str>) -> Result<(), Error> {
    if config.remotes.is_empty() {
        let text = "no remote is configured: [[remotes]] in config.toml (docs/publishing.md)";
        return Err(Error::Usage(text.into()));
    }
    let is_known = |name: &str| config.remotes.iter().any(|it| it.name == name);
    if let Some(name) = remote.filter(|name| !is_known(name)) {
        let known: Vec<&str> = config.remotes.iter().map(|it| it.name.as_str()).collect();
        return Err(Error::Usage(format!("no remote {name} is configured ({})", known.join(", "))));
    }
    Ok(())
}

impl Publish<'_> {
    fn known(&self, at: &Installation) -> Result<Vec<Known>, Error> {
        let store = at.state()?;
        let known = |name: &String| Ok((store.read(|tx| operate::known(tx, name))?, name.clone()));
        self.packages.iter().map(known).collect()
    }
}

impl Action<Installation> for Publish<'_> {
    const NAME: &'static str = "publish";
    const ROLE: Role = Role::Admin;
    type Done = Published;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let mut changes = Vec::new();
        questions::publishing(at, &self.packages, self.remote.as_deref(), |looked| {
            let head = format!("{} on {}", looked.package, looked.remote);
            match &looked.result {
                Ok(steps) => changes.extend(steps.iter().map(|(name, decision)| {
                    Change::new(Kind::RemoteRef, format!("{head}: {name}"))
                        .after(decision.as_str().to_owned())
                })),
                Err(problem) => {
                    changes.push(Change::new(Kind::Remote, head).number_of(0).after(problem.to_string()));
                }
            }
        })?;
        Ok(Preview::of(changes))
    }

    fn act(&self, at: &Installation, _: &Permit<'_>) -> Result<Published, Error> {
        let config = at.config()?;
        check(&config, self.remote.as_deref())?;
        let packages = self.known(at)?;
        let session = at.begin(config, "publish", 1, false)?;
        let pulse = at.pulse(&session)?;
        let failed = by_hand::publish(&session, &packages, self.remote.as_deref(), self.watch);
        let done = failed.and_then(|failed| {
            let remotes = session.store.read(read::status)?;
            Ok(Published { failed, remotes })
        });
        drop(pulse);
        session.close("done", None)?;
        Ok(done?)
    }
}
