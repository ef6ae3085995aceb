//! All figures of an installation together, and one verdict on them.

use serde::{Deserialize, Serialize};

use crate::alarm::Evidence;
use crate::fit::Kind;
use crate::memory::Memory;
use crate::rule;
use crate::signature::{Leading, Signatures};
use crate::surge::{Hour, Surge};
use crate::track::{Finding, Track};
use crate::verdict::{Causes, Context, Sample, Verdict};

/// Limits that an operator sets beside the rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Number of failing and parked from which on it is WARNING, whatever the norm is.
    pub warning: Option<u64>,
    /// Number from which on it is CRITICAL.
    pub critical: Option<u64>,
}

/// A figure whose norm can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Memory of the stock: failing packages, with parked ones.
    Failing,
    /// New failures a day.
    Failed,
}

impl Figure {
    /// Its name, as operators write it.
    pub fn name(self) -> &'static str {
        match self {
            Figure::Failing => "failing",
            Figure::Failed => "failed",
        }
    }
}

/// Memory that is stored beside the samples, so that a judge can be made again from both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// The time of the last sample.
    pub last: Option<i64>,
    /// True when there was enough to learn from.
    pub learned: bool,
    /// Of failing and parked.
    pub stock: Memory,
    /// Memory of new failures.
    pub failed: Memory,
    /// Memory of first attempts.
    pub attempted: Memory,
    /// Memory of signatures.
    pub signatures: Signatures,
    /// Many more attempts than usual.
    pub surge: Option<Surge>,
    /// The last counts of failing and of parked.
    pub counts: (f64, f64),
    /// Seconds since 1970 at which jobs began to be parked.
    pub parked_since: Option<i64>,
    /// First hour of a lasting outage.
    pub outage_from: Option<i64>,
}

/// Judges samples in order of time.
#[derive(Clone, Debug)]
pub struct Judge {
    pub(crate) settings: Settings,
    pub(crate) stock: Track,
    pub(crate) failed: Track,
    pub(crate) attempted: Track,
    pub(crate) rest: Remembered,
}

/// Results that the stages of a judgement hand on.
pub(crate) struct Found {
    pub stock: Option<(Vec<Finding>, f64)>,
    pub flow: Option<Vec<Finding>>,
    pub signature: Option<Leading>,
    pub outage: bool,
}

impl Judge {
    /// A judge that knows nothing yet.
    pub fn new(settings: Settings) -> Judge {
        Judge {
            settings,
            stock: Track::new(Kind::Stock),
            failed: Track::new(Kind::Flow),
            attempted: Track::new(Kind::Flow),
            rest: Remembered::default(),
        }
    }

    /// A judge as it was: from its memory and the samples of the last 15 weeks, in order of time. Samples that are
    /// newer than the memory are not taken. No sample is judged again.
    pub fn restore(
        settings: Settings,
        remembered: Remembered,
        samples: impl IntoIterator<Item = Sample>,
    ) -> Judge {
        let mut judge = Judge::new(settings);
        for sample in samples {
            if remembered.last.is_some_and(|last| sample.time <= last) {
                judge.take(&sample);
            }
        }
        judge.stock.memory = remembered.stock.clone();
        judge.failed.memory = remembered.failed.clone();
        judge.attempted.memory = remembered.attempted.clone();
        judge.rest = remembered;
        judge
    }

    /// Memory to store.
    pub fn remembered(&self) -> Remembered {
        let mut rest = self.rest.clone();
        rest.stock = self.stock.memory.clone();
        rest.failed = self.failed.memory.clone();
        rest.attempted = self.attempted.memory.clone();
        rest
    }

    /// Makes today's level the norm, at once: the mean of the last 24 hours of samples, or since the alert began,
    /// whichever is shorter.
    pub fn accept(&mut self, figure: Figure) {
        let track = self.track(figure);
        let Some(hour) = track.hours.newest() else { return };
        let from = track.memory.alarm.as_ref().map_or(hour - 23, |alarm| alarm.from.max(hour - 23));
        let seen = track.hours.observe(from.min(hour), hour + 1, |_| 1.0);
        let level = seen.sum / f64::from(seen.hours.max(1));
        track.memory.pinned = None;
        track.memory.alarm = None;
        track.memory.ended = None;
        track.accept(level, hour);
        track.memory.by_rule = false;
        track.memory.cleared = Some(hour);
    }

    /// Sets the norm until [`Judge::unset`], for 90 days at most. For new failures it is a number per day.
    pub fn set(&mut self, figure: Figure, value: f64) {
        let track = self.track(figure);
        let level = if figure == Figure::Failed { value / 24.0 } else { value };
        track.memory.pinned = Some(level.clamp(0.0, LARGEST)).filter(|level| !level.is_nan());
        track.memory.pinned_at = track.hours.newest();
        track.memory.accepted = None;
        track.forget_fit();
    }

    /// Returns to the learned norm.
    pub fn unset(&mut self, figure: Figure) {
        let track = self.track(figure);
        track.memory.pinned = None;
        track.memory.pinned_at = None;
        track.memory.accepted = None;
        track.forget_fit();
    }

    fn track(&mut self, figure: Figure) -> &mut Track {
        match figure {
            Figure::Failing => &mut self.stock,
            Figure::Failed => &mut self.failed,
        }
    }

    /// Judges a sample by the samples before it, and adds it.
    pub fn judge(&mut self, sample: &Sample, context: &Context) -> Verdict {
        self.judge_by(sample, context, &mut &context.labels)
    }

    /// The same, with a source of causes.
    pub fn judge_by(&mut self, sample: &Sample, context: &Context, causes: &mut dyn Causes) -> Verdict {
        if self.rest.last.is_some_and(|last| sample.time < last) || sample.time.abs() > LATEST {
            return self.refuse(sample.time);
        }
        self.rest.last = Some(sample.time);
        self.take(sample);
        let hour = sample.time.div_euclid(3600);
        let day = hour.div_euclid(24);
        for track in [&mut self.stock, &mut self.failed] {
            track.memory.expire(hour);
        }
        if self.is_first_fill(hour, context) {
            // Attempts during the first import of everything are no measure for later.
            self.failed.memory.freeze(hour);
            self.attempted.memory.freeze(hour);
        }
        self.rest.signatures.suspend(&context.suppressed, sample.time);
        for (id, value) in sample.signatures.iter().filter(|(id, _)| !context.suppressed.contains(id)) {
            if let Some(value) = usable(Some(*value)) {
                self.rest.signatures.add(id, day, value);
            }
        }
        self.rest.signatures.forget(day);
        self.learn(hour, context);
        let found = self.find(sample, hour, context);
        self.verdict(hour, context, &found, causes)
    }

    /// Puts a sample into the histories.
    pub(crate) fn take(&mut self, sample: &Sample) {
        let hour = sample.time.div_euclid(3600);
        let (failing, parked) = (usable(sample.failing), usable(sample.parked));
        self.rest.counts = (failing.unwrap_or(self.rest.counts.0), parked.unwrap_or(self.rest.counts.1));
        if self.rest.counts.1 <= 0.0 {
            self.rest.parked_since = None;
        } else if self.rest.parked_since.is_none() {
            self.rest.parked_since = Some(sample.time);
        }
        if failing.is_some() || (parked.is_some() && self.stock.hours.newest().is_some()) {
            self.stock.add(hour, self.rest.counts.0 + self.rest.counts.1);
        }
        if let Some(value) = usable(sample.attempted) {
            self.attempted.add(hour, value);
        }
        if let Some(value) = usable(sample.failed) {
            self.failed.add(hour, value);
        }
    }

    /// Decides whether there was enough to learn from.
    fn learn(&mut self, hour: i64, context: &Context) {
        if self.rest.learned {
            return;
        }
        let main = if self.stock.memory.first.is_some() { &self.stock } else { &self.failed };
        let first = main.memory.first.unwrap_or(hour);
        let filled = main.filled(hour);
        let waited = main.full_days(first, hour) >= rule::SETTLING_DAYS;
        let settled = waited || main.settled(hour);
        let days = main.full_days(if waited { first } else { filled }, hour);
        if days < rule::LEARNING_DAYS || !settled || self.is_first_fill(hour, context) {
            return self.find_incident(hour, context);
        }
        self.rest.learned = true;
        let regime = (hour - rule::ACCEPT_DAYS * 24).max(filled).div_euclid(24);
        for track in [&mut self.stock, &mut self.failed, &mut self.attempted] {
            track.memory.regime = Some(regime);
            track.forget_fit();
        }
        if filled > first {
            self.stock.memory.frozen.push((first, filled));
        }
        // The first import tries everything at once: no usual hour, however short it was.
        for track in [&mut self.failed, &mut self.attempted] {
            track.memory.frozen.push((first, filled));
        }
    }

    /// True while everything is imported for the first time, up to a longest time.
    fn is_first_fill(&self, hour: i64, context: &Context) -> bool {
        let first = self.stock.memory.first.or(self.failed.memory.first).unwrap_or(hour);
        context.drained == Some(false) && self.stock.full_days(first, hour) < rule::LONGEST_LEARNING_DAYS
    }

    /// An incident in the days of learning is not the norm: the level before it is.
    fn find_incident(&mut self, hour: i64, context: &Context) {
        if self.stock.memory.decided().is_some() || self.is_first_fill(hour, context) {
            return;
        }
        let Some(before) = self.stock.incident(hour) else { return };
        let rose = self.stock.hours.get(hour).unwrap_or(0.0) - before;
        let attempted = self.attempted.hours.observe(hour - 29, hour + 1, |_| 1.0).sum;
        if rose >= rule::LEARNING_SHARE * attempted {
            self.stock.accept(before, hour - 1);
        }
    }

    /// True when figures are judged, and not only learned.
    pub(crate) fn is_judged(&self) -> bool {
        self.rest.learned || self.stock.memory.decided().is_some() || self.stock.memory.alarm.is_some()
    }

    fn find(&mut self, sample: &Sample, hour: i64, context: &Context) -> Found {
        let mut found = Found { stock: None, flow: None, signature: None, outage: false };
        if !self.is_judged() {
            return found;
        }
        found.outage = self.follow_outage(hour);
        self.follow_surge(hour);
        let explained = self.explained();
        if self.stock.hours.newest() == Some(hour) {
            found.stock = self.find_stock(sample.time, hour, explained);
        }
        if self.failed.hours.newest() == Some(hour) {
            found.flow = self.find_flow(sample.time, hour, context.young);
        }
        if self.rest.learned {
            let level = self.stock.memory.level.unwrap_or(0.0).max(1.0);
            found.signature =
                self.rest.signatures.judge(sample.time, self.first_day(), 1.0 + explained / level);
        }
        found
    }

    /// Number of parked jobs from which on it is an outage, for a number of expected failing packages.
    pub(crate) fn parked_limit(&self, expected: f64) -> f64 {
        rule::PARKED.max(rule::PARKED_SHARE * (expected - self.explained()))
    }

    /// The day of the first sample.
    pub(crate) fn first_day(&self) -> i64 {
        self.stock.memory.first.map_or(i64::MAX, |hour| hour.div_euclid(24))
    }

    /// True when so many jobs are parked that it is an outage. They do not count as part of the stock then, so that
    /// they raise no mean after its end.
    fn follow_outage(&mut self, hour: i64) -> bool {
        let parked = self.rest.counts.1;
        let expected = self.stock.fit(hour).map(|fit| fit.expected(hour));
        let is_outage =
            expected.is_some_and(|expected| parked >= self.parked_limit(expected + self.explained()));
        if self.stock.hours.newest() != Some(hour) {
            return is_outage;
        }
        if !is_outage {
            self.rest.outage_from = None;
            return false;
        }
        let from = *self.rest.outage_from.get_or_insert(hour);
        self.stock.add(hour, self.rest.counts.0);
        if hour - from < rule::OUTAGE_HOURS {
            self.stock.memory.freeze(hour);
        }
        true
    }

    fn follow_surge(&mut self, hour: i64) {
        if self.attempted.hours.newest() != Some(hour) {
            return;
        }
        self.stock.fit(hour);
        self.failed.fit(hour);
        let before = self.rest.surge.take();
        let Some(mut surge) = Surge::follow(before, &mut self.attempted, hour) else { return };
        let share = if self.is_unusual(&surge) { 0.0 } else { self.usual_share().unwrap_or(0.0) };
        let stock = &self.stock;
        surge.count(&self.attempted, hour, |at| Hour {
            share,
            stock: stock.hours.get(at).zip(stock.expected(at)),
        });
        if share == 0.0 {
            surge.explained = 0.0;
        }
        if surge.is_over(hour) {
            self.end_surge(&surge, hour);
        } else {
            self.rest.surge = Some(surge);
        }
    }

    /// Makes the level that a surge left the norm, after a week.
    fn end_surge(&mut self, surge: &Surge, hour: i64) {
        if surge.explained >= 1.0 && self.stock.memory.alarm.is_none() {
            let level = self.stock.norm().unwrap_or(0.0) + surge.explained;
            self.stock.memory.pinned = None;
            self.stock.accept(level, hour);
        }
        if hour - surge.last < 24 {
            // The outage lasts, so the hour is not learned from.
            let regime = surge.from.div_euclid(24) + 1;
            self.attempted.memory.regime = Some(regime);
            self.attempted.memory.thaw(regime * 24);
            self.attempted.forget_fit();
            if self.failed.memory.alarm.is_none() {
                self.failed.memory.regime = Some(regime);
                self.failed.forget_fit();
            }
        }
    }

    /// Number of additional failing packages that a surge of attempts explains.
    pub(crate) fn explained(&self) -> f64 {
        self.rest.surge.as_ref().map_or(0.0, |surge| surge.explained)
    }

    /// True when far more than the usual fraction of a surge fails. Then it explains nothing, because its attempts are
    /// themselves failures.
    fn is_unusual(&self, surge: &Surge) -> bool {
        let attempted = self.attempted.hours.observe(surge.from, surge.last + 1, |_| 1.0).sum;
        let usual = self.usual_share().unwrap_or(0.0) * attempted;
        let failed = self.failed.hours.observe(surge.from, surge.last + 1, |_| 1.0).sum;
        failed > rule::CRITICAL * usual && failed > usual + 2.0 * rule::floor(usual)
    }

    /// Usual fraction of attempts that fail.
    pub(crate) fn usual_share(&self) -> Option<f64> {
        let attempted = self.attempted.memory.level.filter(|level| 24.0 * level >= rule::LEAST_ATTEMPTS)?;
        Some((self.failed.memory.level? / attempted).min(1.0))
    }

    fn find_stock(&mut self, time: i64, hour: i64, explained: f64) -> Option<(Vec<Finding>, f64)> {
        self.stock.fit(hour)?;
        if explained <= 0.0 && self.stock.memory.alarm.is_none() && self.rest.outage_from.is_none() {
            self.stock.follow_fall(hour);
        }
        let expected = self.stock.fit(hour)?.expected(hour) + explained;
        let value = self.stock.hours.get(hour)?;
        let findings = self.stock.findings(hour, explained, 1.0);
        let doubled_from = self.stock.doubled_from(hour, value);
        let evidence =
            Evidence { time, hour, value, expected, findings: &findings, young: None, doubled_from };
        self.stock.decide(&evidence);
        if explained > 0.0 {
            self.stock.memory.freeze(hour);
        }
        Some((findings, expected))
    }

    fn find_flow(&mut self, time: i64, hour: i64, young: Option<f64>) -> Option<Vec<Finding>> {
        let expected = self.failed.fit(hour)?.expected(hour);
        let value = self.failed.hours.get(hour)?;
        self.attempted.fit(hour);
        let attempts = self.attempted.findings(hour, 0.0, 1.0);
        let mut findings = self.failed.findings(hour, 0.0, 1.0);
        for finding in &mut findings {
            if let Some(attempts) = attempts.iter().find(|one| one.window.hours == finding.window.hours)
                && (finding.state(Kind::Flow).alerts()
                    || attempts.value < rule::FEW_ATTEMPTS * attempts.expected)
            {
                self.share_out(hour, finding, attempts);
            }
        }
        let evidence =
            Evidence { time, hour, value, expected, findings: &findings, young, doubled_from: None };
        self.failed.decide(&evidence);
        Some(findings)
    }

    /// Fraction of the attempts of the last weeks that failed, without those of alerts.
    fn learned_share(&self, hour: i64) -> Option<f64> {
        let to = hour.div_euclid(24) * 24;
        let usual = self.failed.hours.without(&self.failed.memory.frozen, to);
        let (mut attempted, mut failed) = (0.0, 0.0);
        for (at, value) in usual.between(to - 24 * rule::SHARE_DAYS, to) {
            if let Some(attempts) = self.attempted.hours.get(at) {
                attempted += attempts;
                failed += value;
            }
        }
        (attempted >= 1.0).then_some(failed / attempted)
    }

    /// Corrects the number that is expected of a window of new failures by the number of its attempts.
    fn share_out(&self, hour: i64, finding: &mut Finding, attempts: &Finding) {
        let factor = attempts.value / attempts.expected.max(1.0);
        let usual = self.learned_share(hour).unwrap_or(0.0) * attempts.value / finding.expected.max(1.0);
        let Some(scaled) = self.failed.finding(hour, finding.window, factor) else { return };
        if (attempts.score > rule::MORE_ATTEMPTS && factor > 1.0) || usual > rule::MORE_FAILURES {
            // There are more attempts than noise explains, so more failures in proportion are expected. If there have
            // been more attempts for so long that they are normal, the failing fraction is as before.
            let more = factor.max(usual).min(rule::MOST_EXPLAINED);
            *finding = self.failed.finding(hour, finding.window, more).unwrap_or(scaled);
        } else if factor < rule::FEW_ATTEMPTS {
            // A usual number of failures may be an unusual fraction of few attempts. The fraction is noisier than the
            // number.
            let careful = Finding { needed: scaled.needed + rule::FEW_ATTEMPTS_SCORE, ..scaled };
            if careful.state(Kind::Flow).alerts() && careful.value >= rule::CRITICAL * careful.expected {
                *finding = careful;
            }
        }
    }
}

/// No count is larger.
const LARGEST: f64 = 1e12;

/// Range of valid times: 10,000 years around 1970.
const LATEST: i64 = 300_000_000_000;

/// A value that can be calculated with; `None` for a negative value or one that is no number.
fn usable(value: Option<f64>) -> Option<f64> {
    value.filter(|value| *value >= 0.0).map(|value| value.min(LARGEST))
}
