//! Events in the life of an installation, and the answers of a check: scenarios A to I of the checks.
//!
//! Every record comes from imports that were really done and really failed, in simulated time. Sizes are a tenth of
//! those in the scenarios; the rule works with ratios, and `STORM=long` uses the full size.

mod cures;
mod growth;
mod jump;
mod left_out;
mod noise;
mod outage;
mod silence;

use baseline::State;
use package_import_tests::story::Said;

/// Asserts a state, and that all of these pieces are in the line.
#[track_caller]
pub fn assert_says(now: &Said, state: State, pieces: &[&str]) {
    assert_eq!(now.state, state, "{}", now.text);
    for piece in pieces {
        assert!(now.text.contains(piece), "{piece:?} is not in {:?}", now.text);
    }
    // Longer than the 80 characters of the guideline since it names host, error and signature; a pager shows 160, with the
    // name of the check and the state. What to type next may stand behind them.
    let said = now.text.split(", package-import ").next().unwrap_or_default();
    assert!(said.len() <= 134 && now.text.len() <= 220 && now.text.is_ascii(), "{}", now.text);
}

/// True when scenarios are of full size.
pub fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

/// Factor between the size of a scenario and that of the usual tests.
pub fn size() -> usize {
    if is_long() { 10 } else { 1 }
}
