//! What happened in an incident, in the order of time.

use serde::Serialize;
use state::audit::Event;
use state::read::incidents;

use super::{HOUR, Incident, IncidentKind};
use crate::error::Error;
use crate::installation::Opened;

/// What people did is looked for as long after the end.
const AFTERWARDS: i64 = HOUR;
/// Entries about people, at most.
const DONE: i64 = 500;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heading {
    /// The importer saw it.
    Observed,
    /// The baseline said that it is not as it normally is, or is again.
    Alerted,
    /// Somebody did it.
    Done,
    /// It was well again.
    Back,
}

impl Heading {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Heading::Observed => "observed",
            Heading::Alerted => "alerted",
            Heading::Done => "done",
            Heading::Back => "back",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What kind of thing.
    pub kind: Heading,
    /// Who did it, if somebody did.
    pub who: Option<String>,
    /// What.
    pub text: String,
}

/// The timeline of an incident.
pub(super) fn of(at: &Opened, incident: &Incident, now: i64) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let mut add = |at: i64, kind: Heading, text: String| entries.push(Entry { at, kind, who: None, text });
    let cause = incident.cause.as_ref().map_or(String::new(), |cause| format!(": {cause}"));
    let first = if incident.kind == IncidentKind::Alert { Heading::Alerted } else { Heading::Observed };
    add(incident.began, first, format!("{}{cause}", incident.title()));
    for part in &incident.explains {
        let kind = if part.kind == IncidentKind::Alert { Heading::Alerted } else { Heading::Observed };
        add(part.began, kind, part.text.clone());
        if let (Some(ended), IncidentKind::Alert) = (part.ended, part.kind) {
            add(ended, Heading::Alerted, format!("{} is as it normally is again", part.subject));
        }
    }
    if let Some(ended) = incident.ended {
        add(ended, Heading::Back, ending(incident));
    }
    if let Some(back_at) = incident.back_at.filter(|at| Some(*at) != incident.ended) {
        let text = format!(
            "{} of {} packages are well again, the last of them now",
            incident.back, incident.packages
        );
        add(back_at, Heading::Back, text);
    }
    let end = incident.ended.max(incident.back_at).map_or(now, |end| (end + AFTERWARDS).min(now));
    let end = if incident.ended.is_none() { now } else { end };
    let done = at.store.read(|tx| incidents::done(tx, incident.began, end, DONE))?;
    entries.extend(done.into_iter().map(done_by));
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}

/// What was so at its end.
fn ending(incident: &Incident) -> String {
    match incident.kind {
        IncidentKind::Outage if incident.subject.starts_with("disk:") => {
            format!("{} has room again", incident.subject)
        }
        IncidentKind::Outage => format!("{} can be reached again", incident.subject),
        IncidentKind::Surge => format!("{} of {} packages are well again", incident.back, incident.packages),
        IncidentKind::Removal => format!("what {} lists is believed again", incident.subject),
        IncidentKind::Collisions => "all of these collisions are settled".to_owned(),
        IncidentKind::Alert => format!("{} is as it normally is again", incident.subject),
    }
}

fn done_by(event: Event) -> Entry {
    let mut text = format!("{} {}", event.action, event.subject);
    for (word, value) in [("", &event.after), ("because: ", &event.reason)] {
        if let Some(value) = value {
            text.push_str(&format!(", {word}{value}"));
        }
    }
    Entry { at: event.at, kind: Heading::Done, who: Some(event.actor), text }
}
