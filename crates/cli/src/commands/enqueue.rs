use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Error;
use importer::dsc_arguments::Item;
use operations::actions::enqueue::{Enqueue, EnqueueFiles, Enqueued};
use operations::given::{Given, check_names};
use operations::{Action, Names, Opened};
use state::words::Lane;

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Put packages into the queue: by name, as .dsc files, or as folders of them
///
/// What is named is imported by the next run, or by the one that is active. A name asks for everything that is known to
/// be published of that package and is not imported; in the lane `verify`, for a check of its repository, too.
///
/// Exit code 0: all are in the queue. 1: some are not (each said on standard error). 2: the command line or the
/// configuration cannot be used.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import enqueue --suite bookworm incoming/\n  package-import enqueue --lane operator hello"
)]
pub struct Arguments {
    /// Names of source packages, .dsc files, folders of them
    #[arg(required = true, value_name = "NAME|FILE.dsc|DIR")]
    what: Vec<PathBuf>,

    /// The lane: operator, upload, retry, rescan, verify or maintain
    #[arg(long, default_value = "upload")]
    lane: Lane,

    /// The distro of the files [default: debian, or what the configuration says]
    #[arg(long)]
    distro: Option<String>,

    /// The suite of the files [default: sid, or what the configuration says]
    #[arg(long)]
    suite: Option<String>,

    /// A keyring with the keys whose signatures are accepted [default: those of the system]
    #[arg(long, value_name = "FILE")]
    keyring: Vec<PathBuf>,

    /// Import what no known key has signed, too
    #[arg(long)]
    allow_unsigned: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let is_name = |path: &Path| !path.exists() && path.extension().is_none_or(|ending| ending != "dsc");
    let (names, files): (Vec<PathBuf>, Vec<PathBuf>) =
        arguments.what.iter().cloned().partition(|path| is_name(path));
    let at = installation.open_or_make()?;
    let (mut queued, mut failed) = (0, 0);
    let mut tell = |done: Enqueued| {
        queued += done.queued;
        failed += done.refused.len();
        done.refused.iter().try_for_each(|why| writeln!(screen::stderr(), "{why}"))
    };
    if !names.is_empty() {
        let names = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let action = Enqueue { packages: Names::new(names)?, lane: arguments.lane };
        tell(action.perform(&at, &caller(), None)?)?;
    }
    if !files.is_empty() {
        let action = EnqueueFiles { items: items(arguments, &at, &files)?, lane: arguments.lane };
        tell(action.perform(&at, &caller(), None)?)?;
    }
    writeln!(screen::stdout(), "{queued} queued in lane {}", arguments.lane)?;
    Ok(if failed == 0 { exit::DONE } else { exit::SOME_FAILED })
}

/// The files that are named, with where each is published and why it may be trusted.
fn items(arguments: &Arguments, at: &Opened, files: &[PathBuf]) -> Result<Vec<Item>, Error> {
    let given = Given {
        distro: arguments.distro.as_deref(),
        suite: arguments.suite.as_deref(),
        keyrings: &arguments.keyring,
        allow_unsigned: arguments.allow_unsigned,
    };
    let items = given.files(files, &at.config)?;
    check_names(&at.root, &items)?;
    Ok(items)
}
