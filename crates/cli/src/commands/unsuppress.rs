use std::io::Write;

use anyhow::Error;
use state::operate::{self, By};

use super::{Installation, actor};
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
    reason: Option<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let store = installation.state()?;
    let actor = actor();
    let by = By { actor: &actor, reason: arguments.reason.as_deref() };
    store.write(|tx| operate::unsuppress(tx, &arguments.subject, by))?;
    writeln!(screen::stdout(), "{} counts again", arguments.subject)?;
    Ok(exit::DONE)
}
