//! Operators' decisions about baselines: effective at once, with an entry in the audit trail.

use baseline::{Figure, Judge, Verdict};

use super::{counted, judge_with, memory, prepare, replay};
use crate::audit;
use crate::db::store::Store;
use crate::error::StateError;
use crate::operate::By;

/// A decision about a figure's baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Today's level is normal.
    Accept,
    /// This value is the norm; for new failures, a number per day.
    Set(f64),
    /// The learned baseline is used again.
    Unset,
}

/// Stores the decision, and judges by it at once.
pub fn decide(store: &Store, figure: Figure, decision: Decision, by: By<'_>) -> Result<Verdict, StateError> {
    prepare(store)?;
    store.write(|tx| {
        let Some(mut judge) = memory::load(tx)? else {
            return Err(StateError::Refused(
                "another version of package-import is at work; try again".into(),
            ));
        };
        let before = norm(&judge, figure);
        let action = apply(&mut judge, figure, decision);
        let counted = counted::count(tx)?;
        let verdict = judge_with(tx, &mut judge, &counted)?;
        let after = norm(&judge, figure);
        audit::record(tx, by.actor, action, figure.name(), by.reason, before.as_deref(), after.as_deref())?;
        Ok(verdict)
    })
}

/// Baseline of a figure now, and the one that a decision would give. Nothing is changed.
pub fn foresee(
    store: &Store,
    figure: Figure,
    decision: Decision,
) -> Result<(Option<String>, Option<String>), StateError> {
    let mut judge = match store.read(memory::look)? {
        Some(judge) => judge,
        None => replay::replay(store)?,
    };
    let before = norm(&judge, figure);
    apply(&mut judge, figure, decision);
    let after = match decision {
        Decision::Set(value) => Some(format!("{value:.1}")),
        Decision::Accept | Decision::Unset => norm(&judge, figure),
    };
    Ok((before, after))
}

/// Applies it, and returns the word for the audit trail.
fn apply(judge: &mut Judge, figure: Figure, decision: Decision) -> &'static str {
    match decision {
        Decision::Accept => {
            judge.accept(figure);
            "baseline-accept"
        }
        Decision::Set(value) => {
            judge.set(figure, value);
            "baseline-set"
        }
        Decision::Unset => {
            judge.unset(figure);
            "baseline-unset"
        }
    }
}

fn norm(judge: &Judge, figure: Figure) -> Option<String> {
    judge.norm(figure).map(|norm| format!("{norm:.1}"))
}
