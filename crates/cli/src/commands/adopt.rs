use std::io::Write;

use anyhow::{Context, Error};
use state::identity;

use super::{Installation, actor, restore};
use crate::exit;
use crate::screen;
use crate::show::Progress;

/// Take over a root as it is: one that was copied, or whose state is older than its repositories, new, or empty
///
/// What the repositories have and the state lacks is put on record, and a new epoch begins. Asked for by `run` and `import` when a root was copied while something ran. Make sure that the original does not run
/// and will not be started again: both would import the same packages. What was running is queued again, in a new epoch.
#[derive(clap::Args)]
pub struct Arguments {
    /// Why; it is kept
    #[arg(long)]
    reason: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let store = installation.state_to_adopt()?;
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
    let progress = Progress::long(arguments.json);
    let watch = |done, all| progress.at(done, all);
    let done = backup::reconcile::all(&store, &installation.root, env!("CARGO_PKG_VERSION"), watch)?;
    progress.finish();
    if arguments.json {
        let (reconciled, damaged) = (done.versions, done.damaged);
        screen::print_json(&serde_json::json!({
            "epoch": epoch, "taken_back": taken_back, "reconciled": reconciled, "damaged": damaged
        }))?;
        return Ok(exit::DONE);
    }
    let versions = done.versions;
    writeln!(
        screen::stdout(),
        "adopted: epoch {epoch}, {taken_back} jobs queued again, {versions} versions added to the records"
    )?;
    restore::say_damaged(&done.damaged)?;
    Ok(exit::DONE)
}
