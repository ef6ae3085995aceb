//! Words of the state as screens have them. JSON keeps those of the state.

/// How a run ended.
pub fn run_outcome(word: &str) -> &str {
    match word {
        "empty" => "queue empty",
        other => other,
    }
}

/// How an attempt ended.
pub fn attempt_outcome(word: &str) -> &str {
    match word {
        "maintained" => "repacked",
        other => other,
    }
}

/// What a dependency is whose breaker is open.
pub fn unusable(dependency: &str) -> &'static str {
    if dependency.starts_with("disk:") { "full" } else { "out of reach" }
}
