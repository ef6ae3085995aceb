//! What a channel is told: put together once, with a name by which a repeat is known, and sent as it is until it was taken. One
//! at a time a channel, so that what has ended meanwhile is one message with what had begun.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::notices::{COLUMNS, Notice, notice};
use super::words::{Kind, Level};
use crate::audit;
use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

const MINUTE: i64 = 60_000;
/// Rows that are looked at for one message; more are counted.
const READ: i64 = 300;
/// The first pause of a channel that fails, and the longest.
const PAUSES: (i64, i64) = (MINUTE, 30 * MINUTE);
/// A message that was not taken for so long is given up: the channel may take the next one.
const PATIENCE: i64 = 4 * 24 * 60 * MINUTE;
/// As much of an error is kept.
const LONGEST: usize = 300;

/// What a channel wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub channel: String,
    /// What it is told at once.
    pub now: Vec<Kind>,
    /// What it is told by a digest.
    pub digest: Vec<Kind>,
    /// When, in minutes of the day in UTC; without any there is no digest.
    pub times: Vec<i64>,
    /// The pause between two messages at once, in milliseconds.
    pub pace: i64,
    /// As many are told in one message; others are counted.
    pub most: usize,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What is told, the worst first.
    pub notices: Vec<Notice>,
    /// How many of each kind there are, those that are not among `notices` included.
    pub counts: Vec<(String, i64)>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its row.
    pub id: i64,
    /// The channel.
    pub channel: String,
    /// `now` or `digest`.
    pub kind: String,
    /// By which a repeat is known.
    pub uid: String,
    /// When it was put together, in milliseconds since 1970.
    pub made: i64,
    /// What it says.
    pub content: Content,
    /// How often it was tried.
    pub tries: i64,
}

/// Puts together what a channel is to be told, if there is anything and nothing else is on its way.
///
/// # Errors
/// The database.
pub fn compose(tx: &mut Tx<'_>, rule: &Rule) -> Result<bool, StateError> {
    let now = tx.now()?;
    let sql = "SELECT told, digested, digest_due FROM channel WHERE name = ?1 AND followed IS NOT NULL @LOCK";
    let Some(row) = tx.first(sql, values![&rule.channel])? else { return Ok(false) };
    let (told, digested, digest_due) = (row.int(0), row.int(1), row.opt_int(2));
    let sql = "SELECT 1 FROM message WHERE channel = ?1 AND sent IS NULL AND given_up IS NULL";
    if tx.first(sql, values![&rule.channel])?.is_some() {
        return Ok(false);
    }
    let last = super::last(tx)?;
    let next = next_digest(&rule.times, now);
    if digest_due.is_none() || next.is_none() {
        tx.execute("UPDATE channel SET digest_due = ?2 WHERE name = ?1", values![&rule.channel, next])?;
    }
    if last > told && !is_paced(tx, rule, now)? {
        let made = put(tx, rule, "now", &rule.now, (told, last))?;
        tx.execute("UPDATE channel SET told = ?2 WHERE name = ?1", values![&rule.channel, last])?;
        if made {
            return Ok(true);
        }
    }
    // A clock that was far ahead must not keep the next digest for years.
    let is_due = digest_due.is_some_and(|due| due <= now || due > now + 2 * 24 * 60 * MINUTE);
    if !is_due || next.is_none() {
        return Ok(false);
    }
    let made = last > digested && put(tx, rule, "digest", &rule.digest, (digested, last))?;
    let sql = "UPDATE channel SET digested = ?2, digest_due = ?3 WHERE name = ?1";
    tx.execute(sql, values![&rule.channel, last, next])?;
    Ok(made)
}

/// The next time of a digest after now.
fn next_digest(times: &[i64], now: i64) -> Option<i64> {
    const DAY: i64 = 24 * 60 * MINUTE;
    let midnight = now.div_euclid(DAY) * DAY;
    let after = |days: i64| times.iter().map(move |minute| midnight + days * DAY + minute * MINUTE);
    after(0).chain(after(1)).filter(|time| *time > now).min()
}

/// Whether a message went out so shortly ago that the next one waits.
fn is_paced(tx: &mut Tx<'_>, rule: &Rule, now: i64) -> Result<bool, StateError> {
    let sql = "SELECT made FROM message WHERE channel = ?1 AND kind = 'now' ORDER BY id DESC LIMIT 1";
    let made = tx.first(sql, values![&rule.channel])?.map(|row| row.int(0));
    Ok(made.is_some_and(|made| made <= now && now - made < rule.pace))
}

fn put(
    tx: &mut Tx<'_>,
    rule: &Rule,
    kind: &str,
    kinds: &[Kind],
    (from, to): (i64, i64),
) -> Result<bool, StateError> {
    let mut found = Vec::new();
    let mut counts = Vec::new();
    for one in kinds {
        let between = values![one.as_str(), from, to];
        let sql = "SELECT COUNT(*) FROM notice WHERE kind = ?1 AND seq > ?2 AND seq <= ?3";
        let count = tx.first(sql, between)?.map_or(0, |row| row.int(0));
        if count == 0 {
            continue;
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM notice WHERE kind = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT {READ}"
        );
        let rows = tx.query(&sql, between)?;
        let merged = merged(rows.iter().map(notice).collect());
        let gone = i64::try_from(rows.len() - merged.len()).unwrap_or(0);
        counts.push((one.as_str().to_owned(), count - gone));
        found.extend(merged);
    }
    if found.is_empty() {
        return Ok(false);
    }
    // The worst first, in the order of their kinds; each kind is shown, however many there are of another.
    let share = (rule.most / counts.len().max(1)).max(1);
    let rank = |it: &Notice| kinds.iter().position(|kind| kind.as_str() == it.kind).unwrap_or(kinds.len());
    found.sort_by_key(|it| (std::cmp::Reverse(Level::of(&it.level)), rank(it), it.id));
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    found.retain(|it| {
        let some = seen.entry(it.kind.clone()).or_default();
        *some += 1;
        *some <= share
    });
    let now = tx.now()?;
    let uid = uid(tx, &rule.channel, kind, (from, to))?;
    let content = serde_json::to_string(&Content { notices: found, counts })
        .map_err(|error| StateError::Refused(format!("cannot write down a message: {error}")))?;
    tx.execute(
        "INSERT INTO message (channel, kind, uid, made, content) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![&rule.channel, kind, uid, now, content],
    )?;
    Ok(true)
}

/// What has begun and ended is one; of what has begun and become worse the newest stays.
fn merged(found: Vec<Notice>) -> Vec<Notice> {
    let mut kept: Vec<Notice> = Vec::with_capacity(found.len());
    for it in found {
        let open = kept.iter().position(|other| other.topic == it.topic && other.part == "begun");
        match (it.part.as_str(), open) {
            ("ended", Some(at)) => {
                kept.remove(at);
                kept.push(Notice { part: "passed".into(), ..it });
            }
            ("begun", Some(at)) => {
                kept.remove(at);
                kept.push(it);
            }
            _ => kept.push(it),
        }
    }
    kept
}

/// A name that is the same for the same message and for no other, whatever was restored from a backup meanwhile.
fn uid(tx: &mut Tx<'_>, channel: &str, kind: &str, (from, to): (i64, i64)) -> Result<String, StateError> {
    let (now, made) = (tx.now()?, meta::get(tx, "created")?.unwrap_or_default());
    let text = format!("{made}\n{channel}\n{kind}\n{from}\n{to}\n{now}");
    let digest = Sha256::digest(text);
    Ok(digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect())
}

/// Takes the message that a channel waits for, if it may be tried now and nobody else is sending it.
///
/// # Errors
/// The database.
pub fn claim(tx: &mut Tx<'_>, channel: &str, by: &str, lease: i64) -> Result<Option<Message>, StateError> {
    let now = tx.now()?;
    let sql = "SELECT retry FROM channel WHERE name = ?1 AND followed IS NOT NULL @LOCK";
    let Some(row) = tx.first(sql, values![channel])? else { return Ok(None) };
    // A pause that is longer than any is one of a clock that was wrong.
    if row.opt_int(0).is_some_and(|retry| now < retry && retry <= now + PAUSES.1) {
        return Ok(None);
    }
    let sql = "SELECT id, channel, kind, uid, made, content, tries, lease_until FROM message
        WHERE channel = ?1 AND sent IS NULL AND given_up IS NULL";
    let Some(row) = tx.first(sql, values![channel])? else { return Ok(None) };
    if row.opt_int(7).is_some_and(|until| now < until && until <= now + lease) {
        return Ok(None);
    }
    let sql = "UPDATE message SET lease_until = ?2, lease_by = ?3, tries = tries + 1 WHERE id = ?1";
    tx.execute(sql, values![row.int(0), now + lease, by])?;
    let content = serde_json::from_str(&row.text(5));
    let content = content.unwrap_or_else(|_| Content { notices: Vec::new(), counts: Vec::new() });
    Ok(Some(Message {
        id: row.int(0),
        channel: row.text(1),
        kind: row.text(2),
        uid: row.text(3),
        made: row.int(4),
        content,
        tries: row.int(6) + 1,
    }))
}

/// The message was taken.
///
/// # Errors
/// The database.
pub fn sent(tx: &mut Tx<'_>, message: &Message) -> Result<(), StateError> {
    let now = tx.now()?;
    let sql = "UPDATE message SET sent = ?2, lease_until = NULL WHERE id = ?1 AND sent IS NULL";
    tx.execute(sql, values![message.id, now])?;
    well(tx, &message.channel)
}

/// A channel works.
fn well(tx: &mut Tx<'_>, channel: &str) -> Result<(), StateError> {
    let now = tx.now()?;
    let sql = "UPDATE channel SET sent = ?2, failing = NULL, failures = 0, error = NULL, retry = NULL WHERE name = ?1";
    tx.execute(sql, values![channel, now]).map(drop)
}

/// Somebody has just seen that a channel works: what waits for it is tried now.
///
/// # Errors
/// The database.
pub fn hurry(tx: &mut Tx<'_>, channel: &str) -> Result<(), StateError> {
    tx.execute("UPDATE channel SET retry = NULL WHERE name = ?1", values![channel]).map(drop)
}

/// The message was not taken: the channel pauses, longer each time; after days it is given up.
///
/// # Errors
/// The database.
pub fn failed(tx: &mut Tx<'_>, message: &Message, why: &str) -> Result<(), StateError> {
    let now = tx.now()?;
    let why: String = why.replace('\0', " ").chars().take(LONGEST).collect();
    let sql = "SELECT failures FROM channel WHERE name = ?1 @LOCK";
    let failures = tx.first(sql, values![&message.channel])?.map_or(0, |row| row.int(0)) + 1;
    let pause = (PAUSES.0 << (failures - 1).clamp(0, 10)).min(PAUSES.1);
    tx.execute(
        "UPDATE channel SET failing = COALESCE(failing, ?2), failures = ?3, error = ?4, retry = ?5 WHERE name = ?1",
        values![&message.channel, now, failures, why.as_str(), now + pause],
    )?;
    tx.execute("UPDATE message SET lease_until = NULL WHERE id = ?1", values![message.id])?;
    if now - message.made < PATIENCE {
        return Ok(());
    }
    tx.execute("UPDATE message SET given_up = ?2 WHERE id = ?1 AND sent IS NULL", values![message.id, now])?;
    let what = format!("{} of {}, tried {} times", message.kind, message.uid, message.tries);
    audit::record(tx, "package-import", "message-given-up", &message.channel, Some(&why), Some(&what), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_at_their_times() {
        let at = |hour: i64, minute: i64| (hour * 60 + minute) * MINUTE;
        let day = 24 * 60 * MINUTE;
        assert_eq!(next_digest(&[], 0), None);
        assert_eq!(next_digest(&[420], at(6, 59)), Some(at(7, 0)));
        assert_eq!(next_digest(&[420], at(7, 0)), Some(day + at(7, 0)));
        assert_eq!(next_digest(&[420, 1020], at(7, 0)), Some(at(17, 0)));
        assert_eq!(next_digest(&[0], at(23, 59)), Some(day));
    }
}
