use std::io::Write;

use anyhow::Error;
use state::operate::{self, Selection};
use state::{events, hold};

use super::{Installation, actor};
use crate::exit;
use crate::screen;
use crate::time::{at, parse_until};

/// Take packages out of the queue, with a reason
///
/// They are not imported, whoever asks, and their failures do not count for the checks, which say how many are held.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import hold hello --reason 'upload is broken, bug 123' --until 3d"
)]
pub struct Arguments {
    /// Source packages
    #[arg(required = true)]
    packages: Vec<String>,

    /// Why; it is shown wherever the package is
    #[arg(long, value_name = "WHY")]
    reason: String,

    /// When it ends by itself: 3d, 2026-12-01, 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_until)]
    until: Option<i64>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let store = installation.state()?;
    let actor = actor();
    let mut stdout = screen::stdout();
    let packages = operate::select(&store, &Selection::Names(arguments.packages.clone()))?;
    for (id, name) in packages {
        let after = arguments.until.map(|until| format!("until {}", at(until)));
        let reason = arguments.reason.as_str();
        store.write(|tx| {
            hold::hold(tx, id, &actor, reason, arguments.until)?;
            events::record(tx, &actor, "hold", &name, Some(reason), None, after.as_deref())
        })?;
        writeln!(stdout, "{name} is held{}", after.map_or(String::new(), |after| format!(" {after}")))?;
    }
    Ok(exit::DONE)
}
