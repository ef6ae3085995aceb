use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Error};
use operations::rehearsal::{self, Checks, Line, Rehearsed, Scenario, Voice};

use super::Installation;
use crate::exit;
use crate::screen::{self, paragraph, plain, print_json};
use crate::time::at;

/// Play a bad night against a throw-away copy of the state, to train: what status, checks and messages would say
///
/// The clock of the copy is simulated, and three hours pass in seconds; --speed slows them down. Checks are the installed
/// programs, asked every five minutes; messages are those that [notify] would send, and are only shown. Repositories are not
/// touched, nothing is fetched or sent, and the installation itself is only read. Scenarios: outage, full-disk, bad-release,
/// collision-wave, damaged-database.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import rehearse outage\n  package-import rehearse bad-release --speed 60"
)]
pub struct Arguments {
    /// What happens: outage, full-disk, bad-release, collision-wave or damaged-database
    scenario: Scenario,

    /// Seconds of the night in one second of yours; without it, as fast as it goes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "json")]
    speed: Option<u32>,

    /// The folder of the check_import_* programs, if they are not where they are installed usually
    #[arg(long, value_name = "FOLDER")]
    checks: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let opened = installation.open()?;
    let folder = tempfile::Builder::new().prefix("package-import-rehearsal-").tempdir();
    let folder = folder.context("cannot make a folder for the copy")?;
    let checks = Checks::of(installation, arguments.checks.as_deref());
    if checks.names().is_empty() {
        screen::say!(
            "no check_import_* is installed here, so none is asked; --checks FOLDER says where they are"
        );
    }
    let mut last = None;
    let mut failed = None;
    let mut told = |line: &Line| {
        if arguments.json {
            return;
        }
        wait(last.replace(line.at), line.at, arguments.speed);
        if let Err(error) = writeln!(screen::stdout(), "{}", shown(line)) {
            failed.get_or_insert(error);
        }
    };
    let rehearsed = rehearsal::rehearse(&opened, arguments.scenario, folder.path(), &checks, &mut told)?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if arguments.json {
        print_json(&rehearsed)?;
    } else {
        post_mortems(&rehearsed)?;
    }
    Ok(exit::DONE)
}

/// Sleeps for as long as the night takes between two lines.
fn wait(last: Option<i64>, at: i64, speed: Option<u32>) {
    let (Some(last), Some(speed)) = (last, speed) else { return };
    let milliseconds = u64::try_from(at - last).unwrap_or(0) / u64::from(speed);
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn shown(line: &Line) -> String {
    let voice = match line.voice {
        Voice::Script => "SCRIPT ",
        Voice::Status => "status ",
        Voice::Check => "check  ",
        Voice::Message => "message",
        Voice::Person => "person ",
    };
    let mut lines = line.text.lines();
    let first = lines.next().unwrap_or_default();
    let mut shown = paragraph(0, &plain(&format!("{} {voice} {first}", at(line.at))));
    for more in lines {
        let indent = " ".repeat(more.len() - more.trim_start().len());
        shown.push_str(format!("\n    | {indent}{}", plain(more)).trim_end());
    }
    shown
}

/// Drafts of post-mortems of the night.
fn post_mortems(rehearsed: &Rehearsed) -> std::io::Result<()> {
    let mut stdout = screen::stdout();
    for incident in &rehearsed.incidents {
        write!(stdout, "\n{}", incident.markdown())?;
    }
    Ok(())
}
