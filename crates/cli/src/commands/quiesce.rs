use std::io::Write;

use anyhow::Error;
use operations::actions::hosts::Quiesce;
use operations::{Action, Reason};

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Let a host finish what it does and begin nothing new, with a reason
#[derive(clap::Args)]
pub struct Arguments {
    /// The host [default: this one]
    host: Option<String>,

    /// Why; it is shown
    #[arg(long, value_name = "WHY")]
    reason: Reason,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let host = arguments.host.clone().unwrap_or_else(importer::root::host_name);
    let action = Quiesce { host: host.clone() };
    action.perform(&installation.open()?, &caller(), Some(&arguments.reason))?;
    writeln!(
        screen::stdout(),
        "{host} paused: finishing current jobs; `package-import resume {host}` resumes it"
    )?;
    Ok(exit::DONE)
}
