//! Remotes that are published on.

use state::publishing::remotes;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::role::{Permit, Role};

/// Stops following a remote: missing refs there are no lag any more. On record: `remote-left`, one entry.
#[derive(Clone, Debug)]
pub struct LeaveRemote {
    /// Name of the remote.
    pub remote: String,
}

impl LeaveRemote {
    /// A run would follow a remote of the configuration again.
    fn check(&self, at: &Opened) -> Result<(), Error> {
        let remote = &self.remote;
        if at.config.remotes.iter().all(|it| it.name != *remote) {
            return Ok(());
        }
        Err(Error::Usage(format!(
            "remote {remote} is in the configuration: take it out of [[remotes]] on all hosts first"
        )))
    }
}

impl Action for LeaveRemote {
    const NAME: &'static str = "leave-remote";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    type Done = ();

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        self.check(at)?;
        let url = at.store.read(|tx| remotes::url(tx, &self.remote))?;
        Ok(Preview::of([Change::new(Kind::Remote, &self.remote).before(url)]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<(), Error> {
        self.check(at)?;
        Ok(at.store.write(|tx| remotes::leave(tx, &self.remote, permit.by()))?)
    }
}
