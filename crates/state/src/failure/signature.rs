//! Signatures: what failures with the same cause have in common.

use sha2::{Digest, Sha256};

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;
use crate::words::{Class, Policy};

/// Version of the rule by which messages are normalised. When it changes, [`crate::signatures`] turns old ids into
/// aliases of new ones.
pub const NORMALISER: i64 = 1;

/// As much of a message makes a signature.
const LONGEST: usize = 200;

/// Letters of a short id: none that is mistaken for another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";
/// As many of them, so that a thousand signatures share one with a probability of about 1 in 70,000.
const SHORT: usize = 7;

/// Text of a message without what differs between failures of one cause: numbers, hashes, paths, URLs, versions,
/// package and host names are replaced by the name of their kind.
pub fn normalise(message: &str, package: &str, version: Option<&str>) -> String {
    let line = message.lines().next().unwrap_or_default();
    let words: Vec<String> = line.split_whitespace().map(|word| word_kind(word, package, version)).collect();
    let mut text = words.join(" ");
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// A word, its punctuation kept.
fn word_kind(word: &str, package: &str, version: Option<&str>) -> String {
    let is_mark =
        |c: char| matches!(c, '"' | '\'' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '`' | '.' | '<' | '>');
    let inner = word.trim_matches(is_mark);
    if inner.is_empty() {
        return word.to_owned();
    }
    let kind = if inner == package {
        "PACKAGE".to_owned()
    } else if version.is_some_and(|version| inner == version) {
        "VERSION".to_owned()
    } else if inner.contains("://") {
        "URL".to_owned()
    } else if inner.contains('/') && !is_stage_and_code(inner) {
        "PATH".to_owned()
    } else if is_host(inner) {
        "HOST".to_owned()
    } else if inner.starts_with(package)
        && inner.get(package.len()..).is_some_and(|rest| rest.starts_with(['_', '-']))
    {
        "FILE".to_owned()
    } else if is_hash(inner) {
        "HASH".to_owned()
    } else if is_version(inner) {
        "VERSION".to_owned()
    } else if is_file(inner) {
        "FILE".to_owned()
    } else {
        numbers(inner)
    };
    word.replacen(inner, &kind, 1)
}

/// `fetch/connect` is no path.
fn is_stage_and_code(word: &str) -> bool {
    word.split_once('/').is_some_and(|(stage, code)| {
        matches!(
            stage,
            "poll" | "fetch" | "verify" | "unpack" | "patch" | "commit" | "publish" | "state" | "worker"
        ) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    })
}

fn is_hash(word: &str) -> bool {
    word.len() >= 8
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// `1.2-3`, `1:2.0~rc1`: it begins with a digit, and has more than one number or a mark of versions.
fn is_version(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.contains(['.', '-', '~', '+', ':'])
        && word.chars().all(|c| c.is_ascii_alphanumeric() || ".-~+:".contains(c))
}

/// `deb.debian.org`, `10.0.0.1:80`, `[::1]:80`, `localhost:8080`.
fn is_host(word: &str) -> bool {
    let (name, port) = match word.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => {
            (name, true)
        }
        _ => (word, false),
    };
    let labels: Vec<&str> = name.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_address = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
    let ends_as_domain = labels.last().is_some_and(|last| {
        last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_lowercase()) && !FILE_ENDINGS.contains(last)
    });
    let has_letters = name.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_address
        || (port && has_letters && labels.iter().all(is_label))
        || (labels.len() >= 3
            && labels.iter().all(is_label)
            && ends_as_domain
            && !word.starts_with(|c: char| c.is_ascii_digit()))
}

const FILE_ENDINGS: &[&str] = &[
    "dsc", "gz", "xz", "bz", "lzma", "zst", "tar", "diff", "patch", "txt", "git", "lock", "pack", "idx",
    "asc",
];

fn is_file(word: &str) -> bool {
    word.rsplit_once('.')
        .is_some_and(|(name, ending)| !name.is_empty() && (FILE_ENDINGS.contains(&ending) || ending == "bz2"))
}

fn numbers(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut in_number = false;
    for c in word.chars() {
        if c.is_ascii_digit() {
            if !in_number {
                text.push('N');
            }
            in_number = true;
        } else {
            in_number = false;
            text.push(c);
        }
    }
    text
}

/// The short id of a signature.
pub fn short_id(stage: &str, code: &str, text: &str) -> String {
    let digest = Sha256::digest(format!("{stage}\n{code}\n{text}"));
    digest
        .iter()
        .take(SHORT)
        .filter_map(|byte| LETTERS.get(usize::from(byte & 31)))
        .map(|&byte| char::from(byte))
        .collect()
}

/// Signature of a failure, with the policy that decides the next try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Row of the signature.
    pub id: i64,
    /// Short id, as operators type it.
    pub short: String,
    /// Policy that an operator set, if any.
    pub policy: Option<Policy>,
    /// Whether it was never seen before.
    pub is_new: bool,
}

/// Finds a signature or makes it, and notes that it was seen.
pub fn record(
    tx: &mut Tx<'_>,
    (stage, code, class): (&str, &str, Class),
    message: &str,
    text: &str,
) -> Result<Signature, StateError> {
    let now = tx.now()?;
    let short = short_id(stage, code, text);
    let sql = "SELECT id, alias_of, policy FROM signature WHERE short = ?1";
    let mut found = tx.first(sql, values![&short])?;
    if let Some(alias) = found.as_ref().and_then(|row| row.opt_int(1)) {
        found = tx.first("SELECT id, alias_of, policy FROM signature WHERE id = ?1", values![alias])?;
    }
    let is_new = found.is_none();
    let (id, policy) = match found {
        Some(row) => (row.int(0), row.opt_text(2)),
        None => {
            let id = tx.insert(
                "INSERT INTO signature (short, stage, code, text, example, normaliser, class, first_seen, last_seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                 ON CONFLICT (short) DO UPDATE SET last_seen = excluded.last_seen RETURNING id",
                values![&short, stage, code, text, message, NORMALISER, class.as_str(), now],
            )?;
            (id, None)
        }
    };
    Ok(Signature { id, short, policy: policy.and_then(|word| word.parse().ok()), is_new })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cause_gives_one_text() {
        let same = [
            ("cannot read /a/b/hello_1.dsc: connection to deb.debian.org:80 refused", "hello", Some("1")),
            ("cannot read /c/dash_2.dsc: connection to 10.0.0.1:8080 refused", "dash", Some("2")),
            ("cannot read pool/x.dsc: connection to localhost:80 refused", "x", None),
        ];
        for (message, package, version) in same {
            assert_eq!(normalise(message, package, version), "cannot read PATH: connection to HOST refused");
        }
    }

    #[test]
    fn what_differs_by_nature_is_replaced() {
        let cases = [
            ("hello_2.10.orig.tar.gz has size 17, not 4711", "FILE has size N, not N"),
            ("file foo.tar.xz: SHA-256 is 0a1b2c3d4e5f, not 99", "file FILE: SHA-N is HASH, not N"),
            ("version 1:2.0~rc1-3 of hello (2.1)", "version VERSION of PACKAGE (VERSION)"),
            ("patch `fix.patch` does not apply", "patch `FILE` does not apply"),
            ("see fetch/connect and https://a.b/c?d", "see fetch/connect and URL"),
        ];
        for (message, wanted) in cases {
            assert_eq!(normalise(message, "hello", None), wanted, "{message}");
        }
    }

    #[test]
    fn ids_are_short_and_depend_on_all_parts() {
        let id = short_id("fetch", "connect", "x");
        assert_eq!(id.len(), SHORT);
        assert_ne!(id, short_id("fetch", "timeout", "x"));
        assert_ne!(id, short_id("verify", "connect", "x"));
    }
}
