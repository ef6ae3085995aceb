//! Verdict from the findings.

use crate::alarm::clear_limit;
use crate::fit::Kind;
use crate::judge::{Found, Judge, Settings};
use crate::live::outage_line;
use crate::rule;
use crate::signature::Leading;
use crate::state::State;
use crate::text::{around, line, moment, share_of, whole};
use crate::track::{Finding, Track};
use crate::verdict::{Breaker, Causes, Context, Judged, Limits, Verdict};

impl Judge {
    /// Verdict on a sample that is out of order, or has an impossible time.
    pub(crate) fn refuse(&self, time: i64) -> Verdict {
        let text = self.rest.last.map_or_else(String::new, |last| format!(" after {}", moment(last, time)));
        blank(time, State::Unknown, line(&[(false, format!("sample of {} came{text}", moment(time, time)))]))
    }

    pub(crate) fn verdict(
        &self,
        hour: i64,
        context: &Context,
        found: &Found,
        causes: &mut dyn Causes,
    ) -> Verdict {
        let (time, settings) = (self.rest.last.unwrap_or(hour * 3600), self.settings);
        let mut verdict = blank(time, State::Ok, String::new());
        let total = self.rest.counts.0 + self.rest.counts.1;
        verdict.stock = found.stock.as_ref().and_then(|(findings, expected)| {
            let most = self.stock.expected_around(hour)? + self.explained();
            let mut judged = judged(&self.stock, findings, total, (*expected, most), settings)?;
            judged.limits.parked = Some(as_limit(self.parked_limit(*expected).ceil()));
            Some(judged)
        });
        verdict.flow = found.flow.as_ref().and_then(|findings| {
            let (value, expected) = self.failed.day(hour, findings)?;
            judged(&self.failed, findings, value, (expected, expected), Settings::default())
        });
        verdict.signature = self.named(time, context, found);
        verdict.share = self.share(&verdict);
        // A norm that an operator has set need not be learned.
        verdict.learning = (!self.is_judged()).then(|| self.learned_days(hour));
        verdict.outage = found.outage;
        verdict.explained = self.explained();
        self.conclude(&mut verdict, hour, found, settings, total);
        self.name_cause(&mut verdict, context, causes);
        verdict.text = self.describe(&verdict, found, context, total);
        verdict
    }

    fn learned_days(&self, hour: i64) -> usize {
        let main = if self.stock.memory.first.is_some() { &self.stock } else { &self.failed };
        main.full_days(main.filled(hour), hour).min(rule::LEARNING_DAYS)
    }

    /// The state and since when.
    fn conclude(&self, verdict: &mut Verdict, hour: i64, found: &Found, settings: Settings, total: f64) {
        let stock = &self.stock;
        let mut states = vec![(fixed(settings, total), None)];
        let fresh =
            |track: &Track| track.hours.newest().is_some_and(|newest| hour - newest <= rule::STALE_HOURS);
        if fresh(stock) {
            states.push((stock.memory.state(), stock.memory.alarm.as_ref().map(|alarm| alarm.since)));
        } else if stock.memory.first.is_some() {
            states.push((State::Unknown, None));
        }
        if fresh(&self.failed) {
            let alarm = self.failed.memory.alarm.as_ref();
            // Where the number of failing packages is known, it decides whether the state is critical.
            let most = if fresh(stock) { State::Warning } else { State::Critical };
            states.push((self.failed.memory.state().min(most), alarm.map(|alarm| alarm.since)));
        }
        if let Some(since) = found.signature.as_ref().and_then(|signature| signature.since) {
            states.push((State::Warning, Some(since)));
        }
        if found.outage {
            states.push((State::Critical, self.rest.parked_since));
        }
        for (state, since) in states {
            if state > verdict.state || (state == verdict.state && verdict.since.is_none()) {
                verdict.state = state;
                verdict.since = since;
            }
        }
    }

    /// The signature to name: the one that grew most if the stock alerts, else the one that alerts by itself.
    fn named(&self, time: i64, context: &Context, found: &Found) -> Option<Leading> {
        let grown = || self.rest.signatures.leading(time.div_euclid(86_400), self.first_day());
        let one = if self.stock.memory.alarm.is_some() {
            grown().or_else(|| found.signature.clone())
        } else {
            found.signature.clone()
        };
        one.filter(|one| !context.suppressed.contains(&one.id))
    }

    /// Percentage of the stock's excess that the named signature makes.
    fn share(&self, verdict: &Verdict) -> Option<u32> {
        let (signature, stock) = (verdict.signature.as_ref()?, verdict.stock.as_ref()?);
        let excess = stock.value - stock.normal;
        if excess < 1.0 {
            return None;
        }
        Some(percent((signature.value - signature.normal) / excess))
    }

    fn describe(&self, verdict: &Verdict, found: &Found, context: &Context, total: f64) -> String {
        if verdict.state == State::Unknown {
            let last =
                self.stock.hours.newest().map_or_else(String::new, |hour| moment(hour * 3600, verdict.time));
            return line(&[(false, format!("no sample of what fails since {last}"))]);
        }
        if let Some(days) = verdict.learning {
            let goes_on = if days >= rule::LEARNING_DAYS { ", first queue not drained" } else { "" };
            let text =
                format!("{} failing, learning {days}/{} days{goes_on}", whole(total), rule::LEARNING_DAYS);
            return line(&[(false, text)]);
        }
        if found.outage {
            return self.describe_outage(verdict, context);
        }
        if let Some(signature) = self.alone(verdict) {
            return describe_signature(verdict, signature, total);
        }
        match (&verdict.stock, &verdict.flow) {
            (_, Some(flow)) if self.is_about_flow(verdict) => self.describe_flow(verdict, flow),
            (Some(stock), _) => self.describe_stock(verdict, stock),
            (_, Some(flow)) => self.describe_flow(verdict, flow),
            _ => line(&[(false, format!("{} failing", whole(total)))]),
        }
    }

    /// The signature that alerts by itself while the number that fails is as usual: more is known about it than about
    /// the new failures.
    fn alone<'a>(&self, verdict: &'a Verdict) -> Option<&'a Leading> {
        let is_warning = verdict.state == State::Warning && !verdict.outage;
        let is_quiet = self.stock.memory.alarm.is_none();
        verdict.signature.as_ref().filter(|one| is_warning && is_quiet && one.since.is_some())
    }

    /// True when new failures alert, and not the number of failing packages.
    fn is_about_flow(&self, verdict: &Verdict) -> bool {
        let stock_alerts = self.stock.memory.state() == verdict.state || self.failed.memory.alarm.is_none();
        !verdict.outage && verdict.flow.is_some() && (verdict.stock.is_none() || !stock_alerts)
    }

    fn describe_outage(&self, verdict: &Verdict, context: &Context) -> String {
        let unknown = Breaker { name: "an open breaker".into(), ..Breaker::default() };
        let known = context.breakers.first();
        let since = known.map(|breaker| breaker.since).or(self.rest.parked_since).unwrap_or(verdict.time);
        let breaker = Breaker { since, ..known.unwrap_or(&unknown).clone() };
        let normal = verdict.stock.as_ref().map(|stock| stock.normal);
        let (failing, parked) = self.rest.counts;
        outage_line(&breaker, (&whole(parked), &whole(failing)), normal, verdict.time)
    }

    /// Names the cause of an alert: for new failures, the signature that most of them have; for the stock, the one that
    /// grew most.
    fn name_cause(&self, verdict: &mut Verdict, context: &Context, causes: &mut dyn Causes) {
        if !verdict.state.alerts() {
            return;
        }
        if verdict.outage {
            verdict.cause = context.breakers.first().map(|breaker| breaker.name.clone());
            return;
        }
        if let Some(signature) = self.alone(verdict) {
            verdict.cause = Some(labelled(&signature.id, causes));
        } else if self.is_about_flow(verdict) {
            let newly = causes.newly_failed();
            verdict.signature = None;
            verdict.share = newly.as_ref().map(|(_, part)| percent(*part));
            verdict.cause = newly.map(|(id, _)| labelled(&id, causes));
        } else if let Some(signature) = &verdict.signature {
            verdict.cause = Some(labelled(&signature.id, causes));
        }
    }

    fn describe_stock(&self, verdict: &Verdict, stock: &Judged) -> String {
        let norm = if stock.set { "set to" } else { "normally" };
        let explained = self.explained();
        let base =
            (false, format!("{} failing, {norm} {}", whole(stock.value), whole(stock.normal - explained)));
        if !verdict.state.alerts() {
            return match (&self.rest.surge, self.usual_share()) {
                (Some(surge), Some(share)) if explained >= 1.0 => {
                    let attempted = whole(surge.attempted);
                    line(&[
                        base,
                        (false, format!(" - {attempted} attempted, {:.0}% failed as usual", 100.0 * share)),
                    ])
                }
                _ => line(&[base]),
            };
        }
        let new = stock.value - (stock.normal - explained);
        let new = (false, if new >= 1.0 { format!(" - {} new", whole(new)) } else { String::new() });
        let again = self.stock.memory.alarm.as_ref().and_then(|alarm| alarm.again);
        let again = again.map_or_else(String::new, |again| {
            format!(", again {} since {}", whole(again.by), moment(again.since, verdict.time))
        });
        line(&[base, new, (false, since(verdict)), (false, again), (false, cause(verdict))])
    }

    fn describe_flow(&self, verdict: &Verdict, flow: &Judged) -> String {
        // The window that alerts may be three days or a week long, while the last day is normal.
        let (hours, value, expected) = flow.window;
        let (long, value, normal) = match hours {
            ..=24 => ("24 h".to_owned(), flow.value, flow.normal),
            _ => (format!("{} d", hours / 24), value, expected),
        };
        let long = if verdict.state.alerts() { long } else { "24 h".to_owned() };
        let base = format!("{} failed in {long}, normally {}", whole(value), whole(normal));
        if !verdict.state.alerts() {
            let base = format!("{} failed in 24 h, normally {}", whole(flow.value), whole(flow.normal));
            return line(&[(false, base)]);
        }
        let attempts = self
            .attempted
            .hours
            .newest()
            .map(|hour| self.attempted.hours.observe(hour + 1 - hours.max(24), hour + 1, |_| 1.0).sum);
        let share = match (attempts, self.usual_share()) {
            (Some(attempts), Some(usual)) if attempts >= 1.0 => {
                let part = 100.0 * (value / attempts).min(1.0);
                format!(", {part:.0}% of attempts (norm {:.0}%)", 100.0 * usual)
            }
            _ => String::new(),
        };
        line(&[(false, base), (false, since(verdict)), (true, share), (false, cause(verdict))])
    }
}

/// `, 97% rnbyej7 fetch/connect: archive unreachable`.
fn cause(verdict: &Verdict) -> String {
    let Some(cause) = &verdict.cause else { return String::new() };
    match (&verdict.signature, verdict.share) {
        (None, None) => format!(", {cause}"),
        (_, share) => share_of(share, cause),
    }
}

/// `60 (normally 2) fail with rnbyej7 fetch/connect: archive unreachable since 11-24 08:32Z, 220 failing in all`.
fn describe_signature(verdict: &Verdict, signature: &Leading, total: f64) -> String {
    let begin = format!("{} (normally {}) fail with ", whole(signature.value), whole(signature.normal));
    let since =
        signature.since.map_or_else(String::new, |since| format!(" since {}", moment(since, verdict.time)));
    let cause = verdict.cause.as_ref().unwrap_or(&signature.id);
    around(&begin, cause, &since, &format!(", {} failing in all", whole(total)))
}

/// Id of a signature, which the next command needs, with its label.
fn labelled(id: &str, causes: &mut dyn Causes) -> String {
    causes.label(id).map_or_else(|| id.to_owned(), |label| format!("{id} {label}"))
}

/// A part in per cent.
fn percent(part: f64) -> u32 {
    // Between 0 and 100, so the cast is exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let percent = (100.0 * part).clamp(0.0, 100.0).round() as u32;
    percent
}

fn since(verdict: &Verdict) -> String {
    verdict.since.map_or_else(String::new, |since| format!(" since {}", moment(since, verdict.time)))
}

/// The state by the static limits.
fn fixed(settings: Settings, total: f64) -> State {
    let reaches = |limit: Option<u64>| limit.is_some_and(|limit| total >= as_value(limit));
    if reaches(settings.critical) {
        State::Critical
    } else if reaches(settings.warning) {
        State::Warning
    } else {
        State::Ok
    }
}

fn judged(
    track: &Track,
    findings: &[Finding],
    value: f64,
    (normal, most): (f64, f64),
    settings: Settings,
) -> Option<Judged> {
    let key = |finding: &Finding| (finding.state(track.kind), finding.score - finding.needed);
    let decided = findings.iter().max_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    // In the hour in which an alert ends the windows are too new.
    let nothing = Finding { window: track.shortest()?, value, expected: normal, score: 0.0, needed: 0.0 };
    let decided = decided.copied().unwrap_or(nothing);
    let limit = |critical: bool, fixed: Option<u64>| {
        let learned = track.jump_limit(most, critical).map(as_limit);
        [learned, fixed].into_iter().flatten().min()
    };
    let (level_days, days, spread) = track.basis(decided.window)?;
    Some(Judged {
        state: track.memory.state(),
        value,
        normal,
        spread,
        score: decided.score,
        needed: decided.needed,
        window: (decided.window.hours, decided.value, decided.expected),
        limits: Limits {
            warning: limit(false, settings.warning),
            critical: limit(true, settings.critical),
            // An alert that has come back before ends with a sample only.
            clear: track
                .memory
                .alarm
                .as_ref()
                .filter(|alarm| track.kind == Kind::Stock && track.memory.hold(alarm.from) == 0)
                .map(|_| as_limit(clear_limit(normal).ceil())),
            parked: None,
        },
        since: track.memory.alarm.as_ref().map(|alarm| alarm.since),
        days: (level_days, days),
        set: track.memory.is_set(),
    })
}

// Limits are whole numbers far below 2^53, where both casts are exact; a float that is larger saturates.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn as_limit(value: f64) -> u64 {
    value.max(0.0) as u64
}

#[allow(clippy::cast_precision_loss)]
fn as_value(limit: u64) -> f64 {
    limit as f64
}

fn blank(time: i64, state: State, text: String) -> Verdict {
    Verdict {
        time,
        state,
        text,
        learning: None,
        stock: None,
        flow: None,
        signature: None,
        share: None,
        since: None,
        cause: None,
        outage: false,
        explained: 0.0,
    }
}
