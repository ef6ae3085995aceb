//! Repair: plans are asked for, carried out, taken back. A worker with the repository does that; on a machine that has it, it is done
//! at once.

mod which;

use importer::checking::Check;
use importer::queue::by_hand;
use importer::repairing::{self, Mending};
use packaging_repo::verify::Problem;
use repair::Plan;
use state::driver::Kind as Database;
use state::events::{self, By};
use state::repair::findings;
use state::repair::plans::{self, PartState, PlanKind};
use state::{queue, versions};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::{Installation, Opened};
use crate::packages::Known;
use crate::role::{Actor, Permit, Role};
pub use which::Which;

/// Asks for a plan: what is wrong with repositories, and what would mend it. A worker makes it. On record: `repair-plan`, one
/// entry.
#[derive(Clone, Debug)]
pub struct PlanRepair {
    /// The packages.
    pub which: Which,
    /// Everything is built anew.
    pub rebuild: bool,
    /// A worker makes it, even if this machine has the repository: for those who ask from a page.
    pub by_worker: bool,
}

/// A plan that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its number.
    pub plan: i64,
    /// Its packages.
    pub packages: Vec<Known>,
}

fn packages_of(names: &[String]) -> Preview {
    Preview::of(names.iter().map(|name| Change::new(Kind::Package, name).after("looked at".to_owned())))
}

impl Action for PlanRepair {
    const NAME: &'static str = "repair-plan";
    const ROLE: Role = Role::Operate;
    type Done = Begun;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        Ok(packages_of(&self.which.names(at)?))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Begun, Error> {
        let names = self.which.names(at)?;
        let kind = if self.rebuild { PlanKind::Rebuild } else { PlanKind::Repair };
        begin(at, kind, (None, self.by_worker), &names, ("repair-plan", permit.by()))
    }
}

/// Begins a plan, in chunks: what is not made yet is asked of workers.
fn begin(
    at: &Opened,
    kind: PlanKind,
    (undoes, by_worker): (Option<i64>, bool),
    names: &[String],
    (action, by): (&str, By<'_>),
) -> Result<Begun, Error> {
    let plan = at.store.write(|tx| {
        let id = plans::begin(tx, kind, undoes, by)?;
        let (subject, after) = (format!("plan {id}"), format!("{} packages", names.len()));
        let before = undoes.map(|undone| format!("plan {undone}"));
        events::record(tx, by.actor, action, &subject, by.reason, before.as_deref(), Some(&after))?;
        Ok(id)
    })?;
    let mut packages = Vec::new();
    for some in names.chunks(100) {
        packages.extend(at.store.write(|tx| {
            let mut ids = Vec::new();
            for name in some {
                let id = queue::package_id(tx, name)?;
                plans::put(tx, (plan, id), PartState::Asked, None, None, by)?;
                if by_worker || !is_here(at, name) || kind == PlanKind::Rebuild {
                    plans::ask(tx, id)?;
                }
                ids.push((id, name.clone()));
            }
            Ok(ids)
        })?);
    }
    Ok(Begun { plan, packages })
}

/// True if this machine has the repository, or is the only one that can have it.
fn is_here(at: &Opened, name: &str) -> bool {
    repairing::is_begun(&at.root, name) || at.store.kind() == Database::Sqlite
}

/// Makes the parts of a plan that this machine can make. Nothing of a repository is changed. `watch` is told how many are made.
///
/// # Errors
/// The state cannot be written.
pub fn make_here(
    installation: &Installation,
    at: &Opened,
    begun: &Begun,
    actor: &Actor,
    mut watch: impl FnMut(usize, usize),
) -> Result<(), Error> {
    let by = By { actor: actor.name(), reason: None };
    let made = at.store.read(|tx| plans::get(tx, begun.plan))?;
    if made.kind == PlanKind::Rebuild.as_str() {
        // Files are fetched and versions are imported for it, beside: that is the job's part.
        return carry_out(installation, at, &begun.packages, watch).map(drop);
    }
    for (place, (id, name)) in begun.packages.iter().enumerate() {
        watch(place, begun.packages.len());
        if !is_here(at, name) {
            continue;
        }
        let planned = match made.undoes {
            Some(undone) => undo_here(installation, at, (undone, *id), name),
            None => look_here(installation, at, name).map(|plan| {
                let notes = repairing::advice(&plan).into_iter().collect();
                (plan, notes)
            }),
        };
        let key = (begun.plan, *id);
        at.store.write(|tx| match &planned {
            Ok((plan, notes)) => {
                let state = if plan.steps.is_empty() { PartState::Empty } else { PartState::Planned };
                let text = serde_json::to_string(plan).unwrap_or_default();
                let note = Some(notes.join("; ")).filter(|note| !note.is_empty());
                if made.undoes.is_none() {
                    keep(tx, *id, &plan.findings)?;
                }
                plans::put(tx, key, state, Some(&text), note.as_deref(), by)
            }
            Err(error) => plans::put(tx, key, PartState::Failed, None, Some(&error.to_string()), by),
        })?;
    }
    Ok(())
}

fn keep(tx: &mut state::tx::Tx<'_>, package: i64, problems: &[Problem]) -> Result<(), state::StateError> {
    let rows = repairing::rows(problems);
    if rows.is_empty() && findings::of_package(tx, package)?.is_empty() {
        return Ok(());
    }
    findings::settle(tx, package, &rows)
}

fn look_here(installation: &Installation, at: &Opened, name: &str) -> Result<Plan, Error> {
    let expected = at.store.read(|tx| versions::expected(tx, name))?;
    let program = installation.program()?;
    let mending = mending(at, name, &program, &expected);
    Ok(repairing::plan(&mending, Some(&at.store), |_| {})?)
}

fn mending<'a>(
    at: &'a Opened,
    name: &'a str,
    program: &'a std::path::Path,
    expected: &'a versions::Expected,
) -> Mending<'a> {
    Mending {
        check: Check { program, root: &at.root, package: name, expected, limits: &at.config.limits },
        fence: None,
        default_branch: at.config.import.default_branch.as_deref(),
        brought: None,
    }
}

fn undo_here(
    installation: &Installation,
    at: &Opened,
    (undone, id): (i64, i64),
    name: &str,
) -> Result<(Plan, Vec<String>), Error> {
    let parts = at.store.read(|tx| plans::parts(tx, undone))?;
    let text = parts.into_iter().find(|part| part.package_id == id).and_then(|part| part.text);
    let applied: Plan = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let expected = at.store.read(|tx| versions::expected(tx, name))?;
    let program = installation.program()?;
    Ok(repairing::undo(&mending(at, name, &program, &expected), undone, applied)?)
}

/// Has a plan carried out: all of it, or a few packages first. Workers do it. On record: `repair-apply`, an entry a package.
#[derive(Clone, Copy, Debug)]
pub struct ApplyRepair {
    /// The plan.
    pub plan: i64,
    /// Number of packages in the first step; 0: all.
    pub canary: usize,
}

impl ApplyRepair {
    fn ready(&self, at: &Opened) -> Result<Vec<plans::Part>, Error> {
        let plan = self.plan;
        let parts = at.store.read(|tx| {
            plans::get(tx, plan)?;
            plans::parts(tx, plan)
        })?;
        let may = |part: &plans::Part| {
            matches!(part.state.as_str(), "planned" | "wanted" | "failed" | "stale") && part.text.is_some()
        };
        let ready = parts.into_iter().filter(may);
        Ok(ready.take(if self.canary == 0 { usize::MAX } else { self.canary }).collect())
    }
}

impl Action for ApplyRepair {
    const NAME: &'static str = "repair-apply";
    const ROLE: Role = Role::Operate;
    type Done = Vec<Known>;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let ready = self.ready(at)?;
        let change = |part: plans::Part| {
            let plan: Plan = part.text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            Change::new(Kind::Package, part.package)
                .number_of(plan.steps.len() as u64)
                .before(part.state)
                .after("carried out".to_owned())
        };
        Ok(Preview::of(ready.into_iter().map(change)))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Vec<Known>, Error> {
        let ids: Vec<i64> = self.ready(at)?.iter().map(|part| part.package_id).collect();
        let mut wanted = Vec::new();
        for some in ids.chunks(50) {
            let parts = at.store.write(|tx| plans::want(tx, self.plan, some, permit.by()))?;
            wanted.extend(parts.into_iter().map(|part| (part.package_id, part.package)));
        }
        Ok(wanted)
    }
}

/// Carries out here what was asked for of packages, where that is possible. Returns those that are left to workers, with the reason.
///
/// # Errors
/// No work can begin here.
pub fn carry_out(
    installation: &Installation,
    at: &Opened,
    packages: &[Known],
    mut watch: impl FnMut(usize, usize),
) -> Result<Vec<(String, String)>, Error> {
    let mut left = Vec::new();
    let here: Vec<&Known> = packages.iter().filter(|(_, name)| is_here(at, name)).collect();
    let elsewhere = packages.iter().filter(|(_, name)| !is_here(at, name));
    left.extend(
        elsewhere.map(|(_, name)| (name.clone(), "its repository is not on this machine".to_owned())),
    );
    if here.is_empty() {
        return Ok(left);
    }
    let session = installation.begin(installation.config()?, "import", 1, false)?;
    let pulse = installation.pulse(&session)?;
    let mut result = Ok(());
    for (place, (id, name)) in here.iter().enumerate() {
        watch(place, here.len());
        match by_hand::carry_out(&session, *id) {
            Ok(Some(done)) => {
                // Also runs what the repair has queued, an import.
                if done.settled.is_some_and(|settled| settled.again) {
                    result = by_hand::carry_out(&session, *id).map(drop);
                }
            }
            Ok(None) => left.push((name.clone(), "somebody else works on it, or it is held".to_owned())),
            Err(error) => result = Err(error),
        }
        if result.is_err() {
            break;
        }
    }
    drop(pulse);
    session.close("done", None)?;
    result?;
    Ok(left)
}

/// Asks for the plan that takes another one back. On record: `repair-undo`, one entry.
#[derive(Clone, Copy, Debug)]
pub struct UndoRepair {
    /// The plan.
    pub plan: i64,
    /// A worker makes it, even if this machine has the repository.
    pub by_worker: bool,
}

impl UndoRepair {
    fn applied(&self, at: &Opened) -> Result<Vec<String>, Error> {
        let parts = at.store.read(|tx| {
            plans::get(tx, self.plan)?;
            plans::parts(tx, self.plan)
        })?;
        let applied: Vec<String> = parts
            .into_iter()
            .filter(|part| part.state == PartState::Applied.as_str())
            .map(|part| part.package)
            .collect();
        if applied.is_empty() {
            return Err(Error::Usage(format!("nothing of plan {} was carried out", self.plan)));
        }
        Ok(applied)
    }
}

impl Action for UndoRepair {
    const NAME: &'static str = "repair-undo";
    const ROLE: Role = Role::Operate;
    type Done = Begun;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        Ok(packages_of(&self.applied(at)?))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Begun, Error> {
        let names = self.applied(at)?;
        begin(at, PlanKind::Undo, (Some(self.plan), self.by_worker), &names, ("repair-undo", permit.by()))
    }
}
