use std::io::Write;

use anyhow::Error;
use clap::Subcommand;
use operations::actions::history::AskHistory;
use operations::questions::{self, HistoryWanted};
use operations::{Action, Names, Past};
use state::read::package::{Attempt, Attempts};
use state::words::Outcome;

use super::{Installation, audit, caller};
use crate::exit::{self, Usage};
use crate::screen::{self, Table, count, paragraph, print, print_json, table};
use crate::time::{at, took};
use crate::words;

/// The attempts of a package, newest first, and what operators did with it
///
/// `history ask` has the histories of archives asked again for old versions.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  package-import history hello\n  package-import history ask hello\n  package-import history ask"
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// The source package
    #[arg(required = true)]
    package: Option<String>,

    /// That began since then: 2h ago, on a day or at a time
    #[arg(long, value_name = "TIME")]
    since: Option<Past>,

    /// That began before
    #[arg(long, value_name = "TIME")]
    until: Option<Past>,

    /// Attempts that ended so: imported, already-there, unapplied-only, failed, lost, cancelled, parked, waiting
    #[arg(long)]
    outcome: Option<Outcome>,

    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    Ask(Ask),
}

/// Ask the histories of archives again, and import what was missing as late versions
///
/// For packages whose history did not know them, or could not deliver all that it lists. Each is queued; what comes gets
/// its commit and its tag. A plan of repair shows which commits would change if it had been there from the start: `repair
/// apply` moves the refs to these, and keeps what they had. Nothing is planned for a repository that is published on a
/// remote, or to which somebody has pushed.
#[derive(clap::Args)]
struct Ask {
    /// Source packages [default: all of which a version was left out]
    packages: Vec<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let Some(package) = &arguments.package else {
        return match &arguments.verb {
            Some(Verb::Ask(verb)) => ask(installation, verb),
            None => Err(Usage("give a package, or `ask`".into()).into()),
        };
    };
    let attempts = Attempts {
        since: arguments.since.map(|it| it.0),
        until: arguments.until.map(|it| it.0),
        outcome: arguments.outcome,
    };
    let wanted = HistoryWanted { attempts, limit: arguments.limit };
    let answer = questions::history(&installation.open()?, package, &wanted)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    screen::page();
    if answer.attempts.is_empty() && answer.events.is_empty() {
        writeln!(screen::stdout(), "nothing matches, or it was pruned")?;
    }
    print(&self::attempts(&answer.attempts))?;
    for event in &answer.events {
        writeln!(screen::stdout(), "{}", audit::line(event))?;
    }
    audit::older(answer.more, arguments.limit)?;
    Ok(exit::DONE)
}

fn ask(installation: &Installation, verb: &Ask) -> Result<u8, Error> {
    let packages = match verb.packages.is_empty() {
        true => None,
        false => Some(Names::new(verb.packages.clone())?),
    };
    let done = AskHistory { packages }.perform(&installation.open()?, &caller(), None)?;
    for it in &done.asked {
        let (name, archive, versions) = (&it.package, &it.archive, count(it.left_out, "version"));
        let line = format!("{name}: the history of {archive} is asked again; {versions} had been left out");
        writeln!(screen::stdout(), "{line}")?;
    }
    let Some(plan) = done.plan else {
        writeln!(screen::stdout(), "of no package is it known that its history lacks something")?;
        return Ok(exit::DONE);
    };
    let what = format!(
        "what comes is imported late, without descendants; plan {plan} then shows what a rebuild would change, where nobody \
         else has the repository"
    );
    writeln!(screen::stdout(), "{}", paragraph(2, &what))?;
    writeln!(screen::stdout(), "Next: package-import run; package-import repair show {plan}")?;
    Ok(exit::DONE)
}

/// Attempts as a table.
pub fn attempts(attempts: &[Attempt]) -> Table {
    let mut rows = table(&["ATTEMPT", "BEGAN", "TOOK", "OUTCOME", "CAUSE"]).cut(2);
    for attempt in attempts {
        let took = attempt.wall_ms.map_or(String::new(), took);
        let outcome = attempt.outcome.as_deref().map_or("running", words::attempt_outcome);
        let cause = match (&attempt.stage, &attempt.code) {
            (Some(stage), Some(code)) => {
                format!("{stage}/{code}: {}", attempt.message.as_deref().unwrap_or_default())
            }
            _ => String::new(),
        };
        rows.add_row([&attempt.id.to_string(), &at(attempt.started), &took, outcome, &cause]);
    }
    rows
}
