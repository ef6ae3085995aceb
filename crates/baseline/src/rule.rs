//! Numbers of the rule. `docs/baselines.md` has the reason for each.

/// Version of the rule. Memory of another version is not used: the samples are judged again.
pub const VERSION: u32 = 7;

/// Days of data before an alert by anything but a static limit.
pub const LEARNING_DAYS: usize = 7;
/// While it is not known whether the first queue was drained, the last three days may be at most this much above the
/// four before, or the first fill is taken to go on.
pub const SETTLED: f64 = 1.15;
/// A stock that began below this part of its level has been filled first; it was full at the second part of it.
pub const UNFILLED: f64 = 0.5;
/// Part of the level that ends the filling; see [`UNFILLED`].
pub const FILLED: f64 = 0.8;
/// Number of days after which it is not taken to go on any more.
pub const SETTLING_DAYS: usize = 28;
/// Number of days after which a queue that was not drained is no first queue any more: learning ends.
pub const LONGEST_LEARNING_DAYS: usize = 42;
/// While nothing is learned, a stock that was flat for a day and doubles is an incident and no part of the norm, unless
/// it is a smaller part than this of the attempts: then it is being filled.
pub const LEARNING_SHARE: f64 = 0.3;
/// Flatness of that day: its highest value divided by its lowest.
pub const LEARNING_FLAT: f64 = 1.35;

/// Days of data that make the level.
pub const LEVEL_DAYS: usize = 28;
/// Difference of days from each other, as a fraction of the level, above which more days make the level.
pub const NOISY: f64 = 0.12;
/// Number of days: all that are learned from.
pub const NOISY_LEVEL_DAYS: usize = 104;
/// A fall by this factor, of the last week against the weeks before, makes the last week the level.
pub const FALL: f64 = 1.35;
/// And it must be this many standard errors.
pub const FALL_ERRORS: f64 = 3.5;
/// A stock all of whose samples of a day are below the norm by this factor has fallen: that day is the norm.
pub const FALLEN_DAY: f64 = 1.15;
/// Largest fraction of the norm that counts as such a fall, however noisy the figure is.
pub const FARTHEST_FALL: f64 = 0.9;
/// Hours after which a stock that is back where it was before a fall is back for good.
pub const BACK_HOURS: i64 = 72;
/// Samples that such a day must have. Of fewer, three days are needed.
pub const FALLEN_SAMPLES: u32 = 6;
/// Smallest number of days for a level.
pub const LEAST_DAYS: usize = 3;

/// Smallest spread that is used.
pub const LEAST_SPREAD: f64 = 0.05;
/// Prior spread, before there are data; next, its weight in days.
pub const PRIOR_SPREAD: f64 = 0.12;
/// Weight of the prior spread in days; see [`PRIOR_SPREAD`].
pub const PRIOR_DAYS: f64 = 4.0;
/// The same for flows, whose scale has a spread of one already.
pub const PRIOR_FLOW_DAYS: f64 = 30.0;

/// Factor of the norm that a WARNING needs beside its score.
pub const WARNING: f64 = 1.4;
/// Factor of the norm that a CRITICAL needs.
pub const CRITICAL: f64 = 1.9;
/// Additional score that a CRITICAL needs.
pub const CRITICAL_SCORE: f64 = 1.0;
/// Part of the factor that it needed, below which an alert ends or a CRITICAL becomes a WARNING,
pub const BACK: f64 = 0.9;
/// in so many samples on end.
pub const CLEAR_SAMPLES: u32 = 2;
/// Factor of the norm below which an alert ends.
pub const CLEAR: f64 = BACK * WARNING;
/// Days that a WARNING must be flat before it is the new norm, and how flat.
pub const ACCEPT_DAYS: i64 = 7;
/// Flatness of an accepted week; see [`ACCEPT_DAYS`].
pub const ACCEPT_FLAT: f64 = 1.1;
/// Days after which an alert that was never CRITICAL ends, flat or not: a level of that age is the norm.
pub const LONGEST_WARNING_DAYS: i64 = 28;
/// The same for one that was CRITICAL.
pub const LONGEST_CRITICAL_DAYS: i64 = 84;
/// Days for which a level that an operator has set is valid.
pub const SET_DAYS: i64 = 90;

/// Factor above the highest value of the day before from which on a stock has doubled, whatever its norm is: an alert
/// becomes CRITICAL, and a lasting one gets a second reason.
pub const DOUBLED: f64 = 1.75;
/// The last hours, which do not belong to the day before.
pub const DOUBLED_WITHIN: i64 = 6;
/// The score that it needs, against the highest rises of the days before,
pub const JUMP_SCORE: f64 = 7.0;
/// out of this number of days.
pub const JUMP_DAYS: i64 = 56;
/// Factor between the deviation of days from the day before and that of noise that lasts for some days.
pub const STEPS: f64 = 2.2;

/// Hours of quiet that end an alert which came back within a day after an end; twice as many the next time,
pub const RELAPSE_HOLD_HOURS: i64 = 12;
/// but not more than these.
pub const LONGEST_HOLD_HOURS: i64 = 48;
/// Hours after an end in which an alert is a relapse.
pub const RELAPSE_HOURS: i64 = 24;

/// Largest number of hours of an outage that are not learned from.
pub const OUTAGE_HOURS: i64 = 168;

/// Parked jobs that are an outage: this many, or this part of the norm.
pub const PARKED: f64 = 20.0;
/// Part of the norm; see [`PARKED`].
pub const PARKED_SHARE: f64 = 0.1;
/// See [`PARKED`]: where no norm is known yet.
pub const PARKED_WHILE_LEARNING: u64 = 20;

/// Number of packages from which on a new signature is named as a cause.
pub const NEW_SIGNATURE: f64 = 20.0;
/// Factor of its norm from which on a known signature is named.
pub const SIGNATURE_FACTOR: f64 = 3.0;
/// Days that make a signature's norm.
pub const SIGNATURE_DAYS: i64 = 28;
/// Range of the ratio between a new signature's packages and those by which another fell, within which the new one is
/// the old one under another name.
pub const RENAMED: (f64, f64) = (0.85, 1.3);

/// Percentage of the new failures below which a signature is not their cause.
pub const LEAST_SHARE: u32 = 10;

/// Hours after which a verdict is stale.
pub const STALE_HOURS: i64 = 36;

/// Number of attempts a day below which the failing fraction is unknown.
pub const LEAST_ATTEMPTS: f64 = 1.0;

/// Factor of the norm from which on attempts, if noise does not explain them, are a surge.
pub const SURGE: f64 = 2.0;
/// The score that a surge needs.
pub const SURGE_SCORE: f64 = 4.0;
/// Hours after which a surge is the new norm: attempts are learned from, and explain nothing more.
pub const SURGE_HOURS: i64 = 168;
/// Largest excess that a surge may explain, as a factor of the norm.
pub const SURGE_EXPLAINS: f64 = 3.0;

/// Score from which on attempts are more than noise explains, so that failures in proportion are expected.
pub const MORE_ATTEMPTS: f64 = 2.0;
/// Number of days from which on the failing fraction is known,
pub const SHARE_DAYS: i64 = 28;
/// factor of the norm from which on that fraction of the attempts explains failures,
pub const MORE_FAILURES: f64 = 1.3;
/// and which factor at most.
pub const MOST_EXPLAINED: f64 = 50.0;
/// Fraction of the usual attempts below which the share of failures is judged, too,
pub const FEW_ATTEMPTS: f64 = 0.7;
/// with this additional score, and from [`CRITICAL`] times the usual share on.
pub const FEW_ATTEMPTS_SCORE: f64 = 2.0;

/// One stretch of hours whose mean (of a stock) or sum (of a flow) is tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Length in hours.
    pub hours: i64,
    /// Days between its reference and the window, so that the reference does not contain the window.
    pub lag: i64,
}

/// The windows of a stock.
pub const STOCK_WINDOWS: [Window; 3] =
    [Window { hours: 1, lag: 0 }, Window { hours: 6, lag: 0 }, Window { hours: 72, lag: 2 }];
/// The score that each of them needs if the noise lasts for a day or longer.
pub const STOCK_SCORE: f64 = 2.72;

/// The windows of a flow.
pub const FLOW_WINDOWS: [Window; 3] =
    [Window { hours: 6, lag: 0 }, Window { hours: 24, lag: 0 }, Window { hours: 72, lag: 2 }];
/// The same for them.
pub const FLOW_SCORE: f64 = 3.3;

/// Number of windows of a flow that have to agree: the stock leads.
pub const FLOWS_AGREE: usize = 2;

/// Weight added to the score of a window, times the square of the number of deviations by which a usual day's peak is
/// above its middle: such a peak is the largest of several independent values and has a longer tail than they have.
pub const ROUGHNESS: f64 = 0.3;

/// Weight taken from the score of a window of at most a day, times the correlation of a day with the day before:
/// lasting noise has fewer chances to be wrong in a year.
pub const RESEMBLANCE: f64 = 0.45;
/// Weight of the prior for no correlation, in days.
pub const RESEMBLANCE_DAYS: f64 = 8.0;

/// Factor by which the spread is enlarged after one day; it falls with more days.
pub const DOUBT: f64 = 4.0;
/// Part of that score for Poisson noise: only its mean has to be estimated.
pub const POISSON_DOUBT: f64 = 0.25;

/// As how many numbers each weekday counts that was learned from the same days as the spread.
pub const LEARNED_WEEKDAY: f64 = 2.0;

/// The peaks of a day spread less than single values; of a flow at least by this.
pub const LEAST_FLOW_SPREAD: f64 = 0.8;

/// Smallest excess that is worth an alert: 5 up to a norm of 10, 10 from 20 on. Ratios of tiny numbers mean nothing.
pub fn floor(expected: f64) -> f64 {
    (expected / 2.0).clamp(5.0, 10.0)
}

/// Same for the mean of a stock over days: a lasting excess is worth an alert from 4 on.
pub fn lasting_floor(expected: f64) -> f64 {
    (expected / 2.0).clamp(4.0, 10.0)
}
