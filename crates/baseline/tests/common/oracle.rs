//! The best that can be had: a test that knows the level, the week, the growth and the noise, and only needs to tell
//! one of them from twice of it. Its limit is the one that gives one false alarm a year.

use super::random::Random;
use super::series::{Model, Series, YEAR};
use super::trial::HORIZONS;

/// The windows that it may choose from.
const WINDOWS: [usize; 5] = [1, 6, 24, 72, 168];

/// The largest part of doublings that any of the windows finds within 1, 3 and 7 days. It is asked every hour, as the
/// rule is.
pub fn bound(model: &Model, years: u64, doublings: usize) -> [f64; 3] {
    let mut best = [0.0_f64; 3];
    let all: Vec<Series> = (0..years).map(|seed| model.year(seed + 77_000)).collect();
    for window in WINDOWS {
        let limit = limit(&all, window);
        let mut found = [0.0; 3];
        let mut number = 0.0;
        for (seed, series) in all.iter().enumerate() {
            let mut random = Random::new(seed as u64 ^ 0x0bac1e);
            for _ in 0..doublings {
                let at = 9 * 24 + random.below(YEAR - 17 * 24);
                number += 1.0;
                let first = first(series, window, at, limit);
                for (horizon, found) in HORIZONS.iter().zip(&mut found) {
                    *found += f64::from(first.is_some_and(|first| first < *horizon));
                }
            }
        }
        for (best, found) in best.iter_mut().zip(found) {
            *best = best.max(100.0 * found / number);
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
fn limit(all: &[Series], window: usize) -> f64 {
    let mut peaks = Vec::new();
    for series in all {
        let ratios = ratios(series, window);
        let mut order: Vec<usize> = (window.max(24)..ratios.len()).collect();
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

fn first(series: &Series, window: usize, at: usize, limit: f64) -> Option<usize> {
    (0..168).find(|more| {
        let end = at + more + 1;
        let start = end - window.min(end);
        let middle = at.max(start);
        let value: f64 = series.normal[start..middle].iter().chain(&series.doubled[middle..end]).sum();
        value / series.expected[start..end].iter().sum::<f64>() > limit
    })
}
