use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Error;
use importer::config::Config;
use importer::plan::{self, Item};
use importer::queue::requests;
use state::operate;
use state::publications::{self, NewPublication};
use state::queue;
use state::words::{Lane, Tasks};
use state::{StateError, Store};

use super::{Installation, import};
use crate::exit::{self, Usage};
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

/// Files that are recorded in one transaction: each writes up to four rows.
const RECORDED: usize = 40;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let config = installation.config()?;
    let is_name = |path: &Path| !path.exists() && path.extension().is_none_or(|ending| ending != "dsc");
    let (names, files): (Vec<PathBuf>, Vec<PathBuf>) =
        arguments.what.iter().cloned().partition(|path| is_name(path));
    let store = installation.state_or_make()?;
    let (mut queued, mut failed) = (0, 0);
    for name in &names {
        match by_name(&store, &name.to_string_lossy(), arguments.lane) {
            Ok(()) => queued += 1,
            Err(error) => {
                failed += 1;
                writeln!(screen::stderr(), "{error}")?;
            }
        }
    }
    if !files.is_empty() {
        let (some, wrong) = by_file(installation, &store, arguments, &config, &files)?;
        queued += some;
        failed += wrong;
    }
    writeln!(screen::stdout(), "{queued} queued in lane {}", arguments.lane)?;
    Ok(if failed == 0 { exit::DONE } else { exit::SOME_FAILED })
}

/// In the lane `verify` the repository is checked, too, once what is published is imported.
fn tasks(lane: Lane) -> Tasks {
    if lane == Lane::Verify { Tasks::IMPORT.and(Tasks::VERIFY) } else { Tasks::IMPORT }
}

fn by_name(store: &Store, name: &str, lane: Lane) -> Result<(), StateError> {
    store.write(|tx| {
        let package = operate::known(tx, name)?;
        queue::enqueue(tx, package, lane, tasks(lane))
    })
}

fn by_file(
    installation: &Installation,
    store: &Store,
    arguments: &Arguments,
    config: &Config,
    files: &[PathBuf],
) -> Result<(usize, usize), Error> {
    let distro = arguments.distro.as_ref().unwrap_or(&config.import.distro);
    let suite = arguments.suite.as_ref().unwrap_or(&config.import.suite);
    let trust = import::trust(arguments.allow_unsigned, &arguments.keyring, config)?;
    let found = plan::find(files).map_err(|failure| Usage(failure.message))?;
    let items: Vec<Item> = found
        .into_iter()
        .map(|dsc| Item { dsc, distro: distro.clone(), suite: Some(suite.clone()), trust: trust.clone() })
        .collect();
    import::packaging_names(installation, &items)?;
    let key = requests::key(&installation.root).map_err(|failure| Error::msg(failure.to_string()))?;
    let (mut queued, mut failed) = (0, 0);
    for chunk in items.chunks(RECORDED) {
        let mut known = Vec::new();
        for item in chunk {
            match requests::from_file(item, &config.limits.dsc(), &key) {
                Ok((package, publication)) => {
                    known.push((package, NewPublication { lane: arguments.lane, ..publication }));
                }
                Err(failure) => {
                    failed += 1;
                    writeln!(screen::stderr(), "{}: {failure}", item.dsc.display())?;
                }
            }
        }
        store.write(|tx| {
            for (package, publication) in &known {
                let id = queue::package_id(tx, package)?;
                publications::record(tx, id, publication)?;
                queue::enqueue(tx, id, arguments.lane, tasks(arguments.lane))?;
            }
            Ok(())
        })?;
        queued += known.len();
    }
    Ok((queued, failed))
}
