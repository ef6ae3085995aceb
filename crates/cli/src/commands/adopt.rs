use std::io::{self, Write};

use anyhow::{Context, Error};
use state::{events, identity};

use super::{Installation, actor};
use crate::exit;
use crate::screen;

/// Make a copied root this machine's own, although its original may still run
///
/// Asked for by `run` and `import` when a root was copied while something ran. Make sure that the original does not run
/// and will not be started again: both would import the same packages. What was running is queued again, in a new epoch.
#[derive(clap::Args)]
pub struct Arguments {
    /// Believe repositories that are on no record as they are, and put on record what they have: those that were copied
    /// from elsewhere, and of which the state knows nothing. Nothing else is done
    #[arg(long)]
    repositories: bool,

    /// Why; it is kept
    #[arg(long)]
    reason: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    if arguments.repositories {
        return repositories(installation, arguments);
    }
    let store = installation.state()?;
    if let Some(path) = store.path() {
        // A file that was copied while it was written to may be torn.
        state::driver::sqlite::check_file(&path)
            .context("the copy is no good; copy it while nothing runs, or use backup and restore")?;
    }
    let floor = backup::reconcile::highest_epoch(&installation.root)?;
    let actor = actor();
    let why = (actor.as_str(), "adopt", arguments.reason.as_deref());
    let host = importer::root::host_name();
    let (epoch, taken_back) = identity::take_over(&store, &host, floor, why, env!("CARGO_PKG_VERSION"))?;
    if arguments.json {
        screen::print_json(&serde_json::json!({"epoch": epoch, "taken_back": taken_back}))?;
    } else {
        writeln!(io::stdout(), "adopted: epoch {epoch}, {taken_back} jobs queued again")?;
    }
    Ok(exit::DONE)
}

/// Puts on record what repositories have that were copied here.
fn repositories(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let root = &installation.root;
    let store = installation.state_or_make()?;
    let mut believed = 0;
    for package in importer::inspect::packages(root)? {
        if importer::inspect::lacks_record(root, &package) {
            importer::inspect::believe(root, &package)?;
            believed += 1;
        }
    }
    let versions = backup::reconcile::all(&store, root, env!("CARGO_PKG_VERSION"), |_, _| ())?;
    let after = format!("{believed} repositories, {versions} versions");
    let (actor, reason) = (actor(), arguments.reason.as_deref());
    store.write(|tx| events::record(tx, &actor, "adopt", "repositories", reason, None, Some(&after)))?;
    if arguments.json {
        screen::print_json(&serde_json::json!({"repositories": believed, "versions": versions}))?;
    } else {
        writeln!(io::stdout(), "{after} put on record")?;
    }
    Ok(exit::DONE)
}
