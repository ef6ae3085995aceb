//! Counts the findings and false alarms of a detector.

use super::random::Random;
use super::series::{Model, Series, YEAR};

/// Something that says after every hour whether it alerts.
pub trait Detector: Clone {
    fn hour(&mut self, hour: usize, value: f64, attempted: f64) -> bool;
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    pub years: f64,
    pub episodes: f64,
    pub alert_hours: f64,
    /// Doublings that began at any hour.
    pub any: Found,
    /// Doublings that began at 00:00 UTC.
    pub midnight: Found,
}

/// Results of doublings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    pub doublings: f64,
    /// Found after 1, 3 and 7 days.
    pub after: [f64; 3],
}

impl Found {
    pub fn note(&mut self, first: Option<usize>) {
        self.doublings += 1.0;
        for (horizon, found) in HORIZONS.iter().zip(&mut self.after) {
            *found += f64::from(first.is_some_and(|first| first < *horizon));
        }
    }

    fn add(&mut self, other: Found) {
        self.doublings += other.doublings;
        for (mine, theirs) in self.after.iter_mut().zip(other.after) {
            *mine += theirs;
        }
    }

    /// The results in percent.
    pub fn parts(&self) -> [f64; 3] {
        self.after.map(|found| 100.0 * found / self.doublings.max(1.0))
    }
}

impl Score {
    pub fn add(&mut self, other: Score) {
        self.years += other.years;
        self.episodes += other.episodes;
        self.alert_hours += other.alert_hours;
        self.any.add(other.any);
        self.midnight.add(other.midnight);
    }

    pub fn false_alarms(&self) -> f64 {
        self.episodes / self.years
    }

    pub fn hours(&self) -> f64 {
        self.alert_hours / self.years
    }
}

pub const HORIZONS: [usize; 3] = [24, 72, 168];

/// One year from nothing, with `doublings` of them at random hours of it and as many at random midnights.
pub fn year<D: Detector>(detector: &D, series: &Series, seed: u64, doublings: usize) -> Score {
    let mut random = Random::new(seed ^ 0xd0b1e);
    let mut draw = |unit: usize| {
        let mut at: Vec<usize> =
            (0..doublings).map(|_| (9 * 24 + random.below(YEAR - 17 * 24)) / unit * unit).collect();
        at.sort_unstable();
        at.dedup();
        at
    };
    let (any, midnight) = (draw(1), draw(24));
    let mut detector = detector.clone();
    let mut score = Score { years: 1.0, ..Score::default() };
    let mut before = false;
    for hour in 0..YEAR {
        for (at, found) in [(&any, &mut score.any), (&midnight, &mut score.midnight)] {
            if at.binary_search(&hour).is_ok() && !before {
                let mut other = detector.clone();
                found.note((0..168).find(|more| {
                    other.hour(hour + more, series.doubled[hour + more], series.attempted[hour + more])
                }));
            }
        }
        let alerts = detector.hour(hour, series.normal[hour], series.attempted[hour]);
        score.episodes += f64::from(alerts && !before);
        score.alert_hours += f64::from(alerts);
        before = alerts;
    }
    score
}

pub fn years<D: Detector>(detector: &D, model: &Model, years: u64, doublings: usize) -> Score {
    let mut score = Score::default();
    for seed in 0..years {
        let seed = seed * 1009 + model.name.bytes().map(u64::from).sum::<u64>();
        score.add(year(detector, &model.year(seed), seed, doublings));
    }
    score
}
