use std::io::{self, IsTerminal, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error};
use bounded::file::open_regular;
use clap::ValueEnum;
use importer::apt;
use importer::config::Config;
use importer::dsc_arguments::{self, Item};
use importer::names;
use importer::protocol::Trust;
use importer::queue::by_hand::{self, Step};
use importer::signature;

use super::Installation;
use crate::exit::{self, Usage};
use crate::interrupt;
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
    let config = installation.config()?;
    let mut reporter = Reporter::new(arguments.json);
    let items = match arguments.from {
        Some(Source::Apt) => from_apt(installation, arguments, &mut reporter)?,
        None => from_files(arguments, &config)?,
    };
    packaging_names(installation, &items)?;
    let versions = items.len();
    let jobs = jobs(arguments.jobs, versions);
    let session = installation.begin(config, "import", jobs, false)?;
    let pulse = installation.pulse(&session)?;
    let interrupted = interrupt::stop_on_signals(&session)?;
    let progress = Progress::new(versions, !arguments.json && io::stderr().is_terminal());
    let mut written = Ok(());
    by_hand::import(&session, items, |step| {
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
            written = result;
        }
        progress.advance();
    });
    progress.finish();
    drop(pulse);
    let signal = interrupted.signal();
    session.close(if signal.is_some() { "interrupted" } else { "done" }, None)?;
    if let Some(signal) = signal {
        screen::say!(
            "interrupted: nothing is half done; what is not imported stays in the queue, and the next `package-import \
             run` goes on with it"
        );
        interrupt::end_by(signal);
        return Ok(exit::SOME_FAILED);
    }
    if session.store.may_be_left() {
        // The program ends here. Freeing all memory piece by piece would only take time.
        std::mem::forget(session);
    }
    written?;
    Ok(if reporter.all_there() { exit::DONE } else { exit::SOME_FAILED })
}

/// Packages at a time: no more than there are versions.
fn jobs(given: Option<NonZeroUsize>, versions: usize) -> usize {
    if versions <= 1 {
        return 1;
    }
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    given.map_or_else(cores, NonZeroUsize::get).min(versions)
}

/// Names that cannot become branches are a usage error, before anything is done.
pub fn packaging_names(installation: &Installation, items: &[Item]) -> Result<(), Error> {
    Ok(names::check_items(&installation.root, items).map_err(|error| Usage(error.to_string()))?)
}

fn from_files(arguments: &Arguments, config: &Config) -> Result<Vec<Item>, Error> {
    let distro = arguments.distro.as_ref().unwrap_or(&config.import.distro);
    let suite = arguments.suite.as_ref().unwrap_or(&config.import.suite);
    let trust = trust(arguments.allow_unsigned, &arguments.keyring, config)?;
    let found = dsc_arguments::find(&arguments.what).map_err(|failure| Usage(failure.message))?;
    let item = |dsc| Item { dsc, distro: distro.clone(), suite: Some(suite.clone()), trust: trust.clone() };
    Ok(found.into_iter().map(item).collect())
}

/// Trust in files that were named on the command line.
pub fn trust(allow_unsigned: bool, keyrings: &[PathBuf], config: &Config) -> Result<Trust, Error> {
    keyrings.iter().try_for_each(|keyring| check_keyring(keyring))?;
    if allow_unsigned {
        return Ok(Trust::Unsigned);
    }
    let given = [keyrings, &config.import.keyrings].into_iter().find(|keyrings| !keyrings.is_empty());
    let keyrings = given.map_or_else(signature::system_keyrings, <[PathBuf]>::to_vec);
    // A worker that imports later has another current folder.
    let absolute = keyrings.iter().map(std::path::absolute).collect::<Result<_, _>>();
    Ok(Trust::Keyrings(absolute.context("cannot find the current folder")?))
}

/// gpgv says nothing about a keyring that it cannot read: its keys would only seem to be unknown.
fn check_keyring(keyring: &Path) -> Result<(), Error> {
    const ARMOR: &[u8] = b"-----BEGIN PGP";
    let mut start = Vec::new();
    open_regular(keyring)
        .and_then(|file| file.take(ARMOR.len() as u64).read_to_end(&mut start))
        .map_err(|error| Usage(format!("cannot read the keyring {}: {error}", keyring.display())))?;
    if start == ARMOR {
        let keyring = keyring.display();
        let message = format!("{keyring} is armored, which gpgv does not read; `gpg --dearmor` unpacks it");
        return Err(Usage(message).into());
    }
    Ok(())
}

/// Files from apt, which has checked them against a signed index: they need no other signature.
fn from_apt(
    installation: &Installation,
    arguments: &Arguments,
    reporter: &mut Reporter,
) -> Result<Vec<Item>, Error> {
    let names: Vec<String> = arguments.what.iter().map(|name| name.display().to_string()).collect();
    let root = std::path::absolute(&installation.root).context("cannot find the current folder")?;
    let mut items = Vec::new();
    for fetched in apt::fetch(&root, &names, |line| reporter.note(line)) {
        match fetched {
            Ok(mut item) => {
                item.distro = arguments.distro.clone().unwrap_or(item.distro);
                item.suite = arguments.suite.clone().or(item.suite);
                items.push(item);
            }
            Err((name, failure)) => reporter.failed(&name, &failure)?,
        }
    }
    Ok(items)
}
