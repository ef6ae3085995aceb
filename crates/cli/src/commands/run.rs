use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::Error;
use importer::polling::Report;
use importer::queue::dispatch::{Said, Stop};
use operations::Action;
use operations::actions::run::{Listener, Run, counted};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use state::Store;

use super::{Installation, caller, poll, publish};
use crate::eta::Eta;
use crate::exit;
use crate::screen::{self, short};
use crate::told;

/// Work through the queue: import what is asked for, retry what failed
///
/// From cron: `package-import run --if-idle --max-duration 50m`. As a service: `package-import run --service`. One run
/// a host; failed imports are no failed run.
///
/// SIGTERM, SIGINT: begin nothing new and finish what runs; a second one ends that, too, and it is done again by the
/// next run.
///
/// Exit code 0: the run is over, whatever the imports came to. 1: it could not be done. 2: the command line or the
/// configuration cannot be used. 75: another run is active on this host.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import run\n  package-import run --service --jobs 8\n  package-import run --if-idle --max-duration 50m"
)]
pub struct Arguments {
    /// Until nothing is left that could be done now; the default
    #[arg(long, conflicts_with = "service")]
    until_empty: bool,

    /// For ever
    #[arg(long)]
    service: bool,

    /// Imports at a time [default: as many as there are processors; `package-import set jobs=N` goes first]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Begin nothing new after this time: 50m, 2h
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    max_duration: Option<Duration>,

    /// Poll the archives first; a service polls anyway
    #[arg(long)]
    poll: bool,

    /// Wait until no other run is active on this host
    #[arg(long, conflicts_with = "if_idle")]
    wait: bool,

    /// If another run is active on this host, say nothing and exit with 0
    #[arg(long)]
    if_idle: bool,

    /// Print a line for each import
    #[arg(short, long)]
    verbose: bool,
}

/// Largest number of characters of a remark.
const LONGEST: usize = 300;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let result = work(installation, arguments);
    match arguments.if_idle && !io::stderr().is_terminal() {
        true => told::once(&installation.root, result),
        false => result,
    }
}

fn work(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    importer::arm_crash_points();
    let is_terminal = io::stdout().is_terminal();
    let lines = arguments.verbose || arguments.service || is_terminal;
    let has_end = is_terminal && !arguments.service;
    let run = Run {
        service: arguments.service,
        jobs: arguments.jobs,
        max_duration: arguments.max_duration,
        poll: arguments.poll,
        wait: arguments.wait,
        listener: Arc::new(Lines { lines, has_end, eta: OnceLock::new() }),
    };
    let summary = match run.perform(installation, &caller(), None) {
        Ok(summary) => summary,
        Err(error) if arguments.if_idle && error.is_run_active() => return Ok(exit::DONE),
        Err(error) => return Err(error.into()),
    };
    if lines {
        writeln!(screen::stdout(), "{}: {}", summary.why, counted(&summary))?;
    }
    Ok(exit::DONE)
}

/// Lines about a run. A reader that has gone is no reason to stop importing.
struct Lines {
    /// True when each result is a line; else only what somebody might want to know.
    lines: bool,
    /// True when the number of remaining jobs is shown.
    has_end: bool,
    eta: OnceLock<Eta>,
}

impl Listener for Lines {
    fn away(&self, error: operations::Error) {
        let _ = writeln!(screen::stdout(), "{}; waiting for it", error.with_causes());
    }

    /// Counts the signals that mean stop.
    fn begun(&self) -> io::Result<Stop> {
        let stop: Stop = Arc::new(AtomicUsize::new(0));
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        let counter = Arc::clone(&stop);
        thread::spawn(move || {
            for _ in signals.forever() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(stop)
    }

    fn ready(&self, store: &Store) {
        if let Some(eta) = Eta::of(store, self.has_end) {
            drop(self.eta.set(eta));
        }
    }

    /// Unchanged suites are not mentioned; remarks and failures are printed once.
    fn polled(&self, report: &Report) {
        let mut stdout = screen::stdout();
        let (archive, suite) = (&report.archive, &report.suite);
        match &report.result {
            Ok(found) => {
                if self.lines && !found.unchanged {
                    let _ = writeln!(stdout, "{}", poll::line(report, found, false));
                }
                for remark in found.remarks.iter().filter(|_| report.is_news) {
                    let _ = writeln!(stdout, "{archive} {suite}: {}", short(remark, LONGEST));
                }
            }
            Err(failure) if report.is_news || self.lines => {
                let _ = writeln!(stdout, "{archive} {suite}: {failure}");
            }
            Err(_) => {}
        }
    }

    fn said(&self, said: &Said<'_>) {
        let mut stdout = screen::stdout();
        let _ = match said {
            Said::Note(note) => writeln!(stdout, "{note}"),
            Said::Ended(result) if self.lines => {
                let cause = result.cause.as_ref().map_or(String::new(), |cause| {
                    format!(": {}/{}: {}", cause.stage, cause.code, cause.message)
                });
                let seconds = result.wall_ms as f64 / 1000.0;
                let (attempt, package, outcome) =
                    (result.claim.attempt, &result.claim.package, result.outcome);
                let far = self.eta.get().map_or(String::new(), Eta::next);
                writeln!(stdout, "{far}{package}: {outcome}, attempt {attempt}, {seconds:.2} s{cause}")
            }
            Said::Published(ended) if self.lines => match &ended.result {
                // If everything was there already, nothing is printed.
                Ok((0, there)) if there.foreign + there.refused == 0 => Ok(()),
                _ => writeln!(stdout, "{}", publish::line(ended)),
            },
            Said::Ended(_) | Said::Reading(..) | Said::Published(_) => Ok(()),
        };
    }
}
