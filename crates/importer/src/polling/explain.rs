//! Explanation of a package: its entries in each suite's index, the recorded publications, the next step and the
//! reason.
//!
//! Nothing is changed. Indices are read as by a poll; if one cannot be read, the recorded content of the last accepted
//! one is used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use state::read::archives::{self, SuiteVerdict};
use state::read::explain::{self, Fate, Record, Recorded};
use state::read::freshness::Behind;
use state::read::package;
use state::{StateError, Store};

use super::{Accepted, Poller, Report};
use crate::queue::archives::Archives;

/// Entries of a suite's lists about the one package that is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The distro and the branch that the suite feeds.
    pub distro: String,
    /// Second part of the branch's name; see `distro`.
    pub branch: String,
    /// The date of the index, in seconds since 1970; 0 if it has none.
    pub date: i64,
    /// Listed publications, with their places.
    pub listed: Vec<Listed>,
    /// Reasons why stanzas of the package cannot be used, with their component.
    pub bad: Vec<(String, String)>,
    /// Components that were not read, because their lists have not changed: the records are their content.
    pub unread: BTreeSet<String>,
    /// True when no list was read.
    pub unchanged: bool,
}

/// A publication as a list has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Version of the source package.
    pub version: String,
    /// Component of the archive.
    pub component: String,
    /// The place of its `.dsc` in the archive.
    pub path: String,
    /// Hash that identifies the content.
    pub content: String,
}

/// Entries of one suite about the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuiteSays {
    /// Name of the archive.
    pub archive: String,
    /// Name of the suite.
    pub suite: String,
    /// The branch that it feeds, `DISTRO/NAME`, once that is known.
    pub branch: Option<String>,
    /// The date of the index, in milliseconds since 1970.
    pub index: Option<i64>,
    /// True when its index could be read now; else this is the last accepted one.
    pub asked: bool,
    /// Error of reading the index.
    pub error: Option<String>,
    /// Publications of the package that it lists, and recorded ones of its branch that it does not list any more.
    pub publications: Vec<Said>,
}

/// A publication of a suite, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The version; empty where its stanza cannot be used.
    pub version: String,
    /// Component of the archive.
    pub component: String,
    /// The place of its `.dsc` in the archive.
    pub path: String,
    /// Hash that identifies the content.
    pub content: String,
    /// True when the index lists it.
    pub listed: bool,
    /// Fate of the publication.
    pub fate: Fate,
    /// The same in a sentence, with the reason.
    pub why: String,
}

/// The whole explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Name of the package.
    pub package: String,
    /// Milliseconds since 1970 of the question.
    pub now: i64,
    /// Each suite that is followed.
    pub suites: Vec<SuiteSays>,
    /// Recorded publications beside those: old versions, files that were given by hand, suites that are not followed
    /// any more.
    pub others: Vec<Recorded>,
    /// Missing versions of the package, their cause, and the next event; `None` if the package is not known.
    pub state: Option<Behind>,
    /// Next step, as a sentence.
    pub next: String,
    /// Packages whose names begin alike, if this one is not known.
    pub similar: Vec<String>,
}

/// Explains a package. `names` are the archives that are asked.
///
/// # Errors
/// An archive is not configured, or the database cannot be used.
pub fn explain(
    store: &Store,
    archives: &Archives,
    names: &[String],
    package: &str,
) -> Result<Explained, StateError> {
    let (now, record, verdicts, similar) = store.read(|tx| {
        let record = explain::record(tx, package)?;
        let similar = if record.package.is_none() { package::similar(tx, package)? } else { Vec::new() };
        Ok((tx.now()?, record, archives::list(tx)?, similar))
    })?;
    let mut known: BTreeMap<(String, String), SuiteVerdict> =
        verdicts.into_iter().map(|it| ((it.archive.clone(), it.suite.clone()), it)).collect();
    let mut suites = Vec::new();
    for name in names {
        let poller = Poller {
            store,
            archives,
            dry_run: true,
            due: None,
            by_hand: true,
            accepted: Accepted::default(),
            progress: Arc::default(),
            about: Some(package.to_owned()),
        };
        let mut reports = Vec::new();
        poller.archive(name, |report| reports.push(Asked::of(report)))?;
        for asked in reports {
            let verdict = known.remove(&(name.clone(), asked.suite.clone()));
            // The suites could not be listed: each known one is reported below, with the reason.
            if asked.suite == "*" && verdict.is_none() {
                let own = known.keys().filter(|(archive, _)| archive == name).cloned().collect::<Vec<_>>();
                for key in own {
                    let verdict = known.remove(&key);
                    let asked = Asked { suite: key.1, ..asked.clone() };
                    suites.push(says(name, asked, verdict.as_ref(), &record));
                }
                continue;
            }
            suites.push(says(name, asked, verdict.as_ref(), &record));
        }
    }
    let others = others(&record, &suites);
    let next = next(package, &suites, &record);
    let (package, state) = (package.to_owned(), record.package);
    Ok(Explained { package, now, suites, others, state, next, similar })
}

/// Facts about the package from a report.
#[derive(Clone)]
struct Asked {
    suite: String,
    about: Option<About>,
    withheld: usize,
    error: Option<String>,
}

impl Asked {
    fn of(report: &Report) -> Asked {
        let found = report.result.as_ref().ok();
        let about = found.and_then(|found| found.about.clone());
        // A suite from which nothing is taken has the reason.
        let remark = found.filter(|_| about.is_none()).and_then(|found| found.remarks.first().cloned());
        Asked {
            suite: report.suite.clone(),
            about,
            withheld: found.map_or(0, |found| found.withheld),
            error: report.result.as_ref().err().map(ToString::to_string).or(remark),
        }
    }
}

/// Entries of a suite, joined with the recorded publications of its branch.
fn says(archive: &str, asked: Asked, verdict: Option<&SuiteVerdict>, record: &Record) -> SuiteSays {
    let own = |about: &About| format!("{}/{}", about.distro, about.branch);
    let stored = verdict.and_then(|verdict| verdict.branch.clone());
    let branch = asked.about.as_ref().map(own).or(stored);
    let is_own = |row: &&Recorded| {
        row.archive == archive && branch.as_deref() == Some(format!("{}/{}", row.distro, row.branch).as_str())
    };
    let rows: Vec<&Recorded> = record.publications.iter().filter(is_own).collect();
    let index = match &asked.about {
        Some(about) if about.date > 0 => Some(about.date * 1000),
        _ => verdict.and_then(|verdict| verdict.index),
    };
    let publications = match &asked.about {
        Some(about) => beside(about, &rows, asked.withheld, archive),
        None => rows.iter().map(|row| last_accepted(row, verdict)).collect(),
    };
    let (suite, is_asked) = (asked.suite, asked.about.is_some());
    SuiteSays {
        archive: archive.to_owned(),
        suite,
        branch,
        index,
        asked: is_asked,
        error: asked.error,
        publications,
    }
}

/// Without the index: the last accepted one listed the recorded publications that are not marked.
fn last_accepted(row: &Recorded, verdict: Option<&SuiteVerdict>) -> Said {
    let listed = row.unlisted.is_none() && row.gone.is_none();
    let withheld = verdict.map_or(0, |verdict| verdict.withheld);
    let mut said = said(row, listed);
    if listed && withheld > 0 {
        said.why += &format!(
            "; the last accepted index lists {withheld} publications of this suite no more, which are withheld: this \
             may be one of them"
        );
    }
    said
}

/// An index that was read, beside the rows of its branch.
fn beside(about: &About, rows: &[&Recorded], withheld: usize, archive: &str) -> Vec<Said> {
    let mut all = Vec::new();
    let on_record = |listed: &Listed| {
        let same = |row: &&&Recorded| row.version == listed.version && row.content == listed.content;
        rows.iter().find(same).copied()
    };
    for listed in &about.listed {
        let (fate, why) = match on_record(listed) {
            None => (Fate::New, NEW.to_owned()),
            Some(row) if row.unlisted.is_some() || row.gone.is_some() => {
                (Fate::New, format!("listed again: {NEW}"))
            }
            Some(row) if !is_at(row, listed) => {
                let why = format!("on record as {}: the next poll follows it here; {}", row.path, row.why);
                (Fate::Moved, why)
            }
            Some(row) => (row.fate, row.why.clone()),
        };
        let Listed { version, component, path, content } = listed.clone();
        all.push(Said { version, component, path, content, listed: true, fate, why });
    }
    for (component, reason) in &about.bad {
        let why = format!("its stanza cannot be used: {reason}; what is on record of it stays");
        let (version, path, content) = Default::default();
        let component = component.clone();
        all.push(Said { version, component, path, content, listed: true, fate: Fate::Unusable, why });
    }
    for row in rows {
        if about.listed.iter().any(|listed| row.version == listed.version && row.content == listed.content) {
            continue;
        }
        all.push(unlisted(about, row, withheld, archive));
    }
    all
}

const NEW: &str = "not on record: the next poll puts it there and queues the package";

fn is_at(row: &Recorded, listed: &Listed) -> bool {
    let place = (&listed.component, &listed.path);
    (&row.component, &row.path) == place
        || row.also.iter().any(|(component, path)| (component, path) == place)
}

/// A row that the lists which were read do not have.
fn unlisted(about: &About, row: &Recorded, withheld: usize, archive: &str) -> Said {
    if row.unlisted.is_some() || row.gone.is_some() {
        return said(row, false);
    }
    let is_unread = |component: &String| about.unchanged || about.unread.contains(component);
    if is_unread(&row.component) || row.also.iter().any(|(component, _)| is_unread(component)) {
        return said(row, true);
    }
    let mut said = said(row, false);
    if about.bad.iter().any(|(component, _)| *component == row.component) {
        return said;
    }
    (said.fate, said.why) = match withheld {
        0 => (Fate::Vanishing, format!("listed no more: the next poll marks that; {}", row.why)),
        count => {
            let why = format!(
                "listed no more, one of {count} at once, which are withheld: they are marked when another index agrees, \
                 or by `package-import poll {archive} --accept-removals`; {}",
                row.why
            );
            (Fate::Withheld, why)
        }
    };
    said
}

fn said(row: &Recorded, listed: bool) -> Said {
    Said {
        version: row.version.clone(),
        component: row.component.clone(),
        path: row.path.clone(),
        content: row.content.clone(),
        listed,
        fate: row.fate,
        why: row.why.clone(),
    }
}

/// Rows that no suite has told.
fn others(record: &Record, suites: &[SuiteSays]) -> Vec<Recorded> {
    let is_told = |row: &&Recorded| {
        let branch = format!("{}/{}", row.distro, row.branch);
        suites.iter().any(|suite| suite.archive == row.archive && suite.branch.as_ref() == Some(&branch))
    };
    record.publications.iter().filter(|row| !is_told(row)).cloned().collect()
}

fn next(package: &str, suites: &[SuiteSays], record: &Record) -> String {
    let all = || suites.iter().flat_map(|suite| &suite.publications);
    let count = |fate: Fate| all().filter(|said| said.fate == fate).count();
    let mut parts = Vec::new();
    let of_poll = [
        (Fate::New, "records", "and queues the package"),
        (Fate::Moved, "follows", "to where it is listed now"),
        (Fate::Vanishing, "marks", "as listed no more"),
    ];
    for (fate, does, how) in of_poll {
        match count(fate) {
            0 => {}
            1 => parts.push(format!("the next poll {does} 1 publication {how}")),
            some => parts.push(format!("the next poll {does} {some} publications {how}")),
        }
    }
    match &record.package {
        Some(state) if state.state == "behind" => {
            let (why, reason) = (state.why.as_deref(), state.reason.as_deref());
            parts.push(format!("{}: {}", why.unwrap_or("behind"), reason.unwrap_or_default()));
        }
        _ => {}
    }
    if !parts.is_empty() {
        return parts.join("; ");
    }
    let failed = suites.iter().filter(|suite| suite.error.is_some()).count();
    let is_listed = all().any(|said| said.listed);
    match (&record.package, is_listed) {
        (_, true) => "nothing: all that is listed is imported".to_owned(),
        (Some(_), false) => "nothing: no suite that is followed lists it".to_owned(),
        (None, false) if failed > 0 => {
            format!(
                "not known: {package} is not on record, and {failed} of {} suites could not be asked",
                suites.len()
            )
        }
        (None, false) => format!("nothing: no suite that is followed lists {package}"),
    }
}
