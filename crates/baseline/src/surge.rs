//! A series opens: ten times the uploads. What fails of them as usual is explained.

use serde::{Deserialize, Serialize};

use crate::rule;
use crate::track::{Finding, Track};

/// Hours after which what a surge left behind is the new normal.
const AFTER: i64 = rule::ACCEPT_DAYS * 24;

/// Far more attempts than usual, now or in the last week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surge {
    /// Its first hour.
    pub from: i64,
    /// Its last hour so far.
    pub last: i64,
    /// Attempts in it.
    pub attempted: f64,
    /// Attempts beyond the usual ones.
    pub surplus: f64,
}

impl Surge {
    /// Follows the attempts of an hour; gives the surge that goes on or is not yet over.
    pub fn follow(surge: Option<Surge>, attempts: &mut Track, hour: i64) -> Option<Surge> {
        attempts.fit(hour)?;
        let findings = attempts.findings(hour, 0.0, 1.0);
        let day = findings.iter().find(|finding| finding.is_last_day());
        let now = day.is_some_and(is_surge);
        let surge = surge.filter(|surge| now || hour - surge.last < AFTER);
        if !now {
            return surge;
        }
        let counted = surge.as_ref().map_or(hour - 24, |surge| surge.last.max(hour - 24));
        let mut surge = surge.unwrap_or(Surge { from: hour - 23, last: hour, attempted: 0.0, surplus: 0.0 });
        if let Some(fit) = attempts.fit(hour).cloned() {
            let new = attempts.hours.observe(counted + 1, hour + 1, |hour| fit.expected(hour));
            surge.attempted += new.sum;
            surge.surplus = (surge.surplus + new.sum - new.share).max(0.0);
        }
        surge.last = hour;
        attempts.memory.freeze(hour);
        Some(surge)
    }
}

fn is_surge(day: &Finding) -> bool {
    day.value >= rule::SURGE * day.expected
        && day.value >= day.expected + 2.0 * rule::floor(day.expected)
        && day.score >= rule::SURGE_SCORE
}
