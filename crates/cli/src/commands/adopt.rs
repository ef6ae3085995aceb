use std::io::Write;

use anyhow::Error;
use operations::actions::backup::Adopt;
use operations::{Action, Reason};

use super::{Installation, caller, restore};
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
    reason: Option<Reason>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let progress = Progress::long(arguments.json);
    let adopt = Adopt { watch: &|done, all| progress.at(done, all) };
    let done = adopt.perform(installation, &caller(), arguments.reason.as_ref());
    progress.finish();
    let done = done?;
    if arguments.json {
        screen::print_json(&done)?;
        return Ok(exit::DONE);
    }
    writeln!(
        screen::stdout(),
        "adopted: epoch {}, {} jobs queued again, {} versions added to the records",
        done.epoch,
        done.taken_back,
        done.reconciled
    )?;
    if done.retried > 0 {
        writeln!(screen::stdout(), "{} tried again", screen::count(done.retried, "failing package"))?;
    }
    restore::say_damaged(&done.damaged)?;
    Ok(exit::DONE)
}
