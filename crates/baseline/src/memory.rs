//! Memory of a figure beside its samples. It is small and serialisable.

use serde::{Deserialize, Serialize};

use crate::hours::KEPT;
use crate::rule;
use crate::state::State;

/// Hours that a short alert lasts at most.
const SHORT: i64 = 72;

/// An alert that goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Present state of the alert.
    pub state: State,
    /// Seconds since 1970 at which the figure began to be above its norm.
    pub since: i64,
    /// The hour in which the alert began.
    pub from: i64,
    /// True when it was ever CRITICAL. Then it is not accepted by itself.
    pub was_critical: bool,
    /// Samples on end that said it is over.
    pub below: u32,
    /// Samples on end that were no CRITICAL any more.
    pub less: u32,
    /// For a flow: number of samples in a row in which the failures were cured.
    #[serde(default)]
    pub cured: u32,
    /// For a flow: evidence for an end, as the logarithm of a likelihood ratio.
    #[serde(default)]
    pub recovered: f64,
    /// For a flow: last hour that was counted in it.
    #[serde(default)]
    pub counted: i64,
    /// Last hour in which the figure was not normal again.
    #[serde(default)]
    pub above: i64,
    /// Further rises during the alert, with the size and the time of the last one.
    #[serde(default)]
    pub again: Option<Again>,
}

/// A second incident within an alert.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Again {
    /// Number of further rises.
    pub times: u32,
    /// Seconds since 1970 at which the last one began.
    pub since: i64,
    /// By how much the figure rose.
    pub by: f64,
}

/// Memory of one figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The hour of the first sample.
    pub first: Option<i64>,
    /// The day with which the present normal begins.
    pub regime: Option<i64>,
    /// Stretches of hours (first and last) that the norm is not learned from.
    pub frozen: Vec<(i64, i64)>,
    /// The alert that goes on.
    pub alarm: Option<Alarm>,
    /// The hour in which the last alert ended: nothing up to it is a reason for the next.
    pub cleared: Option<i64>,
    /// Hour in which the figure began to be above its norm.
    pub above_since: Option<i64>,
    /// Last known level per hour, for alerts that outlive the history.
    pub level: Option<f64>,
    /// The level an hour that an operator set.
    pub pinned: Option<f64>,
    /// True when the rule, and no operator, has accepted the level.
    pub by_rule: bool,
    /// The level an hour before the last fall, and the hour of that fall.
    pub fell_from: Option<(f64, i64)>,
    /// The hour in which that was set.
    pub pinned_at: Option<i64>,
    /// The hour in which an alert ended last, and how many on end were relapses.
    pub ended: Option<(i64, u32)>,
    /// Level per hour that an operator accepted, and the hour of it. It holds until a week was learned since.
    pub accepted: Option<(f64, i64)>,
}

impl Memory {
    /// Marks an hour as one that the norm must not be learned from.
    pub fn freeze(&mut self, hour: i64) {
        match self.frozen.last_mut() {
            Some((_, last)) if hour <= *last => {}
            Some((_, last)) if hour - *last <= 2 => *last = hour,
            _ => self.frozen.push((hour, hour)),
        }
        self.frozen.retain(|(_, last)| hour - *last <= KEPT);
    }

    /// Stretches that the usual noise is not learned from either: lasting and long alerts. A short one may have been
    /// noise; leaving it out would make the noise look smaller, and the next alert likelier.
    pub fn lasting(&self) -> Vec<(i64, i64)> {
        let open = self.alarm.as_ref().map(|alarm| alarm.from);
        let lasts =
            |(first, last): &&(i64, i64)| last - first >= SHORT || open.is_some_and(|from| *last >= from);
        self.frozen.iter().filter(lasts).copied().collect()
    }

    /// Allows hours from `from` on to be learned from again.
    pub fn thaw(&mut self, from: i64) {
        self.frozen.retain(|(first, _)| *first < from);
        for (_, last) in &mut self.frozen {
            *last = (*last).min(from - 1);
        }
    }

    /// Hours of quiet after which an alert that began in the hour `from` ends: more than none if it has come back.
    pub fn hold(&self, from: i64) -> i64 {
        match self.ended {
            Some((ended, relapses)) if from - ended <= rule::RELAPSE_HOURS => {
                (rule::RELAPSE_HOLD_HOURS << relapses.min(8)).min(rule::LONGEST_HOLD_HOURS) + 1
            }
            _ => 0,
        }
    }

    /// Notes that the alert which began in the hour `from` ended in `hour`.
    pub fn end(&mut self, from: i64, hour: i64) {
        let relapses = match self.ended {
            Some((ended, relapses)) if from - ended <= rule::RELAPSE_HOURS => relapses + 1,
            _ => 0,
        };
        self.ended = Some((hour, relapses));
        self.cleared = Some(hour);
        self.above_since = None;
    }

    /// Drops a level that was set too long ago.
    pub fn expire(&mut self, hour: i64) {
        if self.pinned.is_some() && hour - *self.pinned_at.get_or_insert(hour) >= rule::SET_DAYS * 24 {
            self.pinned = None;
            self.pinned_at = None;
        }
    }

    /// True when an operator has set or accepted the norm.
    pub fn is_set(&self) -> bool {
        self.pinned.is_some() || (self.accepted.is_some() && !self.by_rule)
    }

    /// The level an hour that was decided on, whatever is learned.
    pub fn decided(&self) -> Option<f64> {
        self.pinned.or(self.accepted.map(|(level, _)| level))
    }

    /// The state of the alert, if there is one.
    pub fn state(&self) -> State {
        self.alarm.as_ref().map_or(State::Ok, |alarm| alarm.state)
    }
}
