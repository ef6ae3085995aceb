use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Error;
use clap::ValueEnum;
use importer::dsc_arguments::Item;
use importer::queue::by_hand::Step;
use importer::queue::session::Session;
use operations::Action;
use operations::actions::import::{Import, ImportEnd};
use operations::given::Given;

use super::{Installation, caller};
use crate::exit;
use crate::interrupt::{self, Interrupted};
use crate::screen;
use crate::show::{Progress, Reporter};

/// Import source packages: .dsc files, folders of them, or names that apt knows
///
/// Versions are put in order by their changelogs, and files are found by their hashes beside all versions of a package that
/// are named: the order of the arguments does not matter. What is there
/// already stays as it is.
///
/// Exit code 0: everything is there. 1: something failed, or was imported without its patches applied (each said
/// on standard error). 2: the command line or the configuration cannot be used.
///
/// SIGINT, SIGTERM, SIGHUP: what is being imported is cancelled and stays in the queue.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import import hello_2.10-3.dsc\n  package-import import --suite bookworm --distro debian downloads/\n  package-import import --from apt hello dash=0.5.12-2"
)]
pub struct Arguments {
    /// .dsc files and folders of them; with --from apt, names of source packages: NAME[=VERSION]
    #[arg(required = true, value_name = "FILE.dsc|DIR|NAME")]
    what: Vec<PathBuf>,

    /// Where the packages come from, if not from files
    #[arg(long, value_name = "SOURCE")]
    from: Option<Source>,

    /// The distro they were published in [default: debian, or what the configuration says]
    #[arg(long)]
    distro: Option<String>,

    /// The suite they were published in [default: sid, or what the configuration says]
    #[arg(long)]
    suite: Option<String>,

    /// A keyring with the keys whose signatures are accepted [default: those of the system]
    #[arg(long, value_name = "FILE")]
    keyring: Vec<PathBuf>,

    /// Import what no known key has signed, too
    #[arg(long)]
    allow_unsigned: bool,

    /// Print a JSON object for each version
    #[arg(long)]
    json: bool,

    /// Packages at a time [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Source {
    /// The machine's own apt, with its sources, keyrings and proxies
    Apt,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let mut reporter = Reporter::new(arguments.json);
    let items = items(installation, arguments, &mut reporter)?;
    let shown =
        Shown { begun: OnceLock::new(), output: Mutex::new((reporter, Ok(()))), versions: items.len() };
    let begun = |session: &Arc<Session>| shown.begin(session, arguments.json);
    let watch = |step: Step<'_>| shown.step(step);
    let import = Import { items, jobs: arguments.jobs, begun: &begun, watch: &watch };
    let end = import.perform(installation, &caller(), None);
    if let Some(Begun { progress, .. }) = shown.begun.get() {
        progress.finish();
    }
    shown.end(end?)
}

fn items(
    installation: &Installation,
    arguments: &Arguments,
    reporter: &mut Reporter,
) -> Result<Vec<Item>, Error> {
    let config = installation.config()?;
    let given = Given {
        distro: arguments.distro.as_deref(),
        suite: arguments.suite.as_deref(),
        keyrings: &arguments.keyring,
        allow_unsigned: arguments.allow_unsigned,
    };
    let Some(Source::Apt) = arguments.from else { return Ok(given.files(&arguments.what, &config)?) };
    let names: Vec<String> = arguments.what.iter().map(|name| name.display().to_string()).collect();
    let mut items = Vec::new();
    for fetched in given.from_apt(&names, &installation.root, |line| reporter.note(line))? {
        match fetched {
            Ok(item) => items.push(item),
            Err((name, failure)) => reporter.failed(&name, &failure)?,
        }
    }
    Ok(items)
}

/// Output of an import.
struct Shown {
    begun: OnceLock<Begun>,
    /// The reports, and the first error of writing them.
    output: Mutex<(Reporter, io::Result<()>)>,
    versions: usize,
}

struct Begun {
    session: Arc<Session>,
    interrupted: Interrupted,
    progress: Progress,
}

impl Shown {
    fn begin(&self, session: &Arc<Session>, json: bool) -> io::Result<()> {
        let interrupted = interrupt::stop_on_signals(session)?;
        let progress = Progress::new(self.versions, !json && io::stderr().is_terminal());
        let begun = Begun { session: Arc::clone(session), interrupted, progress };
        drop(self.begun.set(begun));
        Ok(())
    }

    fn step(&self, step: Step<'_>) {
        let Some(Begun { progress, .. }) = self.begun.get() else { return };
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let (reporter, written) = &mut *output;
        let result = match step {
            Step::Reading(file) => {
                progress.reading(file);
                return;
            }
            Step::Done(report) => progress.suspend(|| reporter.done(&report)),
            Step::Rejected(item, failure) => {
                progress.suspend(|| reporter.failed(&item.dsc.display().to_string(), &failure))
            }
        };
        if written.is_ok() {
            *written = result;
        }
        progress.advance();
    }

    /// The exit code, after the last words.
    fn end(self, end: ImportEnd) -> Result<u8, Error> {
        let (reporter, written) = self.output.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(Begun { session, interrupted, .. }) = self.begun.into_inner() {
            if let Some(signal) = interrupted.signal().filter(|_| end == ImportEnd::Stopped) {
                screen::say!(
                    "interrupted: nothing is half done; what is not imported stays in the queue, and the next \
                     `package-import run` goes on with it"
                );
                interrupt::end_by(signal);
                return Ok(exit::SOME_FAILED);
            }
            if session.store.may_be_left() {
                // The program ends here. Freeing all memory piece by piece would only take time.
                std::mem::forget(session);
            }
        }
        written?;
        Ok(if reporter.all_there() { exit::DONE } else { exit::SOME_FAILED })
    }
}
