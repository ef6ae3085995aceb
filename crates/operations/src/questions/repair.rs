//! Plans of repair, findings, mutes.

pub use repair::Step;
use repair::{Plan, Summary};
use serde::Serialize;
use serde_json::{Value, json};
use state::repair::findings::{self, Count};
use state::repair::mutes::{self, Mute};
use state::repair::plans::{self, Part};

use crate::error::Error;
use crate::installation::Opened;

/// A plan with its parts.
pub struct PlanShown {
    /// The plan, with its time and author.
    pub plan: plans::Plan,
    /// Each package.
    pub parts: Vec<(Part, Plan)>,
}

/// One plan by its number.
///
/// # Errors
/// There is none, or the state cannot be read.
pub fn repair_plan(at: &Opened, id: i64) -> Result<PlanShown, Error> {
    let (plan, parts) = at.store.read(|tx| Ok((plans::get(tx, id)?, plans::parts(tx, id)?)))?;
    Ok(PlanShown::of(plan, parts))
}

/// A plan with its first parts, for a page: a plan may be of all packages.
pub struct PlanBegin {
    /// The first parts.
    pub shown: PlanShown,
    /// The number of packages in each state.
    pub packages: Vec<(String, i64)>,
}

/// One plan by its number, with at most so many parts.
///
/// # Errors
/// There is none, or the state cannot be read.
pub fn repair_plan_begin(at: &Opened, id: i64, limit: u32) -> Result<PlanBegin, Error> {
    let (plan, parts, packages) = at.store.read(|tx| {
        Ok((plans::get(tx, id)?, plans::some_parts(tx, id, i64::from(limit))?, plans::counts(tx, id)?))
    })?;
    Ok(PlanBegin { shown: PlanShown::of(plan, parts), packages })
}

impl PlanShown {
    fn of(plan: plans::Plan, parts: Vec<Part>) -> PlanShown {
        let parts = parts.into_iter().map(|part| {
            let plan =
                part.text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            (part, plan)
        });
        PlanShown { plan, parts: parts.collect() }
    }

    /// All parts together.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        self.parts.iter().for_each(|(_, plan)| summary.add(plan.summary()));
        summary
    }

    /// The number of parts in a state.
    pub fn count(&self, state: &str) -> usize {
        self.parts.iter().filter(|(part, _)| part.state == state).count()
    }

    /// The plan as JSON.
    pub fn json(&self) -> Value {
        let parts = self.parts.iter().map(|(part, plan)| {
            let findings = plan.findings.iter().map(|it| {
                json!({
                    "code": it.code, "subject": it.subject, "message": it.message, "healing": it.code.healing().as_str(),
                })
            });
            let steps = plan.steps.iter().map(|step| {
                let mut value = serde_json::to_value(step).unwrap_or_default();
                value["sign"] = json!(step.mark.sign().to_string());
                value
            });
            let mut value = serde_json::to_value(part).unwrap_or_default();
            value["findings"] = findings.collect();
            value["steps"] = steps.collect();
            value
        });
        let parts: Vec<Value> = parts.collect();
        json!({ "plan": self.plan, "summary": self.summary(), "packages": parts })
    }
}

/// A plan, and how far its parts are.
#[derive(Clone, Debug, Serialize)]
pub struct PlanListed {
    /// It.
    #[serde(flatten)]
    pub plan: plans::Plan,
    /// The number of packages in each state.
    pub packages: Vec<(String, i64)>,
}

/// The newest plans.
///
/// # Errors
/// The state cannot be read.
pub fn repair_plans(at: &Opened, limit: u32) -> Result<Vec<PlanListed>, Error> {
    Ok(at.store.read(|tx| {
        let mut listed = Vec::new();
        for plan in plans::list(tx, i64::from(limit))? {
            let packages = plans::counts(tx, plan.id)?;
            listed.push(PlanListed { plan, packages });
        }
        Ok(listed)
    })?)
}

/// The mutes, which end by themselves.
#[derive(Clone, Debug, Serialize)]
pub struct Mutes {
    /// Each.
    pub mutes: Vec<Mute>,
}

/// Mutes that hold.
///
/// # Errors
/// The state cannot be read.
pub fn mutes(at: &Opened) -> Result<Mutes, Error> {
    Ok(Mutes { mutes: at.store.read(mutes::list)? })
}

/// Findings by their codes.
///
/// # Errors
/// The state cannot be read.
pub fn findings(at: &Opened) -> Result<Vec<Count>, Error> {
    Ok(at.store.read(findings::summary)?)
}
