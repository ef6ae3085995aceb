use anyhow::Error;
use operations::actions::baseline::{Decidable, SetBaseline};
use operations::{Action, Reason};

use super::{Installation, tell};
use crate::commands::caller;

/// Say what is normal, until `unset`
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import baseline set failing=500 --reason 'agreed with the team'\n  package-import baseline set failed=40 --reason 'a day'"
)]
pub struct Arguments {
    /// failing=N, or failed=N a day
    #[arg(value_name = "FIGURE=N", value_parser = setting)]
    setting: (Decidable, u32),

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Reason,
}

fn setting(text: &str) -> Result<(Decidable, u32), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not FIGURE=N"))?;
    let value = value.parse().map_err(|_| format!("{value:?} is no number of packages"))?;
    Ok((name.parse()?, value))
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let (figure, value) = arguments.setting;
    let action = SetBaseline { figure, value };
    tell(&action.perform(&installation.open()?, &caller(), Some(&arguments.reason))?)
}
