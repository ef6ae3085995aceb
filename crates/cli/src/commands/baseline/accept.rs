use anyhow::Error;
use operations::actions::baseline::{AcceptBaseline, Decidable};
use operations::{Action, Reason};

use super::{Installation, tell};
use crate::commands::caller;

/// Take today's level for normal at once
///
/// It is the mean since the alert began, of 24 hours at most. After a week it is learned like any other.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  package-import baseline accept --reason 'the new series is like this'")]
pub struct Arguments {
    /// failing or failed
    #[arg(default_value = "failing")]
    figure: Decidable,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Reason,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let action = AcceptBaseline { figure: arguments.figure };
    tell(&action.perform(&installation.open()?, &caller(), Some(&arguments.reason))?)
}
