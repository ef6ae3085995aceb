//! Reports about remotes for operators.

use serde::Serialize;

use super::remotes::{self, breaker_of};
use super::row::{PublishLane, counter};
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::figures::sample;
use crate::job::breaker;
use crate::values;

/// Report about a remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemoteStatus {
    /// Name of the remote.
    pub remote: String,
    /// Its template of addresses.
    pub url: String,
    /// `open` (ready for publishing), `away`, `paused`.
    pub state: String,
    /// Unix milliseconds at which it became unreachable, or until which it is paused.
    pub since: Option<i64>,
    /// Error that makes it unreachable.
    pub cause: Option<String>,
    /// Unix milliseconds of the next probe, if it is unreachable.
    pub next_probe: Option<i64>,
    /// Packages with unpublished refs.
    pub unpublished: i64,
    /// Unix milliseconds since which the oldest of them is unpublished.
    pub oldest: Option<i64>,
    /// Name of the oldest unpublished package.
    pub oldest_package: Option<String>,
    /// Error of the oldest unpublished package, if it was tried.
    pub oldest_why: Option<String>,
    /// Packages that the remote refuses.
    pub failing: i64,
    /// Packages with refs that somebody else moved there.
    pub foreign: i64,
    /// Packages with refs that the server refuses.
    pub refused: i64,
    /// Unix milliseconds of the last successful publishing there.
    pub published: Option<i64>,
    /// Abilities of its server, as JSON.
    pub abilities: Option<String>,
}

/// All remotes that are followed.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn status(tx: &mut Tx<'_>) -> Result<Vec<RemoteStatus>, StateError> {
    let now = tx.now()?;
    let mut found = Vec::new();
    for it in remotes::followed(tx)? {
        let breaker = breaker::get(tx, &breaker_of(&it.name))?.filter(|breaker| breaker.open);
        let paused = it.paused_until.filter(|until| *until > now);
        let (state, since) = match (&breaker, paused) {
            (Some(breaker), _) => ("away", Some(breaker.since)),
            (None, Some(until)) => ("paused", Some(until)),
            (None, None) => ("open", None),
        };
        let sql =
            "SELECT u.entered, p.name, u.code, u.message FROM publish u JOIN package p ON p.id = u.package_id
            WHERE u.remote_id = ?1 AND u.state <> 'done' AND u.lane < 3 ORDER BY u.failures > 0, u.entered LIMIT 1";
        let oldest = tx.first(sql, values![it.id])?;
        let why = |row: &Row| Some(format!("publish/{}: {}", row.opt_text(2)?, row.text(3)));
        let mut number = |condition: &str| -> Result<i64, StateError> {
            let sql = format!("SELECT COUNT(*) FROM publish WHERE remote_id = ?1 AND {condition}");
            Ok(tx.first(&sql, values![it.id])?.map_or(0, |row| row.int(0)))
        };
        let (failing, foreign, refused) =
            (number("failures > 0")?, number("foreign_refs > 0")?, number("refused > 0")?);
        let published =
            tx.first("SELECT MAX(published) FROM publish WHERE remote_id = ?1", values![it.id])?;
        found.push(RemoteStatus {
            state: state.to_owned(),
            since,
            cause: breaker.as_ref().and_then(|it| it.cause.clone()),
            next_probe: breaker.as_ref().and_then(|it| it.next_probe),
            unpublished: sample::counter(tx, &counter(it.id))?,
            oldest: oldest.as_ref().map(|row| row.int(0)),
            oldest_package: oldest.as_ref().map(|row| row.text(1)),
            oldest_why: oldest.as_ref().and_then(why),
            failing,
            foreign,
            refused,
            published: published.and_then(|row| row.opt_int(0)),
            remote: it.name,
            url: it.url,
            abilities: it.abilities,
        });
    }
    Ok(found)
}

/// A package on a remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageStatus {
    /// Name of the package.
    pub package: String,
    /// Name of the remote.
    pub remote: String,
    /// `pending`, `running`, `retrying`, `done`.
    pub state: String,
    /// `operator`, `upload`, `bulk`, `look`.
    pub lane: String,
    /// Unix milliseconds since which something is unpublished; `None` if everything is there.
    pub since: Option<i64>,
    /// The next try, or the next check.
    pub due: Option<i64>,
    /// Unix milliseconds at which everything was last read back.
    pub published: Option<i64>,
    /// Code of the failure.
    pub code: Option<String>,
    /// The same for a person.
    pub message: Option<String>,
    /// Number of failed tries.
    pub failures: i64,
    /// Refs that somebody else has moved.
    pub foreign: i64,
    /// Refs that the server refuses.
    pub refused: i64,
    /// Refs of kinds that the server accepts from no package.
    pub kept: i64,
    /// Refs that are foreign, refused or kept, as JSON.
    pub detail: Option<String>,
}

const OF_PACKAGE: &str = "SELECT p.name, r.name, u.state, u.lane, u.entered, u.due, u.published, u.code, u.message,
    u.failures, u.foreign_refs, u.refused, u.kept, u.detail
    FROM publish u JOIN package p ON p.id = u.package_id JOIN remote r ON r.id = u.remote_id AND r.followed IS NOT NULL";

fn package(row: &Row) -> PackageStatus {
    let lane = PublishLane::at(row.int(3));
    let state = row.text(2);
    let since = (state != "done" && lane != PublishLane::Look).then(|| row.int(4));
    PackageStatus {
        package: row.text(0),
        remote: row.text(1),
        state,
        lane: lane.as_str().to_owned(),
        since,
        due: row.opt_int(5),
        published: row.opt_int(6),
        code: row.opt_text(7),
        message: row.opt_text(8),
        failures: row.int(9),
        foreign: row.int(10),
        refused: row.int(11),
        kept: row.int(12),
        detail: row.opt_text(13),
    }
}

/// A package on all remotes.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn of_package(tx: &mut Tx<'_>, name: &str) -> Result<Vec<PackageStatus>, StateError> {
    Ok(tx
        .query(&format!("{OF_PACKAGE} WHERE p.name = ?1 ORDER BY r.name"), values![name])?
        .iter()
        .map(package)
        .collect())
}

/// Packages of a remote that cannot be published, or have foreign or refused refs, the oldest first.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn odd(tx: &mut Tx<'_>, remote: &str, at_most: i64) -> Result<Vec<PackageStatus>, StateError> {
    let sql = format!(
        "{OF_PACKAGE} WHERE r.name = ?1 AND (u.failures > 0 OR u.foreign_refs > 0 OR u.refused > 0)
         ORDER BY COALESCE(u.since, u.published), p.name LIMIT ?2"
    );
    Ok(tx.query(&sql, values![remote, at_most])?.iter().map(package).collect())
}
