use std::io::Write;

use anyhow::Error;
use state::read::hosts;
use state::words::HostState;

use super::{Installation, actor};
use crate::exit;
use crate::screen;

/// Let a host that was quiesced go on
#[derive(clap::Args)]
pub struct Arguments {
    /// The host [default: this one]
    host: Option<String>,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let host = arguments.host.clone().unwrap_or_else(importer::root::host_name);
    let (store, actor) = (installation.state()?, actor());
    let reason = arguments.reason.as_deref();
    let before = store.write(|tx| hosts::set_state(tx, &host, HostState::Online, &actor, reason))?;
    writeln!(screen::stdout(), "{host} resumed (it was {before})")?;
    Ok(exit::DONE)
}
