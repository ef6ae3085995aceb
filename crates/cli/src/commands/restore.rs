use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Error};
use backup::reconcile::Damaged;
use backup::restore;

use super::{Installation, actor};
use crate::exit;
use crate::screen;
use crate::show::Progress;

/// Bring a backup back into an empty root
///
/// It is checked first. What was running when it was taken is queued again, workers from before can move nothing any more
/// (a new epoch begins), and versions that the repositories have and the state lacks are put on record. The state goes
/// where the configuration in the backup says; that database has to be empty. Repositories that are damaged are named and
/// passed over. One that was cut off is begun anew by the same command.
///
/// Exit code 0: done. 1: not done; the reason is said. 2: the command line or the configuration cannot be used.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  package-import --root /var/lib/package-import restore /mnt/backup/package-import"
)]
pub struct Arguments {
    /// A backup, or a folder of backups, of which the newest is taken
    #[arg(value_name = "SRC")]
    source: PathBuf,

    /// Bring back the state alone, beside repositories that are there
    #[arg(long)]
    state_only: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let source = std::path::absolute(&arguments.source).context("cannot find the current folder")?;
    let root = std::path::absolute(&installation.root).context("cannot find the current folder")?;
    let progress = Progress::long(arguments.json);
    let backup = restore::find(&source, |done, all| progress.at(done, all))?;
    if !arguments.state_only {
        restore::files(&backup, &root)?;
    }
    // The configuration came with the files.
    let location = installation.config()?.state.location(&root);
    let here = restore::Here {
        root: &root,
        host: &importer::root::host_name(),
        actor: &actor(),
        program: env!("CARGO_PKG_VERSION"),
    };
    let restored = restore::state(&backup, &location, &here, |done, all| progress.at(done, all));
    progress.finish();
    let restored = restored?;
    if arguments.json {
        screen::print_json(&restored)?;
        return Ok(exit::DONE);
    }
    writeln!(
        screen::stdout(),
        "{} is in {}: epoch {}, {} jobs queued again, {} versions added to the records",
        restored.backup.display(),
        root.display(),
        restored.epoch,
        restored.taken_back,
        restored.reconciled
    )?;
    say_damaged(&restored.damaged)?;
    Ok(exit::DONE)
}

/// Names the repositories that cannot be read. The installation works without them.
pub fn say_damaged(damaged: &[Damaged]) -> io::Result<()> {
    let mut stderr = screen::stderr();
    for one in damaged {
        writeln!(stderr, "{}: damaged, and passed over: {}", one.package, screen::plain(&one.cause))?;
    }
    if !damaged.is_empty() {
        writeln!(
            stderr,
            "{} are damaged; the next run checks them, `package-import verify PACKAGE` does it now",
            screen::count(i64::try_from(damaged.len()).unwrap_or(i64::MAX), "repository")
        )?;
    }
    Ok(())
}
