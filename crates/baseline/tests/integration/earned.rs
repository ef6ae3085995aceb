//! Worth of the rule's numbers: what `scripts/ablation` measures with each of them changed. Stocks are judged alone, and new
//! failures as an installation has them: beside a stock that is as usual. `BASELINE_YEARS` is the number of years.

use crate::common::random::Random;
use crate::common::series::{Model, Noise, Series, Week, YEAR};
use baseline::{Context, Judge, Sample, Settings};

/// Seconds since 1970 of a Monday.
const START: i64 = 1_767_571_200;

/// Doublings (of a stock) and triplings (of new failures) of each year.
const A_YEAR: usize = 12;

/// Hours within which one is to be found.
const WITHIN: usize = 72;

/// Hour in which the figures of a kind with this word in its name become half as many.
const HALVED: (usize, &str) = (180 * 24, "halved");

const STOCKS: &[Model] = &[
    Model::stock("stock, noise 0.15 daily, halved", 500.0, Noise::Daily(0.15)),
    Model::stock("stock, noise 0.3 daily, halved", 500.0, Noise::Daily(0.3)),
    Model::stock("stock, noise 0.3 daily", 500.0, Noise::Daily(0.3)),
    Model::stock("stock, noise 0.3 smooth", 500.0, Noise::Smooth(0.3, 24.0)),
    Model::stock("stock, noise 0.3 daily, working week", 500.0, Noise::Daily(0.3))
        .week(Week::Working)
        .growth(0.01),
    Model::stock("stock, noise 0.3 hourly", 500.0, Noise::Hourly(0.3)),
    Model::stock("stock of 5", 5.0, Noise::Hourly(0.0)),
];

const FLOWS: &[Model] = &[
    Model::flow("flow of 60, noise 0.3 daily", 60.0, Noise::Daily(0.3)),
    Model::flow("flow of 500, noise 0.3, working week", 500.0, Noise::Daily(0.3))
        .week(Week::Working)
        .growth(0.01),
    Model::flow("flow of 50", 50.0, Noise::Hourly(0.0)),
    Model::flow("flow of 5", 5.0, Noise::Hourly(0.0)),
];

#[derive(Default)]
struct Worth {
    false_alarms: f64,
    hours: f64,
    tried: f64,
    first_day: f64,
    three_days: f64,
}

/// A sample of the hour, `more` of which failed beside the usual ones.
fn sample(model: &Model, series: &Series, hour: usize, is_more: bool) -> Sample {
    let time = START + 3600 * hour as i64;
    let twice = series.doubled[hour];
    if model.stock {
        let failing = Some(if is_more { twice } else { series.normal[hour] });
        return Sample { time, failing, ..Sample::default() };
    }
    let more = if is_more { 2.0 * (twice - series.normal[hour]) } else { 0.0 };
    let failed = series.normal[hour] + more;
    let attempted = Some(series.attempted[hour].max(failed));
    Sample { time, failing: Some(500.0), failed: Some(failed), attempted, ..Sample::default() }
}

fn judge_year(model: &Model, seed: u64, worth: &mut Worth) {
    let mut series = model.year(seed);
    let mut random = Random::new(seed ^ 0xab1a);
    let mut tried = (9 * 24, YEAR - 17 * 24);
    if model.name.contains(HALVED.1) {
        for values in [&mut series.normal, &mut series.doubled] {
            values.iter_mut().skip(HALVED.0).for_each(|value| *value = (*value / 2.0).round());
        }
        // In the weeks after it.
        tried = (HALVED.0 + 8 * 24, 60 * 24);
    }
    let at: Vec<usize> = (0..A_YEAR).map(|_| tried.0 + random.below(tried.1)).collect();
    let mut judge = Judge::new(Settings::default());
    let mut is_before = false;
    for hour in 0..YEAR {
        if at.contains(&hour) && !is_before {
            let mut other = judge.clone();
            let alerts = |more: &usize| {
                other.judge(&sample(model, &series, hour + more, true), &Context::default()).state.alerts()
            };
            let found = (0..WITHIN).find(alerts);
            worth.tried += 1.0;
            worth.first_day += f64::from(found.is_some_and(|hours| hours < 24));
            worth.three_days += f64::from(found.is_some());
        }
        let verdict = judge.judge(&sample(model, &series, hour, false), &Context::default());
        let alerts = verdict.state.alerts();
        worth.false_alarms += f64::from(alerts && !is_before);
        worth.hours += f64::from(alerts);
        is_before = alerts;
    }
}

fn measure(models: &[Model]) {
    let years: u64 = std::env::var("BASELINE_YEARS").ok().and_then(|it| it.parse().ok()).unwrap_or(1);
    let only = std::env::var("BASELINE_ONLY").unwrap_or_default();
    for model in models.iter().filter(|model| model.name.contains(&only)) {
        let mut worth = Worth::default();
        for seed in 0..years {
            judge_year(model, 50_000 + 31 * seed, &mut worth);
        }
        println!(
            "| {} | {:.2} | {:.1} | {:.1} | {:.1} |",
            model.name,
            worth.false_alarms / years as f64,
            worth.hours / years as f64,
            100.0 * worth.first_day / worth.tried.max(1.0),
            100.0 * worth.three_days / worth.tried.max(1.0)
        );
        assert!(worth.tried > 0.0);
    }
}

#[test]
fn stocks() {
    measure(STOCKS);
}

#[test]
fn new_failures_beside_a_usual_stock() {
    measure(FLOWS);
}
