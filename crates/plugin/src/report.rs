//! Result of a check.

use crate::limits::Limits;
use crate::metric::{Metric, Unit, bad_label};
use crate::status::Status;

/// Result of a check: a status, one line of text, figures, and details for `-v`.
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) status: Status,
    /// Parts of the text, the most important first. A part that does not fit into the line is left out whole, or without its
    /// cause: what follows its first colon.
    pub(crate) said: Vec<String>,
    /// The next commands, best first: the first one that fits ends the text of an alert.
    pub(crate) next: Vec<String>,
    pub(crate) details: Vec<(u8, String)>,
    pub(crate) metrics: Vec<Metric>,
    /// Error of the check's own code; such a report becomes UNKNOWN, so that a test finds it at once.
    pub(crate) defect: Option<String>,
}

impl Default for Report {
    fn default() -> Self {
        Report::new()
    }
}

impl Report {
    /// Nothing found yet, which is OK.
    pub fn new() -> Report {
        Report {
            status: Status::Ok,
            said: Vec::new(),
            next: Vec::new(),
            details: Vec::new(),
            metrics: Vec::new(),
            defect: None,
        }
    }

    /// Adds a figure, judges it, and raises the status to the judgement. Call it for the same labels in the same
    /// order whatever the state is: graphs are made of them.
    pub fn measure(
        &mut self,
        label: &'static str,
        value: impl Into<f64>,
        unit: Unit,
        limits: &Limits,
    ) -> Status {
        let value = value.into();
        if let Some(defect) = bad_label(label, &self.metrics) {
            self.defect.get_or_insert(defect);
        }
        if !value.is_finite() {
            self.defect.get_or_insert(format!("{label} is not finite"));
        }
        let status = limits.judge(value);
        self.metrics.push(Metric { label, value, unit, limits: limits.clone() });
        self.raise(status);
        status
    }

    /// Raises the status, never lowers it.
    pub fn raise(&mut self, status: Status) {
        self.status = self.status.max(status);
    }

    /// Lowers the status to this one at most: a problem that another check reports must not alert twice.
    pub fn lower_to(&mut self, most: Status) {
        self.status = self.status.min(most);
    }

    /// The status so far.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Adds to the text of the first line, which should stay within 80 characters. The most important part comes first;
    /// a part that does not fit is left out, or its cause, which follows a colon and a space.
    pub fn say(&mut self, text: impl AsRef<str>) {
        if !text.as_ref().is_empty() {
            self.said.push(text.as_ref().to_owned());
        }
    }

    /// Adds the next command to type. It ends the line of an alert that names no other; a shorter one may follow, for a line
    /// with less room.
    pub fn next(&mut self, command: impl AsRef<str>) {
        if !command.as_ref().is_empty() {
            self.next.push(command.as_ref().to_owned());
        }
    }

    /// Adds a line that is shown from a number of `-v` on: 1, 2 or 3. With level 0 it is always shown, for output that
    /// an option asks for.
    pub fn detail(&mut self, level: u8, text: impl Into<String>) {
        self.details.push((level, text.into()));
    }
}
