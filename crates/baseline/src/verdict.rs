//! Input and result of a judgement.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::signature::Leading;
use crate::state::State;

/// Figures at one time. A figure that was not measured is `None`, which is not zero.
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
    /// Number of them that failed: new failures.
    pub failed: Option<f64>,
    /// Packages failing now by signature, of those that changed.
    pub signatures: Vec<(String, f64)>,
}

/// A dependency that cannot be reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breaker {
    /// Its name, such as an archive's host.
    pub name: String,
    /// Error of the dependency for operators, such as `connection refused`.
    pub cause: Option<String>,
    /// Seconds since 1970 at which it opened.
    pub since: i64,
}

/// Facts that the caller has beside the samples. All of them are optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// True when the queue was empty once; `None` if that is not known.
    pub drained: Option<bool>,
    /// Dependencies that cannot be reached, the most important first.
    pub breakers: Vec<Breaker>,
    /// Labels of signatures, by id.
    pub labels: BTreeMap<String, String>,
    /// Number of packages that fail now and have done so for less than 24 hours; `None` if it is not known. When the
    /// new failures are cured, the end of the day need not be waited for.
    pub young: Option<f64>,
    /// Signatures that are neither judged nor named.
    pub suppressed: BTreeSet<String>,
}

/// The caller's answers about causes. They are asked for only if something alerts.
pub trait Causes {
    /// Label of a signature for operators.
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
    /// Value below which a lasting alert ends.
    pub clear: Option<u64>,
    /// Number of parked jobs from which on it is an outage: CRITICAL, while a breaker is open.
    #[serde(default)]
    pub parked: Option<u64>,
}

/// Judgement of one figure, as `--explain` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// State of the figure.
    pub state: State,
    /// Value of the figure.
    pub value: f64,
    /// Present norm (E).
    pub normal: f64,
    /// The usual deviation of the window that decided, on the scale of the figure (s).
    pub spread: f64,
    /// The score of that window (z).
    pub score: f64,
    /// The score that it needed.
    pub needed: f64,
    /// Length in hours, value, and expected value.
    pub window: (i64, f64, f64),
    /// Effective limits.
    pub limits: Limits,
    /// Seconds since 1970 at which it rose above its norm, if it alerts.
    pub since: Option<i64>,
    /// Days with data that the level and the spread rest on.
    pub days: (usize, usize),
    /// True when an operator set the norm.
    pub set: bool,
}

/// The verdict on one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Seconds since 1970.
    pub time: i64,
    /// State of the verdict.
    pub state: State,
    /// One line for a person: at most 150 characters of ASCII.
    pub text: String,
    /// Number of full days of data, while there are too few to judge.
    pub learning: Option<usize>,
    /// The stock: failing and parked.
    pub stock: Option<Judged>,
    /// The flow: new failures in 24 hours.
    pub flow: Option<Judged>,
    /// The signature that stands out.
    pub signature: Option<Leading>,
    /// The part of the new failures that this signature makes, 0 to 100.
    pub share: Option<u32>,
    /// Seconds since 1970 at which the alert began, if it alerts.
    pub since: Option<i64>,
    /// Cause for operators: label of the signature, or name of the dependency that cannot be reached.
    #[serde(default)]
    pub cause: Option<String>,
    /// True when it alerts because jobs are parked.
    #[serde(default)]
    pub outage: bool,
    /// Number of failing packages that are explained by many more attempts than usual. They are part of the stock's
    /// norm.
    #[serde(default)]
    pub explained: f64,
}
