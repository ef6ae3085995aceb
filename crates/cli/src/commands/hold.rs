use std::io::Write;

use anyhow::Error;
use operations::actions::hold::Hold;
use operations::moment::Until;
use operations::{Action, Names, Reason};

use super::{Installation, caller};
use crate::exit;
use crate::screen;

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
    reason: Reason,

    /// When it ends by itself: 3d, 2026-12-01, 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<Until>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let action = Hold { packages: Names::new(arguments.packages.clone())?, until: arguments.until };
    let held = action.perform(&installation.open()?, &caller(), Some(&arguments.reason))?;
    let end = arguments.until.map_or(String::new(), |until| format!(" until {until}"));
    let mut stdout = screen::stdout();
    held.iter().try_for_each(|name| writeln!(stdout, "{name} is held{end}"))?;
    Ok(exit::DONE)
}
