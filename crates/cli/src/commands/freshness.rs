use std::io::{self, Write};

use anyhow::Error;
use operations::LookBack;
use operations::questions::{self, Freshness};
use state::read::freshness::Behind;

use super::{Installation, remotes};
use crate::exit;
use crate::screen::{self, count, more, paragraph, print, print_json, short, table};
use crate::time::{ago, at, span, until};

/// How far branches are behind what is published, why, and when that changes
///
/// Without a package: how long it took from publication to branch, of what was first seen in the last seven days, and the
/// packages that lack something. What keeps failing or is held, and what came in bulk (over 500 at once, a new
/// series), is counted apart. Figures are those of the last sample, stored each hour and at the end of a run; the list is
/// of now.
///
/// With a package: whether it is current, and if not, why: queued, running, parked, waiting, retrying, failing, held, or
/// not-queued; and which remotes do not have it yet. Where there is a remote, a version counts as there once all remotes
/// have it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  package-import freshness\n  package-import freshness hello --json")]
pub struct Arguments {
    /// The source package
    package: Option<String>,

    /// At most so many packages
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// As it was at a time: 08:32, 'yesterday 08:32', '2h ago', '2026-11-24 08:32' (UTC)
    #[arg(long, value_name = "TIME")]
    at: Option<LookBack>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 300;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let at_installation = installation.open_at(arguments.at)?;
    if let Some(name) = &arguments.package {
        let (now, found) = questions::freshness_of(&at_installation, name)?;
        match arguments.json {
            true => print_json(&found)?,
            false => one(now, &found)?,
        }
        return Ok(exit::DONE);
    }
    let answer = questions::freshness(&at_installation, arguments.limit)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    screen::page();
    all(&answer)?;
    Ok(exit::DONE)
}

fn one(now: i64, found: &Behind) -> io::Result<()> {
    let mut stdout = screen::stdout();
    writeln!(stdout, "{}: {}", found.package, found.state)?;
    for lacking in &found.lacks {
        let (version, place) = (&lacking.version, &lacking.place);
        writeln!(stdout, "  {version} in {place}, published {}", ago(now, lacking.published))?;
    }
    if let (Some(why), Some(reason)) = (&found.why, &found.reason) {
        writeln!(stdout, "{}", paragraph(2, &format!("{why}: {}", short(reason, LONGEST))))?;
    }
    for it in &found.unpublished {
        writeln!(stdout, "{}", paragraph(2, &remotes::of_package(now, it)))?;
    }
    if let Some(next) = found.next {
        writeln!(stdout, "  next: {} ({})", at(next), until(now, next))?;
    }
    Ok(())
}

fn all(answer: &Freshness) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let seconds = |seconds: i64| span(seconds * 1000);
    match &answer.figures {
        None => writeln!(stdout, "nothing was measured yet; a run does that each hour and when it ends")?,
        Some(figures) => {
            writeln!(
                stdout,
                "From publication to branch, last 7 days: half within {}, 95 % within {}, worst {} ({})",
                seconds(figures.p50),
                seconds(figures.p95),
                seconds(figures.worst),
                count(figures.measured, "version")
            )?;
            if figures.rescans > 0 {
                writeln!(
                    stdout,
                    "Bulk: 95 % within {}, worst {} ({})",
                    seconds(figures.rescan_p95),
                    seconds(figures.rescan_worst),
                    count(figures.rescans, "version")
                )?;
            }
            if figures.failing > 0 {
                let (failing, worst) = (count(figures.failing, "version"), seconds(figures.failing_worst));
                writeln!(stdout, "Failing or held: {failing}, the oldest for {worst}")?;
            }
        }
    }
    writeln!(stdout, "{} behind", count(answer.behind, "package"))?;
    if answer.packages.is_empty() {
        return Ok(());
    }
    let mut rows = table(&["PACKAGE", "VERSION", "PUBLISHED", "WHY", "NEXT"]);
    for package in &answer.packages {
        let version = package.lacks.first().map_or("", |lacking| lacking.version.as_str());
        let published = package.lacks.first().map_or(String::new(), |it| ago(answer.now, it.published));
        let next = package.next.map_or(String::new(), |next| until(answer.now, next));
        let why = package.why.as_deref().unwrap_or_default();
        rows.add_row([&package.package, version, &published, why, &next]);
    }
    print(&rows)?;
    more(answer.packages.len(), answer.behind, "package")
}
