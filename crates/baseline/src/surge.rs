//! Surges: when a series opens, ten times the usual uploads come. The usual fraction of failures among them is
//! explained, for a week.

use serde::{Deserialize, Serialize};

use crate::rule;
use crate::track::{Finding, Track};

/// Far more attempts than usual, now or in the last week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surge {
    /// First hour of the surge.
    pub from: i64,
    /// Its last hour so far.
    pub last: i64,
    /// Number of attempts in it.
    pub attempted: f64,
    /// Number of failing packages that it explains: the usual fraction of the additional attempts, and never more
    /// than the stock's excess over its norm. So attempts that did not fail explain no later failures.
    #[serde(default)]
    pub explained: f64,
    /// Hour up to which the attempts are counted.
    #[serde(default)]
    pub counted: i64,
}

/// Facts about an hour that limit what a surge may explain.
pub struct Hour {
    /// Usual fraction of attempts that fail.
    pub share: f64,
    /// Value of the stock, and its norm.
    pub stock: Option<(f64, f64)>,
}

impl Surge {
    /// Follows the attempts of an hour; gives the surge that goes on or is not yet over.
    pub fn follow(surge: Option<Surge>, attempts: &mut Track, hour: i64) -> Option<Surge> {
        attempts.fit(hour)?;
        let findings = attempts.findings(hour, 0.0, 1.0);
        let now = findings.iter().find(|finding| finding.is_last_day()).is_some_and(is_surge);
        let Some(mut surge) = surge else {
            let from = hour - 23;
            return now.then(|| {
                attempts.memory.freeze(hour);
                Surge { from, last: hour, attempted: 0.0, explained: 0.0, counted: from - 1 }
            });
        };
        if now && !surge.is_over(hour) {
            surge.last = hour;
            attempts.memory.freeze(hour);
        }
        Some(surge)
    }

    /// True when it began so long ago that the level it left is the norm.
    pub fn is_over(&self, hour: i64) -> bool {
        hour - self.from >= rule::SURGE_HOURS
    }

    /// Counts hours up to and including `hour`.
    pub fn count(&mut self, attempts: &Track, hour: i64, of: impl Fn(i64) -> Hour) {
        for at in self.counted + 1..=hour {
            let (Some(value), Some(expected)) = (attempts.hours.get(at), attempts.expected(at)) else {
                continue;
            };
            if at <= self.last {
                self.attempted += value;
            }
            let Hour { share, stock } = of(at);
            let more = if at <= self.last { share * (value - expected) } else { 0.0 };
            // An hour without samples explains nothing.
            let most = stock.map_or(self.explained, |(value, normal)| {
                (value - normal).clamp(0.0, rule::SURGE_EXPLAINS * normal.max(1.0))
            });
            self.explained = (self.explained + more).clamp(0.0, most);
        }
        self.counted = hour;
    }
}

fn is_surge(day: &Finding) -> bool {
    day.value >= rule::SURGE * day.expected
        && day.value >= day.expected + 2.0 * rule::floor(day.expected)
        && day.score >= rule::SURGE_SCORE
}
