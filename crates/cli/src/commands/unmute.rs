use std::io::Write;

use anyhow::Error;
use operations::actions::mute::Unmute;
use operations::{Action, Reason};
use source_package::finding::Finding;

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Count findings again that were muted
#[derive(clap::Args)]
pub struct Arguments {
    /// The code of the findings
    code: Finding,

    /// Of this source package only
    package: Option<String>,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let action = Unmute { code: arguments.code, package: arguments.package.clone() };
    action.perform(&installation.open()?, &caller(), arguments.reason.as_ref())?;
    writeln!(screen::stdout(), "{} counts again", arguments.code)?;
    Ok(exit::DONE)
}
