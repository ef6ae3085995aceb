//! The norm of a figure: its level, its week, and the usual distance of its windows from what this rule expects of
//! them. It is learned once a day from the hours before that day, so it never knows the values that it judges.

use crate::days::{Days, Levels};
use crate::hours::{Hours, LEARNED_DAYS, Sums};
use crate::jump::{self, Jumps};
use crate::profile::Profile;
use crate::robust::{Spread, count, median, spread};
use crate::rule::{self, Window};
use crate::scale::Scale;

const DAY: i64 = 24;

/// Distance of the windows of which one is enough to know their spread, which changes little from hour to hour.
const POINTS_EVERY: usize = 5;

/// Kind of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number at a time, such as failing packages.
    Stock,
    /// A number per hour, such as new failures.
    Flow,
}

impl Kind {
    /// The windows that are tested.
    pub fn windows(self) -> &'static [Window] {
        match self {
            Kind::Stock => &rule::STOCK_WINDOWS,
            Kind::Flow => &rule::FLOW_WINDOWS,
        }
    }
}

/// Usual difference of one window from its expected value.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// The window.
    pub window: Window,
    /// The level an hour that it is compared with.
    pub level: f64,
    /// Scale on which differences are measured.
    pub scale: Scale,
    /// Usual distance.
    pub centre: f64,
    /// Standard deviation of the distance.
    pub spread: f64,
    /// The score that it needs.
    pub needed: f64,
    /// The standard deviation of single distances, where `spread` is that of the peaks of days.
    deviation: f64,
    /// Correlation of a day of its shortest window with the day before, from 0 to 1.
    resemblance: f64,
}

impl Trial {
    fn plain(window: Window, level: f64, scale: Scale, spread: f64) -> Trial {
        Trial {
            window,
            level,
            scale,
            centre: 0.0,
            spread,
            needed: if scale == Scale::Stock { rule::STOCK_SCORE } else { rule::FLOW_SCORE },
            deviation: spread,
            resemblance: 0.0,
        }
    }

    /// Part of the spread that rests on estimates: at least the part of the variance that is not Poisson's.
    fn estimated(&self) -> f64 {
        let Scale::Flow { variation } = self.scale else { return 1.0 };
        let beyond = variation * variation * self.level * 24.0 * in_days(self.window);
        (beyond / (1.0 + beyond)).max(rule::POISSON_DOUBT)
    }

    fn variation(&self) -> f64 {
        match self.scale {
            Scale::Stock => 0.0,
            Scale::Flow { variation } => variation,
        }
    }
}

fn in_days(window: Window) -> f64 {
    f64::from(i32::try_from(window.hours).unwrap_or(i32::MAX)) / 24.0
}

/// Hours that the norm is learned from.
#[derive(Clone, Copy)]
pub struct History<'a> {
    /// For level and week, without anything that was an alert.
    pub level: &'a Hours,
    /// For the noise, with alerts that were short.
    pub noise: &'a Hours,
}

/// The norm of a figure.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Kind of the figure: stock or flow.
    pub kind: Kind,
    /// The pattern of the week.
    pub profile: Profile,
    /// One for each window.
    pub trials: Vec<Trial>,
    /// Days with data that the level rests on.
    pub level_days: usize,
    /// Days with data in all.
    pub days: usize,
    /// Usual number of hours with samples in a day.
    pub usual_hours: f64,
    /// Usual rises of a stock within hours.
    pub jumps: [Jumps; 2],
    /// Usual distance from one day to the next, enlarged to that of noise of some days' duration.
    pub steps: f64,
    /// First hour that may be compared with the level: hours before a fall may not.
    pub start: i64,
}

impl Fit {
    /// Learns from the days before `day`. Nothing before the day `regime` counts for the level.
    pub fn learn(kind: Kind, history: History<'_>, day: i64, regime: i64) -> Option<Fit> {
        let first = day - LEARNED_DAYS;
        let profile = Profile::learn(history.level, first, day, kind == Kind::Flow);
        let days = Days::read(history.level, first, day, &profile);
        let levels = days.levels(kind);
        let (level, level_days) = days.present(kind, &levels, day, regime)?;
        let observed: Vec<f64> = days.days.iter().map(|day| day.hours).collect();
        let usual_hours = median(&observed)?;
        // The day of a fall still has hours from before it.
        let fallen = days.days.get(levels.start).filter(|_| levels.start > 0);
        let start = fallen.map_or(i64::MIN / 64, |day| (day.number + 1) * DAY);
        let mut fit = Fit {
            kind,
            profile,
            trials: Vec::new(),
            level_days,
            days: days.days.len(),
            usual_hours,
            jumps: [Jumps::UNKNOWN; 2],
            steps: f64::INFINITY,
            start,
        };
        if kind == Kind::Stock {
            let at = |hour: i64| fit.profile.at(hour);
            fit.jumps = jump::BOTH.map(|since| Jumps::learn(since, history.noise, day, at));
            fit.steps = days.steps().unwrap_or(f64::INFINITY);
        }
        let sums = Sums::new(history.noise, first * DAY, day * DAY, |hour| fit.profile.at(hour));
        let past = Past { first, last: day, days: &days, levels: &levels, sums: &sums };
        for window in kind.windows() {
            let before = days.present(kind, &levels, day - window.lag, regime);
            let reference =
                before.filter(|(_, days)| *days >= rule::LEAST_DAYS).map_or(level, |(level, _)| level);
            let trial = fit.trial(*window, reference, &past);
            fit.trials.push(trial);
        }
        Some(fit)
    }

    /// Norm that an operator has set.
    pub fn pinned(kind: Kind, level: f64) -> Fit {
        let (scale, spread) = match kind {
            Kind::Stock => (Scale::Stock, rule::PRIOR_SPREAD),
            Kind::Flow => (Scale::Flow { variation: rule::PRIOR_SPREAD }, 1.0),
        };
        let trial = |window: &Window| Trial::plain(*window, level, scale, spread);
        let trials = kind.windows().iter().map(trial).collect();
        Fit {
            kind,
            profile: Profile::flat(),
            trials,
            level_days: 0,
            days: 0,
            usual_hours: 1.0,
            jumps: [Jumps::UNKNOWN; 2],
            steps: f64::INFINITY,
            start: i64::MIN / 64,
        }
    }

    /// The same noise and week, around a level that an operator has set.
    pub fn at_level(mut self, level: f64) -> Fit {
        for trial in &mut self.trials {
            trial.level = level;
            trial.centre = 0.0;
        }
        self
    }

    /// The level an hour, without the pattern of the week.
    pub fn level(&self) -> f64 {
        self.trials.first().map_or(0.0, |trial| trial.level)
    }

    /// Value that is expected of an hour.
    pub fn expected(&self, hour: i64) -> f64 {
        self.level() * self.profile.at(hour)
    }

    /// Highest expected value of an hour and its neighbours, the reference of short windows.
    pub fn expected_around(&self, hour: i64) -> f64 {
        self.level() * self.profile.around(hour)
    }

    fn trial(&self, window: Window, level: f64, past: &Past<'_>) -> Trial {
        let pairs = self.pairs(window, past);
        let scale = match self.kind {
            Kind::Stock => Scale::Stock,
            Kind::Flow => Scale::Flow { variation: self.variation(window, &pairs) },
        };
        // One peak a day: a test every hour has its best chance of a false alarm once a day.
        let mut peaks: Vec<(i64, f64)> = Vec::new();
        let mut points: Vec<f64> = Vec::new();
        for day in pairs.chunk_by(|a, b| a.0 == b.0) {
            let mut peak = f64::NEG_INFINITY;
            for (at, (_, value, expected)) in day.iter().enumerate() {
                let distance = scale.distance(*value, *expected);
                peak = peak.max(distance);
                if at % POINTS_EVERY == 0 {
                    points.push(distance);
                }
            }
            peaks.extend(day.first().map(|(number, ..)| (*number, peak)));
        }
        self.usual(window, level, scale, &peaks, &points)
    }

    /// For each day of the past: the values of the windows that ended on it, and those that this rule would have
    /// expected.
    fn pairs(&self, window: Window, past: &Past<'_>) -> Vec<(i64, f64, f64)> {
        // The longer a window, the less it changes from hour to hour.
        let every = match window.hours {
            ..DAY => 1,
            DAY => 2,
            _ => 6,
        };
        let mut pairs = Vec::new();
        for day in past.first..past.last {
            let Some(level) = past.days.past(past.levels, day - window.lag) else { continue };
            // A short window that began on the day before would count that day's extremes twice.
            let from = if window.hours < DAY { window.hours } else { every };
            for end in (from..=DAY).step_by(usize::try_from(every).unwrap_or(1)).map(|end| day * DAY + end) {
                let seen = past.sums.observe(end - window.hours, end);
                if self.enough(window, seen.hours) && seen.share > 0.0 {
                    let unit = if self.kind == Kind::Stock { f64::from(seen.hours) } else { 1.0 };
                    pairs.push((day, seen.sum / unit, level * seen.share / unit));
                }
            }
        }
        pairs
    }

    /// True when a window has at least half of the samples that it usually has.
    pub fn enough(&self, window: Window, seen: u32) -> bool {
        let usual = self.usual_hours * in_days(window);
        f64::from(seen) >= (usual / 2.0).max(1.0)
    }

    /// Centre and spread of the peaks, shrunk towards the prior for any figure while there are few days.
    fn usual(&self, window: Window, level: f64, scale: Scale, days: &[(i64, f64)], points: &[f64]) -> Trial {
        let (unit, least, prior) = match self.kind {
            Kind::Stock => (rule::PRIOR_SPREAD, rule::LEAST_SPREAD, rule::PRIOR_DAYS),
            Kind::Flow => (1.0, 1.0, rule::PRIOR_FLOW_DAYS),
        };
        let mut trial = Trial::plain(window, level, scale, unit.max(least));
        let peaks: Vec<f64> = days.iter().map(|(_, peak)| *peak).collect();
        let (Some(seen), Some(whole)) = (spread(&peaks, least / 2.5), spread(points, least / 2.5)) else {
            return trial;
        };
        let known = count(seen.count);
        let variance = (seen.deviation.powi(2) * known + unit * unit * prior) / (known + prior);
        trial.centre = seen.centre;
        // The spread of a few days is often too small by chance, and a limit at a far quantile pays for it.
        let few = in_days(window).max(1.0).sqrt() / (known - 1.0).max(1.0);
        let doubt = 1.0 + rule::DOUBT * few * trial.estimated();
        let least = match self.kind {
            Kind::Stock => least.max(self.independent(window, |day| day.deviation)),
            Kind::Flow => rule::LEAST_FLOW_SPREAD,
        };
        trial.deviation = whole.deviation;
        let optimism = if self.kind == Kind::Stock { self.optimism() } else { 1.0 };
        trial.spread = (variance.sqrt() * doubt * optimism).max(least);
        // The peak of many independent values has a longer tail than they have.
        let rough = (trial.centre - whole.centre) / whole.deviation.max(least);
        trial.needed += rule::ROUGHNESS * rough.clamp(0.0, 2.5).powi(2);
        // Noise that lasts for days has fewer chances to be wrong. The shortest window tells, for its days share no hour.
        trial.resemblance =
            self.trials.first().map_or_else(|| resemblance(days, seen, least), |first| first.resemblance);
        if window.hours <= DAY {
            trial.needed -= rule::RESEMBLANCE * trial.resemblance;
        }
        trial
    }

    /// Variation of a flow's rate beyond Poisson's law, shrunk towards the prior for any figure.
    fn variation(&self, window: Window, pairs: &[(i64, f64, f64)]) -> f64 {
        let poisson = Scale::Flow { variation: 0.0 };
        let distances: Vec<f64> = pairs
            .iter()
            .step_by(POINTS_EVERY)
            .map(|(_, value, expected)| poisson.distance(*value, *expected))
            .collect();
        let Some(seen) = spread(&distances, 0.4) else { return rule::PRIOR_SPREAD };
        let expected = pairs.iter().map(|(_, _, expected)| expected).sum::<f64>() / count(pairs.len());
        let beyond = ((seen.deviation.powi(2) - 1.0) / expected.max(1.0)).max(0.0);
        // Variation that chance alone explains in Poisson numbers is subtracted (James and Stein).
        let days = count(self.days);
        let independent = (days / in_days(window).max(1.0)).max(1.0);
        let error = (2.0 / independent).sqrt() / expected.max(1.0);
        let believed = if beyond > error { beyond * (1.0 - (error / beyond).powi(2)) } else { 0.0 };
        let prior = rule::PRIOR_SPREAD.powi(2) * rule::PRIOR_DAYS;
        let drawn = ((believed * days + prior) / (days + rule::PRIOR_DAYS)).sqrt();
        (drawn * self.optimism()).max(self.independent(window, Trial::variation))
    }

    /// The longest window of at most a day.
    pub fn of_a_day(&self) -> Option<&Trial> {
        self.trials.iter().rfind(|trial| trial.window.hours <= DAY)
    }

    /// Smallest value of a longer window: the one that it would have if days were independent. There are so few
    /// of them that an estimate from them alone is often too small.
    fn independent(&self, window: Window, of: impl Fn(&Trial) -> f64) -> f64 {
        let day = self.of_a_day().filter(|_| window.hours > DAY);
        day.map_or(0.0, |day| of(day) / in_days(window).sqrt())
    }

    /// Factor by which the residuals are too small because the weekdays' pattern was learned from the same weeks.
    fn optimism(&self) -> f64 {
        let learned = rule::LEARNED_WEEKDAY * self.profile.weekdays;
        let days = count(self.days).max(learned + 2.0);
        ((days + learned) / (days - learned)).sqrt()
    }
}

/// The correlation of each day's peak with that of the day before, drawn towards none where there are few.
fn resemblance(days: &[(i64, f64)], usual: Spread, least: f64) -> f64 {
    let away = |peak: f64| ((peak - usual.centre) / usual.deviation.max(least)).clamp(-3.0, 3.0);
    let (mut product, mut number) = (0.0, rule::RESEMBLANCE_DAYS);
    for ((before, one), (day, other)) in days.iter().zip(days.iter().skip(1)) {
        if *day == before + 1 {
            product += away(*one) * away(*other);
            number += 1.0;
        }
    }
    (product / number).clamp(0.0, 1.0)
}

/// Everything that a trial learns from.
struct Past<'a> {
    /// First and last of the days.
    first: i64,
    last: i64,
    days: &'a Days,
    levels: &'a Levels,
    sums: &'a Sums,
}
