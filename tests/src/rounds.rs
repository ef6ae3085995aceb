//! How often a test does something: seldom, or with `STORM=long` as often as it takes to be sure, but for no longer than
//! `SECONDS`, if that is set.

use std::time::{Duration, Instant};

/// How many rounds there are to be.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    count: usize,
    end: Option<Instant>,
}

/// True for the long form.
pub fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

/// A number of the environment.
pub fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

impl Rounds {
    /// So many, or in the long form more.
    pub fn new(short: usize, long: usize) -> Rounds {
        if !is_long() {
            return Rounds { count: short, end: None };
        }
        let end = number("SECONDS").map(|it| Instant::now() + Duration::from_secs(it as u64));
        Rounds { count: long, end }
    }

    /// True if there is to be another after so many.
    pub fn goes_on(&self, done: usize) -> bool {
        done < self.count && self.end.is_none_or(|end| Instant::now() < end)
    }
}
