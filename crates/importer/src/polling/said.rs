//! Entries of one suite about a package: those of its lists, joined with the recorded publications of its branch.

use std::collections::BTreeSet;

use serde::Serialize;
use state::read::archives::SuiteVerdict;
use state::read::explain::{Fate, Record, Recorded};

use super::Report;

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

/// Facts about the package from a report.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) suite: String,
    pub(super) about: Option<About>,
    pub(super) withheld: usize,
    pub(super) error: Option<String>,
}

impl Asked {
    pub(super) fn of(report: &Report) -> Asked {
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
pub(super) fn says(
    archive: &str,
    asked: Asked,
    verdict: Option<&SuiteVerdict>,
    record: &Record,
) -> SuiteSays {
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
