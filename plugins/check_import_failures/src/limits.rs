//! The limits that count: learned ones, and those that an operator has set.

use baseline::Verdict;
use plugin::time::SECOND;
use plugin::{LimitTexts, Limits, Threshold, Trouble, Unit};

/// The lower of what was learned and what was set, in the form that every reader of perfdata understands. A set range
/// that has no such form is not shown; it counts all the same.
pub fn effective(fixed: &Limits, verdict: Option<&Verdict>, now: i64) -> Result<Limits, Trouble> {
    // A stale verdict gives no limits.
    let verdict = verdict.filter(|verdict| !verdict.is_stale(now / SECOND));
    let learned = verdict.and_then(|verdict| verdict.stock.as_ref()).map(|stock| stock.limits);
    let lower = |set: &Option<Threshold>, learned: Option<u64>| {
        let set = set.as_ref().and_then(Threshold::upper);
        // It alerts from there on, a threshold only above.
        let learned = learned.map(|limit| limit.saturating_sub(1) as f64);
        match (set, learned) {
            (Some(set), Some(learned)) => set.min(learned).to_string(),
            (Some(one), None) | (None, Some(one)) => one.to_string(),
            (None, None) => "~:".to_owned(),
        }
    };
    let warning = lower(&fixed.warning, learned.and_then(|limits| limits.warning));
    let critical = lower(&fixed.critical, learned.and_then(|limits| limits.critical));
    let none = LimitTexts::default();
    Limits::pick(Unit::Count, &none, &none, (&warning, &critical))
}
