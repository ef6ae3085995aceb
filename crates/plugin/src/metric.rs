//! Figures: their units, labels and decimals.

use crate::limits::Limits;

/// Unit of a figure, as in the perfdata of the monitoring-plugins guideline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things, without a unit.
    Count,
    /// A time in seconds (`s`).
    Seconds,
    /// A size in bytes (`B`).
    Bytes,
    /// A share in percent (`%`).
    Percent,
    /// A counter that only grows.
    Counter,
}

impl Unit {
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Unit::Count => "",
            Unit::Seconds => "s",
            Unit::Bytes => "B",
            Unit::Percent => "%",
            Unit::Counter => "c",
        }
    }
}

/// One figure of a report.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub label: &'static str,
    pub value: f64,
    pub unit: Unit,
    pub limits: Limits,
}

impl Metric {
    /// `label=value[unit];warn;crit`, without empty fields at the end.
    pub fn perfdata(&self) -> String {
        let shown = |threshold: &Option<crate::Threshold>| {
            threshold.as_ref().map(crate::Threshold::perfdata).unwrap_or_default()
        };
        let text = format!(
            "{}={}{};{};{}",
            self.label,
            decimal(self.value),
            self.unit.suffix(),
            shown(&self.limits.warning),
            shown(&self.limits.critical)
        );
        text.trim_end_matches(';').to_owned()
    }
}

/// Reason why a label cannot stand beside others; `None` if it can. Round-robin databases keep 19 characters of a
/// label.
pub(crate) fn bad_label(label: &str, others: &[Metric]) -> Option<String> {
    const KEPT: usize = 19;
    let kept = |label: &str| label.chars().take(KEPT).collect::<String>();
    if label.is_empty() || !label.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
        return Some(format!("the label {label} has characters other than a-z, 0-9 and _"));
    }
    let same = others.iter().find(|other| kept(other.label) == kept(label));
    same.map(|other| format!("the labels {} and {label} begin alike", other.label))
}

/// A number without exponent and with at most three decimals, as the readers of perfdata want it.
pub(crate) fn decimal(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".into() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn req5_plain_decimals() {
        let shown = [0.0, -0.0, 1.0, 0.5, -2.25, 1e15, 1.0 / 3.0, -0.0001].map(decimal);
        assert_eq!(shown, ["0", "0", "1", "0.5", "-2.25", "1000000000000000", "0.333", "0"]);
    }

    #[test]
    fn req5_labels_of_their_own_in_nineteen_characters() {
        let metric = |label| Metric { label, value: 0.0, unit: Unit::Count, limits: Limits::none() };
        assert_eq!(bad_label("failing", &[metric("parked")]), None);
        assert!(bad_label("failing", &[metric("failing")]).is_some());
        assert!(bad_label("oldest_upload_seconds_b", &[metric("oldest_upload_secondary")]).is_some());
        assert_eq!(bad_label("oldest_upload_seb", &[metric("oldest_upload_sea")]), None);
        for label in ["", "Failing", "a b", "a-b", "a=b", "ä", "'a'"] {
            assert!(bad_label(label, &[]).is_some(), "{label}");
        }
    }
}
