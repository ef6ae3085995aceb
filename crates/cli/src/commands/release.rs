use std::io::Write;

use anyhow::Error;
use state::operate::{self, Selection};
use state::{events, hold};

use super::{Installation, actor};
use crate::exit;
use crate::screen;

/// Let held packages go: back to the queue, if they have something to do
#[derive(clap::Args)]
pub struct Arguments {
    /// Source packages
    #[arg(required = true)]
    packages: Vec<String>,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let store = installation.state()?;
    let actor = actor();
    let packages = operate::select(&store, &Selection::Names(arguments.packages.clone()))?;
    for (id, name) in packages {
        let released = store.write(|tx| {
            let released = hold::release(tx, id)?;
            if released {
                events::record(tx, &actor, "release", &name, arguments.reason.as_deref(), None, None)?;
            }
            Ok(released)
        })?;
        let what = if released { "released" } else { "was not held" };
        writeln!(screen::stdout(), "{name} {what}")?;
    }
    Ok(exit::DONE)
}
