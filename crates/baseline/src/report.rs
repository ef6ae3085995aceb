//! Makes a verdict of what was found.

use crate::alarm::clear_limit;
use crate::fit::Kind;
use crate::judge::{Found, Judge, Settings};
use crate::live::outage_line;
use crate::rule;
use crate::signature::Leading;
use crate::state::State;
use crate::text::{line, moment, whole};
use crate::track::{Finding, Track};
use crate::verdict::{Context, Judged, Limits, Verdict};

impl Judge {
    /// The verdict on a sample that is out of order or out of this world.
    pub(crate) fn refuse(&self, time: i64) -> Verdict {
        let text = self.rest.last.map_or_else(String::new, |last| format!(" after {}", moment(last)));
        blank(time, State::Unknown, line(&[(false, format!("sample of {} came{text}", moment(time)))]))
    }

    pub(crate) fn verdict(
        &self,
        time: i64,
        hour: i64,
        context: &Context,
        found: &Found,
        settings: Settings,
    ) -> Verdict {
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
        // Where somebody said what is normal, nobody has to wait for it.
        verdict.learning = (!self.is_judged()).then(|| self.learned_days(hour));
        verdict.outage = found.outage;
        verdict.explained = self.explained();
        self.conclude(&mut verdict, hour, found, settings, total);
        verdict.cause = self.cause_of(&verdict, context);
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
            // Where it is known how many fail, that is what decides whether it is critical.
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
        let one = if self.stock.memory.alarm.is_some() || self.failed.memory.alarm.is_some() {
            grown().or_else(|| found.signature.clone())
        } else {
            found.signature.clone()
        };
        one.filter(|one| !context.suppressed.contains(&one.id))
    }

    /// Which part of the excess of the stock the named signature makes.
    fn share(&self, verdict: &Verdict) -> Option<u32> {
        let (signature, stock) = (verdict.signature.as_ref()?, verdict.stock.as_ref()?);
        let excess = stock.value - stock.normal;
        if excess < 1.0 {
            return None;
        }
        let share = 100.0 * (signature.value - signature.normal) / excess;
        // Between 0 and 100, so the cast is exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(share.clamp(0.0, 100.0).round() as u32)
    }

    fn describe(&self, verdict: &Verdict, found: &Found, context: &Context, total: f64) -> String {
        if verdict.state == State::Unknown {
            let last = self.stock.hours.newest().map_or_else(String::new, |hour| moment(hour * 3600));
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
        let stock_alerts = self.stock.memory.state() == verdict.state || self.failed.memory.alarm.is_none();
        match (&verdict.stock, &verdict.flow) {
            (Some(stock), _) if stock_alerts => self.describe_stock(verdict, stock, context),
            (_, Some(flow)) => self.describe_flow(verdict, flow, context),
            (Some(stock), _) => self.describe_stock(verdict, stock, context),
            _ => line(&[(false, format!("{} failing", whole(total)))]),
        }
    }

    fn describe_outage(&self, verdict: &Verdict, context: &Context) -> String {
        let breaker = context.breakers.first();
        let name = breaker.map_or("an open breaker", |breaker| breaker.name.as_str());
        let since = breaker.map(|breaker| breaker.since).or(self.rest.parked_since).unwrap_or(verdict.time);
        let normal = verdict.stock.as_ref().map(|stock| stock.normal);
        let (failing, parked) = self.rest.counts;
        outage_line(&whole(parked), since, &whole(failing), normal, name)
    }

    /// What a person would call the cause.
    fn cause_of(&self, verdict: &Verdict, context: &Context) -> Option<String> {
        if verdict.outage {
            return context.breakers.first().map(|breaker| breaker.name.clone());
        }
        let id = &verdict.signature.as_ref()?.id;
        Some(context.labels.get(id).unwrap_or(id).clone())
    }

    fn describe_stock(&self, verdict: &Verdict, stock: &Judged, context: &Context) -> String {
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
            format!(", again {} since {}", whole(again.by), moment(again.since))
        });
        line(&[base, new, (false, since(verdict)), (false, again), (false, self.cause(verdict, context))])
    }

    /// `, 97% fetch/connect: archive unreachable`; of a signature that alerts while the total does not, its count.
    fn cause(&self, verdict: &Verdict, context: &Context) -> String {
        let Some(signature) = &verdict.signature else { return String::new() };
        let label = context.labels.get(&signature.id).unwrap_or(&signature.id);
        match verdict.share {
            Some(share) if self.stock.memory.alarm.is_some() => format!(", {share}% {label}"),
            _ => format!(", {} (normally {}) {label}", whole(signature.value), whole(signature.normal)),
        }
    }

    fn describe_flow(&self, verdict: &Verdict, flow: &Judged, context: &Context) -> String {
        let base = format!("{} failed in 24 h, normally {}", whole(flow.value), whole(flow.normal));
        let attempts = self
            .attempted
            .hours
            .newest()
            .map(|hour| self.attempted.hours.observe(hour - 23, hour + 1, |_| 1.0).sum);
        let share = match (attempts, self.usual_share()) {
            (Some(attempts), Some(usual)) if attempts >= 1.0 => {
                format!(
                    ", {:.0}% of attempts (norm {:.0}%)",
                    100.0 * (flow.value / attempts).min(1.0),
                    100.0 * usual
                )
            }
            _ => String::new(),
        };
        if !verdict.state.alerts() {
            return line(&[(false, base)]);
        }
        line(&[(false, base), (false, since(verdict)), (true, share), (false, self.cause(verdict, context))])
    }
}

fn since(verdict: &Verdict) -> String {
    verdict.since.map_or_else(String::new, |since| format!(" since {}", moment(since)))
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
    // In the hour in which an alert ends no window says anything yet.
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
            clear: (track.kind == Kind::Stock && track.memory.alarm.is_some())
                .then(|| as_limit(clear_limit(normal).ceil())),
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
