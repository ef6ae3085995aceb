//! Whatever explains an alert away has an end: afterwards a doubled stock is CRITICAL within six hours.

use crate::common::world::{DAY, Hour, Log, START, World, run};
use baseline::{Context, Figure, Judge, Sample, Settings, State};

const BEGIN: usize = 100 * DAY;

fn between(from: usize, to: usize, hour: usize) -> bool {
    (from..to).contains(&hour)
}

/// A recorded life: a line with its figures by name, then their values by the hour.
fn recorded(text: &str) -> Vec<Sample> {
    let mut lines = text.lines();
    let names: Vec<&str> =
        lines.next().unwrap().trim_start_matches("# ").split(',').next().unwrap().split(' ').collect();
    let samples = lines.enumerate().map(|(hour, line)| {
        let mut sample = Sample { time: START + 3600 * hour as i64, ..Sample::default() };
        for (name, value) in names.iter().zip(line.split(' ')) {
            let Ok(value) = value.parse::<f64>() else { continue };
            match *name {
                "failing" => sample.failing = Some(value),
                "parked" => sample.parked = Some(value),
                "attempted" => sample.attempted = Some(value),
                "failed" => sample.failed = Some(value),
                id => sample.signatures.push((id.trim_start_matches("signature:").to_owned(), value)),
            }
        }
        sample
    });
    samples.collect()
}

fn judged(samples: &[Sample]) -> Log {
    let mut judge = Judge::new(Settings::default());
    let mut log = Log::default();
    for (hour, sample) in samples.iter().enumerate() {
        log.note(hour, &judge.judge(sample, &Context::default()));
    }
    log
}

#[test]
fn after_two_quiet_weeks_a_stock_that_triples_is_critical() {
    let log = judged(&recorded(include_str!("../data/after-two-quiet-weeks.txt")));
    let first = log.texts.iter().find(|(_, state, _)| *state == State::Critical);
    assert!(first.is_some_and(|(hour, ..)| between(3360, 3366, *hour)), "{:?}", log.texts);
    assert!(log.alerts(0, 3360).is_empty(), "{:?}", log.alerts(0, 3360));
    assert!(log.alerts(3540, 9999).is_empty(), "{:?}", log.texts);
}

#[test]
fn a_new_signature_that_stays_is_the_norm_after_a_week() {
    let log = judged(&recorded(include_str!("../data/new-signature-that-stays.txt")));
    assert_eq!(log.episodes.len(), 1, "{:?}", log.texts);
    assert!(log.hours[State::Warning as usize] <= 8 * DAY, "{:?}", log.hours);
}

/// After each of some numbers of days a doubling is found, in the lives of some seeds; where nothing else happens, nothing
/// alerts.
fn found_after(name: &str, days: &[usize], is_quiet: bool, of: impl Fn(usize) -> Hour) {
    for seed in 1..3 {
        let mut world = World::new(seed);
        let mut log = Log::default();
        for day in days {
            while world.hour < day * DAY {
                let hour = world.hour;
                if let Some(verdict) = world.step(&of(hour)) {
                    log.note(hour, &verdict);
                }
            }
            let found = world.found(2.0, &of(world.hour), 6);
            assert!(found.is_some(), "{name} {seed}: not found on day {day}: {:?}", log.texts.last());
        }
        assert!(!is_quiet || log.episodes.is_empty(), "{name} {seed}: {:?}", log.texts);
    }
}

#[test]
fn volumes_that_change_for_good_are_learned() {
    for (low, weeks) in [(0.25, 2), (0.25, 4), (0.33, 17), (0.5, 8), (0.7, 8)] {
        let end = BEGIN + weeks * 7 * DAY;
        let low = move |hour| Hour {
            uploads: if between(BEGIN, end, hour) { low } else { 1.0 },
            ..Hour::default()
        };
        let days = [1, 3, 8, 60].map(|more| end / DAY + more);
        found_after("few uploads, then as usual", &days, true, low);
    }
    for more in [2.0, 2.5, 3.0] {
        let many = |hour| Hour { uploads: if hour >= BEGIN { more } else { 1.0 }, ..Hour::default() };
        found_after("many uploads for good", &[102, 105, 109, 167], true, many);
    }
}

#[test]
fn what_a_surge_explains_has_a_cap_and_an_end() {
    // Of twelve thousand uploads in a day, as many fail as usual.
    let rebuild = |hour| {
        let is_rebuild = between(BEGIN, BEGIN + DAY, hour);
        Hour {
            uploads: if is_rebuild { 24.0 } else { 1.0 },
            cures: is_rebuild.then_some(1.0),
            ..Hour::default()
        }
    };
    found_after("a rebuild", &[102, 104, 108, 167], true, rebuild);
    let bad =
        |hour| Hour { share: if between(BEGIN, BEGIN + DAY, hour) { 3.0 } else { 1.0 }, ..rebuild(hour) };
    let (_, log) = run(1, 103, bad);
    assert!(!log.alerts(BEGIN, 103 * DAY).is_empty(), "three times the share is no surge");
}

#[test]
fn an_outage_leaves_nothing_that_alerts_when_it_is_over() {
    for (long, parked) in [(6, 400.0), (DAY, 900.0), (3 * DAY, 2000.0), (10 * DAY, 5000.0)] {
        let outage = move |hour| {
            let is_out = between(BEGIN, BEGIN + long, hour);
            Hour { parked: if is_out { parked } else { 0.0 }, ..Hour::default() }
        };
        for seed in 1..4 {
            let (world, log) = run(seed, 100 + long.div_ceil(DAY) + 8, outage);
            assert_eq!(log.episodes, [BEGIN], "{long} {seed}: {:?}", log.texts);
            assert!(world.found(2.0, &Hour::default(), 6).is_some());
        }
        found_after("60 days after an outage", &[170], false, outage);
    }
}

#[test]
fn an_alert_that_lasts_does_not_freeze_the_norm_for_ever() {
    // Never CRITICAL, and not flat: 1.5 to 1.8 times the norm.
    let wave = |hour: usize| Hour {
        extra: if hour >= BEGIN { 320.0 + 80.0 * (hour as f64 / 30.0).sin() } else { 0.0 },
        ..Hour::default()
    };
    found_after("a WARNING that lasts", &[100 + 28 + 60], false, wave);
    let twice = |hour| Hour { extra: if hour >= BEGIN { 600.0 } else { 0.0 }, ..Hour::default() };
    found_after("a CRITICAL that lasts", &[100 + 84 + 60], false, twice);
    let (_, log) = run(1, 100 + 60, twice);
    assert_eq!(log.texts.last().unwrap().1, State::Critical, "it is not learned in silence");
}

#[test]
fn what_operators_accept_and_set_has_an_end() {
    let normal = |_| Hour::default();
    for figure in [Figure::Failing] {
        let (mut world, _) = run(1, 100, normal);
        world.judge.set(figure, 5000.0);
        for _ in 0..150 * DAY {
            world.step(&Hour::default());
        }
        assert!(world.found(2.0, &Hour::default(), 6).is_some(), "set five months ago");
    }
    // Accepted in the middle of an incident, which ends.
    let (mut world, _) = run(1, 100, normal);
    for _ in 0..5 {
        world.step(&Hour { extra: 700.0, ..Hour::default() });
    }
    world.judge.accept(Figure::Failing);
    for days in [2, 30, 40] {
        for _ in 0..days * DAY {
            assert!(!world.step(&Hour::default()).unwrap().state.alerts());
        }
        assert!(world.found(2.0, &Hour::default(), 6).is_some(), "{days}");
    }
}

#[test]
fn a_fall_is_the_norm_after_a_day() {
    for to in [0.4, 0.6, 0.75] {
        let less = -500.0 * (1.0 - to);
        let fallen = move |hour| Hour { extra: if hour < BEGIN { 0.0 } else { less }, ..Hour::default() };
        found_after("a fall", &[101, 102, 103, 105, 107, 110, 160], true, fallen);
    }
}

#[test]
fn a_stock_that_goes_up_and_down_is_one_alert_and_not_one_a_flip() {
    for (period, most) in [(1, 1), (2, 2), (3, 2), (6, 2), (12, 2), (24, 3), (48, 4)] {
        let flip = |hour| {
            let is_up = between(BEGIN, BEGIN + 14 * DAY, hour) && ((hour - BEGIN) / period).is_multiple_of(2);
            Hour { extra: if is_up { 500.0 } else { 0.0 }, ..Hour::default() }
        };
        let (world, log) = run(1, 120, flip);
        assert!(log.episodes.len() <= most, "{period}: {:?}", log.texts);
        assert_eq!(log.texts.last().unwrap().1, State::Ok, "{period}: {:?}", log.texts.last());
        assert!(world.found(2.0, &Hour::default(), 6).is_some(), "{period}");
    }
}

#[test]
fn a_second_incident_within_an_alert_is_said() {
    for after in [1, 2, 10] {
        let second = BEGIN + after * DAY;
        let of = |hour| {
            let extra = if hour < BEGIN {
                0.0
            } else if hour < second {
                600.0
            } else {
                2200.0
            };
            Hour { extra, ..Hour::default() }
        };
        let (mut world, _) = run(1, 100 + after, of);
        let texts: Vec<String> = (0..6).map(|more| world.step(&of(second + more)).unwrap().text).collect();
        assert!(texts[0].contains("again 1"), "{texts:?}");
        assert!(world.step(&of(second + 7)).unwrap().stock.is_some());
    }
}

#[test]
fn an_incident_while_learning_is_not_the_norm() {
    for (at, long) in [(2, 1), (2, 4), (3, 10), (5, 3), (6, 20)] {
        let of = |hour| Hour {
            extra: if between(at * DAY, (at + long) * DAY, hour) { 700.0 } else { 0.0 },
            ..Hour::default()
        };
        for seed in 1..3 {
            let (mut world, log) = run(seed, at + long, of);
            let said = log.alerts(at * DAY, at * DAY + 6);
            assert!(said.iter().any(|it| it.1 == State::Critical), "{at} {long}: {:?}", log.texts);
            for _ in 0..10 * DAY {
                world.step(&Hour::default());
            }
            assert!(world.found(2.0, &Hour::default(), 6).is_some(), "{at} {long}");
        }
    }
}

#[test]
fn a_first_queue_that_is_never_drained_does_not_end_judgement() {
    let mut world = World::new(1);
    world.context.drained = Some(false);
    for _ in 0..(42 + 60) * DAY {
        world.step(&Hour::default());
    }
    assert!(world.found(2.0, &Hour::default(), 6).is_some());
}

#[test]
fn a_renamed_signature_is_no_alert_and_a_new_one_is() {
    let of = |hour: usize, share: f64| Hour {
        signatures: if hour < BEGIN {
            vec![("old", 120.0), ("other", 90.0)]
        } else {
            // It is renamed as packages are tried again, over three days.
            let done = ((hour - BEGIN) as f64 / 72.0).min(1.0);
            vec![
                ("old", (120.0 * (1.0 - done * share)).round()),
                ("new", (120.0 * done).round()),
                ("other", 90.0),
            ]
        },
        ..Hour::default()
    };
    let (mut world, log) = run(1, 160, |hour| of(hour, 1.0));
    assert!(log.alerts(BEGIN, 160 * DAY).is_empty(), "{:?}", log.texts);
    let grown = Hour { signatures: vec![("new", 400.0)], ..Hour::default() };
    assert!(world.step(&grown).unwrap().state.alerts(), "under its new name it is judged like any other");
    let (_, log) = run(1, 140, |hour| of(hour, 0.1));
    assert_eq!(log.episodes.len(), 1, "{:?}", log.texts);
    assert!(log.hours[State::Warning as usize] <= 8 * DAY, "{:?}", log.hours);
}
