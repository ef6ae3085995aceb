//! Source packages that the machine's apt delivers, as items to import.

use std::path::Path;

use archive::apt::{Apt, AptError, Candidate, Wanted};

use crate::dsc_arguments::Item;
use crate::failure::{Code, Failure, Stage};
use crate::protocol::Trust;

/// Fetches packages by name (`NAME` or `NAME=VERSION`). One that cannot be fetched does not stop the others.
pub fn fetch(
    root: &Path,
    names: &[String],
    mut note: impl FnMut(&str),
) -> Vec<Result<Item, (String, Failure)>> {
    let apt = match Apt::prepare(&root.join("cache/apt")) {
        Ok(apt) => apt,
        Err(error) => return names.iter().map(|name| Err((name.clone(), Failure::from(&error)))).collect(),
    };
    note("apt: reading the indices of source packages");
    let is_complete = match apt.update() {
        // That apt cannot drop its privileges in a private folder is of no interest here.
        Ok(updated) => {
            let lines = updated.messages.lines().filter(|line| line.starts_with("W: "));
            lines.filter(|line| !line.contains("unsandboxed")).for_each(&mut note);
            if let Some(error) = &updated.failed {
                note(&format!("apt: {error}"));
            }
            updated.failed.is_none() && !updated.messages.contains("Failed to fetch")
        }
        Err(error) => {
            note(&format!("apt: {error}"));
            false
        }
    };
    names
        .iter()
        .map(|name| {
            note(&format!("apt: fetching {name}"));
            one(&apt, name, &mut note).map_err(|error| (name.clone(), failure(&error, is_complete)))
        })
        .collect()
}

/// Mirrors lag behind their indices: where the highest version cannot be had, the next one is better than nothing.
fn one(apt: &Apt, name: &str, note: &mut impl FnMut(&str)) -> Result<Item, AptError> {
    let mut first_error = None;
    for candidate in apt.find(&Wanted::parse(name))? {
        match apt.fetch(&candidate) {
            Ok(dsc) => {
                let Candidate { distro, suite, dsc_sha256, .. } = candidate;
                return Ok(Item { dsc, distro, suite: Some(suite), trust: Trust::Index(dsc_sha256) });
            }
            Err(error) => {
                note(&format!("apt: cannot fetch {name} {} ({})", candidate.version, candidate.suite));
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or(AptError::UnknownPackage(name.to_owned())))
}

/// An old index may still have the wanted version. If it has not, and no new one could be fetched, the answer is
/// unknown.
fn failure(error: &AptError, is_complete: bool) -> Failure {
    let failure = Failure::from(error);
    match error {
        AptError::UnknownPackage(_) | AptError::UnknownVersion { .. } if !is_complete => {
            let message = format!("apt could not fetch all of its indices, and {}", failure.message);
            Failure::new(Stage::Fetch, Code::AptFailed, message)
        }
        _ => failure,
    }
}

impl From<&AptError> for Failure {
    fn from(error: &AptError) -> Self {
        Failure::new(Stage::Fetch, error.code(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_old_index_does_not_have_may_be_there() {
        let unknown = AptError::UnknownPackage("hello".into());
        assert_eq!(failure(&unknown, true).code, Code::UnknownPackage);
        assert_eq!(failure(&unknown, false).code, Code::AptFailed);
        assert_eq!(failure(&AptError::NoSources, false).code, Code::NoSources);
    }
}
