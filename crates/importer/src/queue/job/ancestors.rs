//! Ancestors that came late: once old versions of a package are imported after newer ones, a plan shows the refs that a rebuild
//! would move, if nobody else has them.

use std::collections::HashSet;
use std::mem;

use archive::history::OldVersion;
use packaging_repo::mend;
use packaging_repo::repository::Repository;
use packaging_repo::verify::Problem;
use repair::{Act, Mark, Plan, Step};
use source_package::version::{PackageName, Version};
use state::histories;
use state::publications::{LOCAL, NewPublication, Publication};
use state::repair::plans::{self, Part, PartState, PlanKind};
use state::repair::witness;
use state::words::Tasks;

use super::{Watch, Work};
use crate::protocol::{Trust, VersionRequest};
use crate::queue::archives::{Got, Stored};
use crate::queue::requests;

/// The reason why there is no plan.
enum NoPlan {
    /// It stays as it is.
    Stays(String),
    /// It could not be made.
    Failed(String),
}

impl Work<'_> {
    /// True if the plan of a part gives versions the ancestors that came late.
    pub(super) fn is_of_ancestors(&self, part: &Part) -> bool {
        let plan = self.session.store.read(|tx| plans::get(tx, part.plan));
        plan.is_ok_and(|plan| plan.kind == PlanKind::Ancestors.as_str())
    }

    /// Makes such a plan. As long as the import before it waits or fails, the part stays as it is: so does the job.
    pub(super) fn plan_ancestors(&mut self, part: &Part, watch: Watch<'_>) {
        let is_waiting = self.wait.is_some() || self.parked_on.is_some();
        if is_waiting || self.cancelled || !self.failures.is_empty() {
            return;
        }
        // The result of an import is on record once its job has ended.
        if self.claim.tasks.has(Tasks::IMPORT) {
            let (session, id) = (self.session, self.claim.package_id);
            let asked = session.patiently("plans of repair", || session.store.write(|tx| plans::ask(tx, id)));
            return self.not_noted(asked.err());
        }
        let planned = self.ancestors(None, watch);
        self.remove_beside();
        match planned {
            Ok(plan) if plan.steps.is_empty() => self.end_part(part, PartState::Empty, Some(&plan), None),
            Ok(plan) => self.end_part(part, PartState::Planned, Some(&plan), None),
            Err(_) if self.session.is_stopping() => self.cancelled = true,
            Err(NoPlan::Stays(why)) => {
                let note = format!("what came late stays without descendants: {why}");
                self.end_part(part, PartState::Empty, None, Some(&note));
            }
            Err(NoPlan::Failed(why)) => self.end_part(part, PartState::Failed, None, Some(&why)),
        }
    }

    /// Compares the repository with one that is built anew. The rebuilt one is left beside it. If a plan was begun and killed, its
    /// refs may have moved, of which the state does not know yet.
    fn ancestors(&mut self, begun: Option<&Plan>, watch: Watch<'_>) -> Result<Plan, NoPlan> {
        let (session, id) = (self.session, self.claim.package_id);
        let name =
            PackageName::new(&self.claim.package).map_err(|error| NoPlan::Failed(error.to_string()))?;
        let known = session.patiently("what came late", || {
            session.store.read(|tx| Ok((histories::has_late(tx, id)?, witness::elsewhere(tx, id)?)))
        });
        let (has_late, elsewhere) = known.map_err(|error| NoPlan::Failed(error.to_string()))?;
        let plan = Plan { package: name.to_string(), ancestors: true, ..Plan::default() };
        if !has_late {
            return Ok(plan);
        }
        if session.cache().is_some() {
            return Err(NoPlan::Stays("the repositories here are a cache of a remote's".into()));
        }
        if let Some(why) = elsewhere {
            return Err(NoPlan::Stays(why));
        }
        let looked = self.look(None).map_err(|error| NoPlan::Failed(error.to_string()))?;
        let is_moved = |it: &&Problem| {
            begun.is_some_and(|plan| plan.steps.iter().any(|step| step.subject == it.subject))
        };
        let mut damage = looked.findings.iter().filter(|it| it.code.is_damage());
        if let Some(first) = damage.find(|it| !is_moved(it)) {
            let damaged = format!("{}: {}: repair it first", first.subject, first.message);
            return Err(NoPlan::Failed(damaged));
        }
        self.rebuild_whole(watch).map_err(NoPlan::Failed)?;
        let rebuilt = packaging_repo::refs::read(&self.repository_beside());
        let read = || {
            let here = Repository::open(&session.root.join("repos"), &name)?;
            Ok::<_, packaging_repo::Error>((
                mend::refs(&here)?.refs,
                here.record()?.unwrap_or_default(),
                rebuilt?,
            ))
        };
        let (here, record, rebuilt) = read().map_err(|error| NoPlan::Failed(error.to_string()))?;
        let steps = repair::ancestors(&here, &record, &rebuilt);
        let mut steps = steps.map_err(|why| NoPlan::Stays(why.to_string()))?;
        if !steps.is_empty() {
            let versions = self.expected_versions();
            let step = Step::new(Act::Rebuild, Mark::Create, "objects", "older versions came late");
            let step = step.moving(None, Some(format!("the objects of {versions} versions")));
            steps.insert(0, Step { imports: versions, ..step.by_person().for_good() });
        }
        Ok(Plan { steps, ..plan })
    }

    /// Makes a plan that is to be carried out once more: nothing of it is believed. Returns the reason if it does not hold any
    /// longer.
    pub(super) fn ancestors_changed(&mut self, plan: &Plan, watch: Watch<'_>) -> Option<(PartState, String)> {
        let now = match self.ancestors(Some(plan), watch) {
            Ok(now) => now,
            Err(NoPlan::Stays(why)) => return Some((PartState::Stale, format!("stale: {why}"))),
            Err(NoPlan::Failed(why)) => return Some((PartState::Failed, why)),
        };
        let differs = |a: &Plan, b: &Plan| {
            a.steps.iter().find(|step| !b.steps.iter().any(|it| it.does_the_same(step))).cloned()
        };
        // A plan that was carried out, up to its record, has nothing left to do.
        let step = differs(&now, plan).or_else(|| differs(plan, &now).filter(|_| !now.steps.is_empty()))?;
        let text = format!(
            "stale: the package has changed: {}; `package-import history ask` makes a new plan",
            step.change()
        );
        Some((PartState::Stale, text))
    }

    fn expected_versions(&self) -> u64 {
        let name = self.claim.package.as_str();
        let expected = self.session.store.read(|tx| state::versions::expected(tx, name));
        expected.map_or(0, |expected| expected.versions.len() as u64)
    }

    /// Requests for an import beside the repository, and the reason why some lack. That is no matter of the job's: it neither
    /// waits nor fails for them.
    pub(super) fn requests_beside(&mut self, all: &[Publication]) -> (Vec<VersionRequest>, Option<String>) {
        let (wait, parked) = (self.wait.take(), self.parked_on.take());
        let (gone, failures) = (mem::take(&mut self.gone), mem::take(&mut self.failures));
        let (ids, mut versions) = self.requests(all, true);
        let first = self.failures.first().map(|(failure, ..)| failure.to_string());
        let first = first.or_else(|| self.wait.take().map(|wait| wait.reason));
        self.failures = failures;
        (self.wait, self.parked_on, self.gone) = (wait, parked, gone);
        let ids: HashSet<i64> = ids.into_iter().collect();
        let mut lacking = None;
        for publication in all.iter().filter(|it| !ids.contains(&it.id)) {
            match self.request_of_history(publication) {
                Some(request) => versions.push(request),
                None => {
                    let version = &publication.what.version;
                    let why = first.clone().unwrap_or_else(|| "its files are on no mirror any more".into());
                    lacking.get_or_insert(format!("{version} cannot be imported again: {why}"));
                }
            }
        }
        (versions, lacking)
    }

    /// The same version from the archive's history, if that has the `.dsc` that the index listed.
    fn request_of_history(&self, publication: &Publication) -> Option<VersionRequest> {
        let (session, what) = (self.session, &publication.what);
        if what.archive == LOCAL || what.suite.is_empty() {
            return None;
        }
        let (_, history) = session.archives.history(&what.archive)?;
        let name = PackageName::new(&self.claim.package).ok()?;
        let found = history.find(&name, &Version::new(&what.version).ok()?).ok()?;
        let package = (session.root.as_path(), self.claim.package.as_str());
        found.iter().find_map(|old: &OldVersion| {
            let files = serde_json::to_string(&Stored::of_history(old)).ok()?;
            let old = NewPublication { suite: String::new(), files, ..what.clone() };
            let old = Publication { what: old, ..publication.clone() };
            match session.archives.fetch(&old, package, self.claim.attempt, true) {
                Ok(Got::Old(dsc, _, found)) if found.dsc_sha256 == what.dsc_sha256 => {
                    requests::request(publication, dsc, Trust::Index(found.dsc_sha256)).ok()
                }
                _ => None,
            }
        })
    }
}
