//! Looking back: `at` in the query of a page has it show how it was at a time.

use operations::LookBack;

use crate::asked::Asked;
use crate::problem::Problem;

/// Pages and answers that can show how it was at a time, without what stands behind the second slash.
const LOOK_BACK: [&str; 14] = [
    "/",
    "/failures",
    "/signatures/",
    "/packages/",
    "/queue",
    "/freshness",
    "/hosts",
    "/archives",
    "/audit",
    "/api/v1/status",
    "/api/v1/failures",
    "/api/v1/queue",
    "/api/v1/freshness",
    "/api/v1/packages/",
];

/// True for a path that can.
pub fn is_possible(path: &str) -> bool {
    LOOK_BACK
        .iter()
        .any(|it| if it.len() > 1 && it.ends_with('/') { path.starts_with(it) } else { path == *it })
}

/// The time that is asked for, to the second, in Unix milliseconds.
pub fn of(asked: &Asked) -> Result<Option<i64>, Problem> {
    let Some(text) = asked.query.get("at").map(|it| it.trim()).filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    if !is_possible(&asked.path) {
        return Err(Problem::usage("at: this page cannot show how it was at a time"));
    }
    let LookBack(then) = text.parse().map_err(|error| Problem::usage(format!("at: {error}")))?;
    Ok(Some(then.div_euclid(1000) * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_look_back() {
        for path in ["/", "/queue", "/packages/hello", "/api/v1/packages/hello", "/signatures/x"] {
            assert!(is_possible(path), "{path}");
        }
        for path in ["/plans", "/queue/", "/search", "/remotes/git", "/api/v1/workers", "/attempts/1/log"] {
            assert!(!is_possible(path), "{path}");
        }
    }
}
