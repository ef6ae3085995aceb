//! Test whether the state is still written. Counters of a dead installation stay as they were on its last day, so a
//! check whose figures do not age by themselves looks at this, too: missing news is no good news.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::check::{Check, Settings};
use crate::database::Database;
use crate::report::Report;
use crate::rights;
use crate::status::Status;
use crate::time::{HOUR, Span, ago, is_believed, moment};
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
        None => report.say(heard.iter().min().map_or_else(
            || "no host was ever heard of".to_owned(),
            |at| format!("last heard of a host {}: is a clock right?", ago(now, *at)),
        )),
    }
    report.raise(Status::Unknown);
    report.say("see check_import_runs");
    Ok(())
}

/// Largest number of repositories that are looked up.
const LOOKED_UP: usize = 20;

/// Comparison of some repositories with the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repositories {
    /// No repositories here, or an importer that is too old to list packages.
    None,
    /// A folder whose names cannot be listed, and the remedy.
    Hidden(String),
    /// Number of repositories that the state does not know, and the number that was looked up.
    Unknown(usize, usize),
}

/// Compares a few of the repositories with the packages that the state knows.
pub fn unknown_repositories(root: &Path, database: &mut Database<'_>) -> Result<Repositories, Trouble> {
    let names = match some_repositories(&root.join("repos")) {
        Ok(names) => names,
        Err(hidden) => return Ok(Repositories::Hidden(hidden)),
    };
    let mut unknown = 0;
    for name in &names {
        match views::is_known(database, name) {
            Ok(is_known) => unknown += usize::from(!is_known),
            Err(Trouble::NoData(_)) => return Ok(Repositories::None),
            Err(error) => return Err(error),
        }
    }
    Ok(if names.is_empty() { Repositories::None } else { Repositories::Unknown(unknown, names.len()) })
}

/// The names of some packages that have a repository: `repos/h/hello.git`. A few of each folder are read, and no more. An error
/// where no name can be seen.
fn some_repositories(repos: &Path) -> Result<Vec<String>, String> {
    let folders = list(repos)?.take(LOOKED_UP);
    let (mut names, mut hidden) = (Vec::new(), None);
    for folder in folders {
        let folder = folder.path();
        let inside = match list(&folder) {
            Ok(inside) => inside.take(LOOKED_UP),
            Err(why) => {
                hidden = Some(why);
                continue;
            }
        };
        let packages = inside.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".git").map(str::to_owned)
        });
        names.extend(packages.take(LOOKED_UP / 4));
    }
    names.truncate(LOOKED_UP);
    match hidden.filter(|_| names.is_empty()) {
        Some(why) => Err(why),
        None => Ok(names),
    }
}

/// The entries of a folder; none if it does not exist.
///
/// # Errors
/// A folder that may not be read, or something else in its place.
fn list(folder: &Path) -> Result<impl Iterator<Item = fs::DirEntry>, String> {
    let found = match fs::read_dir(folder) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(rights::denied(folder).to_string());
        }
        Err(error) => return Err(format!("cannot read {}: {error}", folder.display())),
    };
    Ok(found.into_iter().flatten().flatten())
}
