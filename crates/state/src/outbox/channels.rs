//! Where it is told: which channels are followed, and how each gets on.

use serde::Serialize;

use crate::audit;
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;

/// A channel as its row says. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// Its name.
    pub channel: String,
    /// `mail` or the template of a webhook.
    pub kind: String,
    /// The host that has it in its configuration.
    pub host: String,
    /// Since when it is told.
    pub followed: Option<i64>,
    /// When it was told something last.
    pub sent: Option<i64>,
    /// Since when it fails.
    pub failing: Option<i64>,
    /// How often it failed in a row.
    pub failures: i64,
    /// Why.
    pub error: Option<String>,
    /// When it is tried again.
    pub retry: Option<i64>,
    /// When its next digest is due.
    pub digest_due: Option<i64>,
    /// How much it was not told yet, at once or by the next digest.
    pub waiting: i64,
}

const COLUMNS: &str = "SELECT name, kind, host, followed, sent, failing, failures, error, retry, digest_due,
    (SELECT COUNT(*) FROM (SELECT 1 AS one FROM message m WHERE m.channel = c.name AND m.sent IS NULL
        AND m.given_up IS NULL) unsent)
    FROM channel c";

fn channel(row: &Row) -> Channel {
    Channel {
        channel: row.text(0),
        kind: row.text(1),
        host: row.text(2),
        followed: row.opt_int(3),
        sent: row.opt_int(4),
        failing: row.opt_int(5),
        failures: row.int(6),
        error: row.opt_text(7),
        retry: row.opt_int(8),
        digest_due: row.opt_int(9),
        waiting: row.int(10),
    }
}

/// All that are followed, by name.
///
/// # Errors
/// The database.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Channel>, StateError> {
    let sql = format!("{COLUMNS} WHERE followed IS NOT NULL ORDER BY name");
    Ok(tx.query(&sql, &[])?.iter().map(channel).collect())
}

/// One by its name, if it is followed.
///
/// # Errors
/// The database.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<Channel>, StateError> {
    let sql = format!("{COLUMNS} WHERE followed IS NOT NULL AND name = ?1");
    Ok(tx.first(&sql, values![name])?.as_ref().map(channel))
}

/// Whether the channels of a host's configuration are not followed as they stand there.
///
/// # Errors
/// The database.
pub fn is_news(tx: &mut Tx<'_>, wanted: &[(&str, &str)], host: &str) -> Result<bool, StateError> {
    let known = list(tx)?;
    let is_known =
        |(name, kind): &(&str, &str)| known.iter().any(|it| it.channel == *name && it.kind == *kind);
    let is_left = |it: &Channel| it.host == host && !wanted.iter().any(|(name, _)| *name == it.channel);
    Ok(!wanted.iter().all(is_known) || known.iter().any(is_left))
}

/// Follows the channels of a host's configuration, each a name and a kind: one that is new is told what comes from now on. Those
/// that this host had and has no more are left; those of other hosts stay.
///
/// # Errors
/// The database.
pub fn follow(tx: &mut Tx<'_>, wanted: &[(&str, &str)], host: &str) -> Result<(), StateError> {
    let (now, place) = (tx.now()?, super::last(tx)?);
    let known = list(tx)?;
    for (name, kind) in wanted {
        let before = known.iter().find(|it| it.channel == *name);
        if before.is_some_and(|it| it.kind == *kind) {
            continue;
        }
        tx.execute(
            "INSERT INTO channel (name, kind, host, followed, told, digested) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
             ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, host = excluded.host,
                told = CASE WHEN channel.followed IS NULL THEN excluded.told ELSE channel.told END,
                digested = CASE WHEN channel.followed IS NULL THEN excluded.digested ELSE channel.digested END,
                followed = COALESCE(channel.followed, excluded.followed), retry = NULL",
            values![*name, *kind, host, now, place],
        )?;
        audit::record(
            tx,
            host,
            "channel-followed",
            name,
            None,
            before.map(|it| it.kind.as_str()),
            Some(kind),
        )?;
    }
    let left =
        known.iter().filter(|it| it.host == host && !wanted.iter().any(|(name, _)| *name == it.channel));
    for it in left {
        tx.execute(
            "UPDATE channel SET followed = NULL, failing = NULL, failures = 0, error = NULL, retry = NULL,
                digest_due = NULL WHERE name = ?1",
            values![&it.channel],
        )?;
        tx.execute(
            "UPDATE message SET given_up = ?2 WHERE channel = ?1 AND sent IS NULL AND given_up IS NULL",
            values![&it.channel, now],
        )?;
        audit::record(tx, host, "channel-left", &it.channel, None, Some(&it.kind), None)?;
    }
    Ok(())
}
