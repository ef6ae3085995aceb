//! What becomes true by time alone: no transaction changes it, so it is looked for.

use super::notices;
use super::texts;
use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::figures::sample;
use crate::publishing::remotes::{breaker_of, followed};
use crate::publishing::row::counter;
use crate::values;

/// From when on something is too old, in milliseconds; what is not set is not looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// The last backup.
    pub backup: Option<i64>,
    /// What is imported and not on a remote.
    pub remote: Option<i64>,
}

/// Looks, and says what has begun and ended.
///
/// # Errors
/// The database.
pub fn look(tx: &mut Tx<'_>, ages: &Ages) -> Result<(), StateError> {
    let now = tx.now()?;
    if let Some(age) = ages.backup {
        let last = meta::number(tx, meta::LAST_BACKUP)?;
        // The age counts from the installation on, as the check counts it.
        let since = last.or(meta::number(tx, "created")?).unwrap_or(now);
        if now - since > age {
            notices::begin(tx, &texts::backup(last))?;
        } else {
            notices::end(tx, texts::BACKUP, &[], |_| "a backup was taken".into())?;
        }
    }
    let Some(age) = ages.remote else { return Ok(()) };
    for remote in followed(tx)? {
        let sql = "SELECT entered FROM publish WHERE remote_id = ?1 AND state <> 'done' AND lane < 3 AND failures = 0
            ORDER BY entered LIMIT 1";
        let oldest = tx.first(sql, values![remote.id])?.map(|row| row.int(0));
        let sql = "SELECT state, since FROM dependency WHERE name = ?1";
        let breaker = tx.first(sql, values![breaker_of(&remote.name)])?;
        let is_away = breaker.as_ref().is_some_and(|row| row.text(0) == "open");
        // What piled up while it was away has its time from when it came back.
        let back = breaker.filter(|_| !is_away).map_or(i64::MIN, |row| row.int(1));
        match oldest.filter(|oldest| now - (*oldest).max(back) > age) {
            Some(oldest) if !is_away => {
                let packages = sample::counter(tx, &counter(remote.id))?;
                notices::begin(tx, &texts::behind(&remote.name, packages, oldest))?;
            }
            Some(_) => {}
            None if is_away => {}
            None => {
                let name = &remote.name;
                notices::end(tx, &texts::behind_topic(name), &[], |began| {
                    format!("remote {name} is not behind any more: it was for {}", texts::span(now - began))
                })?;
            }
        }
    }
    Ok(())
}
