#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn shown(text: &str) -> String {
    Date::parse(text).map_or("none".into(), |date| date.to_string())
}

#[test]
fn reads_every_usual_form() {
    for text in [
        "Mon, 02 Jan 2006 15:04:05 -0700",
        "Mon,  2 Jan 2006 15:04:05 -0700 (MST)",
        "2 January 2006 15:04:05 MST",
        "Mon Jan  2 15:04:05 MST 2006",
        "Mon Jan 2 15:04:05 2006 -0700",
        "Mon Jan 2 03:04:05 PM MST 2006",
        "2006-01-02T15:04:05-07:00",
        "2006-01-02 15:04:05.678 -0700",
        "2006/01/02 22:04:05Z",
        "02-Jan-06 15:04:05 -7",
        "@1136239445 -0700",
        "Tue, 2 Jan 106 15:04:05 GMT-7",
        "Jan 2nd, 19106 15:04:05 -700",
    ] {
        let expected = if text.ends_with('Z') { "1136239445 +0000" } else { "1136239445 -0700" };
        assert_eq!(shown(text), expected, "{text}");
    }
    assert_eq!(shown("2012-12-14"), "1355443200 +0000");
    assert_eq!(shown("20121214"), "1355443200 +0000");
    assert_eq!(shown("Mon, 03 Apr 2000 00:00:00 +0530"), "954700200 +0530");
}

#[test]
fn mends_what_cannot_be() {
    let same = |a: &str, b: &str| assert_eq!(shown(a), shown(b), "{a}");
    same("Sun, 31 Feb 2003 10:00:00 +0100", "28 Feb 2003 10:00:00 +0100");
    same("Sun, 99 Feb 2004 10:00:00 +0100", "29 Feb 2004 10:00:00 +0100");
    same("0 Feb 2004", "1 Feb 2004 00:00:00 +0000");
    same("Feb 2004", "1 Feb 2004 00:00:00 +0000");
    same("Xyz, 01 Feb 2004 24:60:61 +0000", "1 Feb 2004 23:59:59 UTC");
    same("1 Feb 2004 10:00:00 +2500", "1 Feb 2004 10:00:00 UTC");
    same("1 Feb 2004 10:00:00 +0199", "1 Feb 2004 10:00:00");
    same("1 Feb 2004 10:00:00 XYZT", "1 Feb 2004 10:00:00");
    same("1 Feb 04 10:00:00", "1 Feb 2004 10:00:00");
    same("1 Feb 98 10:00:00", "1 Feb 1998 10:00:00");
    same("1 Feb 19100 10:00:00", "1 Feb 2000 10:00:00");
    same("mar., 12 avr. 2005 10:00:00 +0200", "12 Apr 2005 10:00:00 +0200");
    same("2005-13-40", "2005-12-31");
    assert_eq!(shown("Mon, 01 Jan 1900 00:00:00 +0100"), "0 +0100");
    assert_eq!(shown("Thu, 01 Jan 1970 00:00:00 +0100"), "0 +0100");
}

#[test]
fn refuses_to_guess() {
    for text in
        ["", "yesterday", "10:00:00", "Jan", "2004", "01/02/2004", "1 Jan 20111", "1 Jan 2500", "@", "@-1"]
    {
        assert_eq!(Date::parse(text), None, "{text}");
    }
    assert_eq!(shown("@999999999999"), Date::new(i64::MAX, 0).to_string());
}

#[test]
fn counts_days() {
    assert_eq!(days_since_1970(1970, 1, 1), 0);
    assert_eq!(days_since_1970(2000, 3, 1), 11_017);
    assert_eq!(days_since_1970(1, 1, 1), -719_162);
}

proptest! {
    #[test]
    fn never_panics_and_stays_in_range(text in "\\PC{0,40}|[-+:@/0-9TZ, JanFebAM.é]{0,40}") {
        if let Some(date) = Date::parse(&text) {
            prop_assert!(date.seconds >= 0 && date.offset_minutes.abs() <= 840);
        }
    }
}
