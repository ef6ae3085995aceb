use std::io::Write;

use anyhow::{Error, bail};
use importer::queue::logs;
use state::operate;
use state::read::package;

use super::Installation;
use crate::exit;
use crate::screen;
use crate::time::day;

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
    let store = installation.state()?;
    let attempt = match arguments.what.parse::<i64>() {
        Ok(number) => number,
        Err(_) => {
            let last = store.read(|tx| {
                let id = operate::known(tx, &arguments.what)?;
                package::history(tx, id, 1)
            })?;
            match last.first() {
                Some(attempt) => attempt.id,
                None => bail!("{} was never attempted", arguments.what),
            }
        }
    };
    let Some((started, kept)) = store.read(|tx| package::log(tx, attempt))? else {
        bail!("attempt {attempt} is not known; old ones are pruned");
    };
    let path = logs::path(&installation.root, &day(started), attempt);
    let text = match (std::fs::read(&path), kept) {
        (Ok(bytes), _) => String::from_utf8_lossy(&bytes).into_owned(),
        (Err(_), Some(kept)) => kept,
        (Err(error), None) => bail!(
            "the log of attempt {attempt} is not on this machine ({}: {error}), and the end of a log is kept only of \
             failed attempts",
            path.display()
        ),
    };
    // A log may hold what a hostile package wrote: only its lines are its own.
    let clean: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    screen::stdout().write_all(clean.as_bytes())?;
    Ok(exit::DONE)
}
