//! Transitions: what began, ended or happened once.

use serde::{Deserialize, Serialize};

use super::words::{Kind, Level};
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;

const MINUTE: i64 = 60_000;
/// What begins is told after so long: what has ended by then is one message.
pub const SETTLING: i64 = MINUTE;
/// What ends is told after so long: what begins again by then has not ended.
pub const LINGERING: i64 = 5 * MINUTE;
/// As much of a line, and of a sentence, is kept, in characters.
const LONGEST: usize = 400;
/// As many sentences.
const ITEMS: usize = 20;

/// Something that is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New {
    /// What it is.
    pub kind: Kind,
    /// What a beginning and its end have in common.
    pub topic: String,
    /// How bad it is.
    pub level: Level,
    /// What it is about: a package, a signature, a host.
    pub subject: String,
    /// It, in one line.
    pub line: String,
    /// More sentences about it.
    pub items: Vec<String>,
    /// What to type.
    pub hints: Vec<String>,
}

/// Something that is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its number.
    pub id: i64,
    /// What a beginning and its end have in common.
    pub topic: String,
    /// What it is, as a word.
    pub kind: String,
    /// `once`, `begun`, `ended` or `passed`.
    pub part: String,
    /// `ok`, `warning` or `critical`.
    pub level: String,
    /// What it is about.
    pub subject: String,
    /// It, in one line.
    pub line: String,
    /// More sentences about it.
    pub items: Vec<String>,
    /// What to type.
    pub hints: Vec<String>,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// Since when, of what has ended or become worse.
    pub began: Option<i64>,
}

pub(super) const COLUMNS: &str = "id, topic, kind, part, level, subject, line, items, hints, at, began";

pub(super) fn notice(row: &Row) -> Notice {
    let list = |text: String| serde_json::from_str(&text).unwrap_or_default();
    Notice {
        id: row.int(0),
        topic: row.text(1),
        kind: row.text(2),
        part: row.text(3),
        level: row.text(4),
        subject: row.text(5),
        line: row.text(6),
        items: list(row.text(7)),
        hints: list(row.text(8)),
        at: row.int(9),
        began: row.opt_int(10),
    }
}

/// The newest of a topic.
struct Newest {
    id: i64,
    part: String,
    level: Level,
    at: i64,
    began: Option<i64>,
    is_placed: bool,
}

fn newest(tx: &mut Tx<'_>, topic: &str) -> Result<Option<Newest>, StateError> {
    let sql = "SELECT id, part, level, at, began, seq FROM notice WHERE topic = ?1 ORDER BY id DESC LIMIT 1";
    Ok(tx.first(sql, values![topic])?.map(|row| Newest {
        id: row.int(0),
        part: row.text(1),
        level: Level::of(&row.text(2)),
        at: row.int(3),
        began: row.opt_int(4),
        is_placed: row.opt_int(5).is_some(),
    }))
}

/// Says something that neither begins nor ends.
///
/// # Errors
/// The database.
pub fn once(tx: &mut Tx<'_>, new: &New) -> Result<(), StateError> {
    let now = tx.now()?;
    insert(tx, new, "once", None, now)
}

/// Says that something has begun. Said again it changes nothing, unless it has become worse.
///
/// # Errors
/// The database.
pub fn begin(tx: &mut Tx<'_>, new: &New) -> Result<(), StateError> {
    let now = tx.now()?;
    let Some(last) = newest(tx, &new.topic)? else { return insert(tx, new, "begun", None, now + SETTLING) };
    match (last.part.as_str(), last.is_placed) {
        ("begun", _) if last.level >= new.level => Ok(()),
        ("begun", false) => {
            let sql = "UPDATE notice SET level = ?2, line = ?3, hints = ?4 WHERE id = ?1";
            let hints = list(&new.hints);
            tx.execute(sql, values![last.id, new.level.as_str(), cut(&new.line), hints]).map(drop)
        }
        ("begun", true) => insert(tx, new, "begun", last.began.or(Some(last.at)), now + SETTLING),
        // It has not ended: nobody was told so.
        ("ended", false) => tx.execute("DELETE FROM notice WHERE id = ?1", values![last.id]).map(drop),
        ("passed", false) => {
            let sql =
                "UPDATE notice SET part = 'begun', level = ?2, line = ?3, at = COALESCE(began, at), began = NULL,
                due = ?4 WHERE id = ?1";
            tx.execute(sql, values![last.id, new.level.as_str(), cut(&new.line), now]).map(drop)
        }
        _ => insert(tx, new, "begun", None, now + SETTLING),
    }
}

/// Says that what had begun has ended; `line` gets the time since when it was. What had not begun has not ended.
///
/// # Errors
/// The database.
pub fn end(
    tx: &mut Tx<'_>,
    topic: &str,
    items: &[String],
    line: impl FnOnce(i64) -> String,
) -> Result<(), StateError> {
    let Some(last) = newest(tx, topic)?.filter(|last| last.part == "begun") else { return Ok(()) };
    let now = tx.now()?;
    let began = last.began.unwrap_or(last.at);
    let (line, due) = (cut(&line(began)), now + LINGERING);
    if last.is_placed {
        let sql = "INSERT INTO notice (topic, kind, part, level, subject, line, items, hints, at, began, due)
            SELECT topic, kind, 'ended', 'ok', subject, ?2, ?3, '[]', ?4, ?5, ?6 FROM notice WHERE id = ?1";
        return tx.execute(sql, values![last.id, line, list(items), now, began, due]).map(drop);
    }
    let sql = "UPDATE notice SET part = 'passed', level = 'ok', line = ?2, items = ?3, at = ?4, began = ?5, due = ?6
        WHERE id = ?1";
    tx.execute(sql, values![last.id, line, list(items), now, began, due]).map(drop)
}

/// Since when something has been said to go on; nothing if it does not.
///
/// # Errors
/// The database.
pub fn since(tx: &mut Tx<'_>, topic: &str) -> Result<Option<i64>, StateError> {
    let last = newest(tx, topic)?.filter(|last| last.part == "begun");
    Ok(last.map(|last| last.began.unwrap_or(last.at)))
}

fn insert(tx: &mut Tx<'_>, new: &New, part: &str, began: Option<i64>, due: i64) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "INSERT INTO notice (topic, kind, part, level, subject, line, items, hints, at, began, due)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        values![
            &new.topic,
            new.kind.as_str(),
            part,
            new.level.as_str(),
            cut(&new.subject),
            cut(&new.line),
            list(&new.items),
            list(&new.hints),
            now,
            began,
            due
        ],
    )?;
    Ok(())
}

fn list(texts: &[String]) -> String {
    let cut: Vec<String> = texts.iter().take(ITEMS).map(|text| cut(text)).collect();
    serde_json::to_string(&cut).unwrap_or_else(|_| "[]".into())
}

/// One line of bounded length: what is told comes from packages and servers. PostgreSQL stores no NUL.
fn cut(text: &str) -> String {
    let line = text.replace('\0', " ");
    let mut words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(LONGEST) {
        words.truncate(end);
        words.push_str("...");
    }
    words
}

/// The newest of some kinds, newest first: those that a feed shows.
///
/// # Errors
/// The database.
pub fn newest_of(tx: &mut Tx<'_>, kinds: &[Kind], at_most: i64) -> Result<Vec<Notice>, StateError> {
    let mut found = Vec::new();
    for kind in kinds {
        let sql = format!("SELECT {COLUMNS} FROM notice WHERE kind = ?1 ORDER BY id DESC LIMIT ?2");
        found.extend(tx.query(&sql, values![kind.as_str(), at_most])?.iter().map(notice));
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.id));
    found.truncate(usize::try_from(at_most).unwrap_or(usize::MAX));
    Ok(found)
}
