use std::io::Write;

use anyhow::Error;
use state::operate::{self, By, Selection};
use state::words::{Lane, Tasks};

use super::{Installation, actor};
use crate::exit;
use crate::screen::{self, count};

/// Do these packages next
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
    let packages = operate::select(&store, &Selection::Names(arguments.packages.clone()))?;
    let actor = actor();
    let by = By { actor: &actor, reason: arguments.reason.as_deref() };
    operate::enqueue_all(&store, &packages, Lane::Operator, Tasks::IMPORT, ("prioritize", by))?;
    writeln!(screen::stdout(), "next: {}", count(packages.len(), "package"))?;
    Ok(exit::DONE)
}
