//! One figure: its history, what is normal for it, and how strange its newest hours are.

use crate::fit::{Fit, History, Kind, Trial};
use crate::hours::Hours;
use crate::memory::Memory;
use crate::rule::{self, Window};
use crate::scale::Scale;
use crate::state::State;

const DAY: i64 = 24;

/// What one window says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// The window.
    pub window: Window,
    /// The mean (of a stock) or the sum (of a flow).
    pub value: f64,
    /// What was expected.
    pub expected: f64,
    /// How many usual distances it is away.
    pub score: f64,
    /// The score that a WARNING needs.
    pub needed: f64,
}

impl Finding {
    /// Whether it is of the last 24 hours.
    pub fn is_last_day(&self) -> bool {
        self.window.hours == DAY
    }

    /// The state that this window alone asks for.
    pub fn state(&self, kind: Kind) -> State {
        let lasting = self.window.hours > DAY;
        let least = match kind {
            Kind::Stock => rule::STOCK_WARNING,
            Kind::Flow if lasting => rule::LASTING_FLOW_WARNING,
            Kind::Flow => rule::FLOW_WARNING,
        };
        let floor = match kind {
            Kind::Stock if lasting => rule::lasting_floor(self.expected),
            _ => rule::floor(self.expected),
        };
        let reaches = |factor: f64, floors: f64, score: f64| {
            self.value >= factor * self.expected
                && self.value >= self.expected + floors * floor
                && self.score >= score
        };
        if reaches(rule::CRITICAL, 2.0, self.needed + rule::CRITICAL_SCORE) {
            State::Critical
        } else if reaches(least, 1.0, self.needed) {
            State::Warning
        } else {
            State::Ok
        }
    }
}

/// A figure.
#[derive(Clone, Debug)]
pub struct Track {
    /// Stock or flow.
    pub kind: Kind,
    /// Its history.
    pub hours: Hours,
    /// What else is remembered.
    pub memory: Memory,
    /// What is normal, and the day for which it was learned.
    fit: Option<(i64, Fit)>,
}

impl Track {
    /// A figure that nothing is known of.
    pub fn new(kind: Kind) -> Track {
        Track { kind, hours: Hours::default(), memory: Memory::default(), fit: None }
    }

    /// Takes a sample.
    pub fn add(&mut self, hour: i64, value: f64) {
        self.memory.first.get_or_insert(hour);
        self.hours.set(hour, value);
    }

    /// What is normal on the day of `hour`, learned from the days before.
    pub fn fit(&mut self, hour: i64) -> Option<&Fit> {
        let day = hour.div_euclid(DAY);
        if self.fit.as_ref().is_none_or(|(learned, _)| *learned != day) {
            let fit =
                self.learn(day).or_else(|| self.memory.level.map(|level| Fit::pinned(self.kind, level)));
            if let Some(fit) = &fit {
                self.memory.level = Some(fit.level());
            }
            self.fit = fit.map(|fit| (day, fit));
        }
        self.fit.as_ref().map(|(_, fit)| fit)
    }

    fn learn(&mut self, day: i64) -> Option<Fit> {
        if let Some((_, hour)) = self.memory.accepted
            && day * DAY - hour >= rule::ACCEPT_DAYS * DAY
        {
            self.memory.regime = Some(hour.div_euclid(DAY) + 1);
            self.memory.accepted = None;
        }
        let history = self.hours.without(&self.memory.frozen, day * DAY);
        let noise = self.hours.without(&self.memory.lasting(), day * DAY);
        let history = History { level: &history, noise: &noise };
        let regime = self.memory.regime.unwrap_or(i64::MIN / 64);
        let set = self.memory.decided();
        let fit = Fit::learn(self.kind, history, day, if set.is_some() { i64::MIN / 64 } else { regime });
        match (fit, set) {
            (Some(fit), Some(level)) => Some(fit.at_level(level)),
            (None, Some(level)) => Some(Fit::pinned(self.kind, level)),
            (fit, None) => fit,
        }
    }

    /// Makes the next judgement learn anew: something about the history has changed.
    pub fn forget_fit(&mut self) {
        self.fit = None;
    }

    /// What each window that ends with `hour` says. `more` is what the stock is expected to have beyond its norm, and
    /// `factor` by what a flow is expected to be multiplied.
    pub fn findings(&self, hour: i64, more: f64, factor: f64) -> Vec<Finding> {
        let Some((_, fit)) = &self.fit else { return Vec::new() };
        fit.trials.iter().filter_map(|trial| self.test(fit, trial, hour, more, factor)).collect()
    }

    /// The same for one window of a flow.
    pub fn finding(&self, hour: i64, window: Window, factor: f64) -> Option<Finding> {
        let (_, fit) = self.fit.as_ref()?;
        let trial = fit.trials.iter().find(|trial| trial.window == window)?;
        self.test(fit, trial, hour, 0.0, factor)
    }

    fn test(&self, fit: &Fit, trial: &Trial, hour: i64, more: f64, factor: f64) -> Option<Finding> {
        let end = hour + 1;
        let after = self.memory.cleared.unwrap_or(i64::MIN / 64);
        let from = (end - trial.window.hours).max(after + 1).max(fit.start);
        let short = trial.window.hours <= 6;
        let seen = self
            .hours
            .observe(from, end, |hour| if short { fit.profile.around(hour) } else { fit.profile.at(hour) });
        if seen.hours == 0 || !fit.enough(trial.window, seen.hours) {
            return None;
        }
        let unit = if self.kind == Kind::Stock { f64::from(seen.hours) } else { 1.0 };
        let value = seen.sum / unit;
        let expected = trial.level * seen.share / unit * factor + more;
        if short && self.kind == Kind::Flow && expected < rule::LEAST_SHORT_FLOW {
            return None;
        }
        let score = (trial.scale.distance(value, expected) - trial.centre) / trial.spread;
        Some(Finding { window: trial.window, value, expected, score, needed: fit.needed(trial, end) })
    }

    /// The shortest window that is tested.
    pub fn shortest(&self) -> Option<Window> {
        self.fit.as_ref().and_then(|(_, fit)| fit.trials.first()).map(|trial| trial.window)
    }

    /// What a day that ends with `hour` has of a flow, and what is expected of it. Hours before the end of the last
    /// alert do not count where a window says so.
    pub fn day(&self, hour: i64, findings: &[Finding]) -> Option<(f64, f64)> {
        if let Some(day) = findings.iter().find(|finding| finding.is_last_day()).or(findings.first()) {
            return Some((day.value, day.expected));
        }
        let (_, fit) = self.fit.as_ref()?;
        let seen = self.hours.observe(hour + 1 - DAY, hour + 1, |hour| fit.expected(hour));
        Some((seen.sum, seen.share))
    }

    /// Days that the level and the spread rest on, and the spread of a window.
    pub fn basis(&self, window: Window) -> Option<(usize, usize, f64)> {
        let (_, fit) = self.fit.as_ref()?;
        let trial = fit.trials.iter().find(|trial| trial.window == window)?;
        Some((fit.level_days, fit.days, trial.spread))
    }

    /// What short windows that end with `hour` are compared with.
    pub fn expected_around(&self, hour: i64) -> Option<f64> {
        self.fit.as_ref().map(|(_, fit)| fit.expected_around(hour))
    }

    /// The smallest value that would alert at once, by the shortest window alone.
    pub fn jump_limit(&self, expected: f64, critical: bool) -> Option<f64> {
        let trial = self.fit.as_ref().and_then(|(_, fit)| fit.trials.first())?;
        let (ratio, floors, more) = match (critical, self.kind) {
            (true, _) => (rule::CRITICAL, 2.0, rule::CRITICAL_SCORE),
            (false, Kind::Stock) => (rule::STOCK_WARNING, 1.0, 0.0),
            (false, Kind::Flow) => (rule::FLOW_WARNING, 1.0, 0.0),
        };
        let by_ratio = (ratio * expected).max(expected + floors * rule::floor(expected)).ceil();
        let distance = (trial.needed + more) * trial.spread + trial.centre;
        let by_score = trial.scale.limit(distance, expected);
        Some(by_ratio.max(by_score))
    }

    /// Full days since the hour `first` that have samples.
    pub fn full_days(&self, first: i64, hour: i64) -> usize {
        let first = first.max(hour - crate::hours::KEPT);
        let blocks = (hour - first).div_euclid(DAY);
        let full =
            |block: &i64| self.hours.between(first + block * DAY, first + (block + 1) * DAY).next().is_some();
        (0..blocks).filter(full).count()
    }

    /// The hour from which on the figure is what it is now. A stock that began far below has been filled first.
    pub fn filled(&self, hour: i64) -> i64 {
        let first = self.memory.first.unwrap_or(hour).max(hour - crate::hours::KEPT);
        let recent = self.hours.observe(hour - 3 * DAY, hour, |_| 1.0);
        if self.kind == Kind::Flow || recent.hours == 0 {
            return first;
        }
        let level = recent.sum / f64::from(recent.hours);
        let reached = |part: f64| {
            self.hours
                .between(first, hour + 1)
                .find(|(_, value)| *value >= part * level)
                .map_or(hour, |(at, _)| at)
        };
        if reached(rule::UNFILLED) > first { reached(rule::FILLED) } else { first }
    }

    /// Whether the last three days are about as high as the four before.
    pub fn settled(&self, hour: i64) -> bool {
        let unit = if self.kind == Kind::Stock { 1.0 } else { 24.0 };
        let mean = |from: i64, to: i64| {
            let seen = self.hours.observe(hour + from, hour + to, |_| 1.0);
            (seen.hours > 0).then(|| unit * seen.sum / f64::from(seen.hours))
        };
        let (Some(before), Some(now)) = (mean(-7 * DAY, -3 * DAY), mean(-3 * DAY, 0)) else { return true };
        Scale::Stock.distance(now, before) <= rule::SETTLED.ln()
    }

    /// Whether the last week, all of it in one alert, was flat: then it is a new level and no growing harm.
    pub fn flat(&self, hour: i64) -> bool {
        let Some((_, fit)) = &self.fit else { return false };
        let day = |from: i64, to: i64| {
            let seen = self.hours.observe(hour - from * DAY, hour - to * DAY, |hour| fit.profile.at(hour));
            (seen.share > 0.0).then(|| seen.sum / seen.share)
        };
        let (Some(before), Some(now), Some(whole)) = (day(7, 3), day(3, 0), day(7, 0)) else { return false };
        let spread = fit.of_a_day().map_or(0.0, |trial| trial.spread);
        let reach = rule::ACCEPT_FLAT.ln().max(2.5 * spread);
        let near = |level: f64| Scale::Stock.distance(level, whole).abs() <= reach;
        now <= rule::ACCEPT_FLAT * before && (0..7).filter_map(|at| day(at + 1, at)).all(near)
    }
}
