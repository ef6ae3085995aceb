//! Jumps: usual rises of a stock within hours, independent of its norm.
//!
//! A norm is late where a level has just changed, and its noise is too large where it has changed slowly. A stock that
//! has doubled since this morning is an incident all the same.

use crate::fit::Fit;
use crate::hours::Hours;
use crate::robust::count;
use crate::rule;
use crate::scale::Scale;

const DAY: i64 = 24;

/// Number of the largest rises of the last weeks that do not count among the usual ones.
const INCIDENTS: usize = 3;

/// Samples that are just before.
const RECENT: usize = 3;

/// Reference that a value is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The middle of the last samples.
    Recent,
    /// The highest of the day before, without the last hours.
    Day,
}

/// Both references.
pub const BOTH: [Since; 2] = [Since::Recent, Since::Day];

/// Usual rises of a stock: deviation of the peaks of days.
#[derive(Clone, Copy, Debug)]
pub struct Jumps {
    deviation: f64,
}

impl Jumps {
    /// Before there are data.
    pub const UNKNOWN: Jumps = Jumps { deviation: rule::PRIOR_SPREAD };

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
        // Most days have no rise at all, so the median tells nothing about the rises of others. The largest may have
        // been incidents.
        peaks.sort_by(|a, b| b.total_cmp(a));
        let usual: Vec<f64> = peaks.iter().skip(INCIDENTS).map(|peak| peak.max(0.0)).collect();
        if usual.is_empty() {
            return Jumps::UNKNOWN;
        }
        let known = count(usual.len());
        let mean = usual.iter().map(|peak| peak * peak).sum::<f64>() / known;
        let doubt = 1.0 + rule::DOUBT / (known - 1.0).max(1.0);
        Jumps { deviation: doubt * mean.sqrt().max(rule::LEAST_SPREAD) }
    }
}

/// Reference for a value of `hour`, without the pattern of the week.
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
        // Clocks change by an hour in spring and autumn.
        let level = value / self.profile.around(hour);
        let found = BOTH.iter().zip(&self.jumps).filter_map(|(since, usual)| {
            let most = reference(*since, hours, hour, &at)?;
            let is_doubled = level >= rule::DOUBLED * most
                && level >= most + 2.0 * rule::floor(most)
                && Scale::Stock.distance(level, most) >= rule::JUMP_SCORE * usual.deviation;
            is_doubled.then_some(most * self.profile.around(hour))
        });
        found.reduce(f64::min)
    }
}
