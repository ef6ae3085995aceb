//! The child's part: it looks at a repository that is damaged, and mends it.

use std::time::{Duration, SystemTime};

use bounded::Deadline;
use packaging_repo::catalog::Catalog;
use packaging_repo::mend::Rebuilt;
use packaging_repo::record::unsealed::Word;
use packaging_repo::refs::fence::Fence;
use packaging_repo::repository::Repository;
use packaging_repo::{Error, mend, object};
use repair::{At, Plan, Refused};
use source_package::version::PackageName;

use crate::checking::{check, damaged};
use crate::collisions::{News, Told};
use crate::failure::{Code, Failure, Stage};
use crate::protocol::{Event, ExpectedContent, RepairTask, RepairWork, Repaired, Request, Unrecorded};
use crate::sandbox;

/// Does what is asked for.
pub(crate) fn perform(request: &Request, task: &RepairTask, emit: &impl Fn(&Event)) -> Result<(), Failure> {
    let package = PackageName::new(&request.package)
        .map_err(|error| Failure::new(Stage::Verify, Code::BadDsc, error))?;
    let wall = |error| Failure::new(Stage::Worker, Code::Sandbox, error);
    sandbox::die_with_parent(request.parent).map_err(wall)?;
    let repository = mend::open(&request.root.join("repos"), &package).map_err(damaged)?;
    let patience = Deadline::after(Duration::from_secs(request.limits.lock_wait.min(request.limits.time)));
    let lock = match (&task.what, request.fence) {
        (RepairWork::Plan | RepairWork::Undo(..), _) => None,
        (_, Some((epoch, token))) => Some(repository.lock_fenced(Fence { epoch, token }, patience)?),
        (_, None) => Some(repository.lock(patience)?),
    };
    // Before the walls: its key is opened, and nothing else of its root is to be read behind them.
    let rebuilt = match &task.brought {
        Some(root) => Rebuilt::open(&root.join("repos"), &package).map_err(damaged)?,
        None => None,
    };
    let packs = rebuilt.as_ref().map(|it| it.objects().join("pack"));
    let mut needs = sandbox::of_check(request, &task.wanted, repository.path());
    needs.readable.extend(rebuilt.as_ref().map(|it| it.repository().path().to_owned()));
    let missing = sandbox::enter(&request.limits.walls(), &needs).map_err(wall)?;
    if !missing.is_empty() {
        emit(&Event::Unwalled(missing));
    }
    let word = word(&task.wanted);
    let at = At {
        repository: &repository,
        word: &word,
        default_branch: request.default_branch.as_deref(),
        rebuilt: rebuilt.as_ref().filter(|_| is_compared(&task.what)),
        now: SystemTime::now(),
    };
    let look = || check(&repository, request, &task.wanted);
    let done = match (&task.what, &lock) {
        (RepairWork::Plan, _) => {
            let looked = repair::look(&at, look().map_err(damaged)?).map_err(damaged)?;
            let plan = Plan {
                package: request.package.clone(),
                findings: looked.findings,
                steps: looked.steps,
                rebuild: at.rebuilt.is_some(),
                ..Plan::default()
            };
            Repaired::Planned(plan, Vec::new())
        }
        (RepairWork::Undo(id, applied), _) => {
            let (plan, notes) = repair::undo(&at, *id, applied)?;
            Repaired::Planned(plan, notes)
        }
        (RepairWork::Apply(id, plan), Some(lock)) => {
            match repair::apply(&at, lock, *id, plan, &look, packs.as_deref()) {
                Ok(applied) => {
                    let found = applied.collisions.into_iter().map(Told::from).collect();
                    Repaired::Applied(applied.steps, News { found, ..News::default() })
                }
                Err(Refused::Stale(changed)) => Repaired::Stale(changed),
                Err(Refused::Repository(error)) => return Err(error.into()),
            }
        }
        (RepairWork::Forget(plans), Some(lock)) => {
            repair::forget(&repository, lock, plans)?;
            Repaired::Forgotten
        }
        (RepairWork::Apply(..) | RepairWork::Forget(_), None) => {
            return Err(Failure::new(Stage::Worker, Code::LockHeld, "no lock was taken"));
        }
    };
    let mut unrecorded = unrecorded(&repository, &task.wanted).unwrap_or_default();
    if let (Repaired::Planned(plan, _), Some(rebuilt)) = (&done, at.rebuilt) {
        let is_moved =
            |tag: &str| plan.steps.iter().any(|step| step.subject.strip_prefix("refs/tags/") == Some(tag));
        let other = self::unrecorded(rebuilt.repository(), &task.wanted).unwrap_or_default();
        let other: Vec<Unrecorded> = other.into_iter().filter(|it| is_moved(&it.tag)).collect();
        unrecorded.retain(|it| !other.iter().any(|new| new.tag == it.tag));
        unrecorded.extend(other);
    }
    emit(&Event::Repaired(Box::new(done), unrecorded));
    Ok(())
}

/// True if refs are compared with those of a repository that was built anew, and do not only get its objects.
fn is_compared(what: &RepairWork) -> bool {
    match what {
        RepairWork::Plan => true,
        RepairWork::Apply(_, plan) => plan.rebuild,
        RepairWork::Undo(..) | RepairWork::Forget(_) => false,
    }
}

fn word(wanted: &ExpectedContent) -> Word {
    Word {
        versions: wanted.versions.clone(),
        branches: wanted.published.iter().map(|(branch, _)| branch.clone()).collect(),
    }
}

/// Versions that are on the repository's record and not on that of the state.
fn unrecorded(repository: &Repository, wanted: &ExpectedContent) -> Result<Vec<Unrecorded>, Error> {
    if repository.record()?.is_none() {
        return Ok(Vec::new());
    }
    let mut catalog = Catalog::open(repository)?;
    let mut found = Vec::new();
    for entry in catalog.entries()? {
        let commit = entry.commit.to_string();
        if wanted.versions.iter().any(|it| it.commit == commit && is_tag_of(&it.tag, &entry.distro)) {
            continue;
        }
        let tree = object::read_commit(entry.commit, &mut catalog.store)?.tree;
        found.push(Unrecorded {
            distro: entry.distro,
            version: entry.version,
            tag: entry.tag,
            commit,
            tree: tree.to_string(),
            applied: entry.applied.map(|id| id.to_string()),
        });
    }
    Ok(found)
}

fn is_tag_of(tag: &str, distro: &str) -> bool {
    let tag = tag.strip_prefix("reimport/").unwrap_or(tag);
    tag.split('/').next() == Some(distro)
}
