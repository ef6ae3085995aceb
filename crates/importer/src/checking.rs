//! Check of a repository. Its content is hostile, because others could push to it, and so are the tarballs from which
//! its upstream trees are derived again: so a child process does it, in the same sandbox as an import.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use packaging_repo::catalog::Catalog;
use packaging_repo::expected::{self, Imported, Published, branches};
use packaging_repo::record::unsealed::Word;
use packaging_repo::repository::Repository;
use packaging_repo::verify::{self, Problem};
use packaging_repo::{Error, collision, foreign, mend};
use source_package::version::{PackageName, Version};
use state::versions::Expected;

use crate::child;
use crate::collisions::Known;
use crate::config::LimitsConfig;
use crate::failure::{Code, Failure, Stage};
use crate::inspect::InspectError;
use crate::protocol::{Event, ExpectedContent, ForeignRef, Request, Task};
use crate::rederive::{self, Places};
use crate::sandbox::{self, Wall};

/// Repository to check, and the means to do it.
pub struct Check<'a> {
    /// Path of this program.
    pub program: &'a Path,
    /// The installation's root, or that of a backup.
    pub root: &'a Path,
    /// Name of the source package.
    pub package: &'a str,
    /// Content that the repository has according to the state.
    pub expected: &'a Expected,
    /// Limits of the child.
    pub limits: &'a LimitsConfig,
}

/// Result of a check.
#[derive(Debug, Default)]
pub struct Checked {
    /// Problems that were found.
    pub problems: Vec<Problem>,
    /// Foreign refs, if they could be listed.
    pub foreign: Option<Vec<ForeignRef>>,
    /// Walls that this kernel does not build.
    pub missing: Vec<Wall>,
    /// Standard error of the child.
    pub stderr: String,
}

/// Checks the repository of a package in a child. `on_start` gets its process number.
///
/// # Errors
/// The check could not be made, or there is nothing to check.
pub fn verify(check: &Check<'_>, on_start: impl FnOnce(u32)) -> Result<Checked, InspectError> {
    let package = PackageName::new(check.package)?;
    if let Err(error) = mend::open(&check.root.join("repos"), &package) {
        if check.expected.versions.is_empty() {
            return Err(error.into());
        }
        return Ok(Checked { problems: vec![verify::of_error("repository", &error)], ..Checked::default() });
    }
    let request = request(check, Task::Verify(Box::new(wanted(check.expected))))?;
    let mut missing = Vec::new();
    let ended = child::run(check.program, &request, on_start, |event| {
        if let Event::Unwalled(walls) = event {
            missing.clone_from(walls);
        }
    })
    .map_err(InspectError::Child)?;
    match (ended.failure, ended.checked) {
        (None, Some((problems, foreign))) => Ok(Checked { problems, foreign, missing, stderr: ended.stderr }),
        (Some(failure), _) => Err(InspectError::Child(failure)),
        (None, None) => {
            let message = "the check ended without a word about the repository";
            Err(InspectError::Child(Failure::new(Stage::Worker, Code::Crashed, message)))
        }
    }
}

/// The request for a child process that checks a repository.
pub(crate) fn request(check: &Check<'_>, task: Task) -> Result<Request, InspectError> {
    Ok(Request {
        root: std::path::absolute(check.root)
            .map_err(|error| InspectError::Root { path: check.root.to_owned(), error })?,
        package: check.package.to_owned(),
        default_branch: None,
        versions: Vec::new(),
        bases: Default::default(),
        allow_weak_checksums: true,
        limits: check.limits.clone(),
        threads: 1,
        parent: std::process::id(),
        fence: None,
        distros: Vec::new(),
        collisions: Known::default(),
        settle: false,
        word: None,
        stands: None,
        task,
    })
}

/// Content that a repository must have according to the state.
pub(crate) fn wanted(expected: &Expected) -> ExpectedContent {
    let imported = expected.versions.iter().map(|known| Imported {
        tag: known.tag.clone(),
        commit: known.commit.clone(),
        applied: known.applied.clone(),
    });
    let mut highest: BTreeMap<String, Version> = BTreeMap::new();
    let unapplied: HashSet<(&str, &str)> = (expected.versions.iter())
        .filter(|known| known.applied.is_none())
        .map(|known| (known.distro.as_str(), known.version.as_str()))
        .collect();
    for (distro, suite, text) in &expected.published {
        let Ok(version) = Version::new(text) else { continue };
        // A version whose patches do not apply is on the one branch only.
        let applies = !unapplied.contains(&(distro.as_str(), text.as_str()));
        let [plain, applied] = branches(distro, suite);
        for branch in [Some(plain), applies.then_some(applied)].into_iter().flatten() {
            let shown = highest.entry(branch).or_insert_with(|| version.clone());
            if version > *shown {
                *shown = version.clone();
            }
        }
    }
    ExpectedContent {
        versions: imported.collect(),
        published: highest.into_iter().map(|(branch, version)| (branch, version.to_string())).collect(),
        dscs: expected.dscs.iter().map(PathBuf::from).collect(),
    }
}

/// The state's confirmation for a repository that is older than records.
pub fn word(expected: &Expected) -> Word {
    let wanted = wanted(expected);
    Word {
        versions: wanted.versions,
        branches: wanted.published.into_iter().map(|(branch, _)| branch).collect(),
    }
}

/// Performs the check in the child.
pub(crate) fn perform(
    request: &Request,
    wanted: &ExpectedContent,
    emit: &impl Fn(&Event),
) -> Result<(), Failure> {
    let package = PackageName::new(&request.package)
        .map_err(|error| Failure::new(Stage::Verify, Code::BadDsc, error))?;
    let wall = |error| Failure::new(Stage::Worker, Code::Sandbox, error);
    sandbox::die_with_parent(request.parent).map_err(wall)?;
    let repository = mend::open(&request.root.join("repos"), &package).map_err(damaged)?;
    let needs = sandbox::of_check(request, wanted, repository.path());
    let missing = sandbox::enter(&request.limits.walls(), &needs).map_err(wall)?;
    if !missing.is_empty() {
        emit(&Event::Unwalled(missing));
    }
    let problems = check(&repository, request, wanted).map_err(damaged)?;
    let foreign = match repository.has_record() {
        // Damage was already reported as a problem.
        true => Catalog::open(&repository).and_then(|mut catalog| judged(&mut catalog)).ok(),
        false => Some(Vec::new()),
    };
    emit(&Event::Checked(problems, foreign));
    Ok(())
}

/// Failure for a repository that could not be checked. If Git is missing, that does not mean damage.
pub(crate) fn damaged(error: Error) -> Failure {
    match error {
        error @ Error::NoGit { .. } => error.into(),
        error => Failure::new(Stage::Verify, Code::RepositoryDamaged, error),
    }
}

pub(crate) fn check(
    repository: &Repository,
    request: &Request,
    wanted: &ExpectedContent,
) -> Result<Vec<Problem>, Error> {
    let mut problems = verify::verify(repository)?;
    if problems.iter().any(Problem::keeps_waiting) {
        return Ok(problems);
    }
    // Damage was already reported.
    let places = Places::new(&request.root, &wanted.dscs);
    problems.extend(rederive::upstreams(repository, &places, &request.limits).unwrap_or_default());
    let published = wanted.published.iter().filter_map(|(branch, version)| {
        Some(Published { branch: branch.clone(), version: Version::new(version).ok()? })
    });
    let published: Vec<Published> = published.collect();
    if let Ok(missing) = expected::compare(repository, &wanted.versions, &published) {
        problems.extend(missing);
    }
    Ok(problems)
}

/// Foreign refs, and the kinds of their content.
fn judged(catalog: &mut Catalog) -> Result<Vec<ForeignRef>, Error> {
    let found = foreign::find(&catalog.view, &[], &mut catalog.store)?;
    let judged = collision::judge(&found, &mut catalog.view, &mut catalog.store)?;
    Ok(found.iter().zip(&judged).map(|(it, judged)| ForeignRef::judged(it, judged.as_ref())).collect())
}
