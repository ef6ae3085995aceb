//! Single signatures: the one behind a change, and growth of one that the total hides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::robust::{median, quantile};
use crate::rule;

/// Memory of a signature: its last value of each day on which it changed, and its alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Signature {
    /// Day and value. A value is valid until the next one.
    days: Vec<(i64, f64)>,
    /// Nothing before this day counts.
    regime: Option<i64>,
    alarm: Option<SignatureAlarm>,
    /// Day since which it is suppressed: it is neither judged nor named.
    #[serde(default)]
    suspended: Option<i64>,
    /// That it has only got another name.
    #[serde(default)]
    renamed: Option<Renamed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SignatureAlarm {
    since: i64,
    normal: f64,
    below: u32,
    /// Seconds of suppression, a time in which it could not become the norm.
    #[serde(default)]
    suspended: i64,
}

/// Norm of a signature that comes from the history of another name.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Renamed {
    normal: f64,
    /// Norm under this name.
    before: f64,
    /// Day from which on its own history counts.
    until: i64,
}

/// A signature that stands out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leading {
    /// Id of the signature.
    pub id: String,
    /// In how many packages it is.
    pub value: f64,
    /// In how many it normally is.
    pub normal: f64,
    /// Seconds since 1970 at which its own alert began, if it alerts by itself.
    pub since: Option<i64>,
}

/// All signatures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signatures {
    known: BTreeMap<String, Signature>,
}

impl Signatures {
    /// Takes a sample of one signature.
    pub fn add(&mut self, id: &str, day: i64, value: f64) {
        let days = &mut self.known.entry(id.to_owned()).or_default().days;
        match days.last_mut() {
            Some((last, held)) if *last == day => *held = value,
            Some((_, held)) if (*held - value).abs() < f64::EPSILON => {}
            _ => days.push((day, value)),
        }
    }

    /// Removes days that are too old, and signatures without any.
    pub fn forget(&mut self, day: i64) {
        let oldest = day - rule::SIGNATURE_DAYS - 1;
        self.known.retain(|_, signature| {
            let gone = signature.days.iter().take_while(|(at, _)| *at < oldest).count();
            // The last value before the kept time is valid at its beginning.
            signature.days.drain(..gone.saturating_sub(1));
            signature.alarm.is_some()
                || signature.days.iter().any(|(at, value)| *value > 0.0 || *at >= oldest)
        });
    }

    /// Suspends suppressed signatures from judgement, and resumes those that are not suppressed any more, as they were.
    pub fn suspend(&mut self, suppressed: &BTreeSet<String>, time: i64) {
        for (id, signature) in &mut self.known {
            match (suppressed.contains(id), signature.suspended) {
                (true, None) => signature.suspended = Some(time),
                (false, Some(since)) => {
                    signature.suspended = None;
                    if let Some(alarm) = &mut signature.alarm {
                        alarm.suspended += time - since;
                    }
                }
                _ => {}
            }
        }
    }

    /// Makes one signature a part of another, which takes over its history.
    pub fn merge(&mut self, old: &str, new: &str) {
        let Some(part) = self.known.remove(old) else { return };
        let whole = self.known.entry(new.to_owned()).or_default();
        whole.days = summed(&whole.days, &part.days);
        whole.regime = whole.regime.max(part.regime);
        whole.suspended = whole.suspended.or(part.suspended);
        if let Some(alarm) = part.alarm {
            match &mut whole.alarm {
                Some(known) => {
                    known.normal += alarm.normal;
                    known.since = known.since.min(alarm.since);
                }
                None => whole.alarm = Some(alarm),
            }
        }
    }

    /// The signatures that something fails with, as far as it is known here, and how many packages.
    pub fn values(&self) -> impl Iterator<Item = (&str, f64)> {
        self.known.iter().map(|(id, signature)| (id.as_str(), signature.value()))
    }

    /// A signature that alerts by itself.
    pub fn alerting(&self, id: &str) -> Option<Leading> {
        let signature = self.known.get(id).filter(|signature| signature.suspended.is_none())?;
        let alarm = signature.alarm.as_ref()?;
        let (value, normal) = (signature.value(), alarm.normal);
        Some(Leading { id: id.to_owned(), value, normal, since: Some(alarm.since) })
    }

    /// Judges all; `first` is the day of the first sample of any, `growth` by how much all of them are expected to be
    /// larger. Gives the one that stands out most.
    pub fn judge(&mut self, time: i64, first: i64, growth: f64) -> Option<Leading> {
        let day = time.div_euclid(86_400);
        let mut risen = Vec::new();
        for (id, signature) in self.known.iter_mut().filter(|(_, signature)| signature.suspended.is_none()) {
            if let Some(rise) = signature.judge(time, day, first, growth) {
                risen.push((id.clone(), rise));
            }
        }
        if !risen.is_empty() {
            let renamed = self.renamed(&risen, day, first);
            for (id, _) in risen {
                let Some(signature) = self.known.get_mut(&id) else { continue };
                let normal = signature.normal(day, first).0;
                if renamed.contains(&id) {
                    let before = signature.renamed.map_or(normal, |renamed| renamed.before);
                    let (normal, until) = (signature.value(), day + rule::ACCEPT_DAYS);
                    signature.renamed = Some(Renamed { normal, before, until });
                } else {
                    signature.alarm = Some(SignatureAlarm { since: time, normal, below: 0, suspended: 0 });
                }
            }
        }
        let alerting = self.known.keys().filter_map(|id| self.alerting(id));
        alerting.max_by(|a, b| (a.value - a.normal).total_cmp(&(b.value - b.normal)))
    }

    /// Risen signatures that only have another name: one other fell by about as much, or all others together by about
    /// as much as all of them rose.
    fn renamed(&self, risen: &[(String, f64)], day: i64, first: i64) -> BTreeSet<String> {
        let is_risen = |id: &String| risen.iter().any(|(one, _)| one == id);
        let others = self.known.iter().filter(|(id, one)| one.suspended.is_none() && !is_risen(id));
        let mut fallen: Vec<f64> = others.map(|(_, one)| one.normal(day, first).0 - one.value()).collect();
        fallen.retain(|fall| *fall >= rule::floor(0.0));
        let matches = |fall: f64, rise: f64| fall >= rule::RENAMED.0 * rise && fall <= rule::RENAMED.1 * rise;
        let (mut renamed, mut rest) = (BTreeSet::new(), Vec::new());
        // A signature that existed before has not been renamed now.
        let is_new = |id: &String| {
            self.known.get(id).is_some_and(|one| one.renamed.is_some() || one.normal(day, first).1 < 1.0)
        };
        for (id, rise) in risen.iter().filter(|(id, _)| is_new(id)) {
            let near = |fall: &f64| (fall / rise).ln().abs();
            let best = (0..fallen.len()).min_by(|a, b| {
                let of = |at: &usize| fallen.get(*at).map_or(f64::INFINITY, near);
                of(a).total_cmp(&of(b))
            });
            match best {
                Some(at) if fallen.get(at).is_some_and(|fall| matches(*fall, *rise)) => {
                    fallen.swap_remove(at);
                    renamed.insert(id.clone());
                }
                _ => rest.push((id, *rise)),
            }
        }
        let (all_rose, all_fell) = (rest.iter().map(|(_, rise)| rise).sum(), fallen.iter().sum());
        if matches(all_fell, all_rose) {
            renamed.extend(rest.into_iter().map(|(id, _)| id.clone()));
        }
        renamed
    }

    /// The signature that grew most against its norm, whether it alerts by itself or not.
    pub fn leading(&self, day: i64, first: i64) -> Option<Leading> {
        let judged = self.known.iter().filter(|(_, signature)| signature.suspended.is_none());
        let each = judged.map(|(id, signature)| {
            let normal = signature.normal(day, first).0;
            let since = signature.alarm.as_ref().map(|alarm| alarm.since);
            Leading { id: id.clone(), value: signature.value(), normal, since }
        });
        let grown = each.filter(|one| one.value > one.normal);
        grown.max_by(|a, b| (a.value - a.normal).total_cmp(&(b.value - b.normal)))
    }
}

impl Signature {
    fn value(&self) -> f64 {
        self.days.last().map_or(0.0, |(_, value)| *value)
    }

    /// Median and 95 % quantile of the last values of the 28 days before `day`.
    fn normal(&self, day: i64, first: i64) -> (f64, f64) {
        if let Some(alarm) = &self.alarm {
            return (alarm.normal, alarm.normal);
        }
        if let Some(renamed) = &self.renamed {
            return (renamed.normal, renamed.normal);
        }
        let from = (day - rule::SIGNATURE_DAYS).max(first).max(self.regime.unwrap_or(i64::MIN));
        let mut at = 0;
        let mut held = 0.0;
        let mut values = Vec::new();
        for number in from..day {
            while let Some((_, value)) = self.days.get(at).filter(|(changed, _)| *changed <= number) {
                held = *value;
                at += 1;
            }
            values.push(held);
        }
        (median(&values).unwrap_or(0.0), quantile(&values, 0.95).unwrap_or(0.0))
    }

    /// Size of its rise, if that is worth an alert and there is none yet.
    fn judge(&mut self, time: i64, day: i64, first: i64, growth: f64) -> Option<f64> {
        let value = self.value();
        if value < 10.0 && self.alarm.is_none() {
            return None;
        }
        if let Some(alarm) = &self.alarm {
            let normal = alarm.normal;
            self.go_on(time, day, value, normal);
            return None;
        }
        if let Some(renamed) = self.renamed.take_if(|renamed| renamed.until <= day) {
            self.regime = Some(renamed.until - rule::ACCEPT_DAYS + 1);
        }
        let (normal, high) = self.normal(day, first);
        let before = self.renamed.map_or(normal, |renamed| renamed.before);
        (value >= growth * limit(normal, high)).then_some(value - before)
    }

    /// Ends an alert: two samples near the norm, or a week has passed and this is the norm now.
    fn go_on(&mut self, time: i64, day: i64, value: f64, normal: f64) {
        let Some(alarm) = &mut self.alarm else { return };
        alarm.below = if value < crate::alarm::clear_limit(normal) { alarm.below + 1 } else { 0 };
        if alarm.below >= rule::CLEAR_SAMPLES {
            self.alarm = None;
        } else if time - alarm.since - alarm.suspended >= rule::ACCEPT_DAYS * 86_400 {
            self.regime = Some(day - rule::ACCEPT_DAYS + 1);
            self.alarm = None;
        }
    }
}

/// Sum of two histories of values that are valid until the next one.
fn summed(one: &[(i64, f64)], other: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let at = |days: &[(i64, f64)], day: i64| {
        days.iter().take_while(|(changed, _)| *changed <= day).last().map_or(0.0, |(_, value)| *value)
    };
    let changes: BTreeSet<i64> = one.iter().chain(other).map(|(day, _)| *day).collect();
    changes.into_iter().map(|day| (day, at(one, day) + at(other, day))).collect()
}

fn limit(normal: f64, high: f64) -> f64 {
    if high <= 0.0 {
        return rule::NEW_SIGNATURE;
    }
    (rule::SIGNATURE_FACTOR * normal).max(normal + 2.0 * rule::floor(normal)).max(1.5 * high)
}
