//! Jumps: by how much a stock usually rises within hours, whatever its norm is.
//!
//! A norm is late where a level has just changed, and its noise is too large where it has changed slowly. A stock that has
//! doubled since this morning has doubled all the same.

use crate::fit::Fit;
use crate::hours::Hours;
use crate::robust::{count, spread};
use crate::rule;
use crate::scale::Scale;

const DAY: i64 = 24;

/// Samples that are just before.
const RECENT: usize = 3;

/// What a value is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The middle of the last samples.
    Recent,
    /// The highest of the day before, without the last hours.
    Day,
}

/// Both.
pub const BOTH: [Since; 2] = [Since::Recent, Since::Day];

/// How far a stock usually rises, of the peaks of days.
#[derive(Clone, Copy, Debug)]
pub struct Jumps {
    centre: f64,
    deviation: f64,
}

impl Jumps {
    /// Before there are data.
    pub const UNKNOWN: Jumps = Jumps { centre: 0.0, deviation: rule::PRIOR_SPREAD };

    /// Learns from the last weeks before `day`. `at` is the pattern of the week.
    pub fn learn(since: Since, hours: &Hours, day: i64, at: impl Fn(i64) -> f64) -> Jumps {
        let mut peaks = Vec::new();
        for day in day - rule::JUMP_DAYS..day {
            let rises = hours.between(day * DAY, (day + 1) * DAY).filter_map(|(hour, value)| {
                let before = reference(since, hours, hour, &at)?;
                Some(Scale::Stock.distance(value / at(hour), before))
            });
            peaks.extend(rises.reduce(f64::max));
        }
        let Some(seen) = spread(&peaks, rule::LEAST_SPREAD) else { return Jumps::UNKNOWN };
        let known = count(seen.count);
        let doubt = 1.0 + rule::DOUBT / (known - 1.0).max(1.0);
        Jumps { centre: seen.centre.max(0.0), deviation: doubt * seen.deviation.max(rule::LEAST_SPREAD) }
    }
}

/// What a value of `hour` is compared with, without the pattern of the week.
fn reference(since: Since, hours: &Hours, hour: i64, at: &impl Fn(i64) -> f64) -> Option<f64> {
    let level = |(hour, value): (i64, f64)| value / at(hour);
    match since {
        Since::Recent => {
            let mut levels: Vec<f64> = hours.newest_of(hour, RECENT).map(level).collect();
            levels.sort_by(f64::total_cmp);
            levels.get(levels.len() / 2).copied()
        }
        Since::Day => {
            // After a gap, the last day that there was.
            let last = hours.newest_before(hour - rule::DOUBLED_WITHIN)?;
            hours.between(last + 1 - DAY, last + 1).map(level).reduce(f64::max)
        }
    }
}

impl Fit {
    /// The highest value before, if the stock has doubled since and usually does not.
    pub fn doubled_from(&self, hours: &Hours, hour: i64, value: f64) -> Option<f64> {
        let at = |hour: i64| self.profile.at(hour);
        let level = value / at(hour);
        let found = BOTH.iter().zip(&self.jumps).filter_map(|(since, usual)| {
            let most = reference(*since, hours, hour, &at)?;
            let is_doubled = level >= rule::DOUBLED * most
                && level >= most + 2.0 * rule::floor(most)
                && Scale::Stock.distance(level, most) >= usual.centre + rule::JUMP_SCORE * usual.deviation;
            is_doubled.then_some(most * at(hour))
        });
        found.reduce(f64::min)
    }
}
