//! Output of reports: lines for people, JSON for programs, a progress bar on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use importer::failure::Failure;
use importer::protocol::{Outcome, Report};
use indicatif::{ProgressBar, ProgressStyle};

use crate::screen::{self, print_json};

/// Shows reports as they come and remembers whether anything is missing.
pub struct Reporter {
    json: bool,
    missing: bool,
}

impl Reporter {
    /// Lines for people, or JSON.
    pub fn new(json: bool) -> Reporter {
        Reporter { json, missing: false }
    }

    /// True when all reported versions are in their repository.
    pub fn all_there(&self) -> bool {
        !self.missing
    }

    /// A remark that is no result.
    pub fn note(&self, line: &str) {
        if !self.json {
            screen::say!("{line}");
        }
    }

    /// Shows what became of a version. Failures go to standard error, with `--json` to standard output as well.
    pub fn done(&mut self, report: &Report) -> io::Result<()> {
        if matches!(report.outcome, Outcome::Failed | Outcome::UnappliedOnly) {
            self.missing = true;
            writeln!(screen::stderr(), "{}", failure_line(report))?;
        }
        if self.json {
            print_json(report)
        } else if report.outcome != Outcome::Failed {
            writeln!(screen::stdout(), "{}", success_line(report))
        } else {
            Ok(())
        }
    }

    /// Shows an argument that did not even become a version.
    pub fn failed(&mut self, name: &str, failure: &Failure) -> io::Result<()> {
        self.missing = true;
        writeln!(
            screen::stderr(),
            "{name}: {}/{}: {}",
            failure.stage.as_str(),
            failure.code,
            failure.message
        )?;
        if self.json {
            let report = serde_json::json!({
                "package": null, "version": null, "outcome": "failed", "name": name,
                "stage": failure.stage.as_str(), "code": failure.code, "message": failure.message,
            });
            print_json(&report)?;
        }
        Ok(())
    }
}

fn title(report: &Report) -> String {
    match &report.version {
        Some(version) => format!("{} {version}", report.package),
        None => report.package.clone(),
    }
}

fn failure_line(report: &Report) -> String {
    let text = |field: Option<&str>| field.unwrap_or("unknown").to_owned();
    let (stage, message) = (text(report.stage.as_deref()), text(report.message.as_deref()));
    let code = text(report.code.as_ref().map(|code| code.as_str()));
    format!("{}: {stage}/{code}: {message}", title(report))
}

fn success_line(report: &Report) -> String {
    let short =
        |id: &Option<String>| id.as_deref().map_or("none", |id| id.get(..10).unwrap_or(id)).to_owned();
    let place = match &report.suite {
        Some(suite) => format!("{}/{suite}", report.distro),
        None => report.distro.clone(),
    };
    let what = match report.outcome {
        Outcome::AlreadyThere => "already there",
        Outcome::Waits => "waits",
        Outcome::UnappliedOnly => "imported, patches not applied",
        _ => "imported",
    };
    let time = report.wall_ms.map_or(String::new(), |ms| format!(", {:.2} s", ms as f64 / 1000.0));
    let applied = short(&report.applied_commit);
    let commit = short(&report.commit);
    format!("{}: {what} into {place}, commit {commit}, applied {applied}{time}", title(report))
}

/// A bar on a terminal; nothing elsewhere.
pub struct Progress(ProgressBar);

impl Progress {
    /// Progress of a number of versions.
    pub fn new(versions: usize, visible: bool) -> Progress {
        if !visible {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(versions as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// A progress display for work of unknown size: on a terminal, unless it prints JSON.
    pub fn long(json: bool) -> Progress {
        Progress::new(0, !json && io::stderr().is_terminal())
    }

    /// Shows the number of versions that are done, and of all.
    pub fn at(&self, done: usize, all: usize) {
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
    }

    /// Shows the name of the present work.
    pub fn reading(&self, package: &str) {
        self.0.set_message(package.to_owned());
    }

    /// One version more is done.
    pub fn advance(&self) {
        self.0.inc(1);
    }

    /// Hides the bar while something is printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
