//! Where thresholds come from: an option, else the configuration, else the check itself.

use serde::Deserialize;

use crate::metric::Unit;
use crate::status::Status;
use crate::threshold::Threshold;
use crate::trouble::Trouble;

/// Thresholds as texts: the options `-w` and `-c`, and the same words in a section of `config.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
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
    /// When to warn.
    pub warning: Option<Threshold>,
    /// When to be critical.
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
        let first = |option: &Option<String>, policy: &Option<String>, default: &str| {
            let (place, text) = match (option, policy) {
                (Some(text), _) => ("", text.as_str()),
                (None, Some(text)) => ("config.toml: ", text.as_str()),
                (None, None) => ("", default),
            };
            let parsed = Threshold::parse(text, unit).map(Some);
            parsed.map_err(|error| Trouble::unusable(format!("{place}{error}")))
        };
        Ok(Limits {
            warning: first(&options.warning, &policy.warning, default.0)?,
            critical: first(&options.critical, &policy.critical, default.1)?,
        })
    }

    /// Those of the configuration alone, if it has any.
    pub fn optional(unit: Unit, policy: &LimitTexts) -> Result<Limits, Trouble> {
        let parse = |text: &Option<String>| {
            let parsed = text.as_deref().map(|text| Threshold::parse(text, unit)).transpose();
            parsed.map_err(|error| Trouble::unusable(format!("config.toml: {error}")))
        };
        Ok(Limits { warning: parse(&policy.warning)?, critical: parse(&policy.critical)? })
    }

    /// What a figure means.
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

/// `warning = 500` is as good as `warning = "500"`.
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
