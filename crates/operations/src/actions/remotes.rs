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

impl Action for LeaveRemote {
    const NAME: &'static str = "leave-remote";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    type Done = ();

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let url = at.store.read(|tx| remotes::url(tx, &self.remote))?;
        Ok(Preview::of([Change::new(Kind::Remote, &self.remote).before(url)]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<(), Error> {
        Ok(at.store.write(|tx| remotes::leave(tx, &self.remote, permit.by()))?)
    }
}
