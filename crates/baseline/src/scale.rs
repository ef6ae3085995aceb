//! The scales on which a figure's noise is about equally large everywhere.

/// Shift of a stock before its logarithm is taken: 3 packages and 4 are nearly the same, 300 and 400 are not.
const SHIFT: f64 = 5.0;

/// Scale of the distance between a value and the expected one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// A level. Its noise is in proportion to it: the logarithm.
    Stock,
    /// A number of events with a random rate: their variance is `E + (variation * E)^2`. Small numbers vary as
    /// Poisson's law says, large ones in proportion; the square root and the logarithm are the two ends of this scale.
    Flow {
        /// The coefficient of variation of the rate.
        variation: f64,
    },
}

impl Scale {
    /// The distance of `value` from `expected` on this scale. In a flow one unit is one standard deviation.
    pub fn distance(self, value: f64, expected: f64) -> f64 {
        let (value, expected) = (value.max(0.0), expected.max(0.0));
        match self {
            Scale::Stock => ((value + SHIFT) / (expected + SHIFT)).ln(),
            Scale::Flow { variation } => {
                let raw = flatten(value, variation) - flatten(expected, variation);
                // The square root makes large values of a small number look less strange than they are (its skewness
                // is -1/(2 sqrt E)); this is the correction by Cornish and Fisher, for the part that is Poisson's.
                let expected = expected.max(0.25);
                let poisson = 1.0 / (1.0 + variation * variation * expected);
                let skew = poisson * (raw * raw - 1.0).max(0.0) / (12.0 * expected.sqrt());
                raw + if raw > 0.0 { skew } else { 0.0 }
            }
        }
    }

    /// The smallest whole number at this distance or farther.
    pub fn limit(self, distance: f64, expected: f64) -> f64 {
        if self == Scale::Stock {
            let limit = (expected.max(0.0) + SHIFT) * distance.exp() - SHIFT;
            return (limit - 1e-9 * limit.abs()).ceil().max(0.0);
        }
        let (mut low, mut high) = (0.0, expected.max(1.0));
        while self.distance(high, expected) < distance && high < 1e15 {
            low = high;
            high *= 2.0;
        }
        while high - low > 0.5_f64.max(1e-9 * high) {
            let middle = f64::midpoint(low, high);
            if self.distance(middle, expected) >= distance {
                high = middle;
            } else {
                low = middle;
            }
        }
        let whole = high.floor();
        if self.distance(whole, expected) >= distance { whole } else { high.ceil() }
    }
}

/// Makes the variance of a count the same everywhere (Anscombe, with his 3/8).
fn flatten(value: f64, variation: f64) -> f64 {
    let root = (value + 0.375).sqrt();
    if variation < 1e-3 { 2.0 * root } else { 2.0 / variation * (variation * root).asinh() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_poisson_where_it_is_small_and_a_logarithm_where_it_is_large() {
        let poisson = Scale::Flow { variation: 0.0 };
        // P(X >= 13) of a mean of 5 is 0.0020: 2.88 standard deviations of a normal distribution.
        assert!((poisson.distance(13.0, 5.0) - 2.9).abs() < 0.15);
        let large = Scale::Flow { variation: 0.3 };
        let expected = 2.0_f64.ln() / 0.3;
        assert!((large.distance(2e6, 1e6) - expected).abs() < 0.01);
    }
}
