//! Checks that a distro and a suite can become branches: before anything is done, wherever they are named.

use std::collections::BTreeSet;
use std::path::Path;

use packaging_repo::refs::refname::{InvalidName, check_distro, check_suite};
use packaging_repo::repository::Repository;
use source_package::version::PackageName;

use crate::dsc_arguments::Item;

/// The longest part of a branch's name, in bytes: it becomes the name of a file, with an ending for its lock.
const LONGEST_PART: usize = 200;
/// The longest name of a suite with all its parts.
const LONGEST: usize = 1000;

/// Reason why a distro or a suite is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It cannot be part of a branch's name.
    #[error(transparent)]
    Invalid(#[from] InvalidName),
    /// It is too long for one.
    #[error(
        "a {what} of {length} bytes is too long for a branch's name: at most {LONGEST_PART} between slashes, {LONGEST} in \
         all; choose a shorter one"
    )]
    Long {
        /// Word for the name: `distro` or `suite`.
        what: &'static str,
        /// Length in bytes.
        length: usize,
    },
    /// Git cannot have a branch and a folder of branches of one name.
    #[error(
        "{package} has the branch {other}, so it cannot have {branch}: Git keeps branches as files and folders, and one \
         name cannot be both. Give the suite another name, {remedy}"
    )]
    Beside {
        /// Name of the source package.
        package: String,
        /// The branch that is there.
        other: String,
        /// The branch that is wanted.
        branch: String,
        /// The option, or the key of the configuration.
        remedy: String,
    },
}

/// Checks that a distro and a suite can become the name of a branch.
///
/// # Errors
/// [`NameError`] when one is reserved, too long, or cannot be part of a ref.
pub fn check(distro: &str, suite: Option<&str>) -> Result<(), NameError> {
    check_length("distro", distro)?;
    check_distro(distro)?;
    let Some(suite) = suite else { return Ok(()) };
    check_length("suite", suite)?;
    Ok(check_suite(suite)?)
}

fn check_length(what: &'static str, name: &str) -> Result<(), NameError> {
    let length = name.len();
    let is_long = length > LONGEST || name.split('/').any(|part| part.len() > LONGEST_PART);
    if is_long { Err(NameError::Long { what, length }) } else { Ok(()) }
}

/// Checks that items can become new branches of their repositories. The package of an item is guessed from its file's
/// name: for other names, the import itself finds a conflict.
pub fn check_items(root: &Path, items: &[Item]) -> Result<(), NameError> {
    let mut seen = BTreeSet::new();
    for item in items {
        check(&item.distro, item.suite.as_deref())?;
        let (Some(suite), Some(package)) = (item.suite.as_deref(), package_of(&item.dsc)) else { continue };
        if !seen.insert((package.to_string(), &item.distro, suite)) {
            continue;
        }
        // An error of reading is reported by the import.
        let repository = Repository::open(&root.join("repos"), &package);
        let conflict = repository.and_then(|it| it.conflicting_branch(&item.distro, suite));
        if let Ok(Some(other)) = conflict {
            return Err(NameError::Beside {
                package: package.to_string(),
                other,
                branch: format!("{}/{suite}", item.distro),
                remedy: match suite.contains('/') {
                    true => format!("--suite {}", suite.replace('/', "-")),
                    false => format!("--suite {suite}-release"),
                },
            });
        }
    }
    Ok(())
}

fn package_of(dsc: &Path) -> Option<PackageName> {
    let name = dsc.file_name()?.to_str()?;
    PackageName::new(name.split('_').next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_refused() {
        for (suite, fits) in [
            ("bookworm".to_owned(), true),
            ("x".repeat(200), true),
            ("x".repeat(201), false),
            ("x".repeat(300), false),
            (vec!["x".repeat(190); 5].join("/"), true),
            (vec!["x".repeat(190); 6].join("/"), false),
        ] {
            assert_eq!(check("debian", Some(&suite)).is_ok(), fits, "{}", suite.len());
            assert_eq!(check(&suite, None).is_ok(), fits && !suite.contains('/'));
        }
    }
}
