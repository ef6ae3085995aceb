//! Answers of an HTTP server, from the headers that Git traces (`GIT_TRACE_CURL`): Git's own messages have no status
//! that could be relied on.

use std::time::Duration;

/// The last answer of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status; `None` if no server answered.
    pub status: Option<u16>,
    /// Pause that the server asks for.
    pub retry_after: Option<Duration>,
}

/// The longest pause that is obeyed when a server asks for one.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads a trace.
pub fn parse(trace: &str) -> Answer {
    let mut last = Answer::default();
    for line in trace.lines() {
        let Some((_, header)) = line.split_once("<= Recv header: ") else { continue };
        if let Some(status) = status(header) {
            // 100 Continue is no answer yet.
            if status >= 200 {
                last = Answer { status: Some(status), retry_after: None };
            }
        } else if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("retry-after")
        {
            last.retry_after = seconds(value.trim());
        }
    }
    last
}

fn status(header: &str) -> Option<u16> {
    let rest = header.strip_prefix("HTTP/")?;
    rest.split(' ').nth(1)?.trim().parse().ok()
}

/// A date counts as one minute: the clocks of two machines are not compared.
fn seconds(value: &str) -> Option<Duration> {
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds).min(LONGEST)),
        Err(_) if value.is_empty() => None,
        Err(_) => Some(Duration::from_secs(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts() {
        let trace = "10:00 http.c:1 => Send header: GET /x\n10:00 http.c:1 <= Recv header: HTTP/1.1 401 Unauthorized\n\
            10:00 http.c:1 <= Recv header: HTTP/2 429\n10:00 http.c:1 <= Recv header: retry-after: 120\n";
        let answer = parse(trace);
        assert_eq!(answer, Answer { status: Some(429), retry_after: Some(Duration::from_secs(120)) });
        assert_eq!(parse("no server").status, None);
        assert_eq!(seconds("Fri, 01 Jan 2027 00:00:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(seconds("99999999999"), Some(LONGEST));
    }
}
