//! Series of kinds that the rule was not tuned on: gaps, changed clocks, other levels, other noise, resets, nothing.
//! `BASELINE=long` takes 20 years of each.

use crate::common::random::Random;
use crate::common::series::{Model, Noise, Series, Week, YEAR};
use baseline::{Context, Judge, Sample, Settings};

/// Seconds since 1970 of a Monday.
const START: i64 = 1_767_571_200;

/// Years of a kind and the false alarms and alert hours a year in them, and doublings on the last ten days: how many of
/// them were found on the first day.
fn judge(stock: bool, make: impl Fn(u64, &mut Random) -> Vec<Option<f64>>) -> (f64, f64, f64) {
    let years = if std::env::var("BASELINE").is_ok_and(|mode| mode == "long") { 20 } else { 2 };
    let (mut episodes, mut hours, mut found) = (0.0, 0.0, 0.0);
    for seed in 0..years {
        let mut random = Random::new(seed + 4242);
        let values = make(seed, &mut random);
        let mut judge = Judge::new(Settings::default());
        let sample = |hour: usize, value: Option<f64>| {
            let figure = |wanted: bool| value.filter(|_| wanted);
            let time = START + 3600 * hour as i64;
            Sample { time, failing: figure(stock), failed: figure(!stock), ..Sample::default() }
        };
        let mut before = false;
        for (hour, value) in values.iter().enumerate() {
            if value.is_none() {
                continue;
            }
            let alerts = judge.judge(&sample(hour, *value), &Context::default()).state.alerts();
            episodes += f64::from(alerts && !before);
            hours += f64::from(alerts);
            before = alerts;
        }
        let double = |hour: usize| {
            let last = values[values.len() - 168 + hour % 24].or(values[values.len() - 1]).unwrap_or(0.0);
            2.0 * last
        };
        found += f64::from((0..24).any(|more| {
            let hour = values.len() + more;
            judge.judge(&sample(hour, Some(double(hour))), &Context::default()).state.alerts()
        }));
    }
    let years = years as f64;
    (episodes / years, hours / years, 100.0 * found / years)
}

fn check(name: &str, most: f64, least: f64, (episodes, hours, found): (f64, f64, f64)) {
    println!("| {name:34} | {episodes:5.2} | {hours:6.1} | {found:5.1} |");
    assert!(episodes <= most, "{name}: {episodes} false alarms a year");
    assert!(found >= least, "{name}: {found} % found");
}

fn all(series: Series) -> Vec<Option<f64>> {
    series.normal.into_iter().map(Some).collect()
}

fn flat() -> Model {
    Model::stock("", 500.0, Noise::Smooth(0.04, 24.0))
}

#[test]
fn gaps_are_no_alarm() {
    let gaps = |model: Model, stock: bool| {
        judge(stock, move |seed, random| {
            let mut values = all(model.year(seed));
            for value in &mut values {
                *value = value.filter(|_| random.uniform() > 0.2);
            }
            for _ in 0..12 {
                let (at, long) = (random.below(YEAR - 400), random.below(200));
                values[at..at + long].fill(None);
            }
            values
        })
    };
    check("gaps, stock", 1.0, 95.0, gaps(flat(), true));
    check(
        "gaps, flow",
        1.0,
        95.0,
        gaps(Model::flow("", 500.0, Noise::Daily(0.05)).week(Week::Working), false),
    );
    let daily = judge(true, |seed, _| {
        let values = flat().year(seed).normal;
        values.into_iter().enumerate().map(|(hour, value)| (hour % 24 == 3).then_some(value)).collect()
    });
    check("one sample a day", 1.0, 95.0, daily);
}

#[test]
fn clocks_that_change_are_no_alarm() {
    let shifted = |model: Model, stock: bool| {
        judge(stock, move |seed, _| {
            let values = model.year(seed).normal;
            let at = |hour: usize| {
                let summer = (90 * 24..300 * 24).contains(&hour);
                values[if summer { (hour + 1).min(YEAR - 1) } else { hour }]
            };
            (0..YEAR).map(|hour| Some(at(hour))).collect()
        })
    };
    let stock = Model::stock("", 500.0, Noise::Daily(0.05)).week(Week::Working);
    check("clock, stock", 1.0, 95.0, shifted(stock, true));
    check(
        "clock, flow",
        1.0,
        95.0,
        shifted(Model::flow("", 500.0, Noise::Hourly(0.0)).week(Week::Working), false),
    );
}

#[test]
fn levels_that_change_by_less_than_an_alert_are_learned() {
    for (name, factor) in [("up by 25 %", 1.25), ("down to 60 %", 0.6), ("down to 10 %", 0.1)] {
        let changed = judge(true, |seed, _| {
            let values = flat().year(seed).normal.into_iter().enumerate();
            values.map(|(hour, value)| Some(if hour > 4000 { factor * value } else { value })).collect()
        });
        check(name, 1.0, 95.0, changed);
    }
    for growth in [0.03, -0.03] {
        check(
            "3 % a week up or down",
            1.0,
            95.0,
            judge(true, |seed, _| all(flat().growth(growth).year(seed))),
        );
    }
    let wave = judge(true, |seed, _| {
        let values = flat().year(seed).normal.into_iter().enumerate();
        values.map(|(hour, value)| Some(value * (1.0 + 0.4 * (hour as f64 / 1400.0).sin()))).collect()
    });
    check("seasons of a year", 1.0, 95.0, wave);
}

#[test]
fn a_reset_is_no_alarm() {
    let reset = judge(true, |seed, _| {
        let mut values = all(flat().year(seed));
        for (since, value) in values.iter_mut().skip(3000).take(72).enumerate() {
            *value = Some(7.0 * since as f64);
        }
        values
    });
    check("reset and filled again in 3 days", 1.0, 95.0, reset);
}

#[test]
fn other_noise_is_no_alarm_more_than_twice_a_year() {
    let kinds: [(&str, Noise); 4] = [
        ("noise 0.1 for 3 days", Noise::Smooth(0.1, 72.0)),
        ("noise 0.15 for 6 h", Noise::Smooth(0.15, 6.0)),
        ("noise 0.2 daily", Noise::Daily(0.2)),
        ("noise 0.2 hourly", Noise::Hourly(0.2)),
    ];
    for (name, noise) in kinds {
        check(name, 3.0, 50.0, judge(true, |seed, _| all(Model::stock("", 500.0, noise).year(seed))));
    }
    let normal = judge(true, |_, random| {
        let mut factor = 1.0;
        let mut value = |hour: usize| {
            if hour.is_multiple_of(24) {
                factor = (1.0 + 0.3 * random.normal()).max(0.05);
            }
            Some((500.0 * factor).round())
        };
        (0..YEAR).map(&mut value).collect()
    });
    check("normal noise 0.3 daily", 3.0, 0.0, normal);
}

#[test]
fn nothing_and_nearly_nothing_are_no_alarm() {
    check("nothing", 0.0, 0.0, judge(true, |_, _| vec![Some(0.0); YEAR]));
    check("no new failures", 0.0, 0.0, judge(false, |_, _| vec![Some(0.0); YEAR]));
    check(
        "one new failure a week",
        1.5,
        0.0,
        judge(false, |_, random| (0..YEAR).map(|_| Some(random.poisson(1.0 / 168.0))).collect()),
    );
    check(
        "one or two",
        0.0,
        0.0,
        judge(true, |_, random| (0..YEAR).map(|_| Some(1.0 + random.below(2) as f64)).collect()),
    );
    for (name, level) in [("half a package", 0.5), ("one package", 1.0), ("two", 2.0), ("three", 3.0)] {
        let few = Model::stock("", level, Noise::Hourly(0.0));
        check(name, 2.5, 0.0, judge(true, |seed, _| all(few.year(seed + 900))));
    }
    for (name, level) in [("one new failure a day", 1.0), ("two a day", 2.0), ("thirty a day", 30.0)] {
        let few = Model::flow("", level, Noise::Hourly(0.0));
        check(name, 3.0, 0.0, judge(false, |seed, _| all(few.year(seed + 900))));
    }
}

#[test]
fn numbers_that_vary_more_than_by_chance_are_no_alarm_more_than_twice_a_year() {
    let kinds = [
        ("60 a day, noise 0.3 daily", Model::flow("", 60.0, Noise::Daily(0.3)), false),
        ("the same in a working week", Model::flow("", 60.0, Noise::Daily(0.3)).week(Week::Working), false),
        ("60 a day, noise 0.3 for 3 days", Model::flow("", 60.0, Noise::Smooth(0.3, 72.0)), false),
        ("stock, noise 0.3 for 3 days", Model::stock("", 500.0, Noise::Smooth(0.3, 72.0)), true),
        ("stock, noise 0.3 for 6 h", Model::stock("", 500.0, Noise::Smooth(0.3, 6.0)), true),
    ];
    for (name, model, stock) in kinds {
        check(name, 4.0, 0.0, judge(stock, |seed, _| all(model.year(seed + 700))));
    }
}
