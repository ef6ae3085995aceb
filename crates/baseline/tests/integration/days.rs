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

/// First hour of the next day after which it alerts, with a number of failures, one an hour from its third hour on.
fn alert(failed: usize) -> Option<usize> {
    let mut judge = five_a_day();
    (0..24).find(|hour| {
        let value = if (2..2 + failed).contains(hour) { 1.0 } else { 0.0 };
        next(&mut judge, DAYS * 24 + hour, value).state.alerts()
    })
}

#[test]
fn a_small_flow_is_judged_by_its_last_day() {
    assert_eq!(alert(9), None);
    assert!(alert(15).is_some_and(|hour| hour < 17), "{:?}", alert(15));
}

#[test]
fn a_day_that_alerted_is_named_with_what_was_expected_of_it() {
    let mut judge = five_a_day();
    let verdicts = (0..17).map(|hour| next(&mut judge, DAYS * 24 + hour, f64::from(u8::from(hour < 15))));
    let verdict = verdicts.last().unwrap();
    let flow = verdict.flow.unwrap();
    assert_eq!((verdict.state, flow.window.0), (State::Warning, 24));
    assert!((4.0..6.0).contains(&flow.window.2), "{flow:?}");
}

#[test]
fn a_day_of_a_larger_flow_needs_more_for_six_hours_are_judged_too() {
    let needed = |a_day: f64| {
        let mut judge = Judge::new(Settings::default());
        let series = Model::flow("", a_day, Noise::Hourly(0.0)).generate(4, DAYS * 24);
        let judged =
            series.normal.iter().enumerate().map(|(hour, value)| next(&mut judge, hour, *value).flow);
        judged.flatten().filter(|judged| judged.window.0 == 24).last().unwrap().needed
    };
    assert!(needed(60.0) > needed(30.0) + 0.4, "{} {}", needed(60.0), needed(30.0));
}

#[test]
fn a_whole_day_of_a_small_flow_needs_less() {
    let needed = |a_day: f64, hour: usize| {
        let mut judge = Judge::new(Settings::default());
        let mut series = Model::flow("", a_day, Noise::Hourly(0.0)).generate(4, DAYS * 24);
        // Nothing but the day itself may decide.
        series.normal.truncate((DAYS - 1) * 24 + hour + 1);
        let last = series.normal.len() - 6;
        series.normal[last..].iter_mut().for_each(|value| *value = a_day);
        let judged =
            series.normal.iter().enumerate().map(|(hour, value)| next(&mut judge, hour, *value).flow);
        judged.flatten().last().map(|judged| (judged.window.0, judged.needed)).unwrap()
    };
    let (before, whole) = (needed(5.0, 22), needed(5.0, 23));
    assert!(before.0 == 24 && whole.0 == 24 && whole.1 < before.1 - 0.3, "{before:?} {whole:?}");
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
