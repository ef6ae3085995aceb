use std::io::Write;

use anyhow::Error;
use operations::actions::suppress::Unsuppress;
use operations::{Action, Reason};

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Let a suppressed problem count again
#[derive(clap::Args)]
pub struct Arguments {
    /// The short id of a signature, or a source package
    #[arg(value_name = "SUBJECT")]
    subject: String,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let action = Unsuppress { subject: arguments.subject.clone() };
    action.perform(&installation.open()?, &caller(), arguments.reason.as_ref())?;
    writeln!(screen::stdout(), "{} counts again", arguments.subject)?;
    Ok(exit::DONE)
}
