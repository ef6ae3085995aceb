//! Factors of the days of the week.
//!
//! Working days resemble each other, and so do the days of a weekend. So each day is drawn towards the mean of its
//! group, and the two groups towards each other, as far as the differences are no larger than noise would make them.
//! Where only the two groups differ, two numbers are learned instead of seven, which leaves less to chance.

use crate::robust::count;

/// Days of the week, counted from that of 1970-01-01, a Thursday: those of work, and those of the weekend.
const GROUPS: [&[usize]; 2] = [&[0, 1, 4, 5, 6], &[2, 3]];

/// Weight in days with which the differences of weekdays count as noise while the weekdays have not come again.
const UNREPEATED: f64 = 2.0;

/// Factors of the days of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct Weekdays {
    /// One each, 1.0 if there is no pattern.
    pub factors: [f64; 7],
    /// Number of factors that were learned, weighted by their reliability: 0 to 7.
    pub learned: f64,
}

/// Prior of the noise before there are data: its variance, and its weight in days.
#[derive(Clone, Copy, Debug)]
pub struct Prior {
    /// Variance of the noise.
    pub variance: f64,
    /// Weight in days.
    pub weight: f64,
    /// The variance that a day has at least, as a part of the usual one: of numbers of events, Poisson's.
    pub least: f64,
}

impl Weekdays {
    /// Factors without a pattern.
    pub fn flat() -> Weekdays {
        Weekdays { factors: [1.0; 7], learned: 0.0 }
    }

    /// Learns from days of the week, each with its part of the week around it.
    pub fn learn(ratios: &[(usize, f64)], prior: Prior) -> Weekdays {
        let ratios = &tamed(ratios, prior.least);
        let groups: Vec<Group> = GROUPS.iter().filter_map(|days| Group::of(days, ratios)).collect();
        let overall = mean(ratios.iter().map(|(_, ratio)| *ratio));
        let Some(overall) = overall.filter(|overall| *overall > 0.0) else { return Weekdays::flat() };
        let sum = |of: fn(&Group) -> f64| groups.iter().map(of).sum::<f64>();
        // Of the same day of the week in several weeks: that is noise and nothing else.
        let (noise, repeated) = (sum(|group| group.noise), sum(|group| group.repeated));
        // Of the days of a group.
        let (differences, free) = (sum(|group| group.differences), sum(|group| group.free));
        let between = if free > 0.0 { differences / free } else { 0.0 };
        let believed = (noise + prior.variance * prior.weight) / (repeated + prior.weight);
        let unrepeated = (noise + between * UNREPEATED) / (repeated + UNREPEATED);
        let days = kept(between, believed.max(unrepeated));
        let whole = (noise + differences + prior.variance * prior.weight) / (repeated + free + prior.weight);
        let apart = groups.iter().map(|group| group.count * (group.mean / overall - 1.0).powi(2)).sum();
        let weekend = if groups.len() == GROUPS.len() { firm(apart, whole) } else { 0.0 };
        let mut factors = [1.0; 7];
        for group in &groups {
            let level = 1.0 + weekend * (group.mean / overall - 1.0);
            for (day, ratio) in &group.days {
                if let Some(factor) = factors.get_mut(*day) {
                    *factor = level * (1.0 + days * (ratio - 1.0));
                }
            }
        }
        Weekdays { factors, learned: 2.0 * weekend + 5.0 * days }
    }
}

/// Fraction of differences with the variance `between` that is kept where noise has the variance `within` (the
/// estimate of James and Stein).
fn kept(between: f64, within: f64) -> f64 {
    if between > within { 1.0 - within / between } else { 0.0 }
}

/// Same for a single difference. Chance alone makes one of three as large as noise, so nothing is kept up to twice
/// of that; a difference far above is kept in full.
fn firm(between: f64, within: f64) -> f64 {
    if between > 2.0 * within { 1.0 - (2.0 * within / between).powi(2) } else { 0.0 }
}

/// Days that resemble each other. All variances are fractions of their mean, because noise is in proportion to it.
struct Group {
    count: f64,
    mean: f64,
    /// Each day of the week, with its factor of the mean.
    days: Vec<(usize, f64)>,
    /// The sum of squares about the mean of the same day of the week, and how many of them are free.
    noise: f64,
    repeated: f64,
    /// The same of those means about that of all.
    differences: f64,
    free: f64,
}

impl Group {
    fn of(days: &[usize], ratios: &[(usize, f64)]) -> Option<Group> {
        let all = days.iter().flat_map(|day| of_day(ratios, *day));
        let level = mean(all)?;
        // Where there is nothing on a weekend, its days do not differ.
        let part = |ratio: f64| if level > 0.0 { ratio / level } else { 1.0 };
        let mut group = Group {
            count: 0.0,
            mean: level,
            days: Vec::new(),
            noise: 0.0,
            repeated: 0.0,
            differences: 0.0,
            free: -1.0,
        };
        for day in days {
            let Some(usual) = mean(of_day(ratios, *day)) else { continue };
            let number = count(of_day(ratios, *day).count());
            group.count += number;
            group.repeated += number - 1.0;
            group.noise += of_day(ratios, *day).map(|ratio| (part(ratio) - part(usual)).powi(2)).sum::<f64>();
            group.differences += number * (part(usual) - 1.0).powi(2);
            group.free += 1.0;
            group.days.push((*day, part(usual)));
        }
        Some(group)
    }
}

/// Distance from the median of its weekday, in deviations, up to which a day counts in full.
const CLIP: f64 = 3.0;
const LEAST_DEVIATION: f64 = 0.05;

/// Days that are far from others of the same day of the week count as if they were just within reach: a holiday, or a
/// step of the level, which makes the days before it a large part of their week and those after it a small one.
fn tamed(ratios: &[(usize, f64)], least: f64) -> Vec<(usize, f64)> {
    let medians: Vec<f64> = (0..7).map(|day| middle(of_day(ratios, day).collect()).unwrap_or(1.0)).collect();
    let usual = |day: usize| medians.get(day).copied().unwrap_or(1.0);
    let away =
        ratios.iter().map(|(day, ratio)| (ratio - usual(*day)).abs() / usual(*day).max(LEAST_DEVIATION));
    let deviation = (1.4826 * middle(away.collect()).unwrap_or(0.0)).max(LEAST_DEVIATION);
    // The median of a weekday means little where its days have one event or none.
    let reach = |day: usize| CLIP * (deviation * usual(day)).max(least.sqrt());
    let near = |day: usize, ratio: f64| ratio.clamp(usual(day) - reach(day), usual(day) + reach(day));
    ratios.iter().map(|(day, ratio)| (*day, near(*day, *ratio))).collect()
}

fn of_day(ratios: &[(usize, f64)], wanted: usize) -> impl Iterator<Item = f64> + '_ {
    ratios.iter().filter(move |(day, _)| *day == wanted).map(|(_, ratio)| *ratio)
}

/// The median; of an even number of values the mean of the middle two, for a day of the week has few.
fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(*values.get(low)?, *values.get(high)?))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut number) = (0.0, 0.0);
    for value in values {
        sum += value;
        number += 1.0;
    }
    (number > 0.0).then(|| sum / number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIOR: Prior = Prior { variance: 0.0225, weight: 6.0, least: 0.0 };

    /// Weeks from a Monday on, with noise of about 0.2 that looks like chance.
    fn weeks(number: usize, noise: f64, factor: impl Fn(usize) -> f64) -> Vec<(usize, f64)> {
        let noisy = |at: usize| 1.0 + noise * (((at * 7919 + 13) % 101) as f64 / 50.0 - 1.0);
        (0..7 * number).map(|at| ((at + 4) % 7, noisy(at) * factor((at + 4) % 7))).collect()
    }

    #[test]
    fn days_of_work_that_differ_by_chance_are_alike() {
        let weekend = |day: usize| if [2, 3].contains(&day) { 0.3 } else { 1.0 };
        let learned = Weekdays::learn(&weeks(14, 0.5, weekend), PRIOR);
        let work = [0, 1, 4, 5, 6].map(|day: usize| learned.factors[day]);
        let (least, most) =
            (work.iter().copied().fold(9.0, f64::min), work.iter().copied().fold(0.0, f64::max));
        assert!(most < 1.05 * least, "{learned:?}");
        assert!((learned.factors[2] / work[0] - 0.3).abs() < 0.04, "{learned:?}");
        assert!(learned.learned < 3.0, "{learned:?}");
    }

    #[test]
    fn a_day_that_is_its_own_is_learned_when_it_comes_again() {
        let friday = |day: usize| if day == 1 { 0.4 } else { 1.0 };
        let once = Weekdays::learn(&weeks(1, 0.1, friday), PRIOR);
        assert!((once.factors[1] / once.factors[0] - 1.0).abs() < 1e-9, "{once:?}");
        let often = Weekdays::learn(&weeks(8, 0.1, friday), PRIOR);
        assert!((often.factors[1] / often.factors[0] - 0.4).abs() < 0.06, "{often:?}");
        assert!(often.learned > 4.5, "{often:?}");
    }

    #[test]
    fn a_step_of_the_level_is_no_pattern() {
        let mut days = weeks(6, 0.02, |_| 1.0);
        for (at, ratio) in [(33, 1.65), (34, 1.36), (35, 0.17), (36, 0.23), (37, 0.38)] {
            days[at].1 = ratio;
        }
        let learned = Weekdays::learn(&days, PRIOR);
        assert!(learned.factors.iter().all(|factor| (factor - 1.0).abs() < 0.02), "{learned:?}");
    }

    #[test]
    fn a_weekend_with_nothing_is_one() {
        let learned =
            Weekdays::learn(&weeks(8, 0.2, |day| if [2, 3].contains(&day) { 0.0 } else { 1.4 }), PRIOR);
        assert!(learned.factors[2] < 0.01 && learned.factors[0] > 1.3, "{learned:?}");
    }

    #[test]
    fn days_with_one_event_or_none_are_not_taken_for_days_with_none() {
        // Every third day has three times the usual number, the others nothing.
        let days: Vec<(usize, f64)> =
            (0..63).map(|at| (at % 7, if at % 3 == 0 { 3.0 } else { 0.0 })).collect();
        let learned = Weekdays::learn(&days, Prior { variance: 1.0225, weight: 6.0, least: 1.0 });
        assert!(learned.factors.iter().all(|factor| (factor - 1.0).abs() < 0.2), "{learned:?}");
    }

    #[test]
    fn nothing_has_no_pattern() {
        assert_eq!(Weekdays::learn(&[], PRIOR), Weekdays::flat());
        let nothing: Vec<(usize, f64)> = (0..21).map(|at| (at % 7, 0.0)).collect();
        assert_eq!(Weekdays::learn(&nothing, PRIOR), Weekdays::flat());
    }
}
