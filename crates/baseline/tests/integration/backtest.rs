//! The lines that `baseline backtest` reads and writes.

use baseline::backtest::{Line, Samples, judge};
use baseline::{Settings, State};
use proptest::prelude::*;

fn errors(text: &str) -> Vec<String> {
    judge(Samples::new(text.as_bytes()), Settings::default())
        .filter_map(|verdict| verdict.err().map(|error| error.to_string()))
        .collect()
}

fn line(hour: usize, figure: &str, value: f64) -> String {
    let (day, hour) = (hour / 24, hour % 24);
    let (month, day) = if day < 31 { (10, day + 1) } else { (11, day - 30) };
    format!(
        "{{\"time\": \"2026-{month:02}-{day:02}T{hour:02}:00:00Z\", \"figure\": \"{figure}\", \"value\": {value}}}\n"
    )
}

#[test]
fn a_history_is_judged_moment_by_moment() {
    let mut text = String::new();
    for hour in 0..40 * 24 {
        let jump = hour == 40 * 24 - 1;
        text += &line(hour, "failing", if jump { 1012.0 } else { 500.0 });
        text += &line(hour, "attempted", 20.0);
        text += &line(hour, "failed", 1.0);
        text += &line(hour, "signature:3f2a", if jump { 480.0 } else { 2.0 });
    }
    let verdicts: Vec<_> =
        judge(Samples::new(text.as_bytes()), Settings::default()).map(Result::unwrap).collect();
    assert_eq!(verdicts.len(), 40 * 24);
    let quiet = verdicts.iter().take(verdicts.len() - 1).all(|verdict| verdict.state == State::Ok);
    assert!(quiet);
    let json = serde_json::to_value(Line::from(verdicts.last().unwrap())).unwrap();
    assert_eq!(json["time"], "2026-11-09T23:00:00Z");
    assert_eq!(json["state"], "CRITICAL");
    assert_eq!(json["text"], "1012 failing, normally 500 - 512 new since 11-09 23:00Z, 93% 3f2a");
    assert_eq!(json["since"], "2026-11-09T23:00:00Z");
    assert_eq!(json["stock"]["limits"]["warning"], 700);
}

#[test]
fn a_wrong_line_is_named_and_ends_the_reading() {
    let good = line(0, "failing", 1.0);
    let wrong = [
        ("{\"time\"", "line 2: EOF"),
        ("{\"time\": \"2026-10-01\", \"figure\": \"failing\", \"value\": 1}", "line 2: time \"2026-10-01\""),
        (
            "{\"time\": \"2026-09-01T00:00:00Z\", \"figure\": \"failing\", \"value\": 1}",
            "line 2: time 2026-09-01T00:00:00Z is before",
        ),
        (
            "{\"time\": \"2026-10-01T00:00:00Z\", \"figure\": \"failing\", \"value\": 1}",
            "line 2: figure failing is given twice",
        ),
        (
            "{\"time\": \"2026-10-01T00:00:00Z\", \"figure\": \"fail\", \"value\": 1}",
            "line 2: unknown figure \"fail\"",
        ),
        (
            "{\"time\": \"2026-10-01T00:00:00Z\", \"figure\": \"signature:\", \"value\": 1}",
            "line 2: unknown figure",
        ),
        (
            "{\"time\": \"2026-10-01T00:00:00Z\", \"figure\": \"parked\", \"value\": -1}",
            "line 2: value -1 is no count",
        ),
        ("{\"time\": \"2026-10-01T00:00:00Z\", \"figure\": \"parked\"}", "line 2: missing field `value`"),
    ];
    for (text, expected) in wrong {
        let found = errors(&format!("{good}{text}\n{good}"));
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].starts_with(expected), "{} / {expected}", found[0]);
    }
    assert!(errors(&format!("{good}\n\n")).is_empty());
    assert_eq!(judge(Samples::new(&b"\xff\n"[..]), Settings::default()).filter(Result::is_err).count(), 1);
}

#[test]
fn offsets_are_understood() {
    let text = "{\"time\": \"2026-10-01T02:00:00+02:00\", \"figure\": \"failing\", \"value\": 3}\n";
    let verdict = judge(Samples::new(text.as_bytes()), Settings::default()).next().unwrap().unwrap();
    assert_eq!(Line::from(&verdict).time, "2026-10-01T00:00:00Z");
    assert_eq!(verdict.text, "3 failing, learning 0/7 days");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fail(text in "(\\{\"time\": ?\"2026-10-0[1-9]T[0-9:]{8}Z\", \"figure\":\"(failing|x|signature:a)\",\"value\":[0-9e.-]{1,4}\\}\n|.{0,40}\n){0,8}") {
        let results: Vec<_> = judge(Samples::new(text.as_bytes()), Settings::default()).collect();
        prop_assert!(results.iter().filter(|result| result.is_err()).count() <= 1);
    }
}
