//! Decisions about a ref of ours that somebody else made or moved.

use importer::inspect;
use packaging_repo::collision::{Decision, Kind as CollisionKind};
use state::publication::collisions::{self, Collision};
use state::publishing::cached;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::{Installation, Opened};
use crate::role::{Permit, Role};
use crate::{in_cache, questions};

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
        let refused = match kind.and_then(|kind| self.decision.refused_for(kind)) {
            None if self.removes_a_ref(kind) => self.not_there(at, &it)?,
            why => why.map(str::to_owned),
        };
        match refused {
            Some(why) => Err(Error::Usage(format!("collision {} is {}: {why}", it.id, it.kind))),
            None => Ok(it),
        }
    }

    /// True when the decision takes a name from a ref that somebody else made.
    fn removes_a_ref(&self, kind: Option<CollisionKind>) -> bool {
        self.decision == Decision::TakeTag
            || (self.decision == Decision::Drop && kind == Some(CollisionKind::Blocked))
    }

    /// Where the repository is on a remote, nothing there is removed, and what is removed here comes back with the next
    /// fetch: the reason, with what to do.
    fn not_there(&self, at: &Opened, it: &Collision) -> Result<Option<String>, Error> {
        let Some(remote) = at.store.read(cached::remote)? else { return Ok(None) };
        let (name, package) = (&it.name, &it.package);
        let theirs = it.theirs.as_deref().unwrap_or("COMMIT");
        Ok(Some(format!(
            "the repository is on remote {remote}, where the importer removes nothing. In a clone with the right to push: `git push \
             origin {theirs}:refs/heads/kept/NAME` keeps what was pushed, `git push origin :{name}` removes the ref; then \
             `package-import publish {package}` goes on at once, and within six hours it does by itself"
        )))
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
    let (root, config) = (installation.absolute_root()?, installation.config()?);
    if !config.repos.is_cache() && inspect::missing_repository(&root, package).is_some() {
        return Err(Error::NotFound("the repository is not on this machine".into()));
    }
    in_cache::do_job(installation, package, |_, _| Ok(()))
}
