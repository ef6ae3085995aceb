//! Common alternatives on the same series: for a stock, the newest value against the hours of four weeks; for a flow,
//! the sum of 24 hours against 28 such sums.

use super::trial::Detector;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Twice,
    MeanAndDeviations,
    MedianAndMad,
}

#[derive(Clone)]
pub struct Peer {
    rule: Rule,
    stock: bool,
    values: Vec<f64>,
    limit: f64,
}

impl Peer {
    pub fn new(rule: Rule, stock: bool) -> Peer {
        Peer { rule, stock, values: Vec::new(), limit: f64::INFINITY }
    }

    fn learn(&mut self) {
        let recent = &self.values[self.values.len().saturating_sub(28 * 24)..];
        let figures: Vec<f64> = if self.stock {
            recent.to_vec()
        } else {
            recent.chunks(24).map(|day| day.iter().sum()).collect()
        };
        let mean = figures.iter().sum::<f64>() / figures.len() as f64;
        let variance = figures.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / figures.len() as f64;
        let median = median(figures.clone());
        let mad = 1.4826 * self::median(figures.iter().map(|x| (x - median).abs()).collect());
        self.limit = match self.rule {
            Rule::Twice => 2.0 * mean,
            Rule::MeanAndDeviations => mean + 3.0 * variance.sqrt(),
            Rule::MedianAndMad => median + 3.0 * mad,
        };
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Detector for Peer {
    fn hour(&mut self, hour: usize, value: f64, _attempted: f64) -> bool {
        if hour >= 7 * 24 && hour.is_multiple_of(24) {
            self.learn();
        }
        self.values.push(value);
        let recent = if self.stock { value } else { self.values.iter().rev().take(24).sum() };
        recent > self.limit && recent > 0.0
    }
}
