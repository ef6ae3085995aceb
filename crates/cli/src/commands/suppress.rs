use std::io::Write;

use anyhow::Error;
use operations::actions::suppress::Suppress;
use operations::moment::Until;
use operations::{Action, Reason};

use super::{Installation, caller};
use crate::exit;
use crate::screen;

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
    #[arg(long, value_name = "TIME")]
    until: Until,

    /// Why; every output says it
    #[arg(long, value_name = "WHY")]
    reason: Reason,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let Arguments { subject, until, reason } = arguments;
    let action = Suppress { subject: subject.clone(), until: *until };
    let kind = action.perform(&installation.open()?, &caller(), Some(reason))?;
    writeln!(screen::stdout(), "{kind} {subject} does not count until {until}")?;
    Ok(exit::DONE)
}
