use ::baseline::Figure;
use anyhow::Error;
use state::operate::By;
use state::verdicts::{self, Decision};

use super::{Installation, figure, tell};
use crate::commands::actor;

/// Take back what was set or accepted: what is learned is normal again
#[derive(clap::Args)]
#[command(after_help = "Example:\n  package-import baseline unset failing")]
pub struct Arguments {
    /// failing or failed
    #[arg(default_value = "failing", value_parser = figure)]
    figure: Figure,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let actor = actor();
    let by = By { actor: &actor, reason: arguments.reason.as_deref() };
    tell(&verdicts::decide(&installation.state()?, arguments.figure, Decision::Unset, by)?)
}
