//! Damages that a job meets: what needs no person is mended by the job itself, the rest is named.

use packaging_repo::verify::Problem;
use repair::Plan;
use source_package::finding::{Finding, Healing};
use state::StateError;
use state::events::By;
use state::repair::plans::{self, Part, PartState, PlanKind};

use super::Work;
use crate::failure::{Code, Failure, Stage};
use crate::protocol::Outcome as Became;
use crate::repairing;

/// The actor of automatic repairs, in the records.
const ITSELF: &str = "package-import";
/// The failures of an import that may mean a damaged repository: of a disk that refuses, a look finds modes and folders.
const MET: [Code; 4] = [Code::Repository, Code::RepositoryLost, Code::Locked, Code::Store];

impl Work<'_> {
    /// An import that met a damage which needs no person: it is mended, and the import can be tried again. Returns whether
    /// something was done.
    pub(super) fn heal_met(&mut self) -> bool {
        let is_damage = |failure: &Failure| MET.iter().any(|code| failure.code == *code);
        if self.cancelled || !self.failures.iter().any(|(failure, ..)| is_damage(failure)) {
            return false;
        }
        if !repairing::is_begun(&self.session.root, &self.claim.package) || !self.heal_all() {
            return false;
        }
        self.failures.clear();
        self.reports.retain(|(_, report)| report.outcome != Became::Failed);
        true
    }

    /// An import that failed because of a damage which waits for a person says so: trying again mends nothing. A record that is
    /// broken is left out, as the installation's key may be what is damaged, and a repository that is gone, which has its own code.
    pub(super) fn name_damage(&mut self) {
        // Findings tell a path that an import must not write apart from a disk that refuses.
        const MEANT: [Code; 2] = [Code::Repository, Code::Store];
        let met = |failure: &Failure| MEANT.iter().any(|code| failure.code == *code);
        let is_met = self.failures.iter().any(|(failure, ..)| met(failure));
        if self.cancelled || !is_met || self.session.cache().is_some() {
            return;
        }
        let plan = match self.look(None) {
            Ok(plan) => plan,
            Err(error) => return self.log.line(&format!("the repository cannot be looked at: {error}")),
        };
        self.keep_findings(&plan.findings);
        let waits = |it: &&Problem| {
            let is_elsewhere = matches!(it.code, Finding::RecordBroken | Finding::RepositoryGone);
            it.code.is_damage() && it.code.healing() == Healing::Plan && !is_elsewhere
        };
        let Some(damage) = plan.findings.iter().find(waits) else { return };
        let message = format!("{}: {}", damage.subject, damage.message);
        let failure = Failure::new(Stage::Verify, Code::RepositoryDamaged, message);
        for (_, report) in &mut self.reports {
            if report.code.as_ref().is_some_and(|code| MEANT.iter().any(|it| code == it)) {
                let next = format!("`package-import repair plan {}` says what mends it", self.claim.package);
                report.message = Some(format!("{}; {next}", report.message.take().unwrap_or_default()));
            }
        }
        for (met, ..) in self.failures.iter_mut().filter(|(failure, ..)| met(failure)) {
            *met = failure.clone();
        }
    }

    /// Mends what a check has found and what needs no person. Returns whether something was done.
    pub(super) fn heal(&mut self, problems: &[Problem]) -> bool {
        let heals = |it: &Problem| it.code.healing() == Healing::Itself && it.code.is_damage();
        problems.iter().any(heals) && self.heal_all()
    }

    pub(super) fn heal_all(&mut self) -> bool {
        if !self.session.config.repair.automatic {
            return false;
        }
        let plan = match self.look(None) {
            Ok(plan) => plan.automatic_part(),
            Err(error) => {
                self.log.line(&format!("cannot be mended: {error}"));
                return false;
            }
        };
        if plan.steps.is_empty() {
            return false;
        }
        match self.begin_automatic(&plan) {
            Ok(part) => {
                self.carry_out(&part, &|_, _| {});
                true
            }
            Err(error) => {
                self.not_noted(Some(error));
                false
            }
        }
    }

    fn begin_automatic(&self, plan: &Plan) -> Result<Part, StateError> {
        let (session, claim) = (self.session, self.claim);
        let text = serde_json::to_string(plan).unwrap_or_default();
        let by =
            By { actor: ITSELF, reason: Some("needs no person: nothing that others may have is replaced") };
        session.patiently("a plan of repair", || {
            session.store.write(|tx| {
                let id = plans::begin(tx, PlanKind::Automatic, None, by)?;
                plans::put(tx, (id, claim.package_id), PartState::Wanted, Some(&text), None, by)?;
                let parts = plans::parts(tx, id)?;
                parts.into_iter().next().ok_or_else(|| StateError::Unknown(format!("plan {id} has no part")))
            })
        })
    }
}
