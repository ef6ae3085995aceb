use std::io::Write;

use anyhow::Error;
use operations::actions::hosts::Resume;
use operations::{Action, Reason};

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Let a host that was quiesced go on
#[derive(clap::Args)]
pub struct Arguments {
    /// The host [default: this one]
    host: Option<String>,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let host = arguments.host.clone().unwrap_or_else(importer::root::host_name);
    let action = Resume { host: host.clone() };
    let before = action.perform(&installation.open()?, &caller(), arguments.reason.as_ref())?;
    writeln!(screen::stdout(), "{host} resumed (it was {before})")?;
    Ok(exit::DONE)
}
