//! Verdicts on days of a small flow, and the effect of correlation between days.

use crate::common::series::{Model, Noise};
use baseline::{Context, Judge, Sample, Settings, State, Verdict};

/// Seconds since 1970 of a Monday.
const START: i64 = 1_767_571_200;
const DAYS: usize = 80;

/// A judge that has seen weeks of five new failures a day, and no alert at their end.
fn five_a_day() -> Judge {
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

/// First hour of the next day after which it alerts, with a number of failures, two an hour from its third hour on.
fn alert(failed: usize) -> Option<usize> {
    let mut judge = five_a_day();
    (0..24).find(|hour| {
        let value = if (2..2 + failed / 2).contains(hour) { 2.0 } else { 0.0 };
        next(&mut judge, DAYS * 24 + hour, value).state.alerts()
    })
}

#[test]
fn a_small_flow_is_judged_by_its_last_day_and_confirmed_by_three() {
    assert_eq!(alert(8), None);
    assert!(alert(30).is_some_and(|hour| hour < 17), "{:?}", alert(30));
}

#[test]
fn a_day_that_alerted_is_named_with_what_was_expected_of_it() {
    let mut judge = five_a_day();
    let verdicts = (0..17).map(|hour| next(&mut judge, DAYS * 24 + hour, if hour < 15 { 2.0 } else { 0.0 }));
    let verdict = verdicts.last().unwrap();
    let flow = verdict.flow.unwrap();
    assert_eq!((verdict.state, flow.window.0), (State::Critical, 24));
    assert!((4.0..6.0).contains(&flow.window.2), "{flow:?}");
}

#[test]
fn noise_that_lasts_needs_less_of_a_score() {
    let needed = |noise: Noise| {
        let mut judge = Judge::new(Settings::default());
        let series = Model::stock("", 500.0, noise).generate(4, DAYS * 24);
        let judged = series.normal.iter().enumerate().map(|(hour, value)| {
            let time = START + 3600 * hour as i64;
            let sample = Sample { time, failing: Some(*value), ..Sample::default() };
            judge.judge(&sample, &Context::default()).stock
        });
        judged.flatten().filter(|judged| judged.window.0 == 1).last().unwrap().needed
    };
    let (new, lasting) = (needed(Noise::Daily(0.1)), needed(Noise::Smooth(0.1, 96.0)));
    assert!((2.5..3.0).contains(&new) && lasting < new - 0.15, "{new} {lasting}");
}
