mod explain;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Error;
use importer::polling::{Accepted, Found, Progress, Report};
use importer::queue::archives::Archives;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressState, ProgressStyle};
use operations::actions::poll::{self, Poll, Step};
use operations::{Action, questions};

use super::{Installation, caller, leave};
use crate::exit;
use crate::screen::{self, short};

/// Ask archives what they publish, and queue what is new
///
/// Signed indices only; nothing is used before it was checked. New publications wait in the lane upload, more than 500
/// at once in rescan; what has vanished is marked. `run --poll` and `run --service` poll by themselves.
///
/// With --explain nothing is changed: it says what each suite's index has of one package, what is on record of it, what
/// will be done and why. A suite that cannot be asked is told as its last accepted index has it.
///
/// Exit code 0: all were polled. 1: some could not be (each said on standard error). 2: the command line or the
/// configuration cannot be used.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import poll\n  package-import poll debian --dry-run\n  package-import poll --explain hello"
)]
pub struct Arguments {
    /// Archives of config.toml [default: all]
    archives: Vec<String>,

    /// Say what would be queued, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Take an index that is older than the last one: its archive's clock was wrong
    #[arg(long)]
    accept_older: bool,

    /// Mark what is listed no more, however much it is
    #[arg(long)]
    accept_removals: bool,

    /// Say what is listed and on record of one package, and what will be done; change nothing
    #[arg(long, value_name = "PACKAGE", conflicts_with_all = ["accept_older", "accept_removals"])]
    explain: Option<String>,

    /// Print a JSON object for each suite; with --explain one for all
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let names = &arguments.archives;
    let accepted = Accepted { older: arguments.accept_older, removals: arguments.accept_removals };
    poll::check(&installation.config()?, names, accepted)?;
    let at = installation.open_or_make()?;
    if let Some(package) = &arguments.explain {
        return explain::run(&questions::explain_package(&at, names, package)?, arguments.json);
    }
    let (all_well, written) = (Cell::new(true), RefCell::new(Ok(())));
    let spinner = RefCell::new(ProgressBar::hidden());
    let watch = |step: Step<'_>| match step {
        Step::Begins(name) => spinner.borrow().set_message(format!("polling {name}")),
        Step::Done(report) => {
            all_well.set(all_well.get() && report.result.is_ok());
            let result = spinner.borrow().suspend(|| tell(report, arguments));
            let mut written = written.borrow_mut();
            if written.is_ok() {
                *written = result;
            }
        }
    };
    let action = Poll::new(&at, names, accepted, &watch)?;
    if io::stderr().is_terminal() && !arguments.json {
        let (archives, far) = action.progress();
        spinner.replace(progress(&archives, &far));
    }
    match arguments.dry_run {
        true => drop(action.preview(&at, &caller())?),
        false => drop(action.perform(&at, &caller(), None)?),
    }
    spinner.borrow().finish_and_clear();
    drop(action);
    leave(at);
    written.replace(Ok(()))?;
    Ok(if all_well.get() { exit::DONE } else { exit::SOME_FAILED })
}

/// Indices, bytes and packages, as they come.
fn progress(archives: &Arc<Archives>, far: &Arc<Progress>) -> ProgressBar {
    let (archives, far) = (Arc::clone(archives), Arc::clone(far));
    let so_far = move |_: &ProgressState, text: &mut dyn fmt::Write| {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let bytes = HumanBytes(archives.transferred());
        let (indices, packages) = (read(&far.indices), HumanCount(read(&far.packages)));
        let _ = write!(text, "{indices} indices, {bytes}, {packages} packages");
        if read(&far.taken) > 0 {
            let _ = write!(text, ", {} queued", HumanCount(read(&far.taken)));
        }
    };
    let style = ProgressStyle::with_template("{spinner} {msg}: {so_far}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("so_far", so_far);
    let progress = ProgressBar::new_spinner().with_style(style);
    progress.enable_steady_tick(Duration::from_millis(200));
    progress
}

fn tell(report: &Report, arguments: &Arguments) -> io::Result<()> {
    if arguments.json {
        return writeln!(screen::stdout(), "{}", json(report));
    }
    let (archive, suite) = (&report.archive, &report.suite);
    match &report.result {
        Ok(found) => {
            writeln!(screen::stdout(), "{}", line(report, found, arguments.dry_run))?;
            found.remarks.iter().try_for_each(|remark| {
                writeln!(screen::stderr(), "{archive} {suite}: {}", short(remark, 300))
            })
        }
        Err(failure) => writeln!(screen::stderr(), "{archive} {suite}: {}", short(&failure.to_string(), 600)),
    }
}

/// A line about a poll that worked.
pub fn line(report: &Report, found: &Found, dry_run: bool) -> String {
    let (archive, suite) = (&report.archive, &report.suite);
    if found.unchanged {
        return format!("{archive} {suite}: unchanged");
    }
    let moved = if found.moved > 0 { format!("; {} moved", found.moved) } else { String::new() };
    let withheld = match found.withheld {
        0 => String::new(),
        count => format!("; {count} withheld, too many at once"),
    };
    let queued = if dry_run { "would be queued" } else { "queued" };
    let lane = found.lane.map_or(String::new(), |lane| format!(", {queued} in lane {lane}"));
    format!("{archive} {suite}: {} new{lane}; {} vanished{moved}{withheld}", found.new, found.vanished)
}

fn json(report: &Report) -> serde_json::Value {
    let found = report.result.as_ref().ok();
    let failure = report.result.as_ref().err();
    serde_json::json!({
        "v": 1, "archive": report.archive, "suite": report.suite,
        "unchanged": found.map(|found| found.unchanged), "new": found.map(|found| found.new),
        "vanished": found.map(|found| found.vanished), "moved": found.map(|found| found.moved),
        "withheld": found.map(|found| found.withheld),
        "lane": found.and_then(|found| found.lane).map(|lane| lane.as_str()),
        "remarks": found.map(|found| &found.remarks),
        "stage": failure.map(|failure| failure.stage.as_str()), "code": failure.map(|failure| &failure.code),
        "message": failure.map(|failure| &failure.message),
    })
}
