//! Thresholds: from an option, else from the configuration, else the check's own.

use serde::Deserialize;

use crate::metric::Unit;
use crate::status::Status;
use crate::threshold::{Threshold, ThresholdError};
use crate::trouble::Trouble;

/// Thresholds as texts: the options `-w` and `-c`, and the same words in a section of `config.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section with warning and critical")]
pub struct LimitTexts {
    /// Warn if the figure is outside this range
    #[arg(short, long, value_name = "RANGE", allow_hyphen_values = true)]
    #[serde(deserialize_with = "text_or_number")]
    pub warning: Option<String>,
    /// Be critical if the figure is outside this range
    #[arg(short, long, value_name = "RANGE", allow_hyphen_values = true)]
    #[serde(deserialize_with = "text_or_number")]
    pub critical: Option<String>,
}

/// The thresholds of one figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Threshold of WARNING.
    pub warning: Option<Threshold>,
    /// Threshold of CRITICAL.
    pub critical: Option<Threshold>,
}

impl Limits {
    /// A figure without any.
    pub fn none() -> Limits {
        Limits { warning: None, critical: None }
    }

    /// Takes each threshold from the first source that has it: options before configuration before default.
    pub fn pick(
        unit: Unit,
        options: &LimitTexts,
        policy: &LimitTexts,
        default: (&str, &str),
    ) -> Result<Limits, Trouble> {
        let warning = Given::first("warning", &options.warning, &policy.warning, Some(default.0));
        let critical = Given::first("critical", &options.critical, &policy.critical, Some(default.1));
        Limits::of(unit, warning, critical)
    }

    /// The thresholds of the configuration alone, if it has any.
    pub fn optional(unit: Unit, policy: &LimitTexts) -> Result<Limits, Trouble> {
        let warning = Given::first("warning", &None, &policy.warning, None);
        Limits::of(unit, warning, Given::first("critical", &None, &policy.critical, None))
    }

    fn of(unit: Unit, warning: Option<Given<'_>>, critical: Option<Given<'_>>) -> Result<Limits, Trouble> {
        let parse = |given: Option<Given<'_>>| given.map(|given| given.parse(unit)).transpose();
        let limits = Limits { warning: parse(warning)?, critical: parse(critical)? };
        if let (Some(warning), Some(critical)) = (warning, critical)
            && !(warning.is_default && critical.is_default)
        {
            let given = if critical.is_default { warning } else { critical };
            limits.in_order((warning, critical)).map_err(|error| given.trouble(error))?;
        }
        Ok(limits)
    }

    /// Refuses a limit for CRITICAL that is below that for WARNING, which then could never be reached. A range that is
    /// more than a number is left as it is.
    fn in_order(&self, given: (Given<'_>, Given<'_>)) -> Result<(), ThresholdError> {
        let (Some(warning), Some(critical)) = (&self.warning, &self.critical) else { return Ok(()) };
        let is_wrong = matches!((warning.upper(), critical.upper()), (Some(low), Some(high)) if high < low);
        let of = |text: &str, reason: String| Err(ThresholdError { text: text.to_owned(), reason });
        match (is_wrong, given.0.is_default, given.1.is_default) {
            (false, ..) => Ok(()),
            (_, _, true) => of(
                warning.text(),
                format!("for WARNING is above \"{critical}\", the default for CRITICAL: set both"),
            ),
            (_, true, _) => of(
                critical.text(),
                format!("for CRITICAL is below \"{warning}\", the default for WARNING: set both"),
            ),
            _ => of(critical.text(), format!("for CRITICAL is below \"{warning}\", that for WARNING")),
        }
    }

    /// Status for a value.
    pub fn judge(&self, value: f64) -> Status {
        let alerts = |threshold: &Option<Threshold>| threshold.as_ref().is_some_and(|t| t.alerts(value));
        if alerts(&self.critical) {
            Status::Critical
        } else if alerts(&self.warning) {
            Status::Warning
        } else {
            Status::Ok
        }
    }
}

/// A threshold that was given, and where.
#[derive(Clone, Copy)]
struct Given<'a> {
    key: &'static str,
    text: &'a str,
    is_configured: bool,
    is_default: bool,
}

impl<'a> Given<'a> {
    fn first(
        key: &'static str,
        option: &'a Option<String>,
        policy: &'a Option<String>,
        default: Option<&'a str>,
    ) -> Option<Given<'a>> {
        let (option, policy) = (option.as_deref(), policy.as_deref());
        let text = option.or(policy).or(default)?;
        let is_configured = option.is_none() && policy.is_some();
        Some(Given { key, text, is_configured, is_default: option.or(policy).is_none() })
    }

    fn parse(self, unit: Unit) -> Result<Threshold, Trouble> {
        Threshold::parse(self.text, unit).map_err(|error| self.trouble(error))
    }

    fn trouble(self, error: ThresholdError) -> Trouble {
        match self.is_configured {
            true => Trouble::Threshold { key: self.key, error },
            false => Trouble::unusable(error.to_string()),
        }
    }
}

/// `warning = 500` is accepted like `warning = "500"`.
fn text_or_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a threshold: a text or a number")]
    enum Form {
        Text(String),
        Whole(i64),
        Broken(f64),
    }
    Ok(Some(match Form::deserialize(deserializer)? {
        Form::Text(text) => text,
        Form::Whole(number) => number.to_string(),
        Form::Broken(number) => number.to_string(),
    }))
}
