//! Repairs: a child looks at the repository and says what would mend it, or does so, behind the walls of an import. What the state
//! says beside it is added here.

mod child_part;
mod state_part;

use std::path::PathBuf;

use bounded::waiting;
use packaging_repo::verify::Problem;
use repair::Plan;
use source_package::finding::{Finding, Healing};
use source_package::version::PackageName;
use state::Store;
use state::repair::findings::Found;

use crate::checking::{self, Check};
use crate::child;
use crate::failure::{Code, Failure, Stage};
use crate::inspect::{self, InspectError};
use crate::protocol::{Event, RepairTask, RepairWork, Repaired, Request, Task, Unrecorded};
use crate::sandbox::Wall;

pub(crate) use child_part::perform;
pub use state_part::{take_state_steps, with_state};

/// The inputs of a repair, in addition to those of a check.
pub struct Mending<'a> {
    /// The package, the repository, the state's word.
    pub check: Check<'a>,
    /// Epoch and token of the attempt that carries it out; none for whoever only looks.
    pub fence: Option<(u64, u64)>,
    /// The branch that `HEAD` should lead to.
    pub default_branch: Option<&'a str>,
    /// Root of an installation in which the package was imported anew. A plan is compared with it.
    pub brought: Option<PathBuf>,
}

/// The result of a repair.
pub struct Mended {
    /// The plan, or what was done.
    pub done: Repaired,
    /// Versions that the repository has and the state does not know.
    pub unrecorded: Vec<Unrecorded>,
    /// Walls that this kernel does not build.
    pub missing: Vec<Wall>,
    /// Standard error of the child.
    pub stderr: String,
}

/// Has a child do it. `on_start` is told its number.
///
/// # Errors
/// It could not be done, or there is no repository.
pub fn run(
    mending: &Mending<'_>,
    what: RepairWork,
    on_start: impl FnOnce(u32),
) -> Result<Mended, InspectError> {
    let check = &mending.check;
    let task =
        RepairTask { wanted: checking::wanted(check.expected), what, brought: mending.brought.clone() };
    let request = Request {
        fence: mending.fence,
        default_branch: mending.default_branch.map(str::to_owned),
        ..checking::request(check, Task::Repair(Box::new(task)))?
    };
    let mut missing = Vec::new();
    let ended = child::run(check.program, &request, on_start, |event| match event {
        Event::Unwalled(walls) => missing.clone_from(walls),
        Event::Waiting(text) => waiting::say(&format!("{}: {text}", check.package)),
        _ => {}
    })
    .map_err(InspectError::Child)?;
    match (ended.failure, ended.repaired) {
        (None, Some((done, unrecorded))) => Ok(Mended { done, unrecorded, missing, stderr: ended.stderr }),
        (Some(failure), _) => Err(InspectError::Child(failure)),
        (None, None) => {
            let message = "the repair ended without a word about the repository";
            Err(InspectError::Child(Failure::new(Stage::Worker, Code::Crashed, message)))
        }
    }
}

/// Makes the plan of a package: what is wrong with its repository, by itself and beside the state. `on_start` is told the number of
/// the child.
///
/// # Errors
/// It could not be looked at.
pub fn plan(
    mending: &Mending<'_>,
    store: Option<&Store>,
    on_start: impl FnOnce(u32),
) -> Result<Plan, InspectError> {
    let check = &mending.check;
    let package = PackageName::new(check.package)?;
    let repos = check.root.join("repos");
    if let Err(error) = packaging_repo::mend::open(&repos, &package) {
        if check.expected.versions.is_empty() {
            let is_known = store.is_some_and(|store| state_part::is_known(store, check.package));
            if !is_known {
                return Err(error.into());
            }
            return Ok(with_state(
                Plan { package: package.to_string(), ..Plan::default() },
                &[],
                mending,
                store,
            ));
        }
        // Where the installation's key or the disk cannot be read, nothing is known of the repository.
        let problem = packaging_repo::verify::of_error("repository", &error);
        let plan = Plan { package: package.to_string(), findings: vec![problem], ..Plan::default() };
        return Ok(with_state(plan, &[], mending, store));
    }
    let mended = run(mending, RepairWork::Plan, on_start)?;
    match mended.done {
        Repaired::Planned(plan, _) => Ok(with_state(plan, &mended.unrecorded, mending, store)),
        _ => {
            let message = "the repair answered something else than it was asked";
            Err(InspectError::Child(Failure::new(Stage::Worker, Code::Crashed, message)))
        }
    }
}

/// Makes the plan that takes another one back, and says what of it cannot be undone.
///
/// # Errors
/// It could not be looked at.
pub fn undo(mending: &Mending<'_>, id: i64, applied: Plan) -> Result<(Plan, Vec<String>), InspectError> {
    let mended = run(mending, RepairWork::Undo(id, applied), |_| {})?;
    match mended.done {
        Repaired::Planned(plan, notes) => Ok((plan, notes)),
        _ => {
            let message = "the repair answered something else than it was asked";
            Err(InspectError::Child(Failure::new(Stage::Worker, Code::Crashed, message)))
        }
    }
}

/// The way on for damage that no step of a plan mends: record and repository have lost so much that neither says whose the rest is.
pub fn advice(plan: &Plan) -> Option<String> {
    let is_left = |it: &Problem| it.code.healing() == Healing::Plan && it.code != Finding::OwnerWrong;
    // A path that cannot be read cannot be built anew in its place either.
    let is_closed = plan.findings.iter().any(|it| it.code == Finding::Unreadable);
    let is_stuck = plan.steps.is_empty() && !plan.rebuild && !is_closed && plan.findings.iter().any(is_left);
    is_stuck
        .then(|| format!("package-import repair plan {} --rebuild builds anew what is left", plan.package))
}

/// Findings in the form of the state's rows. Foreign refs, which have rows of their own, and harmless findings are left
/// out.
pub fn rows(problems: &[Problem]) -> Vec<Found> {
    let counts = problems.iter().filter(|it| it.code.is_damage());
    counts
        .map(|it| Found {
            code: it.code.as_str().to_owned(),
            subject: it.subject.clone(),
            message: it.message.clone(),
            since: 0,
        })
        .collect()
}

/// True if any part of a repository exists.
pub fn is_begun(root: &std::path::Path, package: &str) -> bool {
    PackageName::new(package)
        .is_ok_and(|package| packaging_repo::mend::open(&root.join("repos"), &package).is_ok())
        || inspect::missing_repository(root, package).is_none()
}
