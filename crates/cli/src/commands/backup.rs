use std::io::Write;
use std::path::PathBuf;

use anyhow::Error;
use operations::actions::backup::Backup;
use operations::{Action, questions};

use super::{Installation, caller};
use crate::exit;
use crate::screen;
use crate::show::Progress;

/// Copy the installation: state, repositories, configuration; imports go on meanwhile
///
/// Each backup is a folder of its own below DEST, named for its time, with a list of checksums that `sha256sum -c` reads,
/// too. It shares the packs that have not changed with the one before (hard links). The cache and secrets are left out.
///
/// Exit code 0: done, or nothing is wrong. 1: not done, or --verify found something. 2: the command line or the
/// configuration cannot be used.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import backup /mnt/backup/package-import\n  package-import backup --verify /mnt/backup/package-import"
)]
pub struct Arguments {
    /// Where backups are kept; with --verify one of them, or the newest in it
    #[arg(value_name = "DEST")]
    destination: PathBuf,

    /// Check a backup instead: all checksums, the state, and each repository by git fsck
    #[arg(long)]
    verify: bool,

    /// Remove older backups, so that this many remain; 0 keeps all
    #[arg(long, value_name = "N", default_value = "7", conflicts_with = "verify")]
    keep: usize,

    /// Copy logs, too
    #[arg(long, conflicts_with = "verify")]
    logs: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    if arguments.verify {
        return verify(installation, arguments);
    }
    let progress = Progress::long(arguments.json);
    let backup = Backup {
        destination: arguments.destination.clone(),
        keep: arguments.keep,
        logs: arguments.logs,
        watch: &|done, all| progress.at(done, all),
    };
    let taken = backup.perform(installation, &caller(), None);
    progress.finish();
    let taken = taken?;
    if arguments.json {
        screen::print_json(&taken)?;
        return Ok(exit::DONE);
    }
    writeln!(
        screen::stdout(),
        "{}: {} repositories, {} files, {} MiB copied, {} files shared with the backup before, {} old backups removed",
        taken.folder.display(),
        taken.manifest.repositories,
        taken.manifest.files,
        taken.copied >> 20,
        taken.linked,
        taken.removed.len()
    )?;
    if let Some(cause) = &taken.unrecorded {
        writeln!(
            screen::stderr(),
            "the backup is complete, but the state could not record it: {}",
            screen::plain(cause)
        )?;
    }
    Ok(exit::DONE)
}

fn verify(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let progress = Progress::long(arguments.json);
    let watch = |done, all| progress.at(done, all);
    let checked = questions::check_backup(installation, &arguments.destination, &watch)?;
    progress.finish();
    if arguments.json {
        screen::print_json(&checked)?;
    } else {
        let mut stdout = screen::stdout();
        checked.problems.iter().try_for_each(|problem| writeln!(stdout, "{}", screen::plain(problem)))?;
        writeln!(
            stdout,
            "{}: {} repositories checked, {} problems",
            checked.backup.display(),
            checked.repositories,
            checked.problems.len()
        )?;
    }
    Ok(if checked.problems.is_empty() { exit::DONE } else { exit::SOME_FAILED })
}
