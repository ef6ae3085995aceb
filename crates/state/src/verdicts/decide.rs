//! What operators decide about what is normal: at once, and with an entry in the audit trail.

use baseline::{Figure, Verdict};

use super::{counted, judge_with, memory, prepare};
use crate::audit;
use crate::db::store::Store;
use crate::error::StateError;
use crate::operate::By;

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Today's level is normal.
    Accept,
    /// This is normal; of new failures, so many a day.
    Set(f64),
    /// What is learned is normal again.
    Unset,
}

/// Decides, and judges by it at once.
pub fn decide(store: &Store, figure: Figure, decision: Decision, by: By<'_>) -> Result<Verdict, StateError> {
    prepare(store)?;
    store.write(|tx| {
        let Some(mut judge) = memory::load(tx)? else {
            return Err(StateError::Refused(
                "another version of package-import is at work; try again".into(),
            ));
        };
        let before = judge.norm(figure).map(|norm| format!("{norm:.1}"));
        let action = match decision {
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
        };
        let counted = counted::count(tx)?;
        let verdict = judge_with(tx, &mut judge, &counted)?;
        let after = judge.norm(figure).map(|norm| format!("{norm:.1}"));
        audit::record(tx, by.actor, action, figure.name(), by.reason, before.as_deref(), after.as_deref())?;
        Ok(verdict)
    })
}
