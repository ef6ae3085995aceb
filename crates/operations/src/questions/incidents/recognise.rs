//! Finds incidents in what is on record. Nothing is asked here: the same facts give the same incidents.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use state::read::incidents::{Began, Hit};
use state::signature::short_id;

use super::facts::{Facts, Outage, is_of_host};
use super::{HOUR, Incident, IncidentKind, Late, Part};

/// As many packages that begin to fail with one signature within an hour are a surge, if that is unusual.
const SURGE: usize = 10;
/// So many times as many as in an hour of the day before are unusual.
const UNUSUAL: usize = 4;
/// As many refs that others moved within an hour are a wave.
const WAVE: usize = 5;
/// What a breaker counts before it opens, and what was under way when it closed, failed for the same reason.
const AROUND: (i64, i64) = (10 * 60_000, HOUR / 2);
/// An alert follows its cause by this at most: figures are of hours, and failures are counted for a day.
const FOLLOWS: i64 = 25 * HOUR;
/// Packages that are named.
const NAMED: usize = 10;

/// All of them.
pub(super) fn all(facts: &Facts) -> Vec<Incident> {
    let mut found: Vec<Incident> = facts.outages.iter().map(|it| outage(it, &facts.began)).collect();
    found.extend(surges(facts));
    found.extend(removals(facts));
    found.extend(waves(facts));
    let mut by_itself = Vec::new();
    for alert in alerts(facts) {
        match root_of(&mut found, &alert, facts.now) {
            Some(root) => root.explains.push(alert),
            None => by_itself.push(incident_of(alert)),
        }
    }
    found.extend(by_itself);
    found
}

fn outage(it: &Outage, began: &[Began]) -> Incident {
    let mut found =
        incident(IncidentKind::Outage, &it.dependency, (it.began, it.ended), it.cause.clone(), &it.parked);
    let failed: Vec<&Began> = began.iter().filter(|failure| is_explained(failure, it)).collect();
    if let (Some(first), Some(last)) = (failed.first(), failed.last()) {
        found.explains.push(Part {
            kind: IncidentKind::Surge,
            subject: first.signature.clone(),
            began: first.hit.at,
            ended: Some(last.hit.at),
            text: format!("{} failed before they were parked: {}", packages(failed.len()), first.message),
        });
    }
    found
}

/// Whether an outage is why something failed.
fn is_explained(failure: &Began, outage: &Outage) -> bool {
    let (from, to) = (outage.began - AROUND.0, outage.ended.map_or(i64::MAX, |ended| ended + AROUND.1));
    (from..=to).contains(&failure.hit.at) && is_of_host(&failure.stage, &failure.code)
}

fn surges(facts: &Facts) -> Vec<Incident> {
    let mut by_signature: BTreeMap<&str, Vec<&Began>> = BTreeMap::new();
    for failure in &facts.began {
        if !facts.outages.iter().any(|outage| is_explained(failure, outage)) {
            by_signature.entry(&failure.signature).or_default().push(failure);
        }
    }
    let mut found = Vec::new();
    for (signature, all) in by_signature {
        for cluster in clusters(&all, |failure| failure.hit.at) {
            if !is_unusual(&all, cluster) {
                continue;
            }
            let hits: Vec<Hit> = cluster.iter().map(|failure| failure.hit.clone()).collect();
            let first = cluster.first().map_or(0, |failure| failure.hit.at);
            let cause = cluster
                .first()
                .map(|failure| format!("{}/{}: {}", failure.stage, failure.code, failure.message));
            found.push(incident(IncidentKind::Surge, signature, (first, over(&hits)), cause, &hits));
        }
    }
    found
}

/// What happened with no more than an hour in between.
fn clusters<'a, T>(all: &'a [T], at: impl Fn(&T) -> i64) -> Vec<&'a [T]> {
    all.chunk_by(|a, b| at(b) - at(a) <= HOUR).collect()
}

/// Whether so many failures of an hour are not what there usually is.
fn is_unusual(all: &[&Began], cluster: &[&Began]) -> bool {
    let Some(first) = cluster.first() else { return false };
    let first = first.hit.at;
    let most = cluster
        .iter()
        .map(|it| {
            cluster.iter().filter(|other| (it.hit.at..=it.hit.at + HOUR).contains(&other.hit.at)).count()
        })
        .max()
        .unwrap_or(0);
    let before = all.iter().filter(|it| (first - 24 * HOUR..first).contains(&it.hit.at)).count();
    most >= SURGE && most * 24 >= UNUSUAL * before
}

/// When nearly all were well again: a few that keep failing by themselves do not make an incident last.
fn over(hits: &[Hit]) -> Option<i64> {
    let mut back: Vec<i64> = hits.iter().filter_map(|hit| hit.back).collect();
    back.sort_unstable();
    let needed = hits.len() - hits.len() / 10;
    back.get(needed.checked_sub(1)?).copied()
}

fn removals(facts: &Facts) -> Vec<Incident> {
    let mut found: Vec<Incident> = Vec::new();
    for change in &facts.withheld {
        let open = found.iter_mut().rev().find(|it| it.subject == change.suite && it.ended.is_none());
        match (open, change.publications) {
            (Some(open), 0) => open.ended = Some(change.at),
            (Some(open), some) => open.packages = open.packages.max(some),
            (None, 0) => {}
            (None, some) => {
                let cause = format!("{some} publications were listed no more, all at once");
                let kind = IncidentKind::Removal;
                let mut one = incident(kind, &change.suite, (change.at, None), Some(cause), &[]);
                one.packages = some;
                found.push(one);
            }
        }
    }
    found
}

fn waves(facts: &Facts) -> Vec<Incident> {
    let mut found = Vec::new();
    for cluster in clusters(&facts.collisions, |it| it.hit.at) {
        if cluster.len() < WAVE {
            continue;
        }
        let mut hits: Vec<Hit> = cluster.iter().map(|it| it.hit.clone()).collect();
        hits.dedup_by(|a, b| a.package == b.package);
        let first = cluster.first().map_or(0, |it| it.hit.at);
        let ended = hits.iter().map(|hit| hit.back).collect::<Option<Vec<_>>>();
        let ended = ended.and_then(|all| all.into_iter().max());
        let kinds: BTreeMap<&str, usize> = cluster.iter().fold(BTreeMap::new(), |mut kinds, it| {
            *kinds.entry(it.kind.as_str()).or_default() += 1;
            kinds
        });
        let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let cause = format!("somebody else made or moved {} refs: {}", cluster.len(), kinds.join(", "));
        let subject = cluster.first().map_or(String::new(), |it| it.id.to_string());
        let span = (first, ended);
        found.push(incident(
            IncidentKind::Collisions,
            &format!("collision {subject}"),
            span,
            Some(cause),
            &hits,
        ));
    }
    found
}

/// Alerts of the baseline, from when they began until all was as it normally is.
fn alerts(facts: &Facts) -> Vec<Part> {
    let mut found: Vec<Part> = Vec::new();
    for said in &facts.verdicts {
        let value: Json = serde_json::from_str(&said.value).unwrap_or_default();
        let state = value["state"].as_str().unwrap_or("OK").to_owned();
        let text = format!("{state}: {}", value["text"].as_str().unwrap_or_default());
        let subject = said.figure.strip_prefix("signature:").unwrap_or(&said.figure).to_owned();
        let open = found.iter_mut().rev().find(|it| it.subject == subject && it.ended.is_none());
        let alerts = matches!(state.as_str(), "WARNING" | "CRITICAL");
        match (open, alerts) {
            (Some(open), true) => open.text = text,
            (Some(open), false) => open.ended = Some(said.at),
            (None, true) => {
                let kind = IncidentKind::Alert;
                found.push(Part { kind, subject, began: said.at, ended: None, text });
            }
            (None, false) => {}
        }
    }
    found
}

/// What explains an alert: of the incidents that had begun and were not long over, that of the same signature, else the one
/// that has hit most packages.
fn root_of<'a>(found: &'a mut [Incident], alert: &Part, now: i64) -> Option<&'a mut Incident> {
    let is_figure = matches!(alert.subject.as_str(), "failing" | "failed");
    let is_near = |it: &Incident| {
        let end = it.ended.max(it.back_at).unwrap_or(now);
        alert.began >= it.began - HOUR && alert.began <= end.saturating_add(FOLLOWS)
    };
    let explains = |it: &Incident| match it.kind {
        IncidentKind::Surge => is_figure || it.subject == alert.subject,
        IncidentKind::Outage => is_figure || it.explains.iter().any(|part| part.subject == alert.subject),
        _ => false,
    };
    found.iter_mut().filter(|it| is_near(it) && explains(it)).max_by_key(|it| it.packages)
}

/// An alert that nothing explains. That of a signature is a surge that was too slow for an hour.
fn incident_of(alert: Part) -> Incident {
    let is_figure = matches!(alert.subject.as_str(), "failing" | "failed");
    let kind = if is_figure { IncidentKind::Alert } else { IncidentKind::Surge };
    incident(kind, &alert.subject, (alert.began, alert.ended), Some(alert.text), &[])
}

fn incident(
    kind: IncidentKind,
    subject: &str,
    (began, ended): (i64, Option<i64>),
    cause: Option<String>,
    hits: &[Hit],
) -> Incident {
    let mut back: Vec<(i64, &str, i64)> = hits
        .iter()
        .filter_map(|hit| hit.back.map(|back| (back - hit.at, hit.package.as_str(), back)))
        .collect();
    back.sort_unstable();
    let worst = back.last();
    Incident {
        id: short_id(kind.as_str(), subject, &began.to_string()),
        kind,
        subject: subject.to_owned(),
        cause,
        began,
        ended,
        packages: count(hits.len()),
        back: count(back.len()),
        back_at: back.iter().map(|(_, _, at)| *at).max(),
        late: Late {
            median: back.get(back.len().saturating_sub(1) / 2).map(|(late, ..)| *late),
            worst: worst.map(|(late, ..)| *late),
            worst_package: worst.map(|(_, package, _)| (*package).to_owned()),
        },
        examples: hits.iter().take(NAMED).map(|hit| hit.package.clone()).collect(),
        explains: Vec::new(),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// `1 package`, `3 packages`.
pub(super) fn packages(number: usize) -> String {
    if number == 1 { "1 package".to_owned() } else { format!("{number} packages") }
}
