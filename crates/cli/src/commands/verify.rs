use std::io::{self, Write};

use anyhow::Error;
use importer::checking::Checked;
use importer::protocol::ForeignRef;
use operations::Action;
use operations::actions::counters::RepairCounters;
use packaging_repo::verify::Problem;
use state::Store;
use state::counters::{self, Difference};
use state::publication::{collisions, foreign};
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
    let packages = match arguments.packages.as_slice() {
        [] => all(installation, store.as_ref())?,
        named => named.to_vec(),
    };
    let mut wrong = 0;
    let mut stdout = screen::stdout();
    for package in &packages {
        let expected = match &store {
            Some(store) => store.read(|tx| versions::expected(tx, package))?,
            None => Expected::default(),
        };
        // A repository that cannot be checked does not stop the others.
        let checked = match installation.check(&installation.root, package, &expected) {
            Err(error) if packages.len() > 1 => {
                let problem = Problem { subject: "repository".into(), message: error.to_string() };
                Checked { problems: vec![problem], ..Checked::default() }
            }
            other => other?,
        };
        let problems = without_kept(store.as_ref(), package, checked.problems)?;
        wrong += usize::from(!problems.is_empty());
        if let (Some(store), Some(foreign)) = (&store, &checked.foreign) {
            keep_foreign(store, package, foreign)?;
        }
        if arguments.json {
            let problems: Vec<_> = problems
                .iter()
                .map(|problem| serde_json::json!({"subject": problem.subject, "message": problem.message}))
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
    }
    Ok(if wrong == 0 { exit::DONE } else { exit::SOME_FAILED })
}

/// Leaves out foreign refs that a person has decided to keep.
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
