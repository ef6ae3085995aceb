//! Alerts: how they begin, change and end.

use crate::fit::Kind;
use crate::memory::{Again, Alarm};
use crate::rule;
use crate::state::State;
use crate::track::{Finding, Track};

/// Evidence about one figure at one time.
pub struct Evidence<'a> {
    /// Time of the sample, in seconds since 1970.
    pub time: i64,
    /// Hour of the sample, since 1970.
    pub hour: i64,
    /// The newest hour's value.
    pub value: f64,
    /// Value that was expected.
    pub expected: f64,
    /// Findings of the windows.
    pub findings: &'a [Finding],
    /// Number of a day's new failures that still fail, if it is known.
    pub young: Option<f64>,
    /// The highest value of the day before, if it has doubled since.
    pub doubled_from: Option<f64>,
}

impl Evidence<'_> {
    fn wanted(&self, kind: Kind) -> State {
        if self.doubled_from.is_some() && self.value >= clear_limit(self.expected) {
            return State::Critical;
        }
        let states = self.findings.iter().map(|finding| finding.state(kind));
        let agree = if kind == Kind::Stock { 1 } else { rule::FLOWS_AGREE };
        if states.clone().filter(|state| state.alerts()).count() < agree {
            return State::Ok;
        }
        states.max().unwrap_or_default()
    }
}

/// Limit below which an alert about a stock ends.
pub fn clear_limit(expected: f64) -> f64 {
    (rule::CLEAR * expected).max(expected + rule::floor(expected) / 2.0)
}

/// Notes a second incident within an alert, once for each day.
fn note_again(alarm: &mut Alarm, evidence: &Evidence<'_>) {
    let Some(before) = evidence.doubled_from.filter(|_| evidence.hour > alarm.from + rule::DOUBLED_WITHIN)
    else {
        return;
    };
    let said = alarm.again.filter(|again| evidence.time - again.since < 86_400 + 3600 * rule::DOUBLED_WITHIN);
    let by = evidence.value - before;
    alarm.again = Some(match said {
        Some(again) => Again { by: by.max(again.by), ..again },
        None => Again { times: alarm.again.map_or(0, |again| again.times) + 1, since: evidence.time, by },
    });
}

/// Limit below which a window of a flow is normal again. Where next to nothing is expected, a few failures must not
/// keep an alert going.
fn back_limit(expected: f64) -> f64 {
    (rule::CLEAR * expected).max(rule::floor(expected) / 2.0)
}

/// The logarithm of the likelihood ratio that ends an alert about a flow: 20 to 1.
const RECOVERED: f64 = 3.0;

impl Track {
    /// Updates the alert from the evidence, and returns the state.
    pub fn decide(&mut self, evidence: &Evidence<'_>) -> State {
        self.note_above(evidence);
        let wanted = evidence.wanted(self.kind);
        match self.memory.alarm.take() {
            None if wanted.alerts() => {
                self.memory.alarm = Some(Alarm {
                    state: wanted,
                    since: self.memory.above_since.unwrap_or(evidence.time),
                    from: evidence.hour,
                    was_critical: wanted == State::Critical,
                    below: 0,
                    less: 0,
                    cured: 0,
                    recovered: 0.0,
                    counted: evidence.hour,
                    above: evidence.hour,
                    again: None,
                });
            }
            None => {}
            Some(alarm) => self.memory.alarm = self.go_on(alarm, wanted, evidence),
        }
        if self.memory.alarm.is_some() {
            self.memory.freeze(evidence.hour);
        }
        self.memory.state()
    }

    fn note_above(&mut self, evidence: &Evidence<'_>) {
        let above = match self.kind {
            Kind::Stock => evidence.value >= clear_limit(evidence.expected),
            Kind::Flow => evidence.findings.iter().any(|day| day.value > back_limit(day.expected)),
        };
        if !above {
            self.memory.above_since = None;
        } else if self.memory.above_since.is_none() {
            self.memory.above_since = Some(evidence.time);
        }
    }

    fn go_on(&mut self, mut alarm: Alarm, wanted: State, evidence: &Evidence<'_>) -> Option<Alarm> {
        let over = match self.kind {
            Kind::Stock => evidence.value < clear_limit(evidence.expected),
            Kind::Flow => self.recovered(&mut alarm, evidence),
        };
        alarm.below = if over { alarm.below + 1 } else { 0 };
        if !over {
            alarm.above = evidence.hour;
            note_again(&mut alarm, evidence);
        }
        let enough = if self.kind == Kind::Stock { rule::CLEAR_SAMPLES } else { 1 };
        let lasted = evidence.hour - alarm.from;
        if alarm.below >= enough && evidence.hour - alarm.above >= self.memory.hold(alarm.from) {
            self.memory.end(alarm.from, evidence.hour);
            return None;
        }
        let mild = !alarm.was_critical && wanted != State::Critical;
        let long = lasted >= rule::ACCEPT_DAYS * 24 && mild && self.flat(evidence.hour);
        // The norm from before a fall is remembered for a limited time.
        let back = self.memory.fell_from.filter(|(_, at)| alarm.from - at < rule::ACCEPT_DAYS * 24);
        let back = back.filter(|(level, _)| evidence.value < clear_limit(*level));
        if let Some((level, _)) = back.filter(|_| self.kind == Kind::Stock && lasted >= rule::BACK_HOURS) {
            self.memory.fell_from = None;
            self.memory.end(alarm.from, evidence.hour);
            self.accept(level, evidence.hour);
            return None;
        }
        let longest = 24 * if mild { rule::LONGEST_WARNING_DAYS } else { rule::LONGEST_CRITICAL_DAYS };
        if long || lasted >= longest {
            self.accept_week(evidence.hour);
            return None;
        }
        if wanted == State::Critical {
            alarm.state = State::Critical;
            alarm.was_critical = true;
            alarm.less = 0;
        } else if alarm.state == State::Critical {
            let less =
                self.kind == Kind::Flow || evidence.value < rule::BACK * rule::CRITICAL * evidence.expected;
            alarm.less = if less { alarm.less + 1 } else { 0 };
            if alarm.less >= rule::CLEAR_SAMPLES {
                alarm.state = State::Warning;
            }
        }
        Some(alarm)
    }

    /// Takes the last week for normal.
    fn accept_week(&mut self, hour: i64) {
        let from = hour - rule::ACCEPT_DAYS * 24;
        self.memory.regime = Some(from.div_euclid(24));
        self.memory.thaw(from);
        self.memory.cleared = Some(hour);
        self.memory.above_since = None;
        self.forget_fit();
    }

    /// True when a flow is normal again: its day is, or its newest full hours resemble the norm so much, and
    /// twice the norm so little, that the day need not be waited for.
    fn recovered(&mut self, alarm: &mut Alarm, evidence: &Evidence<'_>) -> bool {
        let hour = evidence.hour - 1;
        if hour > alarm.counted
            && let (Some(value), Some(fit)) = (self.hours.get(hour), self.fit(evidence.hour))
        {
            let likelihood = fit.expected(hour) - value * std::f64::consts::LN_2;
            alarm.recovered = (alarm.recovered + likelihood).max(0.0);
            alarm.counted = hour;
        }
        // The day, and the hours that may have alerted before the day could.
        let mut short = evidence.findings.iter().filter(|finding| finding.window.hours <= 24).peekable();
        let back =
            short.peek().is_some() && short.all(|finding| finding.value < back_limit(finding.expected));
        let day = evidence.findings.iter().find(|finding| finding.is_last_day());
        let cured = evidence.young.zip(day).is_some_and(|(young, day)| young < back_limit(day.expected));
        alarm.cured = if cured { alarm.cured + 1 } else { 0 };
        alarm.recovered >= RECOVERED || back || alarm.cured >= rule::CLEAR_SAMPLES
    }
}
