//! Pauses of hosts.

use state::read::hosts;
use state::words::HostState;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::role::{Permit, Role};

/// Lets a host finish its jobs and begin nothing new. On record: `host`, one entry.
#[derive(Clone, Debug)]
pub struct Quiesce {
    /// Name of the host.
    pub host: String,
}

/// Lets a host that was quiesced go on. On record: `host`, one entry.
#[derive(Clone, Debug)]
pub struct Resume {
    /// Name of the host.
    pub host: String,
}

fn look(at: &Opened, host: &str, state: HostState) -> Result<Preview, Error> {
    let before = at.store.read(|tx| hosts::state(tx, host))?;
    let change = Change::new(Kind::Host, host).before(before).after(state.as_str().to_owned());
    Ok(Preview::of([change]))
}

fn act(at: &Opened, host: &str, state: HostState, permit: &Permit<'_>) -> Result<String, Error> {
    let by = permit.by();
    Ok(at.store.write(|tx| hosts::set_state(tx, host, state, by.actor, by.reason))?)
}

impl Action for Quiesce {
    const NAME: &'static str = "quiesce";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    /// State of the host before.
    type Done = String;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        look(at, &self.host, HostState::Quiescing)
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<String, Error> {
        act(at, &self.host, HostState::Quiescing, permit)
    }
}

impl Action for Resume {
    const NAME: &'static str = "resume";
    const ROLE: Role = Role::Operate;
    /// State of the host before.
    type Done = String;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        look(at, &self.host, HostState::Online)
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<String, Error> {
        act(at, &self.host, HostState::Online, permit)
    }
}
