use std::io::Write;

use anyhow::Error;
use clap::Subcommand;
use operations::actions::samples::DropSamples;
use operations::moment::Moment;
use operations::{Action, Kind, Reason};

use super::{Installation, caller};
use crate::exit;
use crate::screen::{self, count, print_json};
use crate::time::at;

/// Samples: the hourly figures that what is normal is learned from
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Drop(Drop),
}

/// Drop the samples from a time on, such as a wrong clock has left
///
/// What is dated more than five minutes ahead is not believed by anything, and `status` and the checks say that it is
/// there. This removes it, with what was said about it. What is normal is learned again from the other samples; what was
/// accepted or set stays.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  package-import samples drop --after now --reason 'the clock was a year ahead'
  package-import samples drop --after 2026-11-24T08:00:00Z --reason 'a test ran here' --dry-run")]
struct Drop {
    /// Samples of the hours after this time: now, a day (2026-12-01) or a time (2026-12-01T08:00:00Z)
    #[arg(long, value_name = "TIME")]
    after: Moment,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Reason,

    /// Say what would be dropped, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let Command::Drop(arguments) = &arguments.command;
    let (at_installation, action) = (installation.open()?, DropSamples { after: arguments.after });
    let (samples, verdicts) = if arguments.dry_run {
        let preview = action.preview(&at_installation, &caller())?;
        (preview.number(Kind::Rows, "sample"), preview.number(Kind::Rows, "verdict"))
    } else {
        let dropped = action.perform(&at_installation, &caller(), Some(&arguments.reason))?;
        (dropped.samples, dropped.verdicts)
    };
    if arguments.json {
        print_json(&serde_json::json!({
            "done": !arguments.dry_run,
            "after": arguments.after.0.0,
            "samples": samples,
            "verdicts": verdicts,
        }))?;
        return Ok(exit::DONE);
    }
    let verb = if arguments.dry_run { "would be dropped" } else { "dropped" };
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (samples, verdicts) = (count(number(samples), "sample"), count(number(verdicts), "verdict"));
    writeln!(screen::stdout(), "{samples} and {verdicts} after {} {verb}", at(arguments.after.0.0))?;
    Ok(exit::DONE)
}
