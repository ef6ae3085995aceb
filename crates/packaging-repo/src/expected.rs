//! Comparison of a repository with records about it elsewhere: a ref that is gone leaves no trace in the repository
//! itself.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use source_package::finding::Finding;
use source_package::version::Version;

use crate::catalog::{Catalog, CatalogEntry};
use crate::object;
use crate::refs::refname;
use crate::repository::Repository;
use crate::verify::Problem;
use crate::{Error, ObjectId};

/// A version that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Its tag, without `refs/tags/`.
    pub tag: String,
    /// Commit of the version.
    pub commit: String,
    /// The commit with patches applied, if they apply.
    pub applied: Option<String>,
}

/// The highest version that was published to a branch.
pub struct Published {
    /// The full name of the branch.
    pub branch: String,
    /// Version that the branch shows.
    pub version: Version,
}

/// Reports refs that are gone, or point elsewhere.
///
/// # Errors
/// An object cannot be read.
pub fn compare(
    repository: &Repository,
    imported: &[Imported],
    published: &[Published],
) -> Result<Vec<Problem>, Error> {
    let mut catalog = Catalog::open(repository)?;
    let entries = catalog.entries()?;
    let by_tag: HashMap<&str, &CatalogEntry> = entries.iter().map(|it| (it.tag.as_str(), it)).collect();
    let mut problems = Vec::new();
    for version in imported {
        let mut found = by_tag.get(version.tag.as_str()).copied();
        // Somebody else has taken the name: ours has another.
        if found.is_none() {
            found = entries.iter().find(|it| {
                it.commit == version.commit
                    && it.tag.starts_with("reimport/")
                    && is_of(&it.distro, &version.tag)
            });
        }
        if let Some((code, message)) = wrong_tag(version, found) {
            problems.push(Problem::new(code, format!("refs/tags/{}", version.tag), message));
        }
    }
    for branch in published {
        if let Some((code, message)) = wrong_branch(branch, &mut catalog)? {
            problems.push(Problem::new(code, branch.branch.clone(), message));
        }
    }
    Ok(problems)
}

fn is_of(distro: &str, tag: &str) -> bool {
    tag.trim_start_matches("reimport/").split('/').next() == Some(distro)
}

fn wrong_tag(version: &Imported, found: Option<&CatalogEntry>) -> Option<(Finding, String)> {
    let Some(found) = found else {
        return Some((Finding::TagGone, "is gone, and the version was imported".into()));
    };
    let is = |id: ObjectId, text: &str| ObjectId::from_hex(text.as_bytes()).is_ok_and(|known| known == id);
    if !is(found.commit, &version.commit) {
        let message = format!("leads to {}, imported was {}", found.commit, version.commit);
        return Some((Finding::TagDiffers, message));
    }
    let wanted = version.applied.as_ref()?;
    match found.applied {
        None => Some((Finding::AppliedGone, format!("its applied tag is gone; imported was {wanted}"))),
        Some(applied) if !is(applied, wanted) => {
            let message = format!("its applied tag leads to {applied}, imported was {wanted}");
            Some((Finding::AppliedDiffers, message))
        }
        Some(_) => None,
    }
}

fn wrong_branch(branch: &Published, catalog: &mut Catalog) -> Result<Option<(Finding, String)>, Error> {
    let Some(tip) = catalog.view.taken(&branch.branch) else {
        let message = format!("is gone, and {} was published there", branch.version);
        return Ok(Some((Finding::BranchGone, message)));
    };
    // A commit with the importer's content that somebody else pushed there.
    if catalog.view.record().adopted(&branch.branch) == Some(tip) {
        return Ok(None);
    }
    // A commit that cannot be read is reported by the other checks, too.
    let Ok(commit) = object::read_commit(tip, &mut catalog.store) else { return Ok(None) };
    // A tip that shows no version at all is reported by the other checks.
    let shown = commit.trailer("Version").and_then(|text| Version::new(text).ok());
    Ok(shown
        .filter(|shown| shown < &branch.version)
        .map(|shown| format!("was set back to {shown}; {} was published there", branch.version))
        .map(|message| (Finding::BranchBehind, message)))
}

/// The branch of a suite, and the one with patches applied.
pub fn branches(distro: &str, suite: &str) -> [String; 2] {
    [refname::branch(distro, suite), refname::applied_branch(distro, suite)]
}
