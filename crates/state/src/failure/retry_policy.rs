//! Times of the next try: arithmetic without a database.

use source_package::code::Code;

use crate::words::{Class, FailureState, Policy};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Codes that no retry cures: an operator has to decide.
pub const WEDGING: &[Code] = &[Code::Blocked, Code::RepositoryDamaged];

/// Codes of [`WEDGING`] whose cause may go without a word to the importer: a ref is removed on a server, or in a repository.
const MAY_PASS: &[&str] = &["blocked"];

/// The rule of retries. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries {
    /// The pause after the first failure; it doubles with each.
    pub first: i64,
    /// Longest pause between retries.
    pub longest: i64,
    /// The pause of what keeps failing.
    pub slow: i64,
    /// The number of consecutive failures with one signature that makes a package failing.
    pub same_in_row: i64,
    /// The number of failures of any kind within `window` that does.
    pub any: i64,
    /// Milliseconds that `any` looks back.
    pub window: i64,
}

impl Default for Retries {
    fn default() -> Self {
        Retries {
            first: 5 * MINUTE,
            longest: 6 * HOUR,
            slow: 7 * DAY,
            same_in_row: 5,
            any: 10,
            window: 2 * DAY,
        }
    }
}

/// Facts about a failure when its next try is decided.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// Class of the failure's code.
    pub class: Class,
    /// Policy that an operator set for the signature, if any.
    pub policy: Option<Policy>,
    /// Consecutive failures with this signature, this one included. Failures of the machine are not counted.
    pub in_row: i64,
    /// Failures of any kind within the window, this one included.
    pub recent: i64,
    /// True when the package was failing before this attempt, not only retrying.
    pub was_failing: bool,
}

impl Retries {
    /// State of the failure: retrying, failing or wedged.
    pub fn judge(&self, history: &History) -> FailureState {
        let class = match history.policy {
            // A policy of retrying must not make failures of the class `infrastructure` count.
            Some(Policy::Retry) if history.class == Class::Infrastructure => Class::Infrastructure,
            Some(Policy::Retry) => Class::Transient,
            Some(Policy::Fail | Policy::Hold) => Class::Permanent,
            None => history.class,
        };
        let worn_out = history.in_row >= self.same_in_row || history.recent >= self.any;
        match class {
            // A failure of the machine neither counts against a package nor clears its failure.
            Class::Infrastructure if history.was_failing => FailureState::Failing,
            Class::Infrastructure => FailureState::Retrying,
            Class::Permanent => FailureState::Failing,
            // Only a success ends it, or an operator's retry.
            Class::Transient | Class::Unknown if history.was_failing && history.policy.is_none() => {
                FailureState::Failing
            }
            Class::Transient | Class::Unknown if worn_out => FailureState::Failing,
            Class::Transient | Class::Unknown => FailureState::Retrying,
        }
    }

    /// Milliseconds until the next try of a failure with a code, as [`Retries::pause`] says; less for a cause that may have
    /// gone.
    pub fn pause_of(&self, code: &str, state: FailureState, failures: i64, seed: i64) -> i64 {
        let pause = self.pause(state, failures, seed);
        let may_pass = state == FailureState::Wedged && MAY_PASS.contains(&code);
        if may_pass { pause.min(self.longest) } else { pause }
    }

    /// Milliseconds until the next try, by the number of failures since the last success. `seed` spreads packages that
    /// failed at the same time.
    pub fn pause(&self, state: FailureState, failures: i64, seed: i64) -> i64 {
        let pause = match state {
            FailureState::Failing | FailureState::Wedged => self.slow,
            FailureState::Retrying => {
                let doublings = u32::try_from(failures.saturating_sub(1).clamp(0, 30)).unwrap_or(30);
                self.first.saturating_mul(1_i64 << doublings).min(self.longest)
            }
        };
        // Between 80 and 120 per cent.
        let spread = i64::try_from(scatter(seed) % 401).unwrap_or(200);
        pause / 1000 * (800 + spread)
    }
}

/// A number that looks random and is the same every time (the finaliser of SplitMix64).
fn scatter(seed: i64) -> u64 {
    let mut x = seed.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(class: Class, in_row: i64, recent: i64) -> History {
        History { class, policy: None, in_row, recent, was_failing: false }
    }

    #[test]
    fn the_fifth_of_a_kind_or_the_tenth_of_any_makes_a_package_failing() {
        let retries = Retries::default();
        assert_eq!(retries.judge(&history(Class::Transient, 4, 9)), FailureState::Retrying);
        assert_eq!(retries.judge(&history(Class::Transient, 5, 5)), FailureState::Failing);
        assert_eq!(retries.judge(&history(Class::Unknown, 1, 10)), FailureState::Failing);
        assert_eq!(retries.judge(&history(Class::Permanent, 1, 1)), FailureState::Failing);
    }

    #[test]
    fn the_machines_failures_never_count() {
        let retries = Retries::default();
        assert_eq!(retries.judge(&history(Class::Infrastructure, 50, 50)), FailureState::Retrying);
    }

    #[test]
    fn an_operator_overrides_the_class() {
        let retries = Retries::default();
        let retry = History { policy: Some(Policy::Retry), ..history(Class::Permanent, 1, 1) };
        assert_eq!(retries.judge(&retry), FailureState::Retrying);
        let fail = History { policy: Some(Policy::Fail), ..history(Class::Transient, 1, 1) };
        assert_eq!(retries.judge(&fail), FailureState::Failing);
        let machine = History { policy: Some(Policy::Retry), ..history(Class::Infrastructure, 50, 50) };
        assert_eq!(retries.judge(&machine), FailureState::Retrying);
    }

    #[test]
    fn pauses_double_up_to_six_hours_and_are_spread() {
        let retries = Retries::default();
        let pauses: Vec<i64> = (1..9).map(|n| retries.pause(FailureState::Retrying, n, 7) / MINUTE).collect();
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        for seed in 0..1000 {
            let first = retries.pause(FailureState::Retrying, 1, seed);
            assert!((4 * MINUTE..=6 * MINUTE).contains(&first));
            assert!(retries.pause(FailureState::Retrying, i64::MAX, seed) <= retries.longest * 6 / 5);
        }
    }
}
