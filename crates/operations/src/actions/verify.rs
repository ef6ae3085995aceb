//! Checks of repositories on request.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use importer::checking::Checked;
use importer::protocol::ForeignRef;
use importer::{inspect, repairing};
use packaging_repo::verify::Problem;
use source_package::code::Code;
use source_package::finding::Finding;
use state::operate;
use state::publication::{collisions, foreign};
use state::read::package::id;
use state::repair::findings;
use state::versions::{self, Expected};
use state::{StateError, Store};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::in_cache::{self, Copy};
use crate::installation::Installation;
use crate::role::{Permit, Role};

/// Checks repositories, and keeps the findings for the checks. A login that may only read the state keeps none. On record:
/// the findings; no entry in the audit trail.
pub struct Verify<'a> {
    /// The packages; by default all that have a repository, or should have one. Where repositories are a cache of a remote's,
    /// those named are brought here from it; by default only those are checked that are here as they are there.
    pub packages: Vec<String>,
    /// Called for each package, and says whether to go on.
    pub watch: &'a dyn Fn(&Verified) -> ControlFlow<()>,
}

/// Findings about the repository of a package.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Name of the package.
    pub package: String,
    /// Its problems.
    pub problems: Vec<Problem>,
    /// Reasons why the findings could not be kept.
    pub remarks: Vec<String>,
}

/// Numbers of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyCount {
    /// The packages that were to be checked.
    pub packages: Vec<String>,
    /// Number of packages with problems.
    pub wrong: usize,
    /// Number of problems, by their codes.
    pub codes: BTreeMap<&'static str, usize>,
    /// Packages without problems that wait because their repository was damaged: nobody has asked for them since it was mended.
    pub waiting: Vec<String>,
    /// Packages that were not checked, and why, if there are any.
    pub left_out: Option<String>,
}

impl Verify<'_> {
    fn packages(&self, at: &Installation, store: Option<&Store>) -> Result<Vec<String>, Error> {
        let mut packages = at.with_repository(&self.packages)?;
        let Some(store) = store.filter(|_| self.packages.is_empty()) else { return Ok(packages) };
        if at.config()?.repos.is_cache() {
            return current(at, store, packages);
        }
        packages.extend(store.read(versions::packages)?);
        packages.sort();
        packages.dedup();
        Ok(packages)
    }

    /// Number of packages of the state, and reasons why some are not checked: of what is not in a cache, it tells nothing.
    fn left_out(
        &self,
        at: &Installation,
        store: Option<&Store>,
        here: usize,
    ) -> Result<Option<String>, Error> {
        let Some(store) = store.filter(|_| self.packages.is_empty()) else { return Ok(None) };
        if !at.config()?.repos.is_cache() {
            return Ok(None);
        }
        let all = store.read(versions::packages)?.len();
        Ok(Some(format!(
            "repositories are a cache of a remote's: {here} of {all} are here as they are there, and are checked; name a package to \
             have it brought here, or have them checked by runs: `package-import enqueue --lane verify PACKAGE`"
        )))
    }

    fn one(
        &self,
        at: &Installation,
        store: Option<&Store>,
        package: &str,
        is_one: bool,
    ) -> Result<Verified, Error> {
        let brought = store.filter(|_| !self.packages.is_empty()).map(|store| bring(at, store, package));
        let expected = match store {
            Some(store) => store.read(|tx| versions::expected(tx, package))?,
            None => Expected::default(),
        };
        let checked = match at.check(&at.root, package, &expected) {
            // A repository that cannot be checked does not stop the others.
            Err(error) if !is_one => {
                let problem = Problem::new(Finding::Unreadable, "repository", error.to_string());
                Checked { problems: vec![problem], ..Checked::default() }
            }
            other => other?,
        };
        let mut found =
            Verified { package: package.to_owned(), problems: checked.problems, remarks: Vec::new() };
        found.remarks.extend(brought.transpose()?.flatten());
        if let Some(store) = store {
            found.problems = without_kept(store, package, found.problems)?;
            let foreign = checked.foreign.map(|it| keep_foreign(store, package, &it)).transpose()?.flatten();
            found.remarks.extend(foreign.map(|error| format!("the checks are not told of it: {error}")));
            let kept = keep_findings(store, package, &found.problems)?;
            found.remarks.extend(kept.map(|error| format!("what was found is not kept: {error}")));
        }
        Ok(found)
    }
}

impl Action<Installation> for Verify<'_> {
    const NAME: &'static str = "verify";
    const ROLE: Role = Role::Admin;
    type Done = VerifyCount;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let packages = self.packages(at, at.state_if_any()?.as_ref())?;
        let change = |name: &String| Change::new(Kind::Package, name).after("checked".to_owned());
        Ok(Preview::of(packages.iter().map(change)))
    }

    fn act(&self, at: &Installation, _: &Permit<'_>) -> Result<VerifyCount, Error> {
        let store = at.state_if_any()?;
        let packages = self.packages(at, store.as_ref())?;
        let left_out = self.left_out(at, store.as_ref(), packages.len())?;
        let mut count = VerifyCount { left_out, ..VerifyCount::default() };
        let waiting = store.as_ref().map_or(Ok(Vec::new()), waiting)?;
        for package in &packages {
            let found = self.one(at, store.as_ref(), package, packages.len() == 1)?;
            count.wrong += usize::from(!found.problems.is_empty());
            if found.problems.is_empty() && waiting.contains(package) {
                count.waiting.push(package.clone());
            }
            for problem in &found.problems {
                *count.codes.entry(problem.code.as_str()).or_default() += 1;
            }
            if (self.watch)(&found).is_break() {
                break;
            }
        }
        Ok(VerifyCount { packages, ..count })
    }
}

/// Packages that wait because their repository was found damaged.
fn waiting(store: &Store) -> Result<Vec<String>, Error> {
    let failing = store.read(|tx| operate::failing_with(tx, Code::RepositoryDamaged))?;
    Ok(failing.into_iter().map(|(_, name)| name).collect())
}

/// Brings the repository of a package here from the remote, if the cache has something else. Returns the reason why it could
/// not be brought; what is wrong with the repository itself is found by the check that follows.
fn bring(at: &Installation, store: &Store, package: &str) -> Result<Option<String>, Error> {
    if !matches!(in_cache::copy(at, store, package)?, Some(Copy::Other | Copy::Absent)) {
        return Ok(None);
    }
    let brought = in_cache::bring(at, package);
    Ok(brought.err().map(|error| format!("it is not brought here from the remote: {error}")))
}

/// Those packages whose repository in the cache is what the remote has.
fn current(at: &Installation, store: &Store, packages: Vec<String>) -> Result<Vec<String>, Error> {
    let mut current = Vec::new();
    for package in packages {
        if in_cache::copy(at, store, &package)? == Some(Copy::Current) {
            current.push(package);
        }
    }
    Ok(current)
}

/// Leaves out refs of others that stay by somebody's decision.
fn without_kept(store: &Store, package: &str, problems: Vec<Problem>) -> Result<Vec<Problem>, Error> {
    if !problems.iter().any(Problem::is_foreign) {
        return Ok(problems);
    }
    let rows = store.read(|tx| match id(tx, package)? {
        Some(id) => collisions::of_package(tx, id),
        None => Ok(Vec::new()),
    })?;
    let is_kept = |problem: &Problem| {
        let mut of_ref = rows.iter().filter(|it| it.name == problem.subject);
        problem.is_foreign() && of_ref.next_back().is_some_and(|it| it.ending.as_deref() == Some("keep"))
    };
    Ok(problems.into_iter().filter(|it| !is_kept(it)).collect())
}

/// Records the foreign refs that were found, so that the checks know them. Returns the error of a login that may only read.
fn keep_foreign(store: &Store, package: &str, found: &[ForeignRef]) -> Result<Option<StateError>, Error> {
    let rows = inspect::foreign_rows(found);
    let known = store.read(|tx| match id(tx, package)? {
        Some(id) => Ok(Some((id, foreign::of_package(tx, id)?.is_empty()))),
        None => Ok(None),
    })?;
    match known {
        Some((id, is_empty)) if !is_empty || !rows.is_empty() => {
            Ok(store.write(|tx| foreign::settle(tx, id, &rows)).err())
        }
        _ => Ok(None),
    }
}

/// Records the findings, so that the checks know them. Returns the error of a login that may only read.
fn keep_findings(store: &Store, package: &str, problems: &[Problem]) -> Result<Option<StateError>, Error> {
    let rows = repairing::rows(problems);
    let known = store.read(|tx| match id(tx, package)? {
        Some(id) => Ok(Some((id, findings::of_package(tx, id)?.is_empty()))),
        None => Ok(None),
    })?;
    match known {
        Some((id, is_empty)) if !is_empty || !rows.is_empty() => {
            Ok(store.write(|tx| findings::settle(tx, id, &rows)).err())
        }
        _ => Ok(None),
    }
}
