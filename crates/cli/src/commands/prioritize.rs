use std::io::Write;

use anyhow::Error;
use operations::actions::queue::Prioritize;
use operations::{Action, Names, Reason};

use super::{Installation, caller};
use crate::exit;
use crate::screen::{self, count};

/// Do these packages next
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
    let action = Prioritize { packages: Names::new(arguments.packages.clone())? };
    let packages = action.perform(&installation.open()?, &caller(), arguments.reason.as_ref())?;
    writeln!(screen::stdout(), "next: {}", count(packages, "package"))?;
    Ok(exit::DONE)
}
