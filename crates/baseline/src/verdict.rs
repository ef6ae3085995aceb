//! What the judge says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::signature::Leading;
use crate::state::State;

/// Figures at one moment. What was not measured is `None`, which is not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Seconds since 1970.
    pub time: i64,
    /// Packages failing now, without those that are held or suppressed, or parked: each package counts once.
    pub failing: Option<f64>,
    /// Jobs parked by a breaker now.
    pub parked: Option<f64>,
    /// First attempts of publications in the hour of `time`.
    pub attempted: Option<f64>,
    /// How many of them failed: new failures.
    pub failed: Option<f64>,
    /// Packages failing now by signature, of those that changed.
    pub signatures: Vec<(String, f64)>,
}

/// A dependency that cannot be reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breaker {
    /// Its name, such as an archive's host.
    pub name: String,
    /// What is wrong with it, for a person: `connection refused`.
    pub cause: Option<String>,
    /// Since when, in seconds since 1970.
    pub since: i64,
}

/// What the caller knows beside the samples. All of it may be left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// Whether the first queue was drained; `None` if nobody knows.
    pub drained: Option<bool>,
    /// Dependencies that cannot be reached, the most important first.
    pub breakers: Vec<Breaker>,
    /// What signatures are called, by id.
    pub labels: BTreeMap<String, String>,
    /// Packages that fail now and have done so for less than 24 hours; `None` if nobody knows. When those that alerted
    /// were cured, nobody has to wait for the day to be over.
    pub young: Option<f64>,
    /// Signatures that are neither judged nor named.
    pub suppressed: BTreeSet<String>,
}

/// What the caller can say about causes. It is asked only if something alerts.
pub trait Causes {
    /// What a signature is called, for a person.
    fn label(&mut self, id: &str) -> Option<String>;
    /// The signature that most of the new failures of the last 24 hours have, and which part of them has it, 0 to 1.
    fn newly_failed(&mut self) -> Option<(String, f64)>;
}

impl Causes for &BTreeMap<String, String> {
    fn label(&mut self, id: &str) -> Option<String> {
        self.get(id).cloned()
    }

    fn newly_failed(&mut self) -> Option<(String, f64)> {
        None
    }
}

/// Limits of the live counter of failing and parked, as whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From here on WARNING.
    pub warning: Option<u64>,
    /// From here on CRITICAL.
    pub critical: Option<u64>,
    /// An alert that goes on ends below.
    pub clear: Option<u64>,
    /// From so many parked jobs on it is an outage: CRITICAL, while a breaker is open.
    #[serde(default)]
    pub parked: Option<u64>,
}

/// How one figure was judged: what `--explain` shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its state.
    pub state: State,
    /// The value.
    pub value: f64,
    /// What is normal for it now (E).
    pub normal: f64,
    /// The usual deviation of the window that decided, on the scale of the figure (s).
    pub spread: f64,
    /// The score of that window (z).
    pub score: f64,
    /// The score that it needed.
    pub needed: f64,
    /// Its length in hours, its value and what was expected of it.
    pub window: (i64, f64, f64),
    /// The effective limits.
    pub limits: Limits,
    /// Since when it is above its norm, if it alerts: seconds since 1970.
    pub since: Option<i64>,
    /// Days with data that the level and the spread rest on.
    pub days: (usize, usize),
    /// Whether an operator set the norm.
    pub set: bool,
}

/// The verdict on one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Seconds since 1970.
    pub time: i64,
    /// The state.
    pub state: State,
    /// One line for a person: at most 150 characters of ASCII.
    pub text: String,
    /// Full days of data, while there is too little to judge.
    pub learning: Option<usize>,
    /// The stock: failing and parked.
    pub stock: Option<Judged>,
    /// The flow: new failures in 24 hours.
    pub flow: Option<Judged>,
    /// The signature that stands out.
    pub signature: Option<Leading>,
    /// The part of the new failures that this signature makes, 0 to 100.
    pub share: Option<u32>,
    /// Since when, if it alerts: seconds since 1970.
    pub since: Option<i64>,
    /// What is behind it, for a person: the signature's name, or the dependency that cannot be reached.
    #[serde(default)]
    pub cause: Option<String>,
    /// Whether it alerts because jobs are parked.
    #[serde(default)]
    pub outage: bool,
    /// How many of the failing are explained by many more attempts than usual. They are part of the stock's norm.
    #[serde(default)]
    pub explained: f64,
}
