//! Properties that hold for any history.

use crate::common::series::{Model, Noise, Week};
use baseline::{Context, Figure, Judge, Remembered, Sample, Saved, Settings, State, Verdict};
use proptest::prelude::*;

const START: i64 = 1_767_571_200;

fn judge_all(samples: &[Sample]) -> Vec<Verdict> {
    let mut judge = Judge::new(Settings::default());
    samples.iter().map(|sample| judge.judge(sample, &Context::default())).collect()
}

/// A history with everything in it: noise, a week, gaps, a doubling, a fall, parked jobs, signatures.
fn eventful(seed: u64, hours: usize) -> Vec<Sample> {
    let stock = Model::stock("", 300.0, Noise::Smooth(0.1, 24.0)).week(Week::Mild).generate(seed, hours);
    let flow = Model::flow("", 60.0, Noise::Daily(0.2)).week(Week::Working).generate(seed + 1, hours);
    let at = |part: usize| hours * part / 20;
    let mut samples = Vec::new();
    for hour in 0..hours {
        if (at(9)..at(9) + 50).contains(&hour) || (hour + seed as usize).is_multiple_of(31) {
            continue;
        }
        let factor = if (at(11)..at(13)).contains(&hour) {
            2.0
        } else if hour > at(16) {
            0.3
        } else {
            1.0
        };
        let doubled = (at(12)..at(13)).contains(&hour);
        samples.push(Sample {
            time: START + 3600 * hour as i64,
            failing: Some(factor * stock.normal[hour]),
            parked: Some(if (at(15)..at(15) + 9).contains(&hour) { 400.0 } else { 0.0 }),
            failed: Some(if doubled { flow.doubled[hour] } else { flow.normal[hour] }),
            attempted: Some(flow.attempted[hour]),
            signatures: vec![("a".into(), (factor * stock.normal[hour] / 3.0).round()), ("b".into(), 7.0)],
        });
    }
    samples
}

#[test]
fn a_verdict_never_depends_on_what_comes_after() {
    let samples = eventful(3, 80 * 24);
    let whole = judge_all(&samples);
    assert!(whole.iter().any(|verdict| verdict.state == State::Critical));
    for part in [1, 200, 700, 1100, 1300, 1500] {
        assert_eq!(judge_all(&samples[..part]), whole[..part], "{part}");
    }
}

#[test]
fn a_judge_made_again_from_its_memory_says_the_same() {
    let samples = eventful(5, 130 * 24);
    let whole = judge_all(&samples);
    for stop in [100, 300, 1000, 1750, 1850, 1950, 2400, 2700] {
        let mut judge = Judge::new(Settings::default());
        for sample in &samples[..stop] {
            judge.judge(sample, &Context::default());
        }
        let json = serde_json::to_string(&judge.remembered()).unwrap();
        assert!(json.len() < 4096, "{} bytes", json.len());
        let remembered: Remembered = serde_json::from_str(&json).unwrap();
        let kept = samples[..stop].iter().filter(|one| one.time > samples[stop - 1].time - 15 * 7 * 86_400);
        let mut again = Judge::restore(Settings::default(), remembered, kept.cloned());
        for (sample, verdict) in samples[stop..].iter().zip(&whole[stop..]) {
            let other = again.judge(sample, &Context::default());
            assert_eq!((other.state, &other.text), (verdict.state, &verdict.text), "after {stop}");
        }
    }
}

#[test]
fn a_judge_that_is_written_down_after_each_sample_says_the_same() {
    let samples = eventful(5, 110 * 24);
    let whole = judge_all(&samples);
    let mut text = serde_json::to_string(&Judge::new(Settings::default()).save()).unwrap();
    for (number, (sample, verdict)) in samples.iter().zip(&whole).enumerate() {
        let saved: Saved = serde_json::from_str(&text).unwrap();
        let mut judge = Judge::load(Settings::default(), saved).unwrap();
        let other = judge.judge(sample, &Context::default());
        assert_eq!((other.state, &other.text), (verdict.state, &verdict.text), "sample {number}");
        text = serde_json::to_string(&judge.save()).unwrap();
        assert!(text.len() < 160_000, "{} bytes", text.len());
    }
}

#[test]
fn another_rules_memory_is_refused_and_what_was_set_is_inherited() {
    let mut judge = Judge::new(Settings::default());
    for sample in &eventful(5, 20 * 24) {
        judge.judge(sample, &Context::default());
    }
    judge.set(Figure::Failing, 77.0);
    let mut saved = judge.save();
    saved.outdate();
    assert!(Judge::load(Settings::default(), saved.clone()).is_none());
    let mut new = Judge::new(Settings::default());
    new.inherit(&saved);
    assert_eq!(new.norm(Figure::Failing), Some(77.0));
}

#[test]
fn what_was_said_does_not_depend_on_when_a_year_began() {
    // Long after 15 weeks, earlier hours are forgotten: the verdicts of two histories meet.
    let samples = eventful(7, 300 * 24);
    let tail = |from: usize| judge_all(&samples[from..]);
    let (long, short) = (tail(0), tail(60 * 24));
    for (a, b) in long.iter().rev().zip(short.iter().rev()).take(24 * 20) {
        assert_eq!(a.state, b.state, "{} / {}", a.text, b.text);
    }
}

#[test]
fn a_large_stock_is_judged_by_ratios_alone() {
    let series = Model::stock("", 4000.0, Noise::Smooth(0.15, 48.0)).generate(11, 120 * 24);
    let scaled = |factor: f64| -> Vec<State> {
        let sample = |(hour, value): (usize, &f64)| Sample {
            time: START + 3600 * hour as i64,
            failing: Some(factor * if hour > 2600 { 1.8 * value } else { *value }),
            ..Sample::default()
        };
        judge_all(&series.normal.iter().enumerate().map(sample).collect::<Vec<_>>())
            .into_iter()
            .map(|verdict| verdict.state)
            .collect()
    };
    let (one, ten) = (scaled(1.0), scaled(10.0));
    let differing = one.iter().zip(&ten).filter(|(a, b)| a != b).count();
    assert!(one.iter().any(|state| state.alerts()));
    assert!(differing <= 12, "{differing} hours of {}", one.len());
}

#[test]
fn several_samples_an_hour_learn_no_faster() {
    let mut judge = Judge::new(Settings::default());
    for step in 0..12 * 24 * 6 {
        let sample = Sample { time: START + 300 * step, failing: Some(500.0), ..Sample::default() };
        let verdict = judge.judge(&sample, &Context::default());
        assert_eq!(verdict.learning, Some((step / (12 * 24)) as usize));
    }
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        6 => (0.0..2000.0).prop_map(Some),
        1 => Just(Some(0.0)),
        1 => any::<f64>().prop_map(Some),
    ]
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let time = prop_oneof![
        12 => (0_i64..400 * 24).prop_map(|hour| START + 3600 * hour),
        1 => any::<i64>(),
    ];
    let signatures = prop::collection::vec(("[a-c]", any::<f64>().prop_map(f64::abs)), 0..3);
    (time, value(), value(), value(), value(), signatures).prop_map(
        |(time, failing, parked, attempted, failed, signatures)| Sample {
            time,
            failing,
            parked,
            attempted,
            failed,
            signatures,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever comes, in whatever order: a verdict with a line that everything lets through.
    #[test]
    fn nothing_makes_it_fail(mut samples in prop::collection::vec(any_sample(), 0..300), sorted: bool) {
        if sorted {
            samples.sort_by_key(|sample| sample.time);
        }
        for verdict in judge_all(&samples) {
            prop_assert!(verdict.text.len() <= 150 && !verdict.text.is_empty());
            prop_assert!(verdict.text.chars().all(|c| (c.is_ascii_graphic() || c == ' ') && !"`~$&|'\"<>;".contains(c)));
            for judged in verdict.stock.iter().chain(&verdict.flow) {
                prop_assert!(judged.score.is_finite() && judged.normal.is_finite() && judged.spread > 0.0);
                prop_assert!(judged.limits.warning <= judged.limits.critical);
            }
        }
    }

    /// The worse the figure, the worse the verdict.
    #[test]
    fn more_is_never_better(seed in 0_u64..50, base in 3.0..2000.0_f64, low in 0.0..4.0_f64, more in 0.0..3.0_f64) {
        let series = Model::stock("", base.max(20.0), Noise::Daily(0.1)).generate(seed, 30 * 24);
        let mut judge = Judge::new(Settings::default());
        for (hour, value) in series.normal.iter().enumerate() {
            let sample = Sample { time: START + 3600 * hour as i64, failing: Some(*value), ..Sample::default() };
            judge.judge(&sample, &Context::default());
        }
        let state = |factor: f64| {
            let time = START + 3600 * 30 * 24;
            let sample = Sample { time, failing: Some((factor * base).round()), ..Sample::default() };
            judge.clone().judge(&sample, &Context::default()).state
        };
        prop_assert!(state(low) <= state(low + more));
    }

    /// The stored limits give the same state for a live counter as the rule for a jump to that value.
    #[test]
    fn limits_are_what_the_rule_would_say(seed in 0_u64..50, level in 20.0..3000.0_f64, factor in 0.5..3.0_f64) {
        let series = Model::stock("", level, Noise::Smooth(0.08, 24.0)).generate(seed, 40 * 24 + 1);
        let mut judge = Judge::new(Settings::default());
        let mut last = None;
        for (hour, value) in series.normal.iter().enumerate() {
            let sample = Sample { time: START + 3600 * hour as i64, failing: Some(*value), ..Sample::default() };
            last = Some(judge.judge(&sample, &Context::default()));
        }
        let stored = last.unwrap();
        prop_assume!(!stored.state.alerts());
        let live = (factor * level).round();
        let jump = Sample { time: stored.time + 60, failing: Some(live), ..Sample::default() };
        let said = judge.judge(&jump, &Context::default());
        let limits = stored.stock.clone().unwrap().limits;
        let by_limits = stored.state_of(live as u64, stored.time + 60);
        // Longer windows may know more than one hour does; they never know less.
        prop_assert!(said.state >= by_limits, "{live} {limits:?} {} {}", said.state, by_limits);
    }
}
