use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Error;
use operations::actions::backup::{Damaged, Restore, RestorePackages};
use operations::{Action, Reason};
use source_package::version::PackageName;

use super::{Installation, caller};
use crate::exit;
use crate::screen;
use crate::show::Progress;

/// Bring a backup back into an empty root
///
/// It is checked first. What was running when it was taken is queued again, workers from before can move nothing any more
/// (a new epoch begins), and versions that the repositories have and the state lacks are put on record. The state goes
/// where the configuration in the backup says; that database has to be empty. Repositories that are damaged are named and
/// passed over; the next run checks them, and `restore --package` brings one back from another backup. One that was cut off
/// is begun anew by the same command.
///
/// With --package, single repositories are brought back into an installation that is there. What stood in their place is set
/// aside in the same folder, and all that is published of them is queued to be looked at again.
///
/// Exit code 0: done. 1: not done, or some repositories were passed over; each is said, with the reason. 2: the command line
/// or the configuration cannot be used.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import --root /var/lib/package-import restore /mnt/backup/package-import\n  package-import restore /mnt/backup/package-import --package hello"
)]
pub struct Arguments {
    /// A backup, or a folder of backups, of which the newest is taken
    #[arg(value_name = "SRC")]
    source: PathBuf,

    /// Bring back the state alone, beside repositories that are there
    #[arg(long)]
    state_only: bool,

    /// Bring back the repository of this package alone, beside the state that is there; may be given again
    #[arg(long, value_name = "PACKAGE", conflicts_with = "state_only", num_args = 1..)]
    package: Vec<PackageName>,

    /// Why; it is kept
    #[arg(long, requires = "package")]
    reason: Option<Reason>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    if !arguments.package.is_empty() {
        return packages(installation, arguments);
    }
    let root = installation.absolute_root()?;
    let progress = Progress::long(arguments.json);
    let restore = Restore {
        source: arguments.source.clone(),
        state_only: arguments.state_only,
        watch: &|done, all| progress.at(done, all),
    };
    let restored = restore.perform(installation, &caller(), None);
    progress.finish();
    let restored = restored?;
    if arguments.json {
        screen::print_json(&restored)?;
        return Ok(code(&restored.passed_over));
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
    say_passed_over(&restored.passed_over)?;
    Ok(code(&restored.passed_over))
}

fn code(passed_over: &[Damaged]) -> u8 {
    if passed_over.is_empty() { exit::DONE } else { exit::SOME_FAILED }
}

/// Names the repositories that are damaged in the backup.
fn say_passed_over(passed_over: &[Damaged]) -> io::Result<()> {
    let mut stderr = screen::stderr();
    for one in passed_over {
        writeln!(
            stderr,
            "{}: damaged in the backup, not brought back: {}",
            one.package,
            screen::plain(&one.cause)
        )?;
    }
    if let Some(first) = passed_over.first() {
        writeln!(
            stderr,
            "{} not brought back: from an older backup `package-import restore BACKUP --package {}`, from the archive \
             `package-import requeue {1}`",
            screen::count(i64::try_from(passed_over.len()).unwrap_or(i64::MAX), "repository"),
            first.package
        )?;
    }
    Ok(())
}

/// Brings single repositories back.
fn packages(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let restore = RestorePackages { source: arguments.source.clone(), packages: arguments.package.clone() };
    let done = restore.perform(installation, &caller(), arguments.reason.as_ref())?;
    if arguments.json {
        screen::print_json(&done)?;
        return Ok(code(&done.failed));
    }
    for one in &done.brought {
        let aside = one
            .set_aside
            .as_ref()
            .map_or(String::new(), |path| format!("; what was there is {} now", path.display()));
        let line = format!("{}: brought back from {}, and queued{aside}", one.package, done.backup.display());
        writeln!(screen::stdout(), "{}", screen::plain(&line))?;
    }
    for one in &done.failed {
        writeln!(screen::stderr(), "{}: not brought back: {}", one.package, screen::plain(&one.cause))?;
    }
    Ok(code(&done.failed))
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
