//! An installation: uploads by the hour, a part of which fails, and packages that are cured by later uploads.

use baseline::{Breaker, Context, Judge, Sample, Settings, State, Verdict};

use super::random::Random;

pub const DAY: usize = 24;
/// Monday, 2025-03-03 00:00 UTC.
pub const START: i64 = 1_740_960_000;

/// Events of an hour.
#[derive(Clone, Debug)]
pub struct Hour {
    /// Factor of the usual uploads; of the usual failing fraction; of the usual cures.
    pub uploads: f64,
    pub share: f64,
    pub cures: Option<f64>,
    /// Failing packages beside those that the world makes.
    pub extra: f64,
    pub parked: f64,
    pub attempts: f64,
    /// Nothing runs, and nobody looks.
    pub down: bool,
    pub signatures: Vec<(&'static str, f64)>,
}

impl Default for Hour {
    fn default() -> Hour {
        Hour {
            uploads: 1.0,
            share: 1.0,
            cures: None,
            extra: 0.0,
            parked: 0.0,
            attempts: 0.0,
            down: false,
            signatures: Vec::new(),
        }
    }
}

#[derive(Clone)]
pub struct World {
    pub stock: f64,
    pub hour: usize,
    pub judge: Judge,
    pub context: Context,
    level: f64,
    uploads: f64,
    share: f64,
    noise: f64,
    random: Random,
}

impl World {
    pub fn new(seed: u64) -> World {
        World::of(seed, 500.0, 500.0)
    }

    /// World with a number of failing packages, and of uploads a day.
    pub fn of(seed: u64, level: f64, uploads: f64) -> World {
        World {
            stock: level,
            hour: 0,
            judge: Judge::new(Settings::default()),
            context: Context::default(),
            level,
            uploads: uploads / 24.0,
            share: 0.05,
            noise: 0.0,
            random: Random::new(seed),
        }
    }

    /// One hour of the world, and the verdict on it.
    pub fn step(&mut self, of: &Hour) -> Option<Verdict> {
        let sample = self.sample(of)?;
        let breaker = Breaker { name: "deb.example.org".into(), since: sample.time, cause: None };
        self.context.breakers = if of.parked > 0.0 { vec![breaker] } else { Vec::new() };
        Some(self.judge.judge(&sample, &self.context))
    }

    pub fn sample(&mut self, of: &Hour) -> Option<Sample> {
        let (day, clock) = (self.hour / DAY % 7, self.hour % DAY);
        let light = 0.4 + 1.2 * (((clock as f64 - 6.0) / 24.0 * std::f64::consts::TAU).sin()).max(0.0);
        let week = light * if day > 4 { 0.4 } else { 1.0 };
        self.noise = 0.96 * self.noise + 0.028 * self.random.normal();
        let attempted = self.random.poisson(self.uploads * week * self.noise.exp() * of.uploads);
        let failed = self.random.poisson(attempted * self.share * of.share);
        let cure = self.share * self.uploads / self.level * week * of.cures.unwrap_or(of.uploads);
        self.stock = (self.stock + failed - self.random.poisson(self.stock * cure)).max(0.0);
        let time = START + 3600 * self.hour as i64;
        self.hour += 1;
        (!of.down).then(|| Sample {
            time,
            failing: Some((self.stock + of.extra).floor()),
            parked: Some(of.parked),
            attempted: Some(attempted + of.attempts),
            failed: Some(failed),
            signatures: of.signatures.iter().map(|(id, value)| ((*id).to_owned(), *value)).collect(),
        })
    }

    /// Hours after which a stock that is larger by a factor is CRITICAL, if everything else goes on as in `of`, but for its
    /// additional attempts, which are those of one hour.
    pub fn found(&self, factor: f64, of: &Hour, within: usize) -> Option<usize> {
        let attempts = |after: usize| if after == 0 { of.attempts } else { 0.0 };
        self.found_as(factor, |after| Hour { attempts: attempts(after), ..of.clone() }, within)
    }

    /// The same, if everything else goes on as in the hours of `at`, by their number from now on.
    pub fn found_as(&self, factor: f64, at: impl Fn(usize) -> Hour, within: usize) -> Option<usize> {
        let mut other = self.clone();
        let more = (factor - 1.0) * (self.stock + at(0).extra);
        (0..within).find(|after| {
            let of = at(*after);
            let hour = Hour { extra: of.extra + more, ..of };
            other.step(&hour).is_some_and(|verdict| verdict.state == State::Critical)
        })
    }
}

/// Verdicts over some time.
#[derive(Default)]
pub struct Log {
    pub texts: Vec<(usize, State, String)>,
    pub hours: [usize; 4],
    pub episodes: Vec<usize>,
    before: State,
}

impl Log {
    pub fn note(&mut self, hour: usize, verdict: &Verdict) {
        self.hours[verdict.state as usize] += 1;
        if verdict.state != self.before {
            self.texts.push((hour, verdict.state, verdict.text.clone()));
        }
        if verdict.state.alerts() && !self.before.alerts() {
            self.episodes.push(hour);
        }
        self.before = verdict.state;
    }

    pub fn alerts(&self, from: usize, to: usize) -> Vec<&(usize, State, String)> {
        let inside = |it: &&(usize, State, String)| (from..to).contains(&it.0) && it.1.alerts();
        self.texts.iter().filter(inside).collect()
    }
}

/// A number of days of a world.
pub fn run(seed: u64, days: usize, of: impl Fn(usize) -> Hour) -> (World, Log) {
    let mut world = World::new(seed);
    let mut log = Log::default();
    for hour in 0..days * DAY {
        if let Some(verdict) = world.step(&of(hour)) {
            log.note(hour, &verdict);
        }
    }
    (world, log)
}
