//! One figure: its history, its norm, and the scores of its newest hours.

use crate::fit::{Fit, History, Kind, Trial};
use crate::hours::Hours;
use crate::memory::Memory;
use crate::robust::median;
use crate::rule::{self, Window};
use crate::scale::Scale;
use crate::state::State;

const DAY: i64 = 24;

/// Result of one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// The window.
    pub window: Window,
    /// The mean (of a stock) or the sum (of a flow).
    pub value: f64,
    /// Value that was expected.
    pub expected: f64,
    /// Distance from the expected value, in usual distances.
    pub score: f64,
    /// The score that a WARNING needs.
    pub needed: f64,
}

impl Finding {
    /// True for the window of the last 24 hours.
    pub fn is_last_day(&self) -> bool {
        self.window.hours == DAY
    }

    /// The state that this window alone asks for.
    pub fn state(&self, kind: Kind) -> State {
        let lasting = self.window.hours > DAY;
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
        } else if reaches(rule::WARNING, 1.0, self.needed) {
            State::Warning
        } else {
            State::Ok
        }
    }
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Track {
    /// Kind of the figure: stock or flow.
    pub kind: Kind,
    /// Samples by hour.
    pub hours: Hours,
    /// Memory beside the samples.
    pub memory: Memory,
    /// Norm, and the day for which it was learned.
    fit: Option<(i64, Fit)>,
}

impl Track {
    /// A figure without a history.
    pub fn new(kind: Kind) -> Track {
        Track { kind, hours: Hours::default(), memory: Memory::default(), fit: None }
    }

    /// Adds a sample.
    pub fn add(&mut self, hour: i64, value: f64) {
        self.memory.first.get_or_insert(hour);
        self.hours.set(hour, value);
    }

    /// Norm for the day of `hour`, learned from the days before.
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

    /// Makes a level the norm from `hour` on, until a week was learned since.
    pub fn accept(&mut self, level: f64, hour: i64) {
        self.memory.accepted = Some((level, hour));
        self.memory.by_rule = true;
        self.memory.thaw(hour);
        self.forget_fit();
    }

    /// Makes the level to which the stock has fallen the norm.
    pub fn follow_fall(&mut self, hour: i64) {
        if self.memory.pinned.is_some() {
            return;
        }
        if let (Some(level), Some(before)) = (self.fallen_to(hour), self.norm()) {
            let long = self.memory.fell_from.is_some_and(|(_, at)| hour - at < rule::ACCEPT_DAYS * DAY);
            if !long {
                self.memory.fell_from = Some((before, hour));
            }
            self.accept(level, hour);
            // No window contains hours from before.
            self.memory.cleared = self.memory.cleared.max(Some(hour - DAY));
        }
    }

    /// The level that is normal now.
    pub fn norm(&self) -> Option<f64> {
        self.fit.as_ref().map(|(_, fit)| fit.level())
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
            // The usual variation is unknown after a few days.
            (Some(fit), Some(level)) if fit.days >= rule::LEARNING_DAYS => Some(fit.at_level(level)),
            (Some(_), Some(level)) => Some(Fit::pinned(self.kind, level)),
            (None, Some(level)) => Some(Fit::pinned(self.kind, level)),
            (fit, None) => fit,
        }
    }

    /// Makes the next judgement learn again: the history has changed.
    pub fn forget_fit(&mut self) {
        self.fit = None;
    }

    /// Findings of the windows that end with `hour`. `more` is the excess that is expected of a stock, and `factor`
    /// the one by which a flow is expected to be multiplied.
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
        let score = (trial.scale.distance(value, expected) - trial.centre) / trial.spread;
        Some(Finding { window: trial.window, value, expected, score, needed: trial.needed })
    }

    /// The shortest window that is tested.
    pub fn shortest(&self) -> Option<Window> {
        self.fit.as_ref().and_then(|(_, fit)| fit.trials.first()).map(|trial| trial.window)
    }

    /// Value of a flow in the day that ends with `hour`, and the expected one. Hours before the end of the last
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

    /// Value that is expected of an hour.
    pub fn expected(&self, hour: i64) -> Option<f64> {
        self.fit.as_ref().map(|(_, fit)| fit.expected(hour))
    }

    /// Reference of short windows that end with `hour`.
    pub fn expected_around(&self, hour: i64) -> Option<f64> {
        self.fit.as_ref().map(|(_, fit)| fit.expected_around(hour))
    }

    /// Smallest value that would alert at once, by the shortest window alone.
    pub fn jump_limit(&self, expected: f64, critical: bool) -> Option<f64> {
        let trial = self.fit.as_ref().and_then(|(_, fit)| fit.trials.first())?;
        let (ratio, floors, more) =
            if critical { (rule::CRITICAL, 2.0, rule::CRITICAL_SCORE) } else { (rule::WARNING, 1.0, 0.0) };
        let by_ratio = (ratio * expected).max(expected + floors * rule::floor(expected)).ceil();
        let distance = (trial.needed + more) * trial.spread + trial.centre;
        let by_score = trial.scale.limit(distance, expected);
        Some(by_ratio.max(by_score))
    }

    /// The highest value before, if the stock has doubled within hours, whatever its norm is.
    pub fn doubled_from(&self, hour: i64, value: f64) -> Option<f64> {
        self.fit.as_ref()?.1.doubled_from(&self.hours, hour, value)
    }

    /// The level of the last day, if the stock has fallen to it for good: all of the day is far below the norm, and it does
    /// not rise.
    pub fn fallen_to(&self, hour: i64) -> Option<f64> {
        let (_, fit) = self.fit.as_ref()?;
        let mut seen = self.hours.observe(hour + 1 - DAY, hour + 1, |hour| fit.profile.at(hour));
        let mut from = hour + 1 - DAY;
        if seen.hours < rule::FALLEN_SAMPLES {
            from = hour + 1 - 3 * DAY;
            seen = self.hours.observe(from, hour + 1, |hour| fit.profile.at(hour));
            // For installations with one sample a day.
            if seen.hours < 3 {
                return None;
            }
        }
        let trial = fit.trials.first()?;
        let (level, newest) = (seen.sum / seen.share, self.hours.get(hour)? / fit.profile.at(hour));
        let is_low = |(hour, value): (i64, f64)| value < fit.expected(hour) / rule::FALLEN_DAY;
        // In parts of the norm, not in factors: a logarithm takes a low day of noise for a far fall.
        let least = (rule::FALL_ERRORS * trial.spread.min(fit.steps)).min(rule::FARTHEST_FALL) * fit.level();
        let fallen = fit.level() - level >= least.max(rule::floor(fit.level()))
            && self.hours.between(from, hour + 1).all(is_low)
            && newest <= rule::ACCEPT_FLAT * level + 1.0;
        fallen.then_some(level)
    }

    /// The level of the day before, if the stock was flat then and has doubled: an incident, although nothing is learned.
    pub fn incident(&self, hour: i64) -> Option<f64> {
        let value = self.hours.get(hour)?;
        let last = self.hours.newest_before(hour - rule::DOUBLED_WITHIN)?;
        let before: Vec<f64> = self.hours.between(last + 1 - DAY, last + 1).map(|(_, value)| value).collect();
        let (most, least) =
            before.iter().fold((0.0, f64::INFINITY), |(most, least), it| (it.max(most), it.min(least)));
        let is_known = before.len() >= 12 && hour - self.memory.first? >= DAY + rule::DOUBLED_WITHIN;
        let is_flat = most <= (rule::LEARNING_FLAT * least).max(least + 3.0);
        let is_doubled = value >= rule::CRITICAL * most && value >= most + 2.0 * rule::floor(most);
        (is_known && is_flat && is_doubled).then(|| median(&before)).flatten()
    }

    /// Full days since the hour `first` that have samples.
    pub fn full_days(&self, first: i64, hour: i64) -> usize {
        let first = first.max(hour - crate::hours::KEPT);
        let blocks = (hour - first).div_euclid(DAY);
        let full =
            |block: &i64| self.hours.between(first + block * DAY, first + (block + 1) * DAY).next().is_some();
        (0..blocks).filter(full).count()
    }

    /// Hour since which the figure has its present size. A stock that began far below was being filled before.
    pub fn filled(&self, hour: i64) -> i64 {
        let first = self.memory.first.unwrap_or(hour).max(hour - crate::hours::KEPT);
        let recent = self.hours.observe(hour - 3 * DAY, hour, |_| 1.0);
        // A known incident is no filling.
        let is_judged = self.memory.alarm.is_some() || self.memory.decided().is_some();
        if self.kind == Kind::Flow || recent.hours == 0 || is_judged {
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

    /// True when the last three days are about as high as the four before.
    pub fn settled(&self, hour: i64) -> bool {
        let unit = if self.kind == Kind::Stock { 1.0 } else { 24.0 };
        let usual = self.hours.without(&self.memory.frozen, hour);
        let mean = |from: i64, to: i64| {
            let seen = usual.observe(hour + from, hour + to, |_| 1.0);
            (seen.hours > 0).then(|| unit * seen.sum / f64::from(seen.hours))
        };
        let (Some(before), Some(now)) = (mean(-7 * DAY, -3 * DAY), mean(-3 * DAY, 0)) else { return true };
        Scale::Stock.distance(now, before) <= rule::SETTLED.ln()
    }

    /// True when the last week, all of it in one alert, was flat: then it is a new level and no growing harm.
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
