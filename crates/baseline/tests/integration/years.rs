//! Years of generated series: findings and false alarms of the rule and of others. `BASELINE=long` takes 100 years of
//! each and prints the table of `docs/baselines.md`.

use crate::common::oracle;
use crate::common::peers::{Peer, Rule};
use crate::common::series::{Model, Noise, Week};
use crate::common::trial::{Detector, Score, years};
use baseline::{Context, Judge, Sample, Settings};

/// The rule of this crate.
#[derive(Clone)]
struct Ours {
    judge: Judge,
    stock: bool,
}

/// Seconds since 1970 of a Monday.
const START: i64 = 1_767_571_200;

impl Detector for Ours {
    fn hour(&mut self, hour: usize, value: f64, attempted: f64) -> bool {
        let mut sample = Sample { time: START + 3600 * hour as i64, ..Sample::default() };
        if self.stock {
            sample.failing = Some(value);
        } else {
            sample.failed = Some(value);
            sample.attempted = Some(attempted.max(value));
        }
        self.judge.judge(&sample, &Context::default()).state.alerts()
    }
}

const MODELS: &[Model] = &[
    Model::stock("flat stock", 500.0, Noise::Smooth(0.03, 24.0)),
    Model::stock("weekly stock", 500.0, Noise::Smooth(0.03, 24.0)).week(Week::Mild),
    Model::stock("working-week stock", 500.0, Noise::Daily(0.05)).week(Week::Working),
    Model::stock("growing stock", 500.0, Noise::Smooth(0.05, 24.0)).growth(0.01),
    Model::stock("noisy 0.1 daily stock", 500.0, Noise::Daily(0.1)),
    Model::stock("noisy 0.1 smooth stock", 500.0, Noise::Smooth(0.1, 24.0)),
    Model::stock("noisy 0.3 hourly stock", 500.0, Noise::Hourly(0.3)),
    Model::stock("noisy 0.3 daily stock", 500.0, Noise::Daily(0.3)),
    Model::stock("noisy 0.3 smooth stock", 500.0, Noise::Smooth(0.3, 24.0)),
    Model::stock("G stock", 500.0, Noise::Daily(0.3)).week(Week::Working).growth(0.01),
    Model::stock("small stock", 5.0, Noise::Hourly(0.0)),
    Model::flow("flat flow", 500.0, Noise::Hourly(0.0)),
    Model::flow("weekly flow", 500.0, Noise::Hourly(0.0)).week(Week::Working),
    Model::flow("growing flow", 500.0, Noise::Hourly(0.0)).growth(0.01),
    Model::flow("noisy 0.1 daily flow", 500.0, Noise::Daily(0.1)),
    Model::flow("noisy 0.3 daily flow", 500.0, Noise::Daily(0.3)),
    Model::flow("noisy 0.3 smooth flow", 500.0, Noise::Smooth(0.3, 24.0)),
    Model::flow("G flow", 500.0, Noise::Daily(0.3)).week(Week::Working).growth(0.01),
    Model::flow("small flow 50", 50.0, Noise::Hourly(0.0)),
    Model::flow("small flow 5", 5.0, Noise::Hourly(0.0)),
];

/// Doublings found after 1, 3 and 7 days: of those at any hour, and of those at midnight.
fn parts(any: [f64; 3], midnight: [f64; 3]) -> String {
    any.iter().chain(&midnight).map(|part| format!("| {part:5.1} ")).collect::<String>() + "|"
}

fn row(name: &str, score: &Score) -> String {
    let (false_alarms, hours) = (score.false_alarms(), score.hours());
    format!(
        "| {name:24} | {false_alarms:5.2} | {hours:6.1} {}\n",
        parts(score.any.parts(), score.midnight.parts())
    )
}

fn rows(model: &Model, number: u64, doublings: usize) -> String {
    let ours = Ours { judge: Judge::new(Settings::default()), stock: model.stock };
    let score = years(&ours, model, number, doublings);
    check(model, &score);
    let mut text = row(model.name, &score);
    if std::env::var("PEERS").is_ok() {
        for rule in [Rule::Twice, Rule::MeanAndDeviations, Rule::MedianAndMad] {
            let peer = Peer::new(rule, model.stock);
            text += &row(&format!("  {rule:?}"), &years(&peer, model, number, doublings));
        }
        let (any, midnight) = oracle::bound(model, 2 * number, doublings);
        text += &format!("| {:24} |       |        {}\n", "  bound", parts(any, midnight));
    }
    text
}

/// Checks the limits that hold in the short version, too, with a margin for its few years.
fn check(model: &Model, score: &Score) {
    let quiet = ["flat", "weekly", "working", "growing"].iter().any(|kind| model.name.starts_with(kind));
    let (most, least) = match model.name {
        _ if quiet => (1.0, 95.0),
        name if name.contains("0.1") || name.contains("hourly") || name.ends_with("50") => (2.5, 85.0),
        _ => (4.5, 0.0),
    };
    assert!(score.false_alarms() <= most, "{}: {} false alarms a year", model.name, score.false_alarms());
    // Few new failures a day wait for a second window that agrees, which may end on a later day.
    let (days, found) = match model.name {
        "small flow 50" => ("three days", score.any.parts()[1]),
        _ => ("the first day", score.any.parts()[0]),
    };
    assert!(found >= least, "{}: {found} % found in {days}", model.name);
}

#[test]
fn years_of_every_kind() {
    let long = std::env::var("BASELINE").is_ok_and(|mode| mode == "long");
    let (number, doublings) = if long { (100, 12) } else { (2, 6) };
    let only = std::env::var("BASELINE_ONLY").unwrap_or_default();
    let models: Vec<&Model> = MODELS.iter().filter(|model| model.name.contains(&only)).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(model) = models.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let text = rows(model, number, doublings);
                    done.lock().unwrap().push((model.name, text));
                }
            });
        }
    });
    for model in models {
        for (_, text) in done.lock().unwrap().iter().filter(|(name, _)| *name == model.name) {
            print!("{text}");
        }
    }
}
