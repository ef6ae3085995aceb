//! Judges a history line by line, each with the knowledge of its time.

use std::collections::HashSet;
use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::judge::{Judge, Settings};
use crate::state::State;
use crate::verdict::{Context, Sample, Verdict};

/// Reason why a history cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("line {line}: {source}")]
    Read {
        /// The line's number, from 1.
        line: u64,
        /// Error of reading.
        source: io::Error,
    },
    /// A line is no sample.
    #[error("line {line}: {reason}")]
    Line {
        /// The line's number, from 1.
        line: u64,
        /// Description of the error.
        reason: String,
    },
}

/// A line as it is written.
#[derive(Deserialize)]
struct Raw {
    time: String,
    figure: String,
    value: f64,
}

/// The figures of one moment.
struct Moment {
    time: Timestamp,
    sample: Sample,
    given: HashSet<String>,
}

/// The samples of lines such as `{"time": "2026-11-24T08:00:00Z", "figure": "failing", "value": 500}`; all lines of one
/// moment make one sample. Ends with the first error.
pub struct Samples<R> {
    lines: io::Lines<R>,
    line: u64,
    open: Option<Moment>,
    failed: bool,
}

impl<R: BufRead> Samples<R> {
    /// Samples that are read from `input`, one a line.
    pub fn new(input: R) -> Samples<R> {
        Samples { lines: input.lines(), line: 0, open: None, failed: false }
    }

    fn wrong<T>(&self, reason: impl Into<String>) -> Result<T, Error> {
        Err(Error::Line { line: self.line, reason: reason.into() })
    }

    fn read(&mut self, text: &str) -> Result<Option<Sample>, Error> {
        let raw: Raw = match serde_json::from_str(text) {
            Ok(raw) => raw,
            Err(error) => return self.wrong(error.to_string()),
        };
        if !raw.value.is_finite() || raw.value < 0.0 {
            return self.wrong(format!("value {} is no count", raw.value));
        }
        let time: Timestamp = match raw.time.parse() {
            Ok(time) => time,
            Err(error) => return self.wrong(format!("time {:?}: {error}", raw.time)),
        };
        let mut done = None;
        match &self.open {
            Some(open) if time < open.time => {
                return self.wrong(format!("time {} is before {}", raw.time, open.time));
            }
            Some(open) if time == open.time => {}
            _ => {
                let sample = Sample { time: time.as_second(), ..Sample::default() };
                let next = Moment { time, sample, given: HashSet::new() };
                done = self.open.replace(next).map(|moment| moment.sample);
            }
        }
        let Some(open) = &mut self.open else { return Ok(done) };
        if !open.given.insert(raw.figure.clone()) {
            return self.wrong(format!("figure {} is given twice for {}", raw.figure, raw.time));
        }
        match raw.figure.as_str() {
            "failing" => open.sample.failing = Some(raw.value),
            "parked" => open.sample.parked = Some(raw.value),
            "attempted" => open.sample.attempted = Some(raw.value),
            "failed" => open.sample.failed = Some(raw.value),
            other => match other.strip_prefix("signature:") {
                Some(id) if !id.is_empty() => open.sample.signatures.push((id.to_owned(), raw.value)),
                _ => return self.wrong(format!("unknown figure {other:?}")),
            },
        }
        Ok(done)
    }
}

impl<R: BufRead> Iterator for Samples<R> {
    type Item = Result<Sample, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let Some(line) = self.lines.next() else { break };
            self.line += 1;
            let result = match line {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => self.read(&text),
                Err(source) => Err(Error::Read { line: self.line, source }),
            };
            match result {
                Ok(None) => {}
                Ok(Some(sample)) => return Some(Ok(sample)),
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        if self.failed {
            return None;
        }
        self.open.take().map(|moment| Ok(moment.sample))
    }
}

/// Verdict on each sample, from the samples before it.
pub fn judge(
    samples: impl Iterator<Item = Result<Sample, Error>>,
    settings: Settings,
) -> impl Iterator<Item = Result<Verdict, Error>> {
    let mut judge = Judge::new(settings);
    let context = Context::default();
    samples.map(move |sample| sample.map(|sample| judge.judge(&sample, &context)))
}

/// A verdict as a line of the output.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// RFC 3339, in UTC.
    pub time: String,
    /// `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    pub state: State,
    /// Text for operators.
    pub text: &'a str,
    /// Beginning of the alert, in RFC 3339; `null` unless it alerts.
    pub since: Option<String>,
    /// Everything that it rests on.
    #[serde(flatten)]
    pub details: Details<'a>,
}

/// The figures behind a verdict.
#[derive(Debug, Serialize)]
pub struct Details<'a> {
    /// Full days of data, while learning.
    pub learning: Option<usize>,
    /// Judgement of the stock: failing packages and parked jobs.
    pub stock: Option<&'a crate::verdict::Judged>,
    /// Judgement of the flow: new failures.
    pub flow: Option<&'a crate::verdict::Judged>,
    /// The signature that stands out.
    pub signature: Option<&'a crate::signature::Leading>,
    /// Its part of the excess, in percent.
    pub share: Option<u32>,
}

impl<'a> From<&'a Verdict> for Line<'a> {
    fn from(verdict: &'a Verdict) -> Line<'a> {
        let written = |seconds: i64| Timestamp::from_second(seconds).map(|time| time.to_string()).ok();
        Line {
            time: written(verdict.time).unwrap_or_default(),
            state: verdict.state,
            text: &verdict.text,
            since: verdict.since.and_then(written),
            details: Details {
                learning: verdict.learning,
                stock: verdict.stock.as_ref(),
                flow: verdict.flow.as_ref(),
                signature: verdict.signature.as_ref(),
                share: verdict.share,
            },
        }
    }
}
