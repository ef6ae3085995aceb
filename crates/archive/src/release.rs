//! The signed index of a suite (`Release`), and what it says about the lists of source packages.

use std::collections::BTreeMap;

use source_package::control::Stanza;
use source_package::date::Date;

use crate::problem::Problem;

/// How far in the future an index may be dated: clocks differ.
const FUTURE: i64 = 3600;

/// What is used of a `Release` file. It is read only after its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// When it was made, in seconds since 1970.
    pub date: i64,
    /// Until when it may be used.
    pub valid_until: Option<i64>,
    /// `Codename`.
    pub codename: Option<String>,
    /// `Suite`.
    pub suite: Option<String>,
    /// Whether files are there under their hashes, too.
    pub by_hash: bool,
    /// The lists of source packages, by component; a flat archive has one, whose component is empty.
    pub sources: BTreeMap<String, Lists>,
}

/// The forms in which one list of source packages is offered, by the ending of its name (empty for plain text).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Where they are below the suite: `main/source/Sources`.
    pub path: String,
    forms: BTreeMap<String, Listed>,
}

/// A file as the index lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Bytes.
    pub size: u64,
    /// SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

/// Endings in the order in which they are wanted: the smallest first.
const ENDINGS: [&str; 7] = [".xz", ".zst", ".lzma", ".bz2", ".gz", "", ".lz4"];

impl Lists {
    /// The forms that can be read, the best first, as ending and entry.
    pub fn readable(&self) -> impl Iterator<Item = (&'static str, &Listed)> {
        let known = ENDINGS.iter().filter(|ending| **ending != ".lz4");
        known.filter_map(|ending| Some((*ending, self.forms.get(*ending)?)))
    }

    /// The list without compression, which most archives name even where they do not offer it.
    pub fn plain(&self) -> Option<&Listed> {
        self.forms.get("")
    }

    /// What tells this list from another: the hash of the plain one, else of the best form.
    pub fn mark(&self) -> Option<&Listed> {
        self.plain().or_else(|| self.readable().next().map(|(_, listed)| listed))
    }
}

impl Release {
    /// Reads the text that the signature covers.
    pub fn parse(text: &[u8]) -> Result<Release, Problem> {
        let stanza = Stanza::parse(text).map_err(|error| Problem::BadRelease(error.to_string()))?;
        let date_of = |field: &str| {
            let Some(text) = stanza.get(field) else { return Ok(None) };
            parse_date(text).map(Some).ok_or_else(|| bad(format!("{field} is no date: {text:?}")))
        };
        let name = |field: &str| stanza.get(field).map(str::trim).filter(|text| !text.is_empty());
        let Some(sums) = stanza.get("SHA256") else { return Err(bad("it has no SHA256".to_owned())) };
        Ok(Release {
            date: date_of("Date")?.ok_or_else(|| bad("it has no Date".to_owned()))?,
            valid_until: date_of("Valid-Until")?,
            codename: name("Codename").map(str::to_owned),
            suite: name("Suite").map(str::to_owned),
            by_hash: name("Acquire-By-Hash") == Some("yes"),
            sources: read_sums(sums)?,
        })
    }

    /// Whether this is the index that was asked for, as apt has it: the name is the codename or the suite; where it has
    /// several parts, without the last one (`buster/updates`). A flat archive need not have names.
    pub fn check_name(&self, asked: &str) -> Result<(), Problem> {
        let is = |name: &str| [&self.codename, &self.suite].into_iter().flatten().any(|own| own == name);
        if is(asked) {
            return Ok(());
        }
        let shorter = asked.rsplit_once('/').map_or(asked, |(front, _)| front);
        let nameless = self.codename.is_none() && self.suite.is_none() && asked.ends_with('/');
        if nameless || shorter.is_empty() || shorter == "." || is(shorter) {
            return Ok(());
        }
        let names: Vec<&str> =
            [&self.codename, &self.suite].into_iter().flatten().map(String::as_str).collect();
        let found = if names.is_empty() { "no suite".to_owned() } else { names.join(" or ") };
        Err(Problem::WrongSuite { asked: asked.to_owned(), found })
    }

    /// Whether it may be used now.
    pub fn check_time(&self, now: i64, end_of_life: bool) -> Result<(), Problem> {
        if self.date > now.saturating_add(FUTURE) {
            return Err(Problem::FromFuture(show_date(self.date)));
        }
        check_valid_until(self.valid_until, now, end_of_life)
    }
}

/// Archives stop renewing the index of a suite that has come to its end.
pub(crate) fn check_valid_until(until: Option<i64>, now: i64, end_of_life: bool) -> Result<(), Problem> {
    match until {
        Some(until) if until < now && !end_of_life => Err(Problem::Expired(show_date(until))),
        _ => Ok(()),
    }
}

fn bad(text: String) -> Problem {
    Problem::BadRelease(text)
}

/// Keeps the lists of source packages; everything else is of no interest here.
fn read_sums(text: &str) -> Result<BTreeMap<String, Lists>, Problem> {
    let mut sources: BTreeMap<String, Lists> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_ascii_whitespace();
        let (Some(sha256), Some(size), Some(name)) = (words.next(), words.next(), words.next()) else {
            return Err(bad(format!("a line of SHA256: {line:?}")));
        };
        let Some((component, path, ending)) = split_name(name) else { continue };
        let hexadecimal = sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let (Ok(size), 64, true) = (size.parse(), sha256.len(), hexadecimal) else {
            return Err(bad(format!("a line of SHA256: {line:?}")));
        };
        let lists = sources.entry(component.to_owned()).or_default();
        path.clone_into(&mut lists.path);
        let listed = Listed { size, sha256: sha256.to_owned() };
        if lists.forms.insert(ending.to_owned(), listed.clone()).is_some_and(|other| other != listed) {
            return Err(bad(format!("{name} is listed twice")));
        }
    }
    Ok(sources)
}

/// Component, path without ending, and ending of `main/source/Sources.xz`; of a flat archive's `Sources.xz`.
fn split_name(name: &str) -> Option<(&str, &str, &str)> {
    let at = name.rfind("Sources")?;
    let (front, rest) = name.split_at(at);
    let ending = rest.strip_prefix("Sources")?;
    let path = name.get(..at + "Sources".len())?;
    if !ENDINGS.contains(&ending) {
        return None;
    }
    if matches!(front, "" | "./") {
        return Some(("", "Sources", ending));
    }
    let component = front.strip_suffix("/source/")?;
    crate::config::is_path(component).then_some((component, path, ending))
}

/// Reads a date as archives write it: `Sat, 06 Sep 2025 09:33:48 UTC`. Nothing is mended: a date that was misread
/// could make an old index a new one.
pub fn parse_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"];
    let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.first().is_some_and(|word| DAYS.contains(word)) {
        words.remove(0);
    }
    let [day, month, year, time, zone] = words[..] else { return None };
    let number = |text: &str, digits: usize, max: u32| {
        let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| fits && *number <= max)
    };
    let day_number = number(day, day.len().clamp(1, 2), 31)?;
    number(year, 4, 9999)?;
    let parts: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = parts[..] else { return None };
    number(hour, 2, 23)?;
    number(minute, 2, 59)?;
    number(second, 2, 60)?;
    let named = matches!(zone, "UTC" | "GMT" | "Z" | "+0000" | "-0000");
    if !named || !MONTHS.contains(&month) || day_number == 0 {
        return None;
    }
    Date::parse(&format!("{day} {month} {year} {time} +0000")).map(|date| date.seconds)
}

/// A moment for a person: `2025-09-06 09:33Z`.
pub(crate) fn show_date(seconds: i64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ")
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
