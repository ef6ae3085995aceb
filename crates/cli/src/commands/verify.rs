use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::Error;
use importer::checking::Checked;
use importer::protocol::ForeignRef;
use operations::Action;
use operations::actions::counters::RepairCounters;
use operations::in_cache::{self, Copy};
use packaging_repo::verify::Problem;
use source_package::finding::Finding;
use state::Store;
use state::counters::{self, Difference};
use state::publication::{collisions, foreign};
use state::repair::findings;
use state::versions::{self, Expected};

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Check repositories: objects, refs, tags against their manifests, .dsc files and the state; or the state
///
/// With --state: every number that is kept while things happen is counted again from the rows.
///
/// Exit code 0: nothing is wrong. 1: something is; each problem is a line.
#[derive(clap::Args)]
pub struct Arguments {
    /// The source packages [default: all]
    packages: Vec<String>,
    /// Check the state instead
    #[arg(long, conflicts_with = "packages")]
    state: bool,
    /// Mend what is wrong in the state
    #[arg(long, requires = "state")]
    repair: bool,
    /// Print a JSON object for each package
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    if arguments.state {
        return state(installation, arguments);
    }
    let store = installation.state_if_any()?;
    let is_cache = installation.config()?.repos.is_cache();
    let packages = match arguments.packages.as_slice() {
        [] if is_cache => in_the_cache(installation, store.as_ref())?,
        [] => all(installation, store.as_ref())?,
        named => named.to_vec(),
    };
    if is_cache && !arguments.packages.is_empty() {
        bring(installation, store.as_ref(), &packages)?;
    }
    let mut wrong = 0;
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut stdout = screen::stdout();
    for package in &packages {
        let expected = match &store {
            Some(store) => store.read(|tx| versions::expected(tx, package))?,
            None => Expected::default(),
        };
        // A repository that cannot be checked does not stop the others.
        let checked = match installation.check(&installation.root, package, &expected) {
            Err(error) if packages.len() > 1 => {
                let problem = Problem::new(Finding::Unreadable, "repository", error.to_string());
                Checked { problems: vec![problem], ..Checked::default() }
            }
            other => other?,
        };
        let problems = without_kept(store.as_ref(), package, checked.problems)?;
        wrong += usize::from(!problems.is_empty());
        for problem in &problems {
            *codes.entry(problem.code.as_str()).or_default() += 1;
        }
        if let Some(store) = &store {
            if let Some(foreign) = &checked.foreign {
                keep_foreign(store, package, foreign)?;
            }
            keep_findings(store, package, &problems)?;
        }
        if arguments.json {
            let problems: Vec<_> = problems
                .iter()
                .map(|problem| {
                    let Problem { code, subject, message } = problem;
                    serde_json::json!({"code": code, "subject": subject, "message": message})
                })
                .collect();
            screen::print_json(&serde_json::json!({"package": package, "problems": problems}))?;
        } else {
            for problem in problems {
                writeln!(stdout, "{package}: {}: {}", problem.subject, problem.message)?;
            }
        }
    }
    if !arguments.json {
        writeln!(stdout, "{} repositories checked, {wrong} with problems", packages.len())?;
        total(&codes, &packages, wrong)?;
    }
    Ok(if wrong == 0 { exit::DONE } else { exit::SOME_FAILED })
}

/// The number of problems of each kind, and the next command.
fn total(codes: &BTreeMap<&str, usize>, packages: &[String], wrong: usize) -> io::Result<()> {
    if wrong == 0 {
        return Ok(());
    }
    let each: Vec<String> = codes.iter().map(|(code, number)| format!("{number} {code}")).collect();
    let which = match packages {
        [package] => package.clone(),
        _ => "--all".to_owned(),
    };
    let mut stdout = screen::stdout();
    writeln!(stdout, "{}", screen::paragraph(0, &each.join(", ")))?;
    writeln!(stdout, "Next: package-import repair plan {which}")
}

/// Stores the findings for the checks. A user who may only read the state stores none.
fn keep_findings(store: &Store, package: &str, problems: &[Problem]) -> Result<(), Error> {
    let rows = importer::repairing::rows(problems);
    let known = store.read(|tx| match state::read::package::id(tx, package)? {
        Some(id) => Ok(Some((id, findings::of_package(tx, id)?))),
        None => Ok(None),
    })?;
    let Some((id, _)) = known.filter(|(_, known)| !known.is_empty() || !rows.is_empty()) else {
        return Ok(());
    };
    if let Err(error) = store.write(|tx| findings::settle(tx, id, &rows)) {
        writeln!(io::stderr(), "{package}: what was found is not kept: {error}")?;
    }
    Ok(())
}

/// Leaves out refs of others of which somebody has decided that they stay.
fn without_kept(store: Option<&Store>, package: &str, problems: Vec<Problem>) -> Result<Vec<Problem>, Error> {
    let Some(store) = store.filter(|_| problems.iter().any(Problem::is_foreign)) else { return Ok(problems) };
    let rows = store.read(|tx| match state::read::package::id(tx, package)? {
        Some(id) => collisions::of_package(tx, id),
        None => Ok(Vec::new()),
    })?;
    let is_kept = |problem: &Problem| {
        let mut of_ref = rows.iter().filter(|it| it.name == problem.subject);
        problem.is_foreign() && of_ref.next_back().is_some_and(|it| it.ending.as_deref() == Some("keep"))
    };
    Ok(problems.into_iter().filter(|it| !is_kept(it)).collect())
}

/// Records the foreign refs that were found, so that the checks know them. A login that may only read the state skips
/// this.
fn keep_foreign(store: &Store, package: &str, found: &[ForeignRef]) -> Result<(), Error> {
    let rows = importer::inspect::foreign_rows(found);
    let known = store.read(|tx| match state::read::package::id(tx, package)? {
        Some(id) => Ok(Some((id, foreign::of_package(tx, id)?))),
        None => Ok(None),
    })?;
    let Some((id, known)) = known else { return Ok(()) };
    if known.is_empty() && rows.is_empty() {
        return Ok(());
    }
    if let Err(error) = store.write(|tx| foreign::settle(tx, id, &rows)) {
        writeln!(io::stderr(), "{package}: the checks are not told of it: {error}")?;
    }
    Ok(())
}

/// Brings repositories here from the remote, where the cache has something else.
fn bring(installation: &Installation, store: Option<&Store>, packages: &[String]) -> Result<(), Error> {
    let Some(store) = store else { return Ok(()) };
    for package in packages {
        if !matches!(in_cache::copy(installation, store, package)?, Some(Copy::Other | Copy::Absent)) {
            continue;
        }
        // What is wrong with the repository itself is found by the check that follows.
        if let Err(error) = in_cache::bring(installation, package) {
            writeln!(io::stderr(), "{package} is not brought here from the remote: {error}")?;
        }
    }
    Ok(())
}

/// The packages whose repository in the cache is what the remote has: of the others, the cache tells nothing.
fn in_the_cache(installation: &Installation, store: Option<&Store>) -> Result<Vec<String>, Error> {
    let here = importer::inspect::packages(&installation.root)?;
    let Some(store) = store else { return Ok(here) };
    let mut current = Vec::new();
    for package in here {
        if in_cache::copy(installation, store, &package)? == Some(Copy::Current) {
            current.push(package);
        }
    }
    let all = store.read(versions::packages)?.len();
    let line = format!(
        "repositories are a cache of a remote's: {} of {all} are here as they are there, and are checked; name a package to \
         have it brought here, or have them checked by runs: `package-import enqueue --lane verify PACKAGE`",
        current.len()
    );
    writeln!(io::stderr(), "{}", screen::paragraph(0, &line))?;
    Ok(current)
}

/// All packages that have a repository, or should have one.
fn all(installation: &Installation, store: Option<&Store>) -> Result<Vec<String>, Error> {
    let mut packages = importer::inspect::packages(&installation.root)?;
    if let Some(store) = store {
        packages.extend(store.read(versions::packages)?);
    }
    packages.sort();
    packages.dedup();
    Ok(packages)
}

fn state(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let at = installation.open()?;
    if let Some(path) = at.store.path() {
        state::driver::sqlite::check_file(&path).map_err(state::StateError::from)?;
    }
    let wrong = if arguments.repair {
        RepairCounters.perform(&at, &caller(), None)?
    } else {
        at.store.read(counters::verify)?
    };
    show_differences(&wrong, arguments)?;
    Ok(if wrong.is_empty() || arguments.repair { exit::DONE } else { exit::SOME_FAILED })
}

fn show_differences(wrong: &[Difference], arguments: &Arguments) -> io::Result<()> {
    if arguments.json {
        let list: Vec<_> = wrong
            .iter()
            .map(|it| {
                serde_json::json!({"subject": it.place.to_string(), "kept": it.kept, "counted": it.counted})
            })
            .collect();
        return screen::print_json(&serde_json::json!({"differences": list, "repaired": arguments.repair}));
    }
    let mut stdout = screen::stdout();
    for it in wrong {
        writeln!(stdout, "{}: {} is kept, {} are there", it.place, it.kept, it.counted)?;
    }
    let end = if arguments.repair { "repaired" } else { "wrong; --repair repairs them" };
    match wrong.len() {
        0 => writeln!(stdout, "the state is sound"),
        count => writeln!(stdout, "{count} numbers {end}"),
    }
}
