use anyhow::Error;
use operations::actions::baseline::{Decidable, UnsetBaseline};
use operations::{Action, Reason};

use super::{Installation, tell};
use crate::commands::caller;

/// Take back what was set or accepted: what is learned is normal again
#[derive(clap::Args)]
#[command(after_help = "Example:\n  package-import baseline unset failing")]
pub struct Arguments {
    /// failing or failed
    #[arg(default_value = "failing")]
    figure: Decidable,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let action = UnsetBaseline { figure: arguments.figure };
    tell(&action.perform(&installation.open()?, &caller(), arguments.reason.as_ref())?)
}
