//! Alerts that wake a person on call: all figures of an installation together, its stock, its new failures, its
//! attempts and its signatures. `BASELINE=long` takes 100 years of each kind and prints the column of
//! `docs/baselines.md`.

use crate::common::random::Random;
use crate::common::series::{Model, Noise, Week, YEAR};
use baseline::{Context, Judge, Sample, Settings};

/// Seconds since 1970 of a Monday.
const START: i64 = 1_767_571_200;

/// Fractions of the failing packages that have a signature of their own.
const SIGNATURES: [f64; 6] = [0.4, 0.25, 0.15, 0.1, 0.06, 0.04];

struct Family {
    name: &'static str,
    stock: Model,
    flow: Model,
    /// False alarms a year that are wanted at most.
    most: f64,
}

fn families() -> Vec<Family> {
    let smooth = |noise| Noise::Smooth(noise, 24.0);
    let flat = Model::stock("", 500.0, smooth(0.03));
    let events = |a_day, noise| Model::flow("", a_day, noise);
    let of = |name, stock, flow, most| Family { name, stock, flow, most };
    let poisson = Noise::Hourly(0.0);
    vec![
        of("flat, 40 a day", flat, events(40.0, poisson), 1.0),
        of("weekly, 40 a day", flat.week(Week::Mild), events(40.0, poisson).week(Week::Working), 1.0),
        of("growing 1 % a week, 40 a day", flat.growth(0.01), events(40.0, poisson).growth(0.01), 1.0),
        of("flat, 500 a day", flat, events(500.0, poisson), 1.0),
        of("noise 0.1, 60 a day", Model::stock("", 500.0, smooth(0.1)), events(60.0, Noise::Daily(0.1)), 2.0),
        of(
            "noise 0.3 daily",
            Model::stock("", 500.0, Noise::Daily(0.3)),
            events(60.0, Noise::Daily(0.3)),
            2.0,
        ),
        of("noise 0.3 smooth", Model::stock("", 500.0, smooth(0.3)), events(60.0, smooth(0.3)), 2.0),
        of("small (5), 5 a day", Model::stock("", 5.0, poisson), events(5.0, poisson), 2.0),
        of("small (20), 10 a day", Model::stock("", 20.0, smooth(0.15)), events(10.0, poisson), 2.0),
    ]
}

struct Found {
    episodes: f64,
    hours: f64,
    /// Episodes in which a signature was the only reason, and new failures.
    signatures: f64,
    flows: f64,
    doublings: f64,
    first_day: f64,
}

fn year(family: &Family, seed: u64, doublings: usize) -> Found {
    let stock = family.stock.generate(seed, YEAR);
    let flow = family.flow.generate(seed + 77, YEAR);
    let mut random = Random::new(seed ^ 0xfa31);
    let at: Vec<usize> = (0..doublings).map(|_| 9 * 24 + random.below(YEAR - 17 * 24)).collect();
    let mut judge = Judge::new(Settings::default());
    let mut found =
        Found { episodes: 0.0, hours: 0.0, signatures: 0.0, flows: 0.0, doublings: 0.0, first_day: 0.0 };
    let mut before = false;
    let mut parts: Vec<f64> = SIGNATURES.iter().map(|part| (part * stock.normal[0]).round()).collect();
    for hour in 0..YEAR {
        let sample = |hour: usize, failing: f64, parts: &[f64]| Sample {
            time: START + 3600 * hour as i64,
            failing: Some(failing),
            parked: Some(0.0),
            attempted: Some(flow.attempted[hour]),
            failed: Some(flow.normal[hour]),
            signatures: parts
                .iter()
                .enumerate()
                .map(|(number, value)| (format!("s{number}"), *value))
                .collect(),
        };
        // The number of each signature moves slowly as packages are cured and fail.
        for (part, share) in parts.iter_mut().zip(SIGNATURES) {
            let wanted = share * stock.normal[hour];
            *part = (*part + random.poisson(wanted / 72.0) - random.poisson(*part / 72.0)).max(0.0);
        }
        if at.contains(&hour) && !before {
            found.doublings += 1.0;
            let mut other = judge.clone();
            let is_found = (0..24).any(|more| {
                let sample = sample(hour + more, stock.doubled[hour + more], &parts);
                other.judge(&sample, &Context::default()).state.alerts()
            });
            found.first_day += f64::from(is_found);
        }
        let verdict = judge.judge(&sample(hour, stock.normal[hour], &parts), &Context::default());
        let alerts = verdict.state.alerts();
        if alerts && !before {
            found.episodes += 1.0;
            let stock = verdict.stock.as_ref().is_some_and(|it| it.state.alerts());
            let flow = verdict.flow.as_ref().is_some_and(|it| it.state.alerts());
            found.flows += f64::from(!stock && flow);
            found.signatures += f64::from(!stock && !flow);
        }
        found.hours += f64::from(alerts);
        before = alerts;
    }
    found
}

#[test]
fn an_installation_has_few_false_alarms_in_all() {
    let long = std::env::var("BASELINE").is_ok_and(|mode| mode == "long");
    let only = std::env::var("BASELINE_ONLY").unwrap_or_default();
    let number = std::env::var("BASELINE_YEARS").ok().and_then(|it| it.parse().ok());
    let (number, doublings) = if long { (number.unwrap_or(100), 12) } else { (2, 4) };
    for family in families().iter().filter(|family| family.name.contains(&only)) {
        let mut sum =
            Found { episodes: 0.0, hours: 0.0, signatures: 0.0, flows: 0.0, doublings: 0.0, first_day: 0.0 };
        for seed in 0..number {
            let one = year(family, seed * 1009 + family.name.len() as u64, doublings);
            sum.episodes += one.episodes;
            sum.hours += one.hours;
            sum.signatures += one.signatures;
            sum.flows += one.flows;
            sum.doublings += one.doublings;
            sum.first_day += one.first_day;
        }
        let years = number as f64;
        println!(
            "| {:30} | {:5.2} | {:5.2} | {:5.2} | {:6.1} | {:5.1} % |",
            family.name,
            sum.episodes / years,
            sum.flows / years,
            sum.signatures / years,
            sum.hours / years,
            100.0 * sum.first_day / sum.doublings.max(1.0)
        );
        // With room for the few years of the short version.
        let most = if long { family.most + 0.5 } else { family.most + 1.5 };
        assert!(sum.episodes / years <= most, "{}: {} a year", family.name, sum.episodes / years);
    }
}
