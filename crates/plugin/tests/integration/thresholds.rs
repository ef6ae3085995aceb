//! Requirement 8: thresholds have the meaning of their text, or are refused.

use plugin::{LimitTexts, Limits, Status, Threshold, Unit};
use proptest::prelude::*;

fn threshold(text: &str) -> Threshold {
    Threshold::parse(text, Unit::Count).unwrap()
}

#[test]
fn req8_the_examples_of_the_guidelines() {
    // The table of the development guidelines of Nagios plugins.
    let cases: [(&str, &[f64], &[f64]); 7] = [
        ("10", &[-1.0, 10.1], &[0.0, 10.0]),
        ("10:", &[9.9, -1.0], &[10.0, 1e9]),
        ("~:10", &[10.1], &[-1e9, 10.0]),
        ("10:20", &[9.9, 20.1], &[10.0, 20.0]),
        ("@10:20", &[10.0, 20.0], &[9.9, 20.1]),
        ("-5:5", &[-5.1, 5.1], &[-5.0, 5.0]),
        (":10", &[-1.0, 10.1], &[0.0, 10.0]),
    ];
    for (text, alerts, quiet) in cases {
        let threshold = threshold(text);
        assert!(alerts.iter().all(|value| threshold.alerts(*value)), "{text}");
        assert!(!quiet.iter().any(|value| threshold.alerts(*value)), "{text}");
        assert_eq!(threshold.text(), text);
    }
    assert!(![-1e300, 0.0, 1e300].iter().any(|value| threshold("~:").alerts(*value)));
}

#[test]
fn req8_what_nagios_range_lets_through_is_refused_and_quoted() {
    for text in [
        "-5",
        "nan",
        "nan:",
        ":nan",
        "~:1e400",
        "1e400",
        "-1e400:",
        "inf",
        "~:inf",
        "infinity:",
        "10:5",
        "@10:5",
        "",
        ":",
        "@",
        "@:",
        "5:~",
        "~",
        "1:2:3",
        "0x10",
        "1_000",
        "five",
        "5 ",
        "10%",
        "90m",
        "+-3",
        "1e",
        "@@1",
        "--5",
    ] {
        match Threshold::parse(text, Unit::Count) {
            Err(error) => assert!(error.to_string().contains(&format!("\"{}\"", text.trim())), "{error}"),
            // Space around it is left by a shell's quoting, and has no meaning.
            Ok(threshold) => assert_eq!((text, threshold.text()), ("5 ", "5")),
        }
    }
}

#[test]
fn req8_times_and_shares_where_the_figure_is_one() {
    let times = Threshold::parse("90m", Unit::Seconds).unwrap();
    assert!(times.alerts(5401.0) && !times.alerts(5400.0));
    let range = Threshold::parse("1h 30m:1d", Unit::Seconds).unwrap();
    assert!(range.alerts(5399.0) && !range.alerts(86400.0));
    assert!(Threshold::parse("3600", Unit::Seconds).unwrap().alerts(3601.0));
    let share = Threshold::parse("85%", Unit::Percent).unwrap();
    assert!(share.alerts(85.1) && !share.alerts(85.0));
    assert_eq!(share.text(), "85%");
    for (text, unit) in
        [("90m", Unit::Percent), ("85%", Unit::Seconds), ("85%%", Unit::Percent), ("-1h", Unit::Seconds)]
    {
        assert!(Threshold::parse(text, unit).is_err(), "{text}");
    }
}

#[test]
fn req7_options_come_before_the_policy_and_the_default() {
    let texts = |warning: Option<&str>, critical: Option<&str>| LimitTexts {
        warning: warning.map(Into::into),
        critical: critical.map(Into::into),
    };
    let limits =
        Limits::pick(Unit::Count, &texts(Some("1"), None), &texts(Some("5"), Some("10")), ("50", "100"))
            .unwrap();
    assert_eq!(
        [1.0, 2.0, 11.0].map(|value| limits.judge(value)),
        [Status::Ok, Status::Warning, Status::Critical]
    );
    let error =
        Limits::pick(Unit::Count, &texts(Some("-5"), None), &texts(None, None), ("1", "2")).unwrap_err();
    assert!(error.to_string().contains("\"-5\""), "{error}");
}

fn bound() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-1_000_000i64..1_000_000).prop_map(|n| n as f64 / 1000.0),
        (0i64..100).prop_map(|n| n as f64)
    ]
}

proptest! {
    #[test]
    fn req8_ranges_alert_exactly_outside_or_inside(
        a in bound(), b in bound(), value in bound(), inside in any::<bool>(), form in 0..4
    ) {
        let (start, end) = if a <= b { (a, b) } else { (b, a) };
        let (text, within) = match form {
            0 => (format!("{start}:{end}"), (start..=end).contains(&value)),
            1 => (format!("~:{end}"), value <= end),
            2 => (format!("{start}:"), value >= start),
            _ => (format!("{}", end.abs()), (0.0..=end.abs()).contains(&value)),
        };
        let text = if inside { format!("@{text}") } else { text };
        prop_assert_eq!(threshold(&text).alerts(value), within == inside, "{} {}", text, value);
    }

    #[test]
    fn req8_reversed_ranges_are_refused(a in bound(), b in bound()) {
        prop_assume!(a > b);
        let text = format!("{a}:{b}");
        prop_assert!(Threshold::parse(&text, Unit::Count).is_err());
        let inside = format!("@{text}");
        prop_assert!(Threshold::parse(&inside, Unit::Count).is_err());
    }

    #[test]
    fn req8_any_text_is_refused_or_kept_and_can_alert(text in "[-+@~:.0-9eEnainfm%x ]{0,12}|.{0,8}") {
        for unit in [Unit::Count, Unit::Seconds, Unit::Percent] {
            let Ok(threshold) = Threshold::parse(&text, unit) else { continue };
            prop_assert_eq!(threshold.text(), text.trim());
            let again = Threshold::parse(threshold.text(), unit);
            prop_assert_eq!(again.as_ref(), Ok(&threshold));
            // Only a range that explicitly has no bounds is always silent.
            let values = [f64::MIN, -1.0, 0.0, 1.0, f64::MAX];
            let silent = !values.iter().any(|value| threshold.alerts(*value));
            prop_assert!(!silent || text.trim() == "~:" || text.contains('@') || text.contains(|c: char| c.is_ascii_digit()));
        }
    }
}
