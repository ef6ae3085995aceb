use ::baseline::Figure;
use anyhow::Error;
use state::operate::By;
use state::verdicts::{self, Decision};

use super::{Installation, figure, tell};
use crate::commands::actor;

/// Say what is normal, until `unset`
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import baseline set failing=500 --reason 'agreed with the team'\n  package-import baseline set failed=40 --reason 'a day'"
)]
pub struct Arguments {
    /// failing=N, or failed=N a day
    #[arg(value_name = "FIGURE=N", value_parser = setting)]
    setting: (Figure, u32),

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: String,
}

fn setting(text: &str) -> Result<(Figure, u32), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not FIGURE=N"))?;
    let value = value.parse().map_err(|_| format!("{value:?} is no number of packages"))?;
    Ok((figure(name)?, value))
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let actor = actor();
    let by = By { actor: &actor, reason: Some(&arguments.reason) };
    let (figure, value) = arguments.setting;
    tell(&verdicts::decide(&installation.state()?, figure, Decision::Set(f64::from(value)), by)?)
}
