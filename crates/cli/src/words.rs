//! Words of the state as screens have them. JSON keeps those of the state.

/// Word for the outcome of a run.
pub fn run_outcome(word: &str) -> &str {
    match word {
        "empty" => "queue empty",
        other => other,
    }
}

/// Word for the outcome of an attempt.
pub fn attempt_outcome(word: &str) -> &str {
    match word {
        "maintained" => "repacked",
        other => other,
    }
}

/// Word for the state of a dependency whose breaker is open.
pub fn unusable(dependency: &str) -> &'static str {
    if dependency.starts_with("disk:") { "full" } else { "out of reach" }
}
