//! The four answers of a check.

use std::fmt;
use std::str::FromStr;

/// An answer. The order is that of merging: where several results meet, the greatest counts.
///
/// UNKNOWN stands below WARNING: a part that cannot be judged must not hide one that is known to be bad, and must not
/// be hidden by one that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Ok,
    /// There is no verdict.
    Unknown,
    /// An operator should look at it today.
    Warning,
    /// An operator should look at it now.
    Critical,
}

impl Status {
    /// Exit code of the monitoring-plugins guideline: 0 to 3.
    pub fn code(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::Warning => 1,
            Status::Critical => 2,
            Status::Unknown => 3,
        }
    }

    /// The answer with an exit code.
    pub(crate) fn of_code(code: u8) -> Option<Status> {
        [Status::Ok, Status::Warning, Status::Critical, Status::Unknown].get(usize::from(code)).copied()
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::Warning => "WARNING",
            Status::Critical => "CRITICAL",
            Status::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = String;

    /// The word in any case, or the exit code.
    fn from_str(text: &str) -> Result<Status, String> {
        let known = [Status::Ok, Status::Warning, Status::Critical, Status::Unknown];
        let meant = |status: &&Status| {
            text.eq_ignore_ascii_case(status.as_str()) || text == status.code().to_string()
        };
        known.iter().find(meant).copied().ok_or_else(|| "expected ok, warning, critical or unknown".into())
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{self, *};

    #[test]
    fn req13_critical_over_warning_over_unknown_over_ok() {
        let mut all = [Ok, Critical, Unknown, Warning];
        all.sort();
        assert_eq!(all, [Ok, Unknown, Warning, Critical]);
        assert_eq!([Ok, Unknown, Ok].into_iter().max(), Some(Unknown));
        assert_eq!([Unknown, Warning].into_iter().max(), Some(Warning));
    }

    #[test]
    fn req1_codes_are_those_of_every_plugin() {
        assert_eq!([Ok, Warning, Critical, Unknown].map(Status::code), [0, 1, 2, 3]);
        for status in [Ok, Warning, Critical, Unknown] {
            assert_eq!(Status::of_code(status.code()), Some(status));
            assert_eq!(status.as_str().to_lowercase().parse(), Result::Ok(status));
            assert_eq!(status.code().to_string().parse(), Result::Ok(status));
        }
        assert!("fine".parse::<Status>().is_err());
    }
}
