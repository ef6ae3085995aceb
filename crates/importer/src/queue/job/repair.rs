//! Plans of repair: a job makes them and carries them out.

use std::path::PathBuf;

use fail::fail_point;
use packaging_repo::verify::Problem;
use repair::{Act, Plan};
use state::queue::Claim;
use state::repair::plans::{self, Part, PartState, PlanKind};
use state::repair::{findings, kept};
use state::versions;
use state::words::Tasks;

use super::from_remote::imports_all;
use super::rebuild::Built;
use super::{Watch, Work};
use crate::checking::Check;
use crate::inspect::InspectError;
use crate::protocol::{RepairWork, Repaired, Unrecorded};
use crate::queue::session::{Session, VERSION};
use crate::repairing::{self, Mending};

/// Looks again at a repository with findings, once the versions of a job are on record: what the job itself has found, it has found
/// before, and versions that were just imported seemed to be unknown.
pub(super) fn settle_when_recorded(session: &Session, claim: &Claim) {
    let (store, id, name) = (&session.store, claim.package_id, claim.package.as_str());
    // A state that cannot be read now is looked at by the next check.
    let known = store.read(|tx| findings::of_package(tx, id)).unwrap_or_default();
    if known.is_empty() || session.is_stopping() {
        return;
    }
    let Ok(expected) = store.read(|tx| versions::expected(tx, name)) else { return };
    let mending = Mending {
        check: Check {
            program: &session.program,
            root: &session.root,
            package: name,
            expected: &expected,
            limits: &session.config.limits,
        },
        fence: None,
        default_branch: session.config.import.default_branch.as_deref(),
        brought: None,
    };
    let plan = repairing::plan(&mending, Some(store), |pid| session.started(claim.attempt, pid));
    session.is_over(claim.attempt);
    let Ok(plan) = plan else { return };
    let rows = repairing::rows(&plan.findings);
    let settled = session
        .patiently("what is wrong with a repository", || store.write(|tx| findings::settle(tx, id, &rows)));
    if let Err(error) = settled {
        session.troubles.note("findings", &error);
    }
}

impl Work<'_> {
    /// Carries out what is asked for before the same job imports: a plan is about the repository as it was without that. Where
    /// repositories are a cache, an import fetches them first.
    pub(super) fn repair_before_import(&mut self, watch: Watch<'_>) {
        let (session, id, tasks) = (self.session, self.claim.package_id, self.claim.tasks);
        if !tasks.has(Tasks::REPAIR) || !tasks.has(Tasks::IMPORT) || session.cache().is_some() {
            return;
        }
        let open = session.patiently("plans of repair", || session.store.read(|tx| plans::open(tx, id)));
        match open {
            Ok(open) => {
                for part in open.iter().filter(|part| part.state == PartState::Wanted.as_str()) {
                    if !self.cancelled {
                        self.carry_out(part, watch);
                    }
                }
            }
            Err(error) => self.not_noted(Some(error)),
        }
    }

    /// Makes and carries out what is asked for.
    pub(super) fn repair(&mut self, watch: Watch<'_>) {
        let (session, id) = (self.session, self.claim.package_id);
        let open = session.patiently("plans of repair", || session.store.read(|tx| plans::open(tx, id)));
        let open = match open {
            Ok(open) => open,
            Err(error) => return self.not_noted(Some(error)),
        };
        if open.is_empty() {
            self.look_at_known();
        }
        for part in open {
            if self.cancelled {
                return;
            }
            let is_asked = part.state == PartState::Asked.as_str();
            if is_asked && self.is_of_ancestors(&part) {
                self.plan_ancestors(&part, watch);
            } else if is_asked {
                self.make(&part, watch);
            } else {
                self.carry_out(&part, watch)
            }
        }
        self.forget_old();
    }

    /// Forgets what repairs have replaced, and have kept for as long as the configuration says.
    fn forget_old(&mut self) {
        let (session, id) = (self.session, self.claim.package_id);
        let age = session.config.repair.kept();
        let old = session.patiently("old repairs", || {
            session.store.read(|tx| {
                let before = tx.now()?.saturating_sub(age);
                kept::old(tx, id, before)
            })
        });
        let old = match old {
            Ok(old) if old.is_empty() || self.cancelled => return,
            Ok(old) => old,
            Err(error) => return self.not_noted(Some(error)),
        };
        if repairing::is_begun(&session.root, &self.claim.package) {
            match self.child_of(RepairWork::Forget(old.clone()), None) {
                Ok(_) => {}
                Err(_) if session.is_stopping() => {
                    self.cancelled = true;
                    return;
                }
                // It is tried again tomorrow.
                Err(error) => return self.log.line(&format!("old repairs cannot be forgotten: {error}")),
            }
        }
        self.log.line(&format!("what {} repairs have replaced is forgotten", old.len()));
        let written =
            session.patiently("old repairs", || session.store.write(|tx| kept::forget(tx, id, &old)));
        self.not_noted(written.err());
    }

    fn make(&mut self, part: &Part, watch: Watch<'_>) {
        match self.planned(part, watch) {
            Ok((plan, notes)) => {
                let state = if plan.steps.is_empty() { PartState::Empty } else { PartState::Planned };
                let note = Some(notes.join("; ")).filter(|note| !note.is_empty());
                self.end_part(part, state, Some(&plan), note.as_deref());
            }
            Err(_) if self.session.is_stopping() => self.cancelled = true,
            Err(error) => self.end_part(part, PartState::Failed, None, Some(&error.to_string())),
        }
    }

    fn planned(&mut self, part: &Part, watch: Watch<'_>) -> Result<(Plan, Vec<String>), InspectError> {
        let store = &self.session.store;
        let begun = store.read(|tx| plans::get(tx, part.plan)).ok();
        let Some(undoes) = begun.as_ref().and_then(|plan| plan.undoes) else {
            if begun.is_some_and(|plan| plan.kind == PlanKind::Rebuild.as_str()) {
                return self.planned_anew(watch);
            }
            let plan = self.look(None)?;
            self.keep_findings(&plan.findings);
            let notes = repairing::advice(&plan).into_iter().collect();
            return Ok((plan, notes));
        };
        let parts = store.read(|tx| plans::parts(tx, undoes)).unwrap_or_default();
        let text = parts.into_iter().find(|it| it.package_id == part.package_id).and_then(|it| it.text);
        let applied: Plan = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let mended = self.child_of(RepairWork::Undo(undoes, applied), None)?;
        match mended.0 {
            Repaired::Planned(plan, notes) => Ok((plan, notes)),
            _ => Ok((Plan::default(), Vec::new())),
        }
    }

    /// Plans: the present findings, and the steps that would mend them.
    pub(super) fn look(&mut self, brought: Option<PathBuf>) -> Result<Plan, InspectError> {
        let (session, attempt) = (self.session, self.claim.attempt);
        let expected = self.expected();
        let mending = self.mending(&expected, brought);
        let plan = repairing::plan(&mending, Some(&session.store), |pid| session.started(attempt, pid));
        session.is_over(attempt);
        plan
    }

    pub(super) fn expected(&self) -> versions::Expected {
        let name = self.claim.package.as_str();
        // A state that cannot be read now is no fault of the repository.
        self.session.store.read(|tx| versions::expected(tx, name)).unwrap_or_default()
    }

    fn mending<'a>(&'a self, expected: &'a versions::Expected, brought: Option<PathBuf>) -> Mending<'a> {
        let session = self.session;
        Mending {
            check: Check {
                program: &session.program,
                root: &session.root,
                package: &self.claim.package,
                expected,
                limits: &session.config.limits,
            },
            fence: Some((session.epoch, u64::try_from(self.claim.attempt).unwrap_or(0))),
            default_branch: session.config.import.default_branch.as_deref(),
            brought,
        }
    }

    fn child_of(
        &mut self,
        what: RepairWork,
        brought: Option<PathBuf>,
    ) -> Result<(Repaired, Vec<Unrecorded>), InspectError> {
        let (session, attempt) = (self.session, self.claim.attempt);
        let expected = self.expected();
        let mended =
            repairing::run(&self.mending(&expected, brought), what, |pid| session.started(attempt, pid));
        session.is_over(attempt);
        let mended = mended?;
        session.note_walls(&mended.missing);
        if !mended.stderr.is_empty() {
            self.log.line(&mended.stderr);
        }
        Ok((mended.done, mended.unrecorded))
    }

    pub(super) fn carry_out(&mut self, part: &Part, watch: Watch<'_>) {
        let plan: Option<Plan> = part.text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(plan) = plan else {
            return self.end_part(part, PartState::Failed, None, Some("the plan cannot be read"));
        };
        self.log.line(&format!("plan {} is carried out: {} steps", part.plan, plan.steps.len()));
        let in_repository = plan.steps.iter().any(|step| !step.act.is_of_state());
        let needs_child = in_repository || plan.steps.iter().any(|step| step.act == Act::Version);
        if plan.ancestors
            && let Some((state, why)) = self.ancestors_changed(&plan, watch)
        {
            self.remove_beside();
            self.cancelled |= self.session.is_stopping();
            if !self.cancelled {
                self.end_part(part, state, None, Some(&why));
            }
            return;
        }
        let is_compared = plan.rebuild && in_repository;
        let mut without = Vec::new();
        let brought = if plan.ancestors {
            Some(self.beside())
        } else if is_compared || plan.steps.iter().any(|step| step.act == Act::Rebuild) {
            match self.objects_of(is_compared, watch) {
                Ok(built) => {
                    without = built.without;
                    Some(built.root)
                }
                Err(_) if self.session.is_stopping() => {
                    self.cancelled = true;
                    return;
                }
                Err(why) => {
                    self.remove_beside();
                    return self.end_part(part, PartState::Failed, None, Some(&why));
                }
            }
        } else {
            None
        };
        let done = if needs_child {
            self.child_of(RepairWork::Apply(part.plan, plan.clone()), brought)
        } else {
            self.still_holds(&plan)
        };
        self.remove_beside();
        match done {
            Ok((Repaired::Applied(steps, news), unrecorded)) => {
                self.news.add(news);
                let mut plan = Plan { steps, ..plan };
                self.bring_from_remote_if_gone(&mut plan);
                self.end_applied(part, &plan, &unrecorded, &without);
            }
            Ok((Repaired::Stale(changed), _)) => {
                let note = format!("stale: {}", changed.join("; "));
                self.end_part(part, PartState::Stale, None, Some(&note));
                self.look_again();
            }
            Ok((Repaired::Planned(..) | Repaired::Forgotten, _)) => {
                self.end_part(part, PartState::Failed, None, Some("the repair answered something else"));
            }
            Err(_) if self.session.is_stopping() => self.cancelled = true,
            Err(error) => self.end_part(part, PartState::Failed, None, Some(&error.to_string())),
        }
    }

    /// Brings the objects that a plan needs into a repository beside: from a remote if one has all of them, else all is imported
    /// again. What is compared is built anew in any case.
    fn objects_of(&mut self, is_compared: bool, watch: Watch<'_>) -> Result<Built, String> {
        let fetched = if is_compared { None } else { self.fetched_beside() };
        match fetched {
            Some(root) => Ok(Built::within(root)),
            None => self.rebuild(watch),
        }
    }

    /// Where nothing is left of a repository, it comes from a remote if one has all of it; then nothing is imported again.
    fn bring_from_remote_if_gone(&mut self, plan: &mut Plan) {
        if !plan.steps.iter().any(imports_all) || !self.fetched_whole() {
            return;
        }
        plan.steps.iter_mut().filter(|step| imports_all(step)).for_each(|step| step.act = Act::Rebuild);
    }

    /// A plan about the state alone: is it what would be planned now?
    fn still_holds(&mut self, plan: &Plan) -> Result<(Repaired, Vec<Unrecorded>), InspectError> {
        let now = self.look(None)?;
        let missing = plan.steps.iter().filter(|step| !now.steps.iter().any(|it| it.does_the_same(step)));
        let changed: Vec<String> =
            missing.map(|step| format!("{}: nothing of that is to be done any more", step.subject)).collect();
        let done = match changed.is_empty() {
            true => Repaired::Applied(plan.steps.clone(), Default::default()),
            false => Repaired::Stale(changed),
        };
        Ok((done, Vec::new()))
    }

    /// Notes what was done, and what could not be built for it.
    fn end_applied(&mut self, part: &Part, plan: &Plan, unrecorded: &[Unrecorded], without: &[String]) {
        let (session, claim) = (self.session, self.claim);
        let text = serde_json::to_string(plan).unwrap_or_default();
        let note = Some(without.join("; ")).filter(|note| !note.is_empty());
        let written = session.patiently("what a repair has done", || {
            session.store.write(|tx| {
                let package = (claim.package_id, claim.package.as_str());
                repairing::take_state_steps(tx, package, plan, unrecorded, VERSION)?;
                plans::end(tx, part, PartState::Applied, Some(&text), note.as_deref())
            })
        });
        self.not_noted(written.err());
        fail_point!("repair::recorded");
        self.look_again();
    }

    /// Earlier findings are looked at again: a process that was killed may have carried the plan out, and not have looked.
    fn look_at_known(&mut self) {
        let (store, id) = (&self.session.store, self.claim.package_id);
        let known = store.read(|tx| findings::of_package(tx, id)).unwrap_or_default();
        if !known.is_empty() && repairing::is_begun(&self.session.root, &self.claim.package) {
            self.look_again();
        }
    }

    /// Findings after a repair, or in its place.
    fn look_again(&mut self) {
        match self.look(None) {
            Ok(plan) => self.keep_findings(&plan.findings),
            Err(_) if self.session.is_stopping() => self.cancelled = true,
            Err(error) => self.log.line(&format!("cannot look again: {error}")),
        }
    }

    pub(super) fn end_part(
        &mut self,
        part: &Part,
        state: PartState,
        plan: Option<&Plan>,
        note: Option<&str>,
    ) {
        if let Some(note) = note {
            self.log.line(&format!("plan {}: {note}", part.plan));
        }
        let text = plan.map(|plan| serde_json::to_string(plan).unwrap_or_default());
        let session = self.session;
        let written = session.patiently("what became of a plan", || {
            session.store.write(|tx| plans::end(tx, part, state, text.as_deref(), note))
        });
        self.not_noted(written.err());
    }

    pub(super) fn keep_findings(&mut self, problems: &[Problem]) {
        let (session, id) = (self.session, self.claim.package_id);
        let rows = repairing::rows(problems);
        let known = session.store.read(|tx| findings::of_package(tx, id)).unwrap_or_default();
        if rows.is_empty() && known.is_empty() {
            return;
        }
        let kept = session.patiently("what is wrong with a repository", || {
            session.store.write(|tx| findings::settle(tx, id, &rows))
        });
        self.not_noted(kept.err());
    }
}
