//! Decisions about a ref of ours that somebody else made or moved.

use importer::inspect;
use importer::queue::by_hand;
use packaging_repo::collision::{Decision, Kind as CollisionKind};
use state::operate;
use state::publication::collisions::{self, Collision};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::{Installation, Opened};
use crate::questions;
use crate::role::{Permit, Role};

/// Decides about a collision. The decision is recorded, and a job is queued that carries it out. On record: `resolve`,
/// an entry of the package.
#[derive(Clone, Copy, Debug)]
pub struct Resolve {
    /// Number of the collision.
    pub id: i64,
    /// The decision.
    pub decision: Decision,
}

impl Resolve {
    fn found(&self, at: &Opened) -> Result<Collision, Error> {
        let it = questions::collision_row(at, self.id)?;
        let kind = it.kind.parse::<CollisionKind>().ok();
        match kind.and_then(|kind| self.decision.refused_for(kind)) {
            Some(why) => Err(Error::Usage(format!("collision {} is {}: {why}", it.id, it.kind))),
            None => Ok(it),
        }
    }
}

impl Action for Resolve {
    const NAME: &'static str = "resolve";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    type Done = Collision;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let it = self.found(at)?;
        let before = it.ending.clone().unwrap_or_else(|| format!("{} {}", it.kind, it.name));
        let change = Change::new(Kind::Collision, it.id.to_string())
            .before(before)
            .after(self.decision.as_str().to_owned());
        Ok(Preview::of(it.ended.is_none().then_some(change)))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Collision, Error> {
        self.found(at)?;
        let decision = self.decision.as_str();
        Ok(at.store.write(|tx| collisions::decide(tx, self.id, decision, permit.by()))?)
    }
}

/// Carries out the decisions about a package here, if that is possible: with the repository on this machine, and no
/// other import of the package.
///
/// # Errors
/// The reason why it is left to the next run.
pub fn carry_out(installation: &Installation, package: &str) -> Result<(), Error> {
    let root = installation.absolute_root()?;
    if inspect::missing_repository(&root, package).is_some() {
        return Err(Error::NotFound("the repository is not on this machine".into()));
    }
    let session = installation.begin(installation.config()?, "import", 1, false)?;
    let pulse = installation.pulse(&session)?;
    let done = (session.store.read(|tx| operate::known(tx, package)))
        .and_then(|id| by_hand::carry_out(&session, id));
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
