//! The part of a plan that comes from the state: versions that it does not know, listed versions that are neither
//! imported nor queued, refs that remotes lack.

use std::collections::{BTreeSet, HashMap};

use packaging_repo::manifest::IMPORT_RULES;
use packaging_repo::verify::Problem;
use repair::{Act, Mark, Plan, Step};
use source_package::finding::Finding;
use state::repair::witness::{self, Witness};
use state::tx::Tx;
use state::versions::{self, Known};
use state::{StateError, Store};

use super::Mending;
use crate::protocol::Unrecorded;
use crate::publishing::job::fingerprint;
use crate::queue::archives::Stored;

/// True if the state knows the package.
pub(super) fn is_known(store: &Store, package: &str) -> bool {
    store.read(|tx| state::read::package::id(tx, package)).is_ok_and(|id| id.is_some())
}

/// Adds findings and steps of the state.
pub fn with_state(
    mut plan: Plan,
    unrecorded: &[Unrecorded],
    mending: &Mending<'_>,
    store: Option<&Store>,
) -> Plan {
    let Some(store) = store else { return plan };
    let name = mending.check.package;
    add_versions(&mut plan, unrecorded, mending.check.expected.versions.is_empty());
    let witness = store.read(|tx| match state::read::package::id(tx, name)? {
        Some(id) => witness::read(tx, id),
        None => Ok(Witness::default()),
    });
    // A state that cannot be read now has nothing to add.
    let Ok(witness) = witness else { return plan };
    let source = witness.remotes.iter().find(|it| it.there.is_some() && it.there == it.here);
    let source = source.map(|it| it.remote.as_str());
    add_gone(&mut plan, mending.check.expected.versions.len(), source);
    add_source(&mut plan, source);
    add_listed(&mut plan, &witness);
    add_remotes(&mut plan, &witness, fingerprint(mending.check.root, name).as_deref());
    add_bytes(&mut plan, store);
    plan
}

/// Says how much an import of what a step names would fetch; the cache may have some of it.
fn add_bytes(plan: &mut Plan, store: &Store) {
    if plan.steps.iter().all(|step| step.imports == 0) {
        return;
    }
    let fetched = store.read(|tx| match state::read::package::id(tx, &plan.package)? {
        Some(id) => witness::fetched(tx, id),
        None => Ok(Vec::new()),
    });
    // A state that cannot be read now has nothing to add.
    let fetched = fetched.unwrap_or_default();
    for step in plan.steps.iter_mut().filter(|step| step.imports > 0) {
        let is_all = step.act == Act::Rebuild || step.subject == "repository";
        let of_step =
            fetched.iter().filter(|it| if is_all { it.is_imported } else { it.subject == step.subject });
        // Revisions of one upstream release share its tarball.
        let files: BTreeSet<(String, u64)> = of_step.flat_map(|it| Stored::sizes(&it.files)).collect();
        step.bytes = files.iter().map(|(_, size)| size).sum();
    }
}

fn add_versions(plan: &mut Plan, unrecorded: &[Unrecorded], is_all: bool) {
    let first = unrecorded.first().filter(|_| is_all);
    if let Some(first) = first {
        let message = format!(
            "the state knows none of its {} versions ({} among them)",
            unrecorded.len(),
            first.version
        );
        plan.findings.push(Problem::new(Finding::RepositoryUnknown, "repository", message));
    }
    for it in unrecorded {
        let tag = format!("refs/tags/{}", it.tag);
        if !is_all {
            let message = format!("the repository has {}, and the state does not know it", it.version);
            plan.findings.push(Problem::new(Finding::VersionUnknown, &tag, message));
        }
        let step = Step::new(Act::Version, Mark::Create, tag, Finding::VersionUnknown.as_str());
        plan.steps.push(step.moving(None, Some(it.commit.clone())).for_good());
    }
}

/// If nothing is left of a repository, it comes from a remote that has all of it; else all versions are imported again, which gives
/// the same commits.
fn add_gone(plan: &mut Plan, versions: usize, source: Option<&str>) {
    if !plan.findings.iter().any(|it| it.code == Finding::RepositoryGone) {
        return;
    }
    let after = match source {
        Some(remote) => format!("{versions} versions, from remote {remote}; imported again if it lacks any"),
        None => format!("{versions} versions, imported again"),
    };
    let step = Step::new(Act::Queue, Mark::Create, "repository", Finding::RepositoryGone.as_str());
    let step = step.moving(None, Some(after));
    let imports = if source.is_some() { 0 } else { versions as u64 };
    plan.steps.push(Step { imports, ..step.by_person().for_good() });
}

/// Names the remote that objects come from: nothing is imported again then.
fn add_source(plan: &mut Plan, source: Option<&str>) {
    let Some(remote) = source.filter(|_| !plan.rebuild) else { return };
    for step in plan.steps.iter_mut().filter(|step| step.act == Act::Rebuild) {
        step.imports = 0;
        step.reason = format!("{}; remote {remote} has them", step.reason);
    }
}

fn add_listed(plan: &mut Plan, witness: &Witness) {
    for it in &witness.listed {
        let how =
            if it.is_gone { "is taken for gone" } else { "is neither imported nor failing nor waiting" };
        let message = format!("{} lists {} for {}, and it {how}", it.archive, it.version, it.branch);
        let subject = format!("{} {}", it.branch, it.version);
        plan.findings.push(Problem::new(Finding::ListedNotQueued, &subject, message));
        let step = Step::new(Act::Queue, Mark::Create, subject, Finding::ListedNotQueued.as_str());
        let step = step.moving(None, Some("queued".into())).for_good();
        plan.steps.push(Step { imports: 1, ..step });
    }
}

fn add_remotes(plan: &mut Plan, witness: &Witness, local: Option<&str>) {
    for it in &witness.remotes {
        if it.foreign > 0 {
            let message = format!(
                "{} refs were moved there by somebody else; `package-import remotes {}` says which",
                it.foreign, it.remote
            );
            plan.findings.push(Problem::new(Finding::RemoteForeign, &it.remote, message));
        }
        let is_behind = it.there.is_none()
            || it.there != it.here
            || local.is_some_and(|local| it.here.as_deref() != Some(local));
        // A ref that somebody else moved there is no reason to push again and again.
        if !is_behind || it.is_asked || it.foreign > 0 {
            continue;
        }
        plan.findings.push(Problem::new(Finding::RemoteBehind, &it.remote, "lacks what the repository has"));
        let step = Step::new(Act::Publish, Mark::Create, &it.remote, Finding::RemoteBehind.as_str());
        plan.steps.push(step.moving(it.there.clone(), local.map(str::to_owned)).for_good());
    }
}

fn known(it: &Unrecorded) -> Known {
    Known {
        distro: it.distro.clone(),
        version: it.version.clone(),
        commit: it.commit.clone(),
        tree: it.tree.clone(),
        applied: it.applied.clone(),
        tag: it.tag.clone(),
        rules: i64::from(IMPORT_RULES),
    }
}

/// Takes the steps of a plan that are about the state.
///
/// # Errors
/// The database.
pub fn take_state_steps(
    tx: &mut Tx<'_>,
    (id, package): (i64, &str),
    plan: &Plan,
    unrecorded: &[Unrecorded],
    program: &str,
) -> Result<(), StateError> {
    let of_versions = plan.steps.iter().filter(|step| step.act == Act::Version);
    let steps: HashMap<&str, &Step> = of_versions.map(|step| (step.subject.as_str(), step)).collect();
    let mut known = Vec::new();
    for it in unrecorded {
        let Some(step) = steps.get(format!("refs/tags/{}", it.tag).as_str()) else { continue };
        match &step.before {
            None => known.push(self::known(it)),
            Some(before) if step.after.as_ref() == Some(&it.commit) => {
                versions::moved(tx, id, before, &self::known(it))?;
            }
            Some(_) => {}
        }
    }
    for some in known.chunks(100) {
        versions::record(tx, package, some, program)?;
    }
    let queued: Vec<&Step> = plan.steps.iter().filter(|step| step.act == Act::Queue).collect();
    if queued.iter().any(|step| step.subject == "repository") {
        witness::import_all(tx, id)?;
    } else if !queued.is_empty() {
        witness::queue(tx, id)?;
    }
    let remotes = plan.steps.iter().filter(|step| step.act == Act::Publish);
    remotes.map(|step| step.subject.as_str()).try_for_each(|remote| witness::publish(tx, id, remote))
}
