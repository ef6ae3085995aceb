use std::io::Write;

use anyhow::Error;
use operations::questions::{self, LogWanted};

use super::Installation;
use crate::exit;
use crate::screen;

/// The log of a package's last attempt, or of any attempt by its number
///
/// The whole log is in logs/ on the machine where the attempt was made; of a failed one the end can be read from
/// everywhere.
#[derive(clap::Args)]
pub struct Arguments {
    /// A source package, or the number of an attempt
    #[arg(value_name = "PACKAGE|ATTEMPT")]
    what: String,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let what = &arguments.what;
    let wanted = what.parse().map_or_else(|_| LogWanted::Last(what.clone()), LogWanted::Attempt);
    let text = questions::log(&installation.open()?, &wanted)?;
    // A log may hold what a hostile package wrote: only its lines are its own.
    let clean: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    screen::stdout().write_all(clean.as_bytes())?;
    Ok(exit::DONE)
}
