use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error};
use bounded::waiting::Wait;
use importer::polling::Report;
use importer::queue::dispatch::{Dispatcher, Said, Stop, Summary, Until};
use importer::queue::poll_thread::{self, Watch};
use importer::queue::session::Session;
use operations::telling;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use state::{StateError, integrity, samples};

use super::{Installation, poll, publish};
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

/// Interval of looking for the end of another run.
const PAUSE: Duration = Duration::from_millis(500);
/// Interval of messages that the database cannot be reached.
const TOLD: Duration = Duration::from_secs(60);

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let result = work(installation, arguments);
    match arguments.if_idle && !io::stderr().is_terminal() {
        true => told::once(&installation.root, result),
        false => result,
    }
}

fn work(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    importer::arm_crash_points();
    let started = Instant::now();
    let session = match begin(installation, arguments) {
        Ok(session) => session,
        Err(error) if arguments.if_idle && is_active(&error) => return Ok(exit::DONE),
        Err(error) => return Err(error),
    };
    let pulse = outlast(arguments, || Ok(installation.pulse(&session)?))?;
    let stop = stop_on_signals()?;
    let lines = arguments.verbose || arguments.service || io::stdout().is_terminal();
    let told = move |report: &Report| tell(report, lines);
    if arguments.poll && !arguments.service {
        poll_thread::round(&session, false, &told);
    }
    let watch = arguments.service.then(|| Watch::start(Arc::clone(&session), told));
    let courier = telling::start(&session)?;
    let eta = Eta::of(&session.store, io::stdout().is_terminal() && !arguments.service);
    let dispatcher = Dispatcher {
        session: Arc::clone(&session),
        until: if arguments.service { Until::Stopped } else { Until::Empty },
        deadline: arguments.max_duration.map(|duration| started + duration),
        stop,
        jobs: arguments.jobs.map(NonZeroUsize::get),
        say: &|said| say(&said, lines, eta.as_ref()),
    };
    let summary = dispatcher.run();
    drop(watch);
    drop(courier);
    if let Some(found) = session.store.outgrown() {
        return Err(StateError::Newer { found, known: state::schema::CURRENT }.into());
    }
    // The next run would do it, too; an error is reported.
    let last =
        samples::take(&session.store).and_then(|()| integrity::examine_if_due(&session.store).map(drop));
    if let Err(error) = last {
        writeln!(crate::screen::stdout(), "cannot record the samples of this run: {error}")?;
    }
    session.troubles.take_notes().iter().try_for_each(|note| writeln!(crate::screen::stdout(), "{note}"))?;
    drop(pulse);
    session.close(&summary.why, Some(&line(&summary)))?;
    if lines {
        writeln!(screen::stdout(), "{}: {}", summary.why, line(&summary))?;
    }
    Ok(exit::DONE)
}

fn begin(installation: &Installation, arguments: &Arguments) -> Result<Arc<Session>, Error> {
    let mode = if arguments.service { "service" } else { "until-empty" };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = arguments.jobs.map_or(cores, NonZeroUsize::get);
    let mut wait = Wait::new();
    loop {
        match outlast(arguments, || Ok(installation.begin(installation.config()?, mode, jobs, true)?)) {
            Err(error) if arguments.wait && is_active(&error) => {
                wait.tell(|| format!("the end of another run: {error}"));
                thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
}

/// Does work that needs a server; a service waits for one that does not answer.
fn outlast<T>(arguments: &Arguments, mut work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut told: Option<Instant> = None;
    loop {
        match work() {
            Err(error) if arguments.service && is_server_away(&error) => {
                // Repeated now and then, so that the log of a night has it.
                if told.is_none_or(|at| at.elapsed() >= TOLD) {
                    writeln!(screen::stdout(), "{error:#}; waiting for it")?;
                    told = Some(Instant::now());
                }
                thread::sleep(PAUSE * 4);
            }
            other => return other,
        }
    }
}

/// True when a server does not answer, which a service waits for; a file that cannot be opened needs a person.
fn is_server_away(error: &Error) -> bool {
    exit::of_state(error).is_some_and(|error| match error {
        StateError::Open { name, .. } => !std::path::Path::new(name).is_absolute(),
        error => error.is_outage(),
    })
}

fn is_active(error: &Error) -> bool {
    matches!(exit::of_state(error), Some(StateError::RunActive(_)))
}

/// Counts the signals that say stop.
fn stop_on_signals() -> Result<Stop, Error> {
    let stop: Stop = Arc::new(AtomicUsize::new(0));
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).context("cannot handle signals")?;
    let counter = Arc::clone(&stop);
    thread::spawn(move || {
        for _ in signals.forever() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    Ok(stop)
}

fn say(said: &Said<'_>, lines: bool, eta: Option<&Eta>) {
    let mut stdout = screen::stdout();
    // A reader that has gone is no reason to stop importing.
    let _ = match said {
        Said::Note(note) => writeln!(stdout, "{note}"),
        Said::Ended(result) if lines => {
            let cause = result.cause.as_ref().map_or(String::new(), |cause| {
                format!(": {}/{}: {}", cause.stage, cause.code, cause.message)
            });
            let seconds = result.wall_ms as f64 / 1000.0;
            let (attempt, package, outcome) = (result.claim.attempt, &result.claim.package, result.outcome);
            let far = eta.map_or(String::new(), Eta::next);
            writeln!(stdout, "{far}{package}: {outcome}, attempt {attempt}, {seconds:.2} s{cause}")
        }
        Said::Published(ended) if lines => match &ended.result {
            // If everything was there already, nothing is printed.
            Ok((0, there)) if there.foreign + there.refused == 0 => Ok(()),
            _ => writeln!(stdout, "{}", publish::line(ended)),
        },
        Said::Ended(_) | Said::Reading(..) | Said::Published(_) => Ok(()),
    };
}

/// Prints the result of a poll. Unchanged suites are not mentioned; remarks and failures are printed once.
fn tell(report: &Report, lines: bool) {
    let mut stdout = screen::stdout();
    let (archive, suite) = (&report.archive, &report.suite);
    match &report.result {
        Ok(found) => {
            if lines && !found.unchanged {
                let _ = writeln!(stdout, "{}", poll::line(report, found, false));
            }
            for remark in found.remarks.iter().filter(|_| report.is_news) {
                let _ = writeln!(stdout, "{archive} {suite}: {}", short(remark, LONGEST));
            }
        }
        Err(failure) if report.is_news || lines => {
            let _ = writeln!(stdout, "{archive} {suite}: {failure}");
        }
        Err(_) => {}
    }
}

/// Largest number of characters of a remark.
const LONGEST: usize = 300;

fn line(summary: &Summary) -> String {
    format!(
        "{} attempts, {} imported, {} failed, {} parked",
        summary.attempts, summary.imported, summary.failed, summary.parked
    )
}
