//! The stored form of a judge: everything that is kept between two samples, the hours included.
//!
//! Its size depends on the kept time (15 weeks), not on the age of the installation, so that a sample costs the same
//! in the tenth year as in the first.

use serde::{Deserialize, Serialize};

use crate::hours::Hours;
use crate::judge::{Figure, Judge, Remembered, Settings};
use crate::rule;
use crate::signature::Leading;
use crate::verdict::Sample;

/// Everything that a judge knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    /// The version of the rule that made it.
    version: u32,
    remembered: Remembered,
    stock: Hours,
    failed: Hours,
    attempted: Hours,
}

impl Saved {
    /// Makes it one that no rule accepts: everything is judged again from the samples.
    pub fn outdate(&mut self) {
        self.version = 0;
    }
}

impl Judge {
    /// State to store.
    pub fn save(&self) -> Saved {
        Saved {
            version: rule::VERSION,
            remembered: self.remembered(),
            stock: self.stock.hours.newest_kept(),
            failed: self.failed.hours.newest_kept(),
            attempted: self.attempted.hours.newest_kept(),
        }
    }

    /// The stored judge; `None` if another rule made it. Then the samples have to be judged again, and
    /// [`Judge::inherit`] keeps operators' decisions.
    pub fn load(settings: Settings, saved: Saved) -> Option<Judge> {
        if saved.version != rule::VERSION {
            return None;
        }
        let mut judge = Judge::new(settings);
        judge.stock.hours = saved.stock;
        judge.failed.hours = saved.failed;
        judge.attempted.hours = saved.attempted;
        judge.stock.memory = saved.remembered.stock.clone();
        judge.failed.memory = saved.remembered.failed.clone();
        judge.attempted.memory = saved.remembered.attempted.clone();
        judge.rest = saved.remembered;
        Some(judge)
    }

    /// Takes over what operators set and accepted, from a memory that cannot be used otherwise.
    pub fn inherit(&mut self, saved: &Saved) {
        let old = &saved.remembered;
        for (track, old) in [(&mut self.stock, &old.stock), (&mut self.failed, &old.failed)] {
            // A decision that was made when a clock was ahead counts as made now.
            let now = self.rest.last.map_or(i64::MAX, |last| last.div_euclid(3600));
            track.memory.pinned = old.pinned;
            track.memory.pinned_at = old.pinned_at.map(|at| at.min(now));
            track.memory.accepted =
                old.accepted.filter(|_| !old.by_rule).map(|(level, at)| (level, at.min(now)));
            track.forget_fit();
        }
    }

    /// Takes figures of an hour that was judged before its end, for the rest of the hour. Nothing is judged again.
    pub fn amend(&mut self, sample: &Sample) {
        if self.rest.last.is_some_and(|last| sample.time <= last) {
            self.take(sample);
        }
    }

    /// The time of the last sample, in seconds since 1970.
    pub fn last(&self) -> Option<i64> {
        self.rest.last
    }

    /// Norm of a figure, if it is known; for new failures, a number per day.
    pub fn norm(&self, figure: Figure) -> Option<f64> {
        let (track, unit) = match figure {
            Figure::Failing => (&self.stock, 1.0),
            Figure::Failed => (&self.failed, 24.0),
        };
        let memory = &track.memory;
        let level = memory.decided().or(memory.level)?;
        Some(level * unit)
    }

    /// Makes one signature a part of another.
    pub fn merge(&mut self, old: &str, new: &str) {
        self.rest.signatures.merge(old, new);
    }

    /// Number of packages of each signature, as far as it is known here.
    pub fn signatures(&self) -> impl Iterator<Item = (&str, f64)> {
        self.rest.signatures.values()
    }

    /// True when new failures alert: then the number of them that still fail is needed.
    pub fn flow_alerts(&self) -> bool {
        self.failed.memory.alarm.is_some()
    }

    /// A signature that alerts by itself.
    pub fn alerting(&self, id: &str) -> Option<Leading> {
        self.rest.signatures.alerting(id)
    }
}
