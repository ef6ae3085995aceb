//! Everything about a package.

use importer::inspect::{self, InspectError};
use packaging_repo::collision::Collision;
use packaging_repo::foreign::Foreign;
use serde_json::{Value, json};
use state::read::package::{self, Package};
use state::{Store, operate};

use crate::error::Error;
use crate::in_cache::{self, Copy};
use crate::installation::Installation;
use crate::looking_back::LookBack;

/// Attempts that are shown.
const ATTEMPTS: i64 = 5;

/// Records of a package in the state and in its repository.
pub struct Shown {
    /// Name of the package.
    pub package: String,
    /// Present time in Unix milliseconds, and the records of the state.
    pub state: Option<(i64, Package)>,
    /// Content of the repository.
    pub repository: Option<inspect::Shown>,
    /// Error of reading the repository, if it cannot be read.
    pub unreadable: Option<String>,
    /// State of the copy of this machine, if repositories are a cache.
    pub copy: Option<Copy>,
}

/// Everything about a package. A root without a state has only repositories; the state's records are worth most when
/// the repository is damaged.
///
/// # Errors
/// There is no such package, or neither its repository nor the state can be read.
pub fn show(installation: &Installation, name: &str) -> Result<Shown, Error> {
    let store = installation.state_if_any()?;
    let state = match &store {
        Some(store) => facts(store, name)?,
        None => None,
    };
    let copy = match &store {
        Some(store) => in_cache::copy(installation, store, name)?,
        None => None,
    };
    let mut shown = Shown { package: name.to_owned(), state, repository: None, unreadable: None, copy };
    match inspect::show(&installation.root, name) {
        Ok(repository) => shown.repository = Some(repository),
        Err(error) if shown.state.is_none() => {
            // Suggestion for an unknown package.
            let unknown = store.as_ref().and_then(|store| store.read(|tx| operate::known(tx, name)).err());
            return Err(unknown.map_or_else(|| error.into(), Error::from));
        }
        Err(InspectError::Repository(packaging_repo::Error::NoRepository(_))) => {}
        Err(error) => shown.unreadable = Some(error.to_string()),
    }
    Ok(shown)
}

/// The recorded facts of a package at a time. Past states of its repository are not stored.
///
/// # Errors
/// There was no such package, the time is not kept, or the state cannot be read.
pub fn show_at(installation: &Installation, name: &str, at: LookBack) -> Result<Shown, Error> {
    let store = installation.open_at(Some(at))?.store;
    let state = facts(&store, name)?;
    if state.is_none() {
        return Err(Error::NotFound(format!("package {name} was not known then")));
    }
    Ok(Shown { package: name.to_owned(), state, repository: None, unreadable: None, copy: None })
}

fn facts(store: &Store, name: &str) -> Result<Option<(i64, Package)>, Error> {
    let (now, package) = store.read(|tx| Ok((tx.now()?, package::read(tx, name, ATTEMPTS)?)))?;
    Ok(package.map(|package| (now, package)))
}

impl Shown {
    /// The answer as JSON.
    pub fn json(&self) -> Value {
        let shown = self.repository.as_ref();
        let versions = shown.map(|shown| {
            let entries = shown.versions.iter().map(|entry| {
                json!({
                    "distro": entry.distro, "version": entry.version, "tag": entry.tag,
                    "dsc_sha256": entry.dsc_sha256, "commit": entry.commit.to_string(),
                    "applied_commit": entry.applied.map(|id| id.to_string()),
                    "branches": entry.branches, "late": entry.late,
                })
            });
            entries.collect::<Vec<_>>()
        });
        let foreign = shown.map(|shown| {
            let one = |(it, judged): (&Foreign, &Option<Collision>)| {
                json!({
                    "content": judged.as_ref().map(|it| it.kind.as_str()), "ref": it.name, "kind": it.kind.as_str(),
                    "ours": it.ours.map(|id| id.to_string()), "theirs": it.theirs.map(|id| id.to_string()),
                })
            };
            shown.foreign.iter().zip(&shown.judged).map(one).collect::<Vec<_>>()
        });
        json!({
            "package": self.package, "state": self.state.as_ref().map(|(_, package)| package),
            "repository": shown.map(|shown| &shown.repository), "head": shown.map(|shown| &shown.head),
            "versions": versions.unwrap_or_default(), "foreign": foreign.unwrap_or_default(), "copy": self.copy,
        })
    }
}
