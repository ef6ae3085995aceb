//! Packages by their records.

use std::path::Path;

use serde::Serialize;
use state::read::list::{self, Listed, Wanted};

use crate::error::Error;
use crate::installation::Opened;

/// Filter for packages.
#[derive(Clone, Debug, Default)]
pub struct PackagesWanted {
    /// Conditions on the state's records.
    pub known: Wanted,
    /// Only those with a version that came after its successor: it has its tag, and no branch leads to it. The repositories
    /// of all others are read for it.
    pub late: bool,
    /// Largest number of packages.
    pub limit: u32,
}

/// Packages that match a filter.
#[derive(Debug, Serialize)]
pub struct Packages {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// Number of packages without the limit.
    pub all: i64,
    /// At most as many of them as were asked for.
    pub packages: Vec<OfPackage>,
    /// Packages whose repository cannot be read, so that it is not known whether they have a late version.
    pub unreadable: Vec<String>,
}

/// A package.
#[derive(Debug, Serialize)]
pub struct OfPackage {
    /// Records of the state.
    #[serde(flatten)]
    pub known: Listed,
    /// Its late versions, if these were asked for.
    pub late: Vec<String>,
}

/// Packages in the order of their names.
///
/// # Errors
/// The state cannot be read.
pub fn packages(at: &Opened, wanted: &PackagesWanted) -> Result<Packages, Error> {
    let limit = i64::from(wanted.limit);
    let at_most = if wanted.late { i64::MAX } else { limit };
    let (now, (all, found)) = at.store.read(|tx| Ok((tx.now()?, list::read(tx, &wanted.known, at_most)?)))?;
    let mut answer = Packages { now, all, packages: Vec::new(), unreadable: Vec::new() };
    if !wanted.late {
        answer.packages = found.into_iter().map(|known| OfPackage { known, late: Vec::new() }).collect();
        return Ok(answer);
    }
    for known in found {
        match late(&at.root, &known.package) {
            Some(late) if late.is_empty() => {}
            Some(late) => answer.packages.push(OfPackage { known, late }),
            None => answer.unreadable.push(known.package),
        }
    }
    answer.all = i64::try_from(answer.packages.len()).unwrap_or(i64::MAX);
    answer.packages.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(answer)
}

/// The late versions of a package; none that was never imported has any.
fn late(root: &Path, package: &str) -> Option<Vec<String>> {
    if importer::inspect::missing_repository(root, package).is_some() {
        return Some(Vec::new());
    }
    let shown = importer::inspect::show(root, package).ok()?;
    Some(shown.versions.into_iter().filter(|entry| entry.late).map(|entry| entry.version).collect())
}
