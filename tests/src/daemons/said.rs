//! Output of a check, and the part that arrives at a daemon.

use std::fmt;
use std::process::Output;

/// Output of a check.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: Vec<u8>,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let err = String::from_utf8_lossy(&self.err);
        write!(f, "code {}: {:?}, on standard error {err:?}", self.code, self.text())
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said { code: output.status.code().unwrap_or(-1), out: output.stdout, err: output.stderr }
    }
}

/// The word for an exit code.
pub fn word(code: i32) -> &'static str {
    ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
        .get(usize::try_from(code).unwrap_or(9))
        .unwrap_or(&"no exit code of a check")
}

impl Said {
    /// Everything on standard output.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Values that a monitoring system has to read from the output.
    pub fn arrives(&self) -> Arrived {
        let all = self.text();
        let line = all.lines().next().unwrap_or_default();
        let (text, perfdata) = line.split_once('|').unwrap_or((line, ""));
        Arrived { code: self.code, text: text.trim().into(), perfdata: perfdata.trim().into() }
    }

    /// The value of a figure.
    pub fn figure(&self, label: &str) -> Option<f64> {
        let arrived = self.arrives();
        let start = format!("{label}=");
        let word = arrived.perfdata.split(' ').find_map(|word| word.strip_prefix(&start))?;
        let value = word.split(';').next()?;
        value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').parse().ok()
    }

    /// Asserts the properties of every answer without `-v`: requirements 1, 2, 3 and 5.
    pub fn assert_well_formed(&self, check: &str) {
        let text = self.text();
        assert!(self.err.is_empty(), "requirement 1: standard error: {self:?}");
        assert!((0..=3).contains(&self.code), "requirement 1: exit code {}: {text}", self.code);
        let start = format!("IMPORT {} {} - ", check.to_uppercase(), word(self.code));
        assert!(text.starts_with(&start), "requirement 2: {text:?} does not start with {start:?}");
        assert!(text.ends_with('\n') && text.matches('\n').count() == 1, "requirement 2: {text:?}");
        let line = text.trim_end_matches('\n');
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "requirement 4: {text:?}");
        assert!(line.matches('|').count() <= 1, "requirement 2: {text:?}");
        assert!(text.len() <= 1023, "requirement 3: {} bytes: {text:?}", text.len());
        let arrived = self.arrives();
        assert!(!arrived.text.contains(|c| "`~$&|'\"<>;".contains(c)), "requirement 2: {text:?}");
        assert_perfdata(&arrived.perfdata);
    }
}

/// Labels, values, units and thresholds that every reader understands.
fn assert_perfdata(perfdata: &str) {
    for word in perfdata.split(' ').filter(|word| !word.is_empty()) {
        let (label, fields) = word.split_once('=').unwrap_or_else(|| panic!("requirement 5: {word}"));
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(!label.is_empty() && label.chars().all(good), "requirement 5: {word}");
        let mut fields = fields.split(';');
        let value = fields.next().unwrap_or_default().trim_end_matches(['s', 'B', '%', 'c']);
        assert!(is_plain(value), "requirement 5: {word}");
        for threshold in fields.filter(|field| !field.is_empty()) {
            let bounds = threshold.trim_start_matches('@').split(':');
            let good = |bound: &str| bound.is_empty() || bound == "~" || is_plain(bound);
            assert!(bounds.into_iter().all(good), "requirement 5: {word}");
        }
    }
}

/// A number without exponent.
fn is_plain(number: &str) -> bool {
    let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    plain && number.parse::<f64>().is_ok()
}

/// A check's answer as a monitoring system has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The state, by its exit code.
    pub code: i32,
    /// The text, without what comes after `|`.
    pub text: String,
    /// Performance data behind the text.
    pub perfdata: String,
}
