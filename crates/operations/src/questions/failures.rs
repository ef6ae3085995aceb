//! Failures, by signature and by package.

use std::time::Duration;

use serde::Serialize;
use state::StateError;
use state::read::failures::{self, Failing, Filter, Group};
use state::repair::findings::{self, Count};
use state::tx::Tx;
use state::words::{Class, FailureState};

use crate::error::Error;
use crate::installation::Opened;

/// Signatures that [`signatures`] has at most.
const LISTED: i64 = 1000;

/// Filter for failures.
#[derive(Clone, Debug, Default)]
pub struct FailuresWanted {
    /// With this signature, by its short id.
    pub signature: Option<String>,
    /// Only those of this class.
    pub class: Option<Class>,
    /// Only those in this state.
    pub state: Option<FailureState>,
    /// That began within this time.
    pub since: Option<Duration>,
    /// The packages, not only the causes; a signature or a state asks for them, too.
    pub packages: bool,
    /// Largest number of each.
    pub limit: u32,
}

/// The failures.
#[derive(Debug, Serialize)]
pub struct Failures {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The signatures.
    pub signatures: Vec<Group>,
    /// The packages, if they were asked for.
    pub packages: Vec<Failing>,
    /// Number of signatures and of packages without the limit.
    pub all: (i64, i64),
    /// Findings of repositories, by code, as of the last look; empty if failures are left out, and for a past time.
    pub findings: Vec<Count>,
}

/// Signatures that something fails with.
#[derive(Debug, Serialize)]
pub struct Signatures {
    /// The signatures.
    pub signatures: Vec<Group>,
}

impl FailuresWanted {
    /// True when packages are asked for.
    pub fn by_package(&self) -> bool {
        self.packages || self.signature.is_some() || self.state.is_some()
    }

    /// True when some failures are left out.
    pub fn is_narrowed(&self) -> bool {
        self.by_package() || self.class.is_some() || self.since.is_some()
    }
}

/// Failures by signature, and by package if that is asked for.
///
/// # Errors
/// There is no such signature, or the state cannot be read.
pub fn failures(at: &Opened, wanted: &FailuresWanted) -> Result<Failures, Error> {
    let limit = i64::from(wanted.limit);
    Ok(at.store.read(|tx| {
        let now = tx.now()?;
        let since = wanted.since.map(|span| now - i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
        let signature = wanted.signature.as_deref().map(|id| known(tx, id)).transpose()?;
        let signature = signature.map(|group| group.signature);
        let filter = Filter { signature, class: wanted.class, state: wanted.state, since };
        Ok(Failures {
            now,
            signatures: failures::groups(tx, &filter, limit)?,
            all: failures::count(tx, &filter)?,
            findings: if wanted.is_narrowed() { Vec::new() } else { findings::summary(tx)? },
            packages: if wanted.by_package() { failures::packages(tx, &filter, limit)? } else { Vec::new() },
        })
    })?)
}

/// All signatures that something fails with.
///
/// # Errors
/// The state cannot be read.
pub fn signatures(at: &Opened) -> Result<Signatures, Error> {
    Ok(Signatures { signatures: at.store.read(|tx| failures::groups(tx, &Filter::default(), LISTED))? })
}

/// A signature by its short id; an old id is an alias.
///
/// # Errors
/// There is no such signature, or the state cannot be read.
pub fn signature(at: &Opened, id: &str) -> Result<Group, Error> {
    Ok(at.store.read(|tx| known(tx, id))?)
}

fn known(tx: &mut Tx<'_>, id: &str) -> Result<Group, StateError> {
    failures::signature(tx, id)?.ok_or_else(|| {
        StateError::Unknown(format!("there is no signature {id}; `package-import signature list` lists them"))
    })
}
