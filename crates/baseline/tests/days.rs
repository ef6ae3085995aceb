//! Whole UTC days are judged once, when they are over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use baseline::{Context, Judge, Sample, Settings, State, Verdict};
use common::series::{Model, Noise};

/// A Monday.
const START: i64 = 1_767_571_200;
const DAYS: usize = 80;

/// A judge that has seen weeks of five new failures a day, and no alert at their end.
fn after_weeks_of_five_a_day() -> Judge {
    let mut judge = Judge::new(Settings::default());
    let series = Model::flow("", 5.0, Noise::Hourly(0.0)).generate(4, DAYS * 24);
    for (hour, failed) in series.normal.iter().enumerate() {
        next(&mut judge, hour, *failed);
    }
    judge
}

fn next(judge: &mut Judge, hour: usize, failed: f64) -> Verdict {
    let time = START + 3600 * hour as i64;
    judge.judge(&Sample { time, failed: Some(failed), ..Sample::default() }, &Context::default())
}

/// The hours of the next two days after which it alerts. The first of them has `failed` failures, one an hour from its
/// third hour on, and its last `missing` hours have no sample.
fn alerts(failed: usize, missing: usize) -> Vec<usize> {
    let mut judge = after_weeks_of_five_a_day();
    let sampled = (0..48).filter(|hour| !(24 - missing..24).contains(hour));
    let alert = |hour: &usize| {
        let value = if (2..2 + failed).contains(hour) { 1.0 } else { 0.0 };
        next(&mut judge, DAYS * 24 + hour, value).state.alerts()
    };
    sampled.filter(alert).collect()
}

#[test]
fn a_day_that_is_over_needs_less_than_24_hours_asked_every_hour() {
    assert_eq!(alerts(10, 0), Vec::<usize>::new());
    assert_eq!(alerts(14, 0).first(), Some(&23));
    assert!(alerts(20, 0).first().is_some_and(|hour| *hour < 23), "{:?}", alerts(20, 0));
}

#[test]
fn a_day_whose_last_hours_are_missing_is_judged_by_the_first_sample_after_it() {
    assert_eq!(alerts(14, 3).first(), Some(&24));
}

#[test]
fn a_day_that_alerted_is_named_with_what_was_expected_of_it() {
    let mut judge = after_weeks_of_five_a_day();
    let last = (0..24).map(|hour| next(&mut judge, DAYS * 24 + hour, f64::from(u8::from(hour < 14)))).last();
    let verdict = last.unwrap();
    let flow = verdict.flow.unwrap();
    assert_eq!((verdict.state, flow.window.0, flow.window.1), (State::Warning, 24, 14.0));
    assert!((4.0..6.0).contains(&flow.window.2), "{flow:?}");
}
