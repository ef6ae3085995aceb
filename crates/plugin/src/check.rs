//! A check from its arguments to its exit code.

use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::config::{Config, Location};
use crate::database::{self, Database};
use crate::guard::{self, Asked, Limit, Outcome};
use crate::options::{About, Common, Stop};
use crate::report::Report;
use crate::status::Status;
use crate::trouble::Trouble;
use crate::{options, output, stdout};

/// One check: its name, its options, its question and its judgement.
pub trait Check {
    /// The program's name, `check_import_queue`. The first words of the output, `IMPORT QUEUE`, and
    /// [`Check::section`] are derived from it.
    const PROGRAM: &'static str;
    /// The question that it answers, for `--help`.
    const ABOUT: &'static str;
    /// Examples for `--help`.
    const EXAMPLES: &'static str;
    /// The version, for `--version`.
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    /// Status and advice for a damaged database. One check is there to report it, and alerts; the others are UNKNOWN,
    /// and point to that one.
    const DAMAGED: (Status, &'static str) = (Status::Unknown, "see check_import_state");
    /// The next command when it alerts, unless the check found a better one; empty if the text contains it already.
    const NEXT: &'static str = "";
    /// The check's own options; [`crate::NoOptions`] if it has none.
    type Options: clap::Args;
    /// Its section of the configuration.
    type Policy: DeserializeOwned + Default;

    /// The check's own section of the configuration: `queue` for `[checks.queue]`.
    fn section() -> &'static str {
        let program = Self::PROGRAM;
        program.strip_prefix("check_import_").or(program.strip_prefix("check_")).unwrap_or(program)
    }

    /// Queries and judges. It may be called again if the database moved while it was read, so it must not keep state.
    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble>;
}

/// Options and configuration of a check.
pub struct Settings<C: Check + ?Sized> {
    /// The options that all checks have.
    pub common: Common,
    /// The options of its own.
    pub options: C::Options,
    /// Its section of the configuration.
    pub policy: C::Policy,
    config: Config,
    location: Location,
}

impl<C: Check + ?Sized> Settings<C> {
    /// Another check's section of the configuration, or those of its keys that `P` names.
    pub fn section<P: DeserializeOwned + Default>(&self, name: &str) -> Result<P, Trouble> {
        self.config.policy(name)
    }

    /// Folders on this machine whose disks the installation needs: the root, and the folder of the database.
    pub fn folders(&self) -> Vec<PathBuf> {
        let database = match &self.location {
            Location::Sqlite { path, .. } => path.parent().map(Path::to_owned),
            Location::Postgres { .. } => None,
        };
        let mut folders = vec![self.config.root().to_owned()];
        folders.extend(database.filter(|folder| folder != self.config.root()));
        folders
    }
}

/// Runs a check: prints one result and exits with its status.
pub fn main<C: Check>() -> ! {
    let start = Instant::now();
    panic::set_hook(Box::new(|info| finish(Status::Unknown, &panicked::<C>(info), Instant::now())));
    parent::<C>(guard::ask(|| reader::<C>(start), start), start)
}

fn name<C: Check>() -> String {
    C::PROGRAM.strip_prefix("check_").unwrap_or(C::PROGRAM).replace('_', " ").to_uppercase()
}

fn about<C: Check>() -> About {
    About { program: C::PROGRAM, version: C::VERSION, about: C::ABOUT, examples: C::EXAMPLES }
}

/// The process that the monitoring system waits for: it opens no file, and leaves the options to the child as well.
fn parent<C: Check>(asked: io::Result<Asked>, start: Instant) -> ! {
    let line = |status, text: &str| (status, output::plain(&name::<C>(), status, text));
    let at = |stage: &str| if stage.is_empty() { String::new() } else { format!(" while {stage}") };
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let (status, text) = line(Status::Unknown, &format!("cannot start the reading process: {error}"));
            finish(status, &text, start)
        }
    };
    let (status, text) = match &asked.outcome {
        Outcome::Answer(status, text) => (*status, text.clone()),
        Outcome::Late(stage) => {
            let waited = humantime::format_duration(asked.limit.timeout);
            line(asked.limit.late, &format!("no answer within {waited}{}", at(stage)))
        }
        Outcome::Died(stage) => line(
            Status::Unknown,
            &format!("the reading process died{}: see the log of the system", at(stage)),
        ),
    };
    let code = say(status, &text, start + asked.limit.timeout);
    asked.reap();
    exit(code)
}

fn told<C: Check>(stop: Stop) -> String {
    match stop {
        Stop::Told(text) => text,
        Stop::Refused(text) => output::plain(&name::<C>(), Status::Unknown, &text),
    }
}

fn panicked<C: Check>(info: &panic::PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic");
    let at = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    output::plain(&name::<C>(), Status::Unknown, &format!("defect of the check: {message}{at}"))
}

/// Prints the one result, and returns the exit code: if the result cannot be written, the code must not be OK either.
fn say(status: Status, text: &str, deadline: Instant) -> i32 {
    // Late output is better than none, unless the pipe is not read at all.
    const GRACE: Duration = Duration::from_millis(500);
    match stdout::print(text.as_bytes(), deadline.max(Instant::now() + GRACE)) {
        Ok(()) => status.code().into(),
        Err(stdout::Unwritable) => Status::Unknown.code().into(),
    }
}

/// Prints and exits: the end of every check.
fn finish(status: Status, text: &str, deadline: Instant) -> ! {
    exit(say(status, text, deadline))
}

/// The process that reads.
fn reader<C: Check>(start: Instant) {
    panic::set_hook(Box::new(|info| guard::answer(Status::Unknown, &panicked::<C>(info))));
    let all = match options::parse::<C::Options>(about::<C>(), std::env::args_os().skip(1)) {
        Ok(all) => all,
        Err(stop) => guard::answer(Status::Unknown, &told::<C>(stop)),
    };
    let (common, own) = (all.common.clone(), all.own);
    guard::limit(Limit { timeout: common.timeout, late: common.timeout_state });
    match judge::<C>(all.common, own, start) {
        Ok(mut report) => {
            if report.next.is_empty() {
                report.next(C::NEXT);
            }
            let output = output::render(&name::<C>(), &report, common.verbose);
            guard::answer(output::status(&report), &output)
        }
        Err(trouble) => {
            let (status, text) = answer_to::<C>(&trouble, &common);
            guard::answer(status, &output::plain(&name::<C>(), status, &text))
        }
    }
}

/// Status and text of an answer without data.
fn answer_to<C: Check>(trouble: &Trouble, common: &Common) -> (Status, String) {
    let text = trouble.to_string();
    match trouble {
        Trouble::NoData(_) => (common.no_data, text),
        Trouble::TimedOut(_) => (common.timeout_state, text),
        Trouble::Unusable(_) | Trouble::Threshold { .. } => (Status::Unknown, text),
        Trouble::Damaged(_) => (C::DAMAGED.0, format!("{text}: {}", C::DAMAGED.1)),
    }
}

fn judge<C: Check>(common: Common, options: C::Options, start: Instant) -> Result<Report, Trouble> {
    let config = Config::load(&common)?;
    config.refuse_unknown(C::section())?;
    let policy = config.policy(C::section())?;
    let location = config.location(&common)?;
    // Early enough to name the lock or silent server before the parent only reports a timeout.
    let margin = (common.timeout / 8).min(Duration::from_millis(500));
    let deadline = start + common.timeout.saturating_sub(margin);
    let now = common.now;
    let settings = Settings::<C> { common, options, policy, config, location };
    database::read(&settings.location, C::PROGRAM, deadline, now, |database| C::check(&settings, database))
        .map_err(|trouble| settings.config.placed(C::section(), trouble))
}
