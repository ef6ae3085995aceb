//! The kinds of series.

use super::random::Random;

pub const YEAR: usize = 365 * 24;

/// Correlation of the noise from hour to hour. Its marginal distribution is lognormal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// New every day at 00:00, the same all day.
    Daily(f64),
    /// Falls off exponentially with the given number of hours.
    Smooth(f64, f64),
    /// Independent every hour.
    Hourly(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Week {
    Flat,
    /// Weekends 70 % lower, nights half of days.
    Working,
    /// Weekends 20 % lower.
    Mild,
}

#[derive(Clone, Copy, Debug)]
pub struct Model {
    pub name: &'static str,
    /// A stock, or events a day.
    pub stock: bool,
    pub level: f64,
    pub noise: Noise,
    pub week: Week,
    /// Growth per week.
    pub growth: f64,
}

/// One year of a series: the values, the values if everything doubled, and the expected ones.
pub struct Series {
    pub normal: Vec<f64>,
    pub doubled: Vec<f64>,
    pub expected: Vec<f64>,
    pub attempted: Vec<f64>,
}

impl Model {
    pub const fn stock(name: &'static str, level: f64, noise: Noise) -> Model {
        Model { name, stock: true, level, noise, week: Week::Flat, growth: 0.0 }
    }

    pub const fn flow(name: &'static str, level: f64, noise: Noise) -> Model {
        Model { name, stock: false, level, noise, week: Week::Flat, growth: 0.0 }
    }

    pub const fn week(mut self, week: Week) -> Model {
        self.week = week;
        self
    }

    pub const fn growth(mut self, growth: f64) -> Model {
        self.growth = growth;
        self
    }

    pub fn year(&self, seed: u64) -> Series {
        self.generate(seed, YEAR)
    }

    pub fn generate(&self, seed: u64, hours: usize) -> Series {
        let mut random = Random::new(seed);
        let noise = self.noise(&mut random, hours);
        let mut series = Series {
            normal: Vec::with_capacity(hours),
            doubled: Vec::with_capacity(hours),
            expected: Vec::with_capacity(hours),
            attempted: Vec::with_capacity(hours),
        };
        let mut few = Few::new(self.level);
        for (hour, noise) in noise.iter().enumerate() {
            let growth = (1.0 + self.growth).powf(hour as f64 / 168.0);
            let expected = self.level * growth * self.week.factor(hour);
            series.expected.push(if self.stock { expected } else { expected / 24.0 });
            if self.stock && self.level < 20.0 {
                let value = few.step(&mut random);
                series.normal.push(value);
                series.doubled.push(2.0 * value);
            } else if self.stock {
                series.normal.push((expected * noise).round());
                series.doubled.push((2.0 * expected * noise).round());
            } else {
                let value = random.poisson(expected / 24.0 * noise);
                series.normal.push(value);
                series.doubled.push(value + random.poisson(expected / 24.0 * noise));
            }
            let attempts = random.poisson(25.0 * expected / 24.0);
            series.attempted.push(attempts.max(series.normal[hour]));
        }
        series
    }

    fn noise(&self, random: &mut Random, hours: usize) -> Vec<f64> {
        let sigma = |variation: f64| (1.0 + variation * variation).ln().sqrt();
        let shape = |sigma: f64, z: f64| (sigma * z - sigma * sigma / 2.0).exp();
        let mut z = random.normal();
        (0..hours)
            .map(|hour| match self.noise {
                Noise::Daily(variation) => {
                    if hour % 24 == 0 {
                        z = random.normal();
                    }
                    shape(sigma(variation), z)
                }
                Noise::Smooth(variation, time) => {
                    let kept = (-1.0 / time).exp();
                    z = kept * z + (1.0 - kept * kept).sqrt() * random.normal();
                    shape(sigma(variation), z)
                }
                Noise::Hourly(variation) => shape(sigma(variation), random.normal()),
            })
            .collect()
    }
}

impl Week {
    pub fn factor(self, hour: usize) -> f64 {
        let weekend = (hour / 24) % 7 >= 5;
        let night = !(6..18).contains(&(hour % 24));
        match self {
            Week::Flat => 1.0,
            Week::Working => (if weekend { 0.3 } else { 1.0 }) * (if night { 2.0 / 3.0 } else { 4.0 / 3.0 }),
            Week::Mild => {
                if weekend {
                    0.8
                } else {
                    1.0
                }
            }
        }
    }
}

/// A few packages that begin to fail by chance and are repaired after three days on average.
struct Few {
    arrivals: f64,
    present: usize,
}

impl Few {
    fn new(level: f64) -> Few {
        Few { arrivals: level / 72.0, present: level as usize }
    }

    fn step(&mut self, random: &mut Random) -> f64 {
        let leaving = (0..self.present).filter(|_| random.uniform() < 1.0 / 72.0).count();
        self.present = self.present - leaving + random.poisson(self.arrivals) as usize;
        self.present as f64
    }
}
