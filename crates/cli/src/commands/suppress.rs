use std::io::Write;

use anyhow::Error;
use state::operate::{self, By};

use super::{Installation, actor};
use crate::exit;
use crate::screen;
use crate::time::{at, parse_until};

/// Keep a known problem from alerting until a time
///
/// Failures with this signature, or of this package, do not count for the checks, which say so. They are still retried.
/// It counts again by itself when the time is over.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import suppress k3v9q2m --until 2026-12-01 --reason 'mirror is rebuilt'"
)]
pub struct Arguments {
    /// The short id of a signature, or a source package
    #[arg(value_name = "SUBJECT")]
    subject: String,

    /// When it counts again: 3d, 2026-12-01, 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_until)]
    until: i64,

    /// Why; every output says it
    #[arg(long, value_name = "WHY")]
    reason: String,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let store = installation.state()?;
    let actor = actor();
    let by = By { actor: &actor, reason: Some(&arguments.reason) };
    let kind = store.write(|tx| operate::suppress(tx, &arguments.subject, arguments.until, by))?;
    writeln!(screen::stdout(), "{kind} {} does not count until {}", arguments.subject, at(arguments.until))?;
    Ok(exit::DONE)
}
