//! A threshold as operators write it, based on the ranges of `nagios-range`.
//!
//! That crate accepts texts whose meaning differs from their look: `-5` becomes a range from 0 to -5, which alerts
//! always; `nan:` and `~:1e400` never alert. Here such a text is refused and quoted. Its printed form cannot be
//! parsed again, so the text is kept. Durations and percentages are accepted for figures of that unit.

use std::fmt;

use nagios_range::{CheckType, NagiosRange};

use crate::metric::{Unit, decimal};

/// Range outside of which a figure alerts (inside with `@`), by the monitoring-plugins guideline: `[@][start:]end`,
/// with `~` for "without a lower bound".
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    text: String,
    range: NagiosRange,
}

/// Reason why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the threshold \"{text}\" {reason}")]
pub struct ThresholdError {
    /// The text.
    pub text: String,
    /// Description of the error.
    pub reason: String,
}

impl Threshold {
    /// Reads a threshold for a figure of the given unit.
    ///
    /// # Errors
    /// [`ThresholdError`] when the text is no range, could never alert, or has a unit that the figure has not.
    pub fn parse(text: &str, unit: Unit) -> Result<Threshold, ThresholdError> {
        let text = text.trim();
        let refuse = |reason: String| ThresholdError { text: text.to_owned(), reason };
        let (kind, bounds) = match text.strip_prefix('@') {
            Some(bounds) => (CheckType::Inside, bounds),
            None => (CheckType::Outside, text),
        };
        let (start, end) = match bounds.split_once(':') {
            Some((start, end)) => {
                let start = match start {
                    "~" => f64::NEG_INFINITY,
                    "" if end.is_empty() => return Err(refuse("has no bounds".into())),
                    "" => 0.0,
                    start => bound(start, unit).map_err(refuse)?,
                };
                (start, if end.is_empty() { f64::INFINITY } else { bound(end, unit).map_err(refuse)? })
            }
            None => (0.0, bound(bounds, unit).map_err(refuse)?),
        };
        let range = NagiosRange::new(kind, start, end)
            .map_err(|_| refuse(format!("is reversed: {} is above {}", decimal(start), decimal(end))))?;
        Ok(Threshold { text: text.to_owned(), range })
    }

    /// True when the figure alerts.
    pub fn alerts(&self, value: f64) -> bool {
        self.range.check(value)
    }

    /// Above which value it alerts, if there is nothing else at which it does.
    pub fn upper(&self) -> Option<f64> {
        let (start, end) = (*self.range.start(), *self.range.end());
        let is_plain = !self.range.checks_inside() && (start == 0.0 || start == f64::NEG_INFINITY);
        (is_plain && end.is_finite()).then_some(end)
    }

    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Form for perfdata: a plain `600` where possible, because Icinga drops every other form; empty if it never
    /// alerts.
    pub(crate) fn perfdata(&self) -> String {
        let (start, end) = (*self.range.start(), *self.range.end());
        let at = if self.range.checks_inside() { "@" } else { "" };
        let shown = |value: f64| if value.is_finite() { decimal(value) } else { String::new() };
        match (at, start) {
            ("", f64::NEG_INFINITY) if end.is_infinite() => String::new(),
            ("", 0.0) | ("", f64::NEG_INFINITY) if end.is_finite() => shown(end),
            (at, f64::NEG_INFINITY) => format!("{at}~:{}", shown(end)),
            (at, start) => format!("{at}{}:{}", shown(start), shown(end)),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One bound: a decimal number; for times also `90m`, for shares also `80%`.
fn bound(text: &str, unit: Unit) -> Result<f64, String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    let plain = match (text.strip_suffix('%'), unit) {
        (Some(number), Unit::Percent) => number,
        (Some(_), _) => return Err("is a percentage, but this figure is none".into()),
        (None, _) => text,
    };
    // `inf`, `nan` and the like are numbers to the standard library; here only digits make one.
    let number = plain.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    let value = match (number, unit) {
        (true, _) => plain.parse::<f64>().map_err(|_| format!("has a bound that is no number: {text}"))?,
        (false, Unit::Seconds) => humantime::parse_duration(plain)
            .map_err(|error| format!("has a bound that is no time: {error}"))?
            .as_secs_f64(),
        (false, _) => return Err(format!("has a bound that is no number: {text}")),
    };
    if value.is_finite() { Ok(value) } else { Err("has a bound that is not finite".into()) }
}
