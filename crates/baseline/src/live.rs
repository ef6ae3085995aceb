//! Result of a check: the verdict of the last sample, compared with the present counters. No history is read.

use crate::age;
use crate::rule;
use crate::state::State;
use crate::text::{line, moment, share_of, whole};
use crate::verdict::{Breaker, Judged, Verdict};

/// Present values of the counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// Packages failing, without those that are held or suppressed, or parked: each package counts once.
    pub failing: u64,
    /// Jobs parked by a breaker.
    pub parked: u64,
    /// The dependency that cannot be reached, the most important if there are several.
    pub breaker: Option<Breaker>,
}

/// Result of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Now {
    /// State of the result.
    pub state: State,
    /// One line for a person: at most 150 characters of ASCII.
    pub text: String,
    /// Beginning of the alert, in seconds since 1970, if it is known.
    pub since: Option<i64>,
}

impl Live {
    /// Number that is compared with the limits.
    pub fn total(&self) -> u64 {
        self.failing.saturating_add(self.parked)
    }
}

impl Verdict {
    /// True when the verdict is too old at `now`, or comes from the future.
    pub fn is_stale(&self, now: i64) -> bool {
        self.is_ahead(now) || now.saturating_sub(self.time) > rule::STALE_HOURS * 3600
    }

    /// True when it was made when a clock was wrong, in the future.
    pub fn is_ahead(&self, now: i64) -> bool {
        !age::is_believed(now.saturating_mul(1000), self.time.saturating_mul(1000))
    }

    /// State of a check that compares a live counter of failing and parked with this verdict's limits at `now`
    /// (seconds since 1970). A stale verdict is UNKNOWN.
    pub fn state_of(&self, live: u64, now: i64) -> State {
        if self.is_stale(now) {
            return State::Unknown;
        }
        self.by_count(live).max(if self.outage { State::Critical } else { self.lasting(live) })
    }

    /// State and line at `now` (seconds since 1970), from the present counters.
    pub fn at(&self, live: &Live, now: i64) -> Now {
        if self.is_stale(now) {
            let text = match self.is_ahead(now) {
                true => format!("the newest sample is from the future: {}", moment(self.time, now)),
                false => format!("no sample since {}", moment(self.time, now)),
            };
            let text = line(&[(false, text)]);
            return Now { state: State::Unknown, text, since: None };
        }
        let total = live.total();
        if self.is_outage(live) {
            return self.outage_now(live, now);
        }
        let state = self.by_count(total).max(self.lasting(total));
        let since = self.since.filter(|_| state.alerts());
        Now { state, text: self.text_now(total, state, now), since }
    }

    /// The state that the live counter alone asks for.
    fn by_count(&self, live: u64) -> State {
        let reaches = |limit: Option<u64>| limit.is_some_and(|limit| live >= limit);
        match &self.stock {
            Some(stock) if reaches(stock.limits.critical) => State::Critical,
            Some(stock) if reaches(stock.limits.warning) => State::Warning,
            _ => State::Ok,
        }
    }

    /// Part of the stored state that goes on. An alert about the stock alone is over when the stock is normal.
    fn lasting(&self, live: u64) -> State {
        let Some(stock) = &self.stock else { return self.state };
        let flow = self.flow.as_ref().map_or(State::Ok, |flow| flow.state.min(State::Warning));
        let named = self.signature.as_ref().is_some_and(|signature| signature.since.is_some());
        let others = flow.max(if named { State::Warning } else { State::Ok });
        let outage = if self.outage { State::Critical } else { State::Ok };
        // A state that none of these explains comes from a static limit.
        let all = stock.state.max(others).max(outage);
        let rest = if self.state > all { self.state } else { State::Ok };
        let over = stock.limits.clear.is_some_and(|limit| live < limit);
        others.max(rest).max(if over { State::Ok } else { stock.state })
    }

    fn is_outage(&self, live: &Live) -> bool {
        let limit = match (&self.stock, self.learning) {
            (Some(stock), _) => stock.limits.parked,
            // A dependency that cannot be reached is an outage on the first day, too.
            (None, Some(_)) => Some(rule::PARKED_WHILE_LEARNING),
            (None, None) => None,
        };
        live.breaker.is_some() && limit.is_some_and(|limit| live.parked >= limit)
    }

    fn outage_now(&self, live: &Live, now: i64) -> Now {
        let breaker = live.breaker.clone().unwrap_or_default();
        let normal = self.stock.as_ref().map(|stock| stock.normal);
        let counts = (live.parked.to_string(), live.failing.to_string());
        let text = outage_line(&breaker, (&counts.0, &counts.1), normal, now);
        Now { state: State::Critical, text, since: live.breaker.as_ref().map(|breaker| breaker.since) }
    }

    fn text_now(&self, total: u64, state: State, now: i64) -> String {
        let Some(stock) = &self.stock else { return self.counted(total) };
        let unchanged = whole(stock.value) == total.to_string() && state == self.state && !self.outage;
        if unchanged {
            return self.text.clone();
        }
        let rises = self.by_count(total) >= State::Warning && state > self.state;
        if rises || (self.outage && !stock.state.alerts()) || (stock.state.alerts() && state.alerts()) {
            return self.excess_now(stock, total, state, now);
        }
        if state.alerts() || !self.state.alerts() {
            return self.counted(total);
        }
        self.excess_now(stock, total, state, now)
    }

    /// The stored line with the present number at its beginning.
    fn counted(&self, total: u64) -> String {
        let failing = " failing";
        match self.text.find(failing) {
            Some(at) if self.text.get(..at).is_some_and(|head| head.bytes().all(|b| b.is_ascii_digit())) => {
                let rest = self.text.get(at..).unwrap_or_default().to_owned();
                line(&[(false, total.to_string()), (false, rest)])
            }
            _ => self.text.clone(),
        }
    }

    fn excess_now(&self, stock: &Judged, total: u64, state: State, now: i64) -> String {
        let normal = whole(stock.normal - self.explained);
        let norm = if stock.set { "set to" } else { "normally" };
        let base = (false, format!("{total} failing, {norm} {normal}"));
        if !state.alerts() {
            return line(&[base]);
        }
        let new = total.saturating_sub(normal.parse().unwrap_or(0));
        let since = self.since.filter(|_| self.state.alerts() && !self.outage);
        let since = since.map_or_else(String::new, |since| format!(" since {}", moment(since, now)));
        let cause = match (&self.cause, self.share) {
            (Some(cause), share) if stock.state.alerts() => share_of(share, cause),
            _ => String::new(),
        };
        line(&[base, (false, format!(" - {new} new")), (false, since), (false, cause)])
    }
}

/// Line of an outage: the numbers of parked jobs and of other failing packages, and the dependency.
pub(crate) fn outage_line(
    breaker: &Breaker,
    (parked, failing): (&str, &str),
    normal: Option<f64>,
    now: i64,
) -> String {
    let normal = normal.map_or_else(String::new, |normal| format!(", normally {}", whole(normal)));
    let cause = breaker.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
    let state = if breaker.name.starts_with("disk:") { "is full" } else { "is out of reach" };
    line(&[
        (false, format!("{parked} parked since {}", moment(breaker.since, now))),
        (false, format!(", {failing} more failing{normal}")),
        (false, format!(": {} {state}", breaker.name)),
        (false, cause),
    ])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::verdict::Limits;

    const SINCE: i64 = 1_795_509_120;

    fn stored(state: State) -> Verdict {
        let limits = Limits { warning: Some(700), critical: Some(950), clear: None, parked: Some(50) };
        let stock = Judged {
            state,
            value: 500.0,
            normal: 500.0,
            spread: 0.05,
            score: 0.0,
            needed: 3.2,
            window: (1, 500.0, 500.0),
            limits,
            since: None,
            days: (28, 28),
            set: false,
        };
        Verdict {
            time: SINCE,
            state,
            text: "500 failing, normally 500".into(),
            learning: None,
            stock: Some(stock),
            flow: None,
            signature: None,
            share: None,
            since: None,
            cause: None,
            outage: false,
            explained: 0.0,
        }
    }

    fn at(verdict: &Verdict, failing: u64, parked: u64, breaker: Option<Breaker>) -> (State, String) {
        let now = verdict.at(&Live { failing, parked, breaker }, SINCE + 600);
        (now.state, now.text)
    }

    #[test]
    fn what_has_changed_since_the_sample_counts() {
        let verdict = stored(State::Ok);
        assert_eq!(at(&verdict, 500, 0, None), (State::Ok, "500 failing, normally 500".into()));
        assert_eq!(at(&verdict, 520, 0, None), (State::Ok, "520 failing, normally 500".into()));
        assert_eq!(
            at(&verdict, 700, 0, None),
            (State::Warning, "700 failing, normally 500 - 200 new".into())
        );
        assert_eq!(at(&verdict, 1000, 0, None).0, State::Critical);
    }

    #[test]
    fn an_outage_alerts_while_the_norm_is_learned() {
        let learning = || Verdict { stock: None, learning: Some(2), ..stored(State::Ok) };
        let breaker = || Some(Breaker { name: "deb.example.org".into(), since: SINCE, cause: None });
        let outage = at(&learning(), 7, 60, breaker());
        let text = "60 parked since 11-24 08:32Z, 7 more failing: deb.example.org is out of reach";
        assert_eq!(outage, (State::Critical, text.into()));
        assert_eq!(at(&learning(), 7, 19, breaker()).0, State::Ok, "too few");
        assert_eq!(at(&learning(), 7, 60, None).0, State::Ok, "no breaker is open");
    }

    #[test]
    fn an_outage_begins_and_ends_between_two_samples() {
        let breaker = || Some(Breaker { name: "deb.example.org".into(), since: SINCE, cause: None });
        let begun = at(&stored(State::Ok), 500, 60, breaker());
        assert_eq!(begun.0, State::Critical);
        assert_eq!(
            begun.1,
            "60 parked since 11-24 08:32Z, 500 more failing, normally 500: deb.example.org is out of reach"
        );
        assert_eq!(at(&stored(State::Ok), 500, 60, None).0, State::Ok, "no breaker is open");
        let mut outage = stored(State::Ok);
        outage.state = State::Critical;
        outage.outage = true;
        assert_eq!(at(&outage, 500, 0, None), (State::Ok, "500 failing, normally 500".into()));
        assert_eq!(at(&outage, 500, 60, breaker()).0, State::Critical);
    }

    #[test]
    fn an_alert_is_over_below_its_end_and_a_named_signature_is_not() {
        let mut verdict = stored(State::Critical);
        verdict.text = "1012 failing, normally 500 - 512 new since 11-24 08:32Z, 97% fetch/connect".into();
        verdict.since = Some(SINCE);
        verdict.share = Some(97);
        verdict.cause = Some("fetch/connect".into());
        if let Some(stock) = &mut verdict.stock {
            stock.value = 1012.0;
            stock.limits.clear = Some(630);
        }
        assert_eq!(
            at(&verdict, 990, 0, None),
            (
                State::Critical,
                "990 failing, normally 500 - 490 new since 11-24 08:32Z, 97% fetch/connect".into()
            )
        );
        assert_eq!(at(&verdict, 600, 0, None), (State::Ok, "600 failing, normally 500".into()));
    }

    #[test]
    fn what_is_stale_is_unknown() {
        let now = stored(State::Critical).at(&Live::default(), SINCE + 37 * 3600);
        assert_eq!((now.state, now.text.as_str()), (State::Unknown, "no sample since 11-24 08:32Z"));
    }
}
