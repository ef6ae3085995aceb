use std::io::Write;

use anyhow::Error;
use state::operate::{self, By, Selection};

use super::{Installation, actor};
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
    reason: Option<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let store = installation.state()?;
    let selection = match (&arguments.imported_by, arguments.all) {
        (Some(comparison), _) => {
            let (operator, wanted) = parse(comparison)?;
            let versions = operate::importers(&store)?;
            Selection::ImportedBy(
                versions.into_iter().filter(|version| operator(numbers(version), wanted)).collect(),
            )
        }
        (None, true) => Selection::All,
        (None, false) if !arguments.packages.is_empty() => Selection::Names(arguments.packages.clone()),
        (None, false) => return Err(Usage("name packages, or give --imported-by or --all".into()).into()),
    };
    let packages = operate::select(&store, &selection)?;
    let mut stdout = screen::stdout();
    if arguments.dry_run {
        packages.iter().try_for_each(|(_, name)| writeln!(stdout, "{name}"))?;
        writeln!(stdout, "{} would be looked at again", count(packages.len(), "package"))?;
        return Ok(exit::DONE);
    }
    let actor = actor();
    operate::requeue(&store, &packages, By { actor: &actor, reason: arguments.reason.as_deref() })?;
    writeln!(stdout, "{} queued in lane rescan", count(packages.len(), "package"))?;
    Ok(exit::DONE)
}

type Numbers = [u64; 3];

/// A version of this program as its numbers; what is missing is 0.
fn numbers(version: &str) -> Numbers {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

type Comparison = fn(Numbers, Numbers) -> bool;

fn parse(comparison: &str) -> Result<(Comparison, Numbers), Error> {
    let operators: [(&str, Comparison); 5] = [
        ("<=", |a, b| a <= b),
        (">=", |a, b| a >= b),
        ("<", |a, b| a < b),
        (">", |a, b| a > b),
        ("=", |a, b| a == b),
    ];
    let found = operators.iter().find_map(|(sign, operator)| {
        let version = comparison.trim().strip_prefix(sign)?.trim();
        version.starts_with(|c: char| c.is_ascii_digit()).then(|| (*operator, numbers(version)))
    });
    found.ok_or_else(|| {
        Usage(format!("{comparison:?} is no comparison with a version, such as <0.3 or =0.1.0")).into()
    })
}
