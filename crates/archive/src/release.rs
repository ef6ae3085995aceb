//! The signed index of a suite (`Release`), and its entries for the lists of source packages.

use std::collections::BTreeMap;

use crate::dates::{parse_date, show_date};
use crate::problem::Problem;

/// Seconds that an index may be dated in the future, because clocks differ.
const FUTURE: i64 = 3600;

/// Used content of a `Release` file. It is read only after its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Seconds since 1970 of its `Date`; 0 if it has none.
    pub date: i64,
    /// Seconds since 1970 until which it may be used (`Valid-Until`).
    pub valid_until: Option<i64>,
    /// Value of `Codename`.
    pub codename: Option<String>,
    /// Value of `Suite`.
    pub suite: Option<String>,
    /// True when files are available under their hashes, too (`Acquire-By-Hash`).
    pub by_hash: bool,
    /// The lists of source packages, by component; a flat archive has one, whose component is empty.
    pub sources: BTreeMap<String, Lists>,
    /// Remarks about an index that can be used.
    pub remarks: Vec<String>,
}

/// The forms in which one list of source packages is offered, by the ending of its name (empty for plain text).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Path below the suite, such as `main/source/Sources`.
    pub path: String,
    forms: BTreeMap<String, Listed>,
}

/// A file as the index lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Size in bytes.
    pub size: u64,
    /// By which its content is known.
    pub algorithm: Algorithm,
    /// The hash, in lower-case hexadecimal.
    pub sum: String,
}

/// Hash algorithm that an index may be trusted for. MD5 and SHA-1 are not accepted, as by apt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The field of the index, and the folder below `by-hash`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
        }
    }

    fn digits(self) -> usize {
        match self {
            Algorithm::Sha256 => 64,
            Algorithm::Sha512 => 128,
        }
    }
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

    /// Identity of the list: the hash of the uncompressed form, else of the best one.
    pub fn mark(&self) -> Option<&Listed> {
        self.plain().or_else(|| self.readable().next().map(|(_, listed)| listed))
    }
}

impl Release {
    /// Reads the text that the signature covers.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRelease`] for a text that is no index, that says two things of one, or that has no hash that counts.
    pub fn parse(text: &[u8]) -> Result<Release, Problem> {
        let fields = Fields::read(&String::from_utf8_lossy(text))?;
        let mut remarks = Vec::new();
        let date = match fields.get("Date").map(|text| (text, parse_date(text))) {
            Some((_, Some(date))) => date,
            Some((text, None)) => {
                remarks.push(format!(
                    "the index has the Date {text:?}, which cannot be read: its age is not known"
                ));
                0
            }
            None => {
                remarks.push("the index has no Date: its age is not known".to_owned());
                0
            }
        };
        let valid_until = match fields.get("Valid-Until") {
            // A date that cannot be read must not make an index valid for ever.
            Some(text) => {
                Some(parse_date(text).ok_or_else(|| bad(format!("Valid-Until is no date: {text:?}")))?)
            }
            None => None,
        };
        let sums = [Algorithm::Sha256, Algorithm::Sha512]
            .into_iter()
            .find_map(|algorithm| Some((algorithm, fields.get(algorithm.name())?)));
        let Some((algorithm, sums)) = sums else {
            return Err(bad("it has neither SHA256 nor SHA512; apt takes no weaker sums either".to_owned()));
        };
        let name = |field: &str| fields.get(field).filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Release {
            date,
            valid_until,
            codename: name("Codename"),
            suite: name("Suite"),
            by_hash: fields.get("Acquire-By-Hash") == Some("yes"),
            sources: read_sums(sums, algorithm)?,
            remarks,
        })
    }

    /// Checks that this is the index that was asked for, by apt's rule: the name is the codename or the suite; where it
    /// has several parts, without the last one (`buster/updates`). A flat archive need not have names. If the
    /// configuration names the expected one, only that counts; an empty name expects an index without names.
    ///
    /// # Errors
    /// [`Problem::WrongSuite`] when it is another index.
    pub fn check_name(&self, asked: &str, expect: Option<&str>) -> Result<(), Problem> {
        let is = |name: &str| [&self.codename, &self.suite].into_iter().flatten().any(|own| own == name);
        let is_nameless = self.codename.is_none() && self.suite.is_none();
        if let Some(expected) = expect {
            return if is(expected) || (expected.is_empty() && is_nameless) {
                Ok(())
            } else {
                Err(Problem::WrongSuite { asked: expected.to_owned(), found: self.names() })
            };
        }
        if is(asked) {
            return Ok(());
        }
        let shorter = asked.rsplit_once('/').map_or(asked, |(front, _)| front);
        if (is_nameless && asked.ends_with('/')) || shorter.is_empty() || shorter == "." || is(shorter) {
            return Ok(());
        }
        Err(Problem::WrongSuite { asked: asked.to_owned(), found: self.names() })
    }

    /// Codename and suite, for a message.
    fn names(&self) -> String {
        let names: Vec<&str> =
            [&self.codename, &self.suite].into_iter().flatten().map(String::as_str).collect();
        names.join(" or ")
    }

    /// Checks that it may be used now.
    ///
    /// # Errors
    /// [`Problem::FromFuture`] when it is dated ahead, [`Problem::Expired`] when `Valid-Until` is past.
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
fn read_sums(text: &str, algorithm: Algorithm) -> Result<BTreeMap<String, Lists>, Problem> {
    let mut sources: BTreeMap<String, Lists> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(sum), Some(size), Some(name)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Some((component, path, ending)) = split_name(name) else { continue };
        let sum = sum.to_ascii_lowercase();
        let hexadecimal = sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (Ok(size), true, true) = (size.parse(), sum.len() == algorithm.digits(), hexadecimal) else {
            return Err(bad(format!("a line of {}: {line:?}", algorithm.name())));
        };
        let lists = sources.entry(component.to_owned()).or_default();
        path.clone_into(&mut lists.path);
        let listed = Listed { size, algorithm, sum };
        if lists.forms.insert(ending.to_owned(), listed.clone()).is_some_and(|other| other != listed) {
            return Err(bad(format!("{name} is listed twice, with different sums")));
        }
    }
    Ok(sources)
}

/// The fields of an index. A field that is given twice with one value counts once; fields that are not used here may be
/// repeated.
struct Fields(Vec<(String, String)>);

/// Fields that are used; they must not occur twice.
const USED: [&str; 7] = ["codename", "suite", "date", "valid-until", "acquire-by-hash", "sha256", "sha512"];

impl Fields {
    fn read(text: &str) -> Result<Fields, Problem> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let lines = text.lines().map(str::trim_end).skip_while(|line| line.is_empty());
        for line in lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with('#')) {
            if line.starts_with([' ', '\t']) {
                let Some((_, value)) = fields.last_mut() else {
                    return Err(bad(format!("it begins with {line:?}, which continues nothing")));
                };
                value.push('\n');
                value.push_str(line);
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                return Err(bad(format!("{line:?} is no field")));
            };
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        for (at, (name, value)) in fields.iter().enumerate() {
            let mut before = fields.iter().take(at);
            if USED.contains(&name.as_str()) && before.any(|(other, old)| other == name && old != value) {
                return Err(bad(format!("{name} stands twice, with different values")));
            }
        }
        Ok(Fields(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
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
    let component = front.trim_start_matches("./").strip_suffix("/source/")?;
    crate::config::is_path(component).then_some((component, path, ending))
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
