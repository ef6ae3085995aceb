use std::io::Write;

use anyhow::Error;
use state::read::hosts;
use state::words::HostState;

use super::{Installation, actor};
use crate::exit;
use crate::screen;

/// Let a host finish what it does and begin nothing new, with a reason
#[derive(clap::Args)]
pub struct Arguments {
    /// The host [default: this one]
    host: Option<String>,

    /// Why; it is shown
    #[arg(long, value_name = "WHY")]
    reason: String,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let host = arguments.host.clone().unwrap_or_else(importer::root::host_name);
    let (store, actor) = (installation.state()?, actor());
    let reason = Some(arguments.reason.as_str());
    store.write(|tx| hosts::set_state(tx, &host, HostState::Quiescing, &actor, reason))?;
    writeln!(
        screen::stdout(),
        "{host} paused: finishing current jobs; `package-import resume {host}` resumes it"
    )?;
    Ok(exit::DONE)
}
