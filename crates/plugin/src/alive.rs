//! Test whether the state is still written. Counters of a dead installation stay as they were on its last day, so a
//! check whose figures do not age by themselves looks at this, too: missing news is no good news.

use std::fs;
use std::path::Path;

use crate::check::{Check, Settings};
use crate::database::Database;
use crate::report::Report;
use crate::status::Status;
use crate::time::{HOUR, Span, is_believed, moment};
use crate::trouble::Trouble;
use crate::views;

/// Time without any news after which nothing runs, with the shipped crontab.
const SILENT: i64 = 36 * HOUR;

/// The section `[checks.runs]`, of which only this key is used here: a run once a week gives one heartbeat a week.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Runs {
    interval: Option<Span>,
}

/// Turns OK into UNKNOWN if no host has sent a heartbeat for 36 hours, or four intervals of `[checks.runs]` if that is
/// more.
pub fn judge<C: Check>(
    report: &mut Report,
    settings: &Settings<C>,
    database: &mut Database<'_>,
) -> Result<(), Trouble> {
    let now = database.now()?;
    let interval = settings.section::<Runs>("runs")?.interval.map_or(0, Span::milliseconds);
    let heard = views::hosts(database)?.iter().map(|host| host.heartbeat).collect::<Vec<_>>();
    let newest = heard.iter().copied().filter(|at| is_believed(now, *at)).max();
    match newest {
        Some(newest) if now - newest <= SILENT.max(4 * interval) => return Ok(()),
        Some(newest) => report.say(format!("nothing heard since {}", moment(newest, now))),
        None => report.say("no host was ever heard of"),
    }
    report.raise(Status::Unknown);
    report.say("see check_import_runs");
    Ok(())
}

/// Largest number of repositories that are looked up.
const LOOKED_UP: usize = 20;

/// Number of repositories (out of a few) that the state does not know, and the number that was looked up. `None` if
/// there are no repositories here, or if the importer is too old to list packages.
pub fn unknown_repositories(
    root: &Path,
    database: &mut Database<'_>,
) -> Result<Option<(usize, usize)>, Trouble> {
    let names = some_repositories(&root.join("repos"));
    let mut unknown = 0;
    for name in &names {
        match views::is_known(database, name) {
            Ok(is_known) => unknown += usize::from(!is_known),
            Err(Trouble::NoData(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok((!names.is_empty()).then_some((unknown, names.len())))
}

/// The names of some packages that have a repository: `repos/h/hello.git`. At most a few of each folder are read.
fn some_repositories(repos: &Path) -> Vec<String> {
    let folders = fs::read_dir(repos).into_iter().flatten().flatten().take(LOOKED_UP);
    let mut names = Vec::new();
    for folder in folders {
        let inside = fs::read_dir(folder.path()).into_iter().flatten().flatten().take(LOOKED_UP);
        let packages = inside.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".git").map(str::to_owned)
        });
        names.extend(packages.take(LOOKED_UP / 4));
    }
    names.truncate(LOOKED_UP);
    names
}
