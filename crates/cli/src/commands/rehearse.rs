use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Error};
use operations::rehearsal::{self, Line, Rehearsed, Scenario, Voice};

use super::Installation;
use crate::exit;
use crate::screen::{self, paragraph, plain, print_json};
use crate::time::at;

/// Play a bad night against a throw-away copy of the state, to train: what status, checks and messages would say
///
/// The clock of the copy is simulated, and three hours pass in seconds; --speed slows them down. Repositories are not
/// touched, nothing is fetched, and the installation itself is only read. Scenarios: outage, full-disk, bad-release,
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

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let opened = installation.open()?;
    let folder = tempfile::Builder::new().prefix("package-import-rehearsal-").tempdir();
    let folder = folder.context("cannot make a folder for the copy")?;
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
    let rehearsed = rehearsal::rehearse(&opened, arguments.scenario, folder.path(), &mut told)?;
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
    paragraph(0, &plain(&format!("{} {voice} {}", at(line.at), line.text)))
}

/// What could be written about the night afterwards.
fn post_mortems(rehearsed: &Rehearsed) -> std::io::Result<()> {
    let mut stdout = screen::stdout();
    for incident in &rehearsed.incidents {
        write!(stdout, "\n{}", incident.markdown())?;
    }
    Ok(())
}
