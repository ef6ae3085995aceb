use std::io::Write;
use std::num::NonZeroUsize;

use anyhow::Error;
use operations::actions::queue::{Retried, Retry};
use operations::{Action, Failing, Kind, Names, Reason, questions};
use state::batch;
use state::words::Class;

use super::{Installation, caller};
use crate::exit::{self, Usage};
use crate::screen::{self, count, paragraph, print_json};

/// Try failing packages again, now
///
/// Everything is retried by itself; this is for those who know that the cause is gone. With --canary some go first, and
/// the others only if more of those are cured than broken in a new way.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import retry hello dash\n  package-import retry --signature k3v9q2m --canary 5 --reason 'mirror mended'\n  package-import retry --report 7"
)]
pub struct Arguments {
    /// Source packages
    packages: Vec<String>,

    /// All that fail with this signature
    #[arg(long, value_name = "ID", conflicts_with_all = ["packages", "class", "all"])]
    signature: Option<String>,

    /// All whose failure is of this class: transient, permanent, unknown or infrastructure
    #[arg(long, conflicts_with_all = ["packages", "all"])]
    class: Option<Class>,

    /// All that fail
    #[arg(long, conflicts_with = "packages")]
    all: bool,

    /// So many first, and the others if those do better
    #[arg(long, value_name = "N", default_value_t = 0)]
    canary: usize,

    /// Say what would be tried, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,

    /// What became of an earlier retry: cured, unchanged, newly broken
    #[arg(
        long,
        value_name = "BATCH",
        conflicts_with_all = ["packages", "signature", "class", "all", "canary", "dry_run", "reason"]
    )]
    report: Option<i64>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let at = installation.open()?;
    if let Some(number) = arguments.report {
        let batch = questions::batch(&at, number)?;
        if arguments.json {
            print_json(&batch)?;
        } else {
            writeln!(screen::stdout(), "{}", paragraph(0, &line(&batch)))?;
        }
        return Ok(exit::DONE);
    }
    let action = Retry { which: which(arguments)?, canary: NonZeroUsize::new(arguments.canary) };
    if arguments.dry_run {
        let preview = action.preview(&at, &caller())?;
        let packages = preview.subjects(Kind::Package).into_iter().map(str::to_owned).collect();
        return tell(arguments, Retried { batch: None, packages });
    }
    tell(arguments, action.perform(&at, &caller(), arguments.reason.as_ref())?)
}

fn which(arguments: &Arguments) -> Result<Failing, Error> {
    Ok(match (&arguments.signature, arguments.class, arguments.all) {
        (Some(short), ..) => Failing::Signature(short.clone()),
        (None, Some(class), _) => Failing::Class(class),
        (None, None, true) => Failing::All,
        (None, None, false) if !arguments.packages.is_empty() => {
            Failing::Names(Names::new(arguments.packages.clone())?)
        }
        (None, None, false) => {
            let hint = "name packages, or give --signature, --class or --all";
            return Err(Usage(hint.into()).into());
        }
    })
}

fn tell(arguments: &Arguments, answer: Retried) -> Result<u8, Error> {
    let what = if answer.batch.is_some() { "will be tried again" } else { "would be tried again" };
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    let mut stdout = screen::stdout();
    if arguments.dry_run {
        answer.packages.iter().try_for_each(|package| writeln!(stdout, "{package}"))?;
    }
    writeln!(stdout, "{} {what}", count(answer.packages.len(), "package"))?;
    if let Some(batch) = answer.batch {
        writeln!(stdout, "`package-import retry --report {batch}` tells what became of them")?;
    }
    Ok(exit::DONE)
}

fn line(batch: &batch::Batch) -> String {
    format!(
        "batch {}: {} of {} are back: {} cured, {} unchanged, {} newly broken ({})",
        batch.id,
        batch.cured + batch.unchanged + batch.broken,
        batch.total,
        batch.cured,
        batch.unchanged,
        batch.broken,
        match batch.state.as_str() {
            "canary" => "waiting for the first of them",
            "stopped" => "stopped: the first of them did no better",
            "done" => "done",
            _ => "going on",
        }
    )
}
