//! What happens in the life of an installation, and what a check says of it: scenarios A to I of the checks.
//!
//! Every record comes from imports that were really done and really failed, in simulated time. Sizes are a tenth of what
//! the scenarios are about; the rule works with ratios, and `STORM=long` makes them of full size.

mod cures;
mod growth;
mod jump;
mod left_out;
mod noise;
mod outage;
mod silence;

use baseline::State;
use package_import_tests::story::Said;

/// Whether it is what was wanted; all of these pieces are in the line.
#[track_caller]
pub fn assert_says(now: &Said, state: State, pieces: &[&str]) {
    assert_eq!(now.state, state, "{}", now.text);
    for piece in pieces {
        assert!(now.text.contains(piece), "{piece:?} is not in {:?}", now.text);
    }
    // Longer than the 80 characters of the guideline since it names host, error and signature; a pager shows 160, with the
    // name of the check and the state.
    assert!(now.text.len() <= 134 && now.text.is_ascii(), "{}", now.text);
}

/// Whether scenarios are of full size.
pub fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

/// How many times larger a scenario is than in the usual tests.
pub fn size() -> usize {
    if is_long() { 10 } else { 1 }
}
