use ::baseline::Figure;
use anyhow::Error;
use state::operate::By;
use state::verdicts::{self, Decision};

use super::{Installation, figure, tell};
use crate::commands::actor;

/// Take today's level for normal at once
///
/// It is the mean since the alert began, of 24 hours at most. After a week it is learned like any other.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  package-import baseline accept --reason 'the new series is like this'")]
pub struct Arguments {
    /// failing or failed
    #[arg(default_value = "failing", value_parser = figure)]
    figure: Figure,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: String,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let actor = actor();
    let by = By { actor: &actor, reason: Some(&arguments.reason) };
    tell(&verdicts::decide(&installation.state()?, arguments.figure, Decision::Accept, by)?)
}
