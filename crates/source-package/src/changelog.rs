//! Reads `debian/changelog`: entries as `dpkg-parsechangelog` finds them, and what an import takes from them.
//!
//! Nothing is an error. Flaws that dpkg only warns about are mended by the rules given at each item; they are
//! part of the import rules, so the same file gives the same commits for ever. Time and memory are linear in the
//! file.

use std::collections::HashSet;

use crate::date::Date;
use crate::ident::Ident;
use crate::text::decode_line;
use crate::version::Version;

mod entries;

use entries::Entries;

/// One entry of a changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its first line; `None` for text in the place of a heading.
    pub heading: Option<Heading>,
    /// Its text between heading and trailer: no white space at the ends of lines, no empty lines at both ends,
    /// indented as written. Lines that dpkg drops with a warning because they are not indented by two blanks
    /// are kept; comments and keywords of CVS are not.
    pub body: String,
    /// Name, address and date of the uploader, if there is a trailer.
    pub trailer: Option<Trailer>,
}

/// The first line of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The line as written.
    pub text: String,
    /// Name of the source package.
    pub source: String,
    /// Version as written; [`Entry::version`] is the valid part.
    pub version: String,
    /// Distributions that it was uploaded to.
    pub distributions: Vec<String>,
    /// The urgency, in lower case, without the comment that may follow it.
    pub urgency: Option<String>,
}

/// The last line of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// True when dpkg reads it as a trailer; false when it was mended.
    pub is_well_formed: bool,
    /// `Name <address>` as written.
    pub maintainer: String,
    /// Name and address of the uploader; `None` if no name and address can be read.
    pub ident: Option<Ident>,
    /// The date as written.
    pub date_text: String,
    /// The date, mended as [`Date::parse`] says; `None` if it has no month or year.
    pub date: Option<Date>,
}

impl Entry {
    /// The version, if there is a valid one.
    pub fn version(&self) -> Option<Version> {
        self.heading.as_ref().and_then(|heading| Version::new(&heading.version).ok())
    }
}

/// Author and date of the newest entry of a changelog. The caller replaces fields that are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Author {
    /// Name and address of the uploader.
    pub ident: Option<Ident>,
    /// Date of the trailer.
    pub date: Option<Date>,
}

/// The entries from the top, read one by one.
pub fn entries(changelog: &[u8]) -> impl Iterator<Item = Entry> {
    Entries::new(changelog)
}

/// The version of every entry; nothing else of it is decoded, which makes a long changelog cheap.
fn versions(changelog: &[u8]) -> impl Iterator<Item = Option<Version>> {
    let mut entries = Entries::new(changelog);
    std::iter::from_fn(move || entries.next_draft()).map(|draft| {
        let (_, heading) = draft.heading?;
        Version::new(&decode_line(heading.version)).ok()
    })
}

/// The author and the date of the newest entry.
///
/// The newest entry is the first one with a valid version, else the first one. If it names nobody, nobody is
/// the author (another entry's maintainer would be a guess). If it has no readable date, the next older entry
/// that has one gives it.
pub fn author(changelog: &[u8]) -> Author {
    let top = versions(changelog).position(|version| version.is_some()).unwrap_or(0);
    let mut below = entries(changelog).skip(top).map(|entry| entry.trailer);
    let newest = below.next().flatten();
    let date = newest.as_ref().and_then(|trailer| trailer.date);
    let ident = newest.and_then(|trailer| trailer.ident);
    Author { ident, date: date.or_else(|| below.flatten().find_map(|trailer| trailer.date)) }
}

/// The versions that `own` grew out of, the nearest first.
///
/// These are the valid versions of all entries in the order of the file, each text once, without `own` itself (a
/// changelog may name it again further down). If the top entry is of another version than `own`, it counts only
/// if it is lower: a higher one is taken for `own` under a wrong name. A version is `own` if dpkg's order
/// says so (`1.0-1` and `0:1.0-1`).
pub fn versions_below(changelog: &[u8], own: &Version) -> Vec<Version> {
    below_of(versions(changelog).flatten().collect(), own)
}

fn below_of(mut versions: Vec<Version>, own: &Version) -> Vec<Version> {
    let mut seen = HashSet::new();
    if versions.first().is_some_and(|top| top.compare(own).is_gt()) {
        versions.remove(0);
    }
    versions.retain(|version| version.compare(own).is_ne() && seen.insert(version.clone()));
    versions
}

/// Entries of a changelog that a version takes its facts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The versions that it grew out of, the nearest first.
    pub below: Vec<Version>,
    /// Result of [`versions_below`], where it differs: the entry of the version is not the top one, others are of
    /// another source, or the oldest entry comes first.
    pub by_position: Option<Vec<Version>>,
    /// The places of the entries that count, the version's own first; `None` if they are those of the file.
    pub order: Option<Vec<usize>>,
}

/// Finds the entry of a version, and the versions below it.
///
/// The entry with the version's own number is the top, wherever it stands. Entries of another source are no ancestors.
/// If the version's own entry is the last one and all others are of lower versions, the file begins with its oldest entry
/// and is read from its end. Without an entry of its own number [`versions_below`] holds, for entries of this source.
pub fn lineage(changelog: &[u8], source: &str, own: &Version) -> Lineage {
    let all: Vec<Option<(bool, Version)>> = sources_and_versions(changelog, source).collect();
    let by_position = below_of(all.iter().flatten().map(|(_, version)| version.clone()).collect(), own);
    let is_ours =
        |place: &usize| all.get(*place).is_some_and(|it| it.as_ref().is_some_and(|(ours, _)| *ours));
    let version = |place: usize| all.get(place).and_then(|it| it.as_ref()).map(|(_, version)| version);
    let ours: Vec<usize> = (0..all.len()).filter(is_ours).collect();
    let is_own = |place: &usize| version(*place).is_some_and(|it| it.compare(own).is_eq());
    let Some(top) = ours.iter().copied().find(is_own) else {
        let below = below_of(ours.iter().filter_map(|place| version(*place).cloned()).collect(), own);
        let by_position = Some(by_position).filter(|other| *other != below);
        return Lineage { below, by_position, order: None };
    };
    let others = || ours.iter().copied().filter(|place| !is_own(place));
    let is_lower = |place: usize| version(place).is_some_and(|it| it.compare(own).is_lt());
    let is_reversed = others().next().is_some() && others().all(|place| place < top && is_lower(place));
    let order: Vec<usize> = if is_reversed { (0..=top).rev().collect() } else { (top..all.len()).collect() };
    let mut seen = HashSet::new();
    let below: Vec<Version> = (order.iter().copied())
        .filter(|place| is_ours(place) && !is_own(place))
        .filter_map(|place| version(place).cloned())
        .filter(|version| seen.insert(version.clone()))
        .collect();
    let first = all.iter().position(Option::is_some).unwrap_or(0);
    Lineage {
        by_position: Some(by_position).filter(|other| *other != below),
        below,
        order: Some(order).filter(|_| is_reversed || top != first),
    }
}

/// For the entry of each heading: true when it is of this source, and its version.
fn sources_and_versions<'a>(
    changelog: &'a [u8],
    source: &'a str,
) -> impl Iterator<Item = Option<(bool, Version)>> + 'a {
    let mut entries = Entries::new(changelog);
    std::iter::from_fn(move || entries.next_draft()).map(move |draft| {
        let (_, heading) = draft.heading?;
        let version = Version::new(&decode_line(heading.version)).ok()?;
        Some((heading.source == source.as_bytes(), version))
    })
}

/// The author and the date of the first of these entries; a missing date is taken from the next entry that has one.
pub fn author_in(changelog: &[u8], order: &[usize]) -> Author {
    let mut all: Vec<Option<Trailer>> = entries(changelog).map(|entry| entry.trailer).collect();
    let mut trailers = order.iter().filter_map(|place| all.get_mut(*place)?.take());
    let own = order.first().and_then(|place| entries(changelog).nth(*place)).and_then(|entry| entry.trailer);
    let date = trailers.find_map(|trailer| trailer.date);
    Author { ident: own.and_then(|trailer| trailer.ident), date }
}

/// The text of those entries that come before the first one of `base`; without it, of the first one alone.
pub fn text_in(changelog: &[u8], order: &[usize], base: Option<&Version>) -> String {
    let mut all: Vec<Option<Entry>> = entries(changelog).map(Some).collect();
    let version = |all: &[Option<Entry>], place: usize| all.get(place)?.as_ref()?.version();
    let is_base =
        |place: &usize| base.zip(version(&all, *place)).is_some_and(|(base, it)| it.compare(base).is_eq());
    let new = order.iter().position(is_base).unwrap_or(1);
    let new: Vec<Entry> = order.iter().take(new).filter_map(|place| all.get_mut(*place)?.take()).collect();
    joined_text(new)
}

fn joined_text(new: Vec<Entry>) -> String {
    let has_headings = new.len() > 1;
    let mut parts = Vec::new();
    for entry in new {
        if has_headings {
            parts.extend(entry.heading.map(|heading| heading.text));
        }
        parts.push(entry.body);
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// Text of the entries that are new since `base`: those above the first one of that version.
///
/// One entry gives its body alone; of several each body stands under its heading, with an empty line between
/// them. Without a `base`, or if the changelog does not have it, only the newest entry counts.
pub fn text_since(changelog: &[u8], base: Option<&Version>) -> String {
    let is_base =
        |version: Option<Version>| base.zip(version).is_some_and(|(base, it)| it.compare(base).is_eq());
    let known = base.and_then(|_| versions(changelog).position(is_base));
    let new = match known {
        Some(count) => count,
        None => versions(changelog).position(|version| version.is_some()).map_or(1, |top| top + 1),
    };
    let mut parts = Vec::new();
    for entry in entries(changelog).take(new) {
        if new > 1 {
            parts.extend(entry.heading.map(|heading| heading.text));
        }
        parts.push(entry.body);
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

#[cfg(test)]
#[path = "changelog_tests.rs"]
mod tests;
