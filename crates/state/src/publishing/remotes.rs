//! The remotes: which ones are followed, the abilities of their servers, and their pauses.

use crate::audit::{self, By};
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::job::breaker;
use crate::values;

/// A remote as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Row of the remote.
    pub id: i64,
    /// Name of the remote.
    pub name: String,
    /// Its template of addresses.
    pub url: String,
    /// Unix milliseconds since which it is followed; `None` if it is not.
    pub followed: Option<i64>,
    /// Abilities of its server, as the publisher wrote them.
    pub abilities: Option<String>,
    /// Unix milliseconds until which the server wants no requests.
    pub paused_until: Option<i64>,
    /// True when all packages were asked for since it is followed.
    pub is_filled: bool,
}

const COLUMNS: &str = "id, name, url, followed, abilities, paused_until, filled";

fn remote(row: &Row) -> Remote {
    Remote {
        id: row.int(0),
        name: row.text(1),
        url: row.text(2),
        followed: row.opt_int(3),
        abilities: row.opt_text(4),
        paused_until: row.opt_int(5),
        is_filled: row.opt_int(6).is_none(),
    }
}

/// The name of a remote's breaker.
pub fn breaker_of(name: &str) -> String {
    format!("{BREAKER}{name}")
}

/// True when a breaker is that of a remote.
pub fn is_of_remote(breaker: &str) -> bool {
    breaker.starts_with(BREAKER)
}

/// Beginning of the names of remotes' breakers.
const BREAKER: &str = "remote:";

/// All remotes that are followed, by name.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn followed(tx: &mut Tx<'_>) -> Result<Vec<Remote>, StateError> {
    let sql = format!("SELECT {COLUMNS} FROM remote WHERE followed IS NOT NULL ORDER BY name");
    Ok(tx.query(&sql, &[])?.iter().map(remote).collect())
}

/// True when a configured remote is not followed, or with another address.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn is_news(tx: &mut Tx<'_>, wanted: &[(&str, &str)]) -> Result<bool, StateError> {
    let known = followed(tx)?;
    Ok(wanted.iter().any(|(name, url)| !known.iter().any(|it| it.name == *name && it.url == *url)))
}

/// Follows the remotes of a configuration. One that is new, or has another address, is filled with all packages. Others
/// stay: another host may publish there.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn follow(tx: &mut Tx<'_>, wanted: &[(&str, &str)], by: &str) -> Result<(), StateError> {
    let sql = format!("SELECT {COLUMNS} FROM remote ORDER BY id @LOCK");
    let known: Vec<Remote> = tx.query(&sql, &[])?.iter().map(remote).collect();
    let now = tx.now()?;
    for (name, url) in wanted {
        let before = known.iter().find(|it| it.name == *name);
        if before.is_some_and(|it| it.followed.is_some() && it.url == *url) {
            continue;
        }
        tx.execute(
            "INSERT INTO remote (name, url, followed, filled) VALUES (?1, ?2, ?3, 0) ON CONFLICT (name) DO UPDATE SET
                url = excluded.url, followed = excluded.followed, filled = 0, abilities = NULL, paused_until = NULL",
            values![*name, *url, now],
        )?;
        let was = before.map(|it| it.url.as_str());
        audit::record(tx, by, "remote-followed", name, None, was, Some(url))?;
    }
    Ok(())
}

/// The address of a followed remote.
///
/// # Errors
/// [`StateError::Unknown`] if no remote with this name is followed.
pub fn url(tx: &mut Tx<'_>, name: &str) -> Result<String, StateError> {
    let all = followed(tx)?;
    if let Some(found) = all.iter().find(|it| it.name == name) {
        return Ok(found.url.clone());
    }
    let known: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
    let known = if known.is_empty() { "there is none".into() } else { known.join(", ") };
    Err(StateError::Unknown(format!("no remote {name} is followed ({known})")))
}

/// Stops following a remote: missing refs there are no lag any more.
///
/// # Errors
/// [`StateError::Unknown`] if none of this name is followed.
pub fn leave(tx: &mut Tx<'_>, name: &str, by: By<'_>) -> Result<(), StateError> {
    let left = tx.execute(
        "UPDATE remote SET followed = NULL WHERE name = ?1 AND followed IS NOT NULL",
        values![name],
    )?;
    if left == 0 {
        return url(tx, name).map(drop);
    }
    audit::record(tx, by.actor, "remote-left", name, by.reason, None, None)
}

/// The remotes that can be published to now: followed, their breakers closed, not paused.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn open(tx: &mut Tx<'_>) -> Result<Vec<Remote>, StateError> {
    let now = tx.now()?;
    let mut found = followed(tx)?;
    found.retain(|it| it.paused_until.is_none_or(|until| until <= now));
    let shut: Vec<String> = breaker::list_open(tx)?.into_iter().map(|it| it.name).collect();
    found.retain(|it| !shut.contains(&breaker_of(&it.name)));
    Ok(found)
}

/// Records the abilities of a server.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn note_abilities(tx: &mut Tx<'_>, id: i64, abilities: &str) -> Result<(), StateError> {
    tx.execute("UPDATE remote SET abilities = ?2 WHERE id = ?1", values![id, abilities])?;
    Ok(())
}

/// Leaves a remote alone for a time, in milliseconds.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn pause(tx: &mut Tx<'_>, id: i64, milliseconds: i64) -> Result<(), StateError> {
    let until = tx.now()? + milliseconds;
    tx.execute(
        "UPDATE remote SET paused_until = ?2 WHERE id = ?1 AND COALESCE(paused_until, 0) < ?2",
        values![id, until],
    )?;
    Ok(())
}
