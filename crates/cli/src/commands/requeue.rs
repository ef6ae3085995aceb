use std::io::Write;

use anyhow::Error;
use operations::actions::queue::Requeue;
use operations::{Action, Comparison, Imported, Kind, Names, Reason};

use super::{Installation, caller};
use crate::exit::{self, Usage};
use crate::screen::{self, count};

/// Look at packages again although they are imported: after a bug of the importer was mended
///
/// Nothing that is published is changed; what is missing is added. They go into the lane rescan.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import requeue --imported-by '<0.3' --dry-run\n  package-import requeue hello --reason 'bug 123'"
)]
pub struct Arguments {
    /// Source packages
    packages: Vec<String>,

    /// Those whose last import was by such a version of this program: <0.3, <=0.2.1, =0.1.0
    #[arg(long, value_name = "COMPARISON", conflicts_with_all = ["packages", "all"])]
    imported_by: Option<String>,

    /// All
    #[arg(long, conflicts_with = "packages")]
    all: bool,

    /// Say what would be queued, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let at = installation.open()?;
    let which = match (&arguments.imported_by, arguments.all) {
        (Some(comparison), _) => Imported::By(Comparison::new(comparison)?),
        (None, true) => Imported::All,
        (None, false) if !arguments.packages.is_empty() => {
            Imported::Names(Names::new(arguments.packages.clone())?)
        }
        (None, false) => return Err(Usage("name packages, or give --imported-by or --all".into()).into()),
    };
    let action = Requeue { which };
    let mut stdout = screen::stdout();
    if arguments.dry_run {
        let preview = action.preview(&at, &caller())?;
        preview.subjects(Kind::Package).iter().try_for_each(|name| writeln!(stdout, "{name}"))?;
        writeln!(stdout, "{} would be looked at again", count(preview.count(), "package"))?;
        return Ok(exit::DONE);
    }
    let packages = action.perform(&at, &caller(), arguments.reason.as_ref())?;
    writeln!(stdout, "{} queued in lane rescan", count(packages, "package"))?;
    Ok(exit::DONE)
}
