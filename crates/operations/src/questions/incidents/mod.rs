//! Incidents: what went wrong beyond single packages, recognised by what is on record. Nobody declares them.
//!
//! An outage (a breaker that opened), a surge of a signature, an alert of the baseline, a removal that was too large to be
//! believed, a wave of collisions. What another one explains is part of that one: failures while a mirror is away, an alert about
//! them.

mod facts;
mod markdown;
mod recognise;
mod timeline;

use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::installation::Opened;

pub use timeline::{Entry, Heading};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;
/// Incidents are looked for as far back, if nothing else is said.
const USUAL: i64 = 30 * 24 * HOUR;

/// What kind of incident it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentKind {
    /// Something that imports need was out of reach, or full.
    Outage,
    /// Many packages began to fail with one signature.
    Surge,
    /// An archive listed so much less at once that it was not believed.
    Removal,
    /// Many refs were made or moved by somebody else.
    Collisions,
    /// The baseline alerted, and nothing else explains it.
    Alert,
}

impl IncidentKind {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            IncidentKind::Outage => "outage",
            IncidentKind::Surge => "surge",
            IncidentKind::Removal => "removal",
            IncidentKind::Collisions => "collisions",
            IncidentKind::Alert => "alert",
        }
    }
}

/// How late packages were because of an incident: from when it hit them until they were well again, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Late {
    /// Half of those that came back were no later than this.
    pub median: Option<i64>,
    /// The latest of them.
    pub worst: Option<i64>,
    /// Which package that was.
    pub worst_package: Option<String>,
}

/// Something that an incident explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it would be by itself.
    pub kind: IncidentKind,
    /// What it is about.
    pub subject: String,
    /// When it began.
    pub began: i64,
    /// When it ended; none while it lasts.
    pub ended: Option<i64>,
    /// In words.
    pub text: String,
}

/// An incident. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// What a person types. It depends on kind, subject and beginning alone, and stays what it is.
    pub id: String,
    /// What kind it is.
    pub kind: IncidentKind,
    /// What it is about: a dependency, a signature's short id, `ARCHIVE/SUITE`, a figure.
    pub subject: String,
    /// Why, in the words of who noticed.
    pub cause: Option<String>,
    /// When it began.
    pub began: i64,
    /// When it ended; none while it lasts.
    pub ended: Option<i64>,
    /// Packages that it has hit.
    pub packages: i64,
    /// Those of them that are well again.
    pub back: i64,
    /// When the last of those was.
    pub back_at: Option<i64>,
    /// How late they were.
    pub late: Late,
    /// Some of the packages, those that it hit first.
    pub examples: Vec<String>,
    /// What it explains.
    pub explains: Vec<Part>,
}

/// Incidents, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incidents {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// Those that had begun before and were over are left out.
    pub since: i64,
    /// They.
    pub incidents: Vec<Incident>,
}

/// An incident from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncidentShown {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The incident.
    pub incident: Incident,
    /// What was observed, what alerted, what people did, what came back.
    pub timeline: Vec<Entry>,
}

impl Incident {
    /// In a line: `deb.example.org was out of reach`.
    pub fn title(&self) -> String {
        let packages = |verb: &str| match self.packages {
            1 => format!("1 package {verb}"),
            some => format!("{some} packages {verb}"),
        };
        match self.kind {
            IncidentKind::Outage if self.subject.starts_with("disk:") => {
                format!("{} was full or not writable", self.subject)
            }
            IncidentKind::Outage => format!("{} was out of reach", self.subject),
            IncidentKind::Surge => {
                format!("{} began to fail with signature {}", packages(""), self.subject).replace("  ", " ")
            }
            IncidentKind::Removal => format!("{} listed far less than before", self.subject),
            IncidentKind::Collisions => format!("refs of {} were moved by others", packages("").trim_end()),
            IncidentKind::Alert => format!("{} was not as it normally is", self.subject),
        }
    }
}

/// Incidents that lasted within a time before now, the newest first.
pub fn incidents(at: &Opened, since: Option<Duration>) -> Result<Incidents, Error> {
    let span = since.map_or(USUAL, |span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
    let facts = at.store.read(|tx| facts::read(tx, span))?;
    let mut incidents = recognise::all(&facts);
    incidents.retain(|it| it.ended.is_none_or(|ended| ended >= facts.since));
    incidents.sort_by(|a, b| b.began.cmp(&a.began).then(a.id.cmp(&b.id)));
    Ok(Incidents { now: facts.now, since: facts.since, incidents })
}

/// An incident by its id, with its timeline.
pub fn incident(at: &Opened, id: &str) -> Result<IncidentShown, Error> {
    // As far back as anything is kept.
    let all = incidents(at, Some(Duration::from_secs(400 * 24 * 3600)))?;
    let unknown = || {
        Error::NotFound(format!(
            "there is no incident {id}; `package-import incidents --since 90d` lists them"
        ))
    };
    let incident = all.incidents.into_iter().find(|it| it.id == id).ok_or_else(unknown)?;
    let timeline = timeline::of(at, &incident, all.now)?;
    Ok(IncidentShown { now: all.now, incident, timeline })
}
