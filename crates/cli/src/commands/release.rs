use std::io::Write;

use anyhow::Error;
use operations::actions::hold::Release;
use operations::{Action, Names, Reason};

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Let held packages go: back to the queue, if they have something to do
#[derive(clap::Args)]
pub struct Arguments {
    /// Source packages
    #[arg(required = true)]
    packages: Vec<String>,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let action = Release { packages: Names::new(arguments.packages.clone())? };
    for it in action.perform(&installation.open()?, &caller(), arguments.reason.as_ref())? {
        let what = if it.was_held { "released" } else { "was not held" };
        writeln!(screen::stdout(), "{} {what}", it.package)?;
    }
    Ok(exit::DONE)
}
