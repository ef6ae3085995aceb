//! What must be remembered of a figure beside its samples. It is small and serialisable.

use serde::{Deserialize, Serialize};

use crate::hours::KEPT;
use crate::state::State;

/// Hours that a short alert lasts at most.
const SHORT: i64 = 72;

/// An alert that goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its present state.
    pub state: State,
    /// When the figure began to be above its norm, in seconds since 1970.
    pub since: i64,
    /// The hour in which the alert began.
    pub from: i64,
    /// Whether it was ever CRITICAL. Then it is not accepted by itself.
    pub was_critical: bool,
    /// Samples on end that said it is over.
    pub below: u32,
    /// Samples on end that were no CRITICAL any more.
    pub less: u32,
    /// For a flow: samples on end that said what had failed was cured.
    #[serde(default)]
    pub cured: u32,
    /// For a flow: how much speaks for an end, as the logarithm of a likelihood ratio.
    #[serde(default)]
    pub recovered: f64,
    /// For a flow: the last hour that went into it.
    #[serde(default)]
    pub counted: i64,
}

/// What is remembered of one figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The hour of the first sample.
    pub first: Option<i64>,
    /// The day with which the present normal begins.
    pub regime: Option<i64>,
    /// Stretches of hours (first and last) that say nothing about what is normal.
    pub frozen: Vec<(i64, i64)>,
    /// The alert that goes on.
    pub alarm: Option<Alarm>,
    /// The hour in which the last alert ended: nothing up to it is a reason for the next.
    pub cleared: Option<i64>,
    /// When the figure began to be above its norm.
    pub above_since: Option<i64>,
    /// The last level an hour that was known, for alerts that outlive the history.
    pub level: Option<f64>,
    /// The level an hour that an operator set.
    pub pinned: Option<f64>,
    /// The level an hour that an operator accepted, and the hour of it. It holds until a week was learned since.
    pub accepted: Option<(f64, i64)>,
}

impl Memory {
    /// Freezes an hour.
    pub fn freeze(&mut self, hour: i64) {
        match self.frozen.last_mut() {
            Some((_, last)) if hour <= *last => {}
            Some((_, last)) if hour - *last <= 2 => *last = hour,
            _ => self.frozen.push((hour, hour)),
        }
        self.frozen.retain(|(_, last)| hour - *last <= KEPT);
    }

    /// The stretches that say nothing about the usual noise either: alerts that go on, and those that lasted. A short
    /// one may have been noise; leaving it out would make the noise look smaller, and the next alert likelier.
    pub fn lasting(&self) -> Vec<(i64, i64)> {
        let open = self.alarm.as_ref().map(|alarm| alarm.from);
        let lasts =
            |(first, last): &&(i64, i64)| last - first >= SHORT || open.is_some_and(|from| *last >= from);
        self.frozen.iter().filter(lasts).copied().collect()
    }

    /// Lets hours from `from` on be learned from.
    pub fn thaw(&mut self, from: i64) {
        self.frozen.retain(|(first, _)| *first < from);
        for (_, last) in &mut self.frozen {
            *last = (*last).min(from - 1);
        }
    }

    /// The level an hour that an operator has decided on.
    pub fn decided(&self) -> Option<f64> {
        self.pinned.or(self.accepted.map(|(level, _)| level))
    }

    /// The state of the alert, if there is one.
    pub fn state(&self) -> State {
        self.alarm.as_ref().map_or(State::Ok, |alarm| alarm.state)
    }
}
