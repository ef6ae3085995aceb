//! The best that can be had: a test that knows the level, the week, the growth and the noise, and only needs to tell
//! one of them from twice of it. Its limit is the one that gives one false alarm a year.

use super::random::Random;
use super::series::{Model, Series, YEAR};
use super::trial::Found;

/// The tests that it may choose from: how many hours each looks at, and at which hours of the day it is asked.
const TESTS: [(usize, Asked); 6] = [
    (1, Asked::Hourly),
    (6, Asked::Hourly),
    (24, Asked::Hourly),
    (24, Asked::AtMidnight),
    (72, Asked::Hourly),
    (168, Asked::Hourly),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Hourly,
    /// Once, of the whole day: fewer chances to be wrong, and a lower limit for it.
    AtMidnight,
}

impl Asked {
    fn at(self, hour: usize) -> bool {
        self == Asked::Hourly || hour % 24 == 23
    }
}

/// The largest parts of doublings that any of the tests finds within 1, 3 and 7 days: of those that begin at any hour,
/// and of those that begin at midnight.
pub fn bound(model: &Model, years: u64, doublings: usize) -> ([f64; 3], [f64; 3]) {
    let mut best = ([0.0_f64; 3], [0.0_f64; 3]);
    let all: Vec<Series> = (0..years).map(|seed| model.year(seed + 77_000)).collect();
    for (window, asked) in TESTS {
        let limit = limit(&all, window, asked);
        let (mut any, mut midnight) = (Found::default(), Found::default());
        for (seed, series) in all.iter().enumerate() {
            let mut random = Random::new(seed as u64 ^ 0x0bac1e);
            for _ in 0..doublings {
                let at = 9 * 24 + random.below(YEAR - 17 * 24);
                any.note(first(series, window, asked, at, limit));
                midnight.note(first(series, window, asked, at / 24 * 24, limit));
            }
        }
        for (best, found) in [(&mut best.0, any), (&mut best.1, midnight)] {
            for (best, found) in best.iter_mut().zip(found.parts()) {
                *best = best.max(found);
            }
        }
    }
    best
}

fn ratios(series: &Series, window: usize) -> Vec<f64> {
    let mut value = 0.0;
    let mut expected = 0.0;
    (0..series.normal.len())
        .map(|hour| {
            value += series.normal[hour];
            expected += series.expected[hour];
            if hour >= window {
                value -= series.normal[hour - window];
                expected -= series.expected[hour - window];
            }
            value / expected
        })
        .collect()
}

/// The limit with one episode a year: of the peaks that are a day apart, the one that as many exceed as there are years.
fn limit(all: &[Series], window: usize, asked: Asked) -> f64 {
    let mut peaks = Vec::new();
    for series in all {
        let ratios = ratios(series, window);
        let mut order: Vec<usize> = (window.max(24)..ratios.len()).filter(|hour| asked.at(*hour)).collect();
        order.sort_unstable_by(|a, b| ratios[*b].total_cmp(&ratios[*a]));
        let mut taken: Vec<usize> = Vec::new();
        for at in order {
            if taken.iter().all(|other| other.abs_diff(at) > window.max(24)) {
                taken.push(at);
                peaks.push(ratios[at]);
            }
            if taken.len() == 6 {
                break;
            }
        }
    }
    peaks.sort_unstable_by(|a, b| b.total_cmp(a));
    peaks[all.len()]
}

fn first(series: &Series, window: usize, asked: Asked, at: usize, limit: f64) -> Option<usize> {
    (0..168).filter(|more| asked.at(at + more)).find(|more| {
        let end = at + more + 1;
        let start = end - window.min(end);
        let middle = at.max(start);
        let value: f64 = series.normal[start..middle].iter().chain(&series.doubled[middle..end]).sum();
        value / series.expected[start..end].iter().sum::<f64>() > limit
    })
}
