#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::dates::{parse_date, show_date};

const SUM: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn release(fields: &str) -> Result<Release, Problem> {
    Release::parse(fields.as_bytes())
}

fn named(suite: &str, codename: &str) -> Release {
    release(&format!(
        "Suite: {suite}\nCodename: {codename}\nDate: Sat, 06 Sep 2025 09:33:48 UTC\nSHA256:\n {SUM} 5 main/source/Sources\n"
    ))
    .unwrap()
}

#[test]
fn reads_what_is_needed() {
    let text = format!(
        "Origin: Debian\nSuite: stable\nCodename: bookworm\nDate: Sat, 06 Sep 2025 09:33:48 UTC\n\
         Valid-Until: Sat, 13 Sep 2025 09:33:48 UTC\nAcquire-By-Hash: yes\nMD5Sum:\n x 1 y\nSHA256:\n \
         {SUM} 10 main/source/Sources\n {SUM}     7 main/source/Sources.xz\n {SUM} 8 main/source/Sources.gz\n \
         {SUM} 8 main/binary-amd64/Packages.gz\n {SUM} 3 non-free/source/Sources.xz\n"
    );
    let release = release(&text).unwrap();
    assert_eq!(release.date, 1_757_151_228);
    assert_eq!(release.valid_until, Some(1_757_151_228 + 7 * 86_400));
    assert!(release.by_hash);
    assert_eq!(release.sources.keys().collect::<Vec<_>>(), ["main", "non-free"]);
    let main = &release.sources["main"];
    assert_eq!(main.readable().map(|(ending, _)| ending).collect::<Vec<_>>(), [".xz", ".gz", ""]);
    assert_eq!((main.path.as_str(), main.mark().unwrap().size), ("main/source/Sources", 10));
    assert_eq!(release.sources["non-free"].mark().unwrap().size, 3);
}

#[test]
fn names_as_apt_has_them() {
    let fits =
        |asked: &str, suite: &str, codename: &str| named(suite, codename).check_name(asked, None).is_ok();
    assert!(fits("bookworm", "stable", "bookworm"));
    assert!(fits("stable", "stable", "bookworm"));
    assert!(fits("bookworm-updates", "stable-updates", "bookworm-updates"));
    assert!(fits("noble-updates", "noble-updates", "noble"));
    assert!(fits("buster/updates", "oldstable", "buster"));
    assert!(fits("wheezy/updates", "x", "wheezy/updates"));
    assert!(fits("./", "x", "y"));
    assert!(fits("local/", "x", "local"));
    assert!(!fits("bookworm", "oldstable", "bullseye"));
    assert!(!fits("bookworm-updates", "stable", "bookworm"));
    assert!(!fits("bookworm/updates", "stable", "bullseye"));
    assert!(!fits("local/", "x", "other"));
}

#[test]
fn times() {
    let mut release = named("a", "a");
    release.valid_until = Some(release.date + 10);
    let date = release.date;
    assert!(release.check_time(date, false).is_ok());
    assert!(matches!(release.check_time(date + 11, false), Err(Problem::Expired(_))));
    assert!(release.check_time(date + 11, true).is_ok());
    assert!(matches!(release.check_time(date - 3601, false), Err(Problem::FromFuture(_))));
    assert_eq!(show_date(date), "2025-09-06 09:33:48Z");
}

#[test]
fn what_is_refused() {
    let date = "Date: Sat, 06 Sep 2025 09:33:48 UTC\n";
    for text in [
        String::new(),
        format!("{date}Suite: x\n"),
        format!("{date}MD5Sum:\n x 5 main/source/Sources\n"),
        format!("{date}Suite: a\nSuite: b\nSHA256:\n {SUM} 5 main/source/Sources\n"),
        format!("{date}Valid-Until: never\nSHA256:\n {SUM} 5 main/source/Sources\n"),
        format!("{date}SHA256:\n {SUM} x main/source/Sources\n"),
        format!("{date}SHA256:\n {SUM}0 5 main/source/Sources\n"),
        format!("{date}SHA256:\n {SUM} 5 main/source/Sources\n {SUM} 6 main/source/Sources\n"),
    ] {
        assert!(matches!(release(&text), Err(Problem::BadRelease(_))), "{text}");
    }
    // A path that leads elsewhere is not a list of source packages.
    let text = format!("{date}SHA256:\n {SUM} 5 ../../source/Sources\n {SUM} 5 Sources.gz\n");
    assert_eq!(release(&text).unwrap().sources.keys().collect::<Vec<_>>(), [""]);
}

#[test]
fn what_apt_takes_is_taken() {
    let list = format!("{SUM} 5 main/source/Sources");
    let undated = release(&format!("Suite: x\nSHA256:\n {list}\n")).unwrap();
    assert_eq!((undated.date, undated.remarks.len()), (0, 1));
    let odd = release(&format!("Date: yesterday\nLabel: a\nLabel: b\nSHA256:\n {list}\n aa 12\n")).unwrap();
    assert_eq!((odd.date, odd.remarks.len()), (0, 1));
    assert!(odd.remarks[0].contains("yesterday"), "{:?}", odd.remarks);
    let upper = release(&format!("SHA256:\n {} 5 main/source/Sources\n", SUM.to_uppercase())).unwrap();
    assert_eq!(upper.sources["main"].mark().unwrap().sum, SUM);
    let long = release(&format!("SHA512:\n {SUM}{SUM} 5 main/source/Sources\n")).unwrap();
    assert_eq!(long.sources["main"].mark().unwrap().algorithm, Algorithm::Sha512);
}

#[test]
fn what_is_expected_goes_before_what_was_asked_for() {
    let fits = |asked: &str, expect: &str, suite: &str, codename: &str| {
        named(suite, codename).check_name(asked, Some(expect)).is_ok()
    };
    assert!(fits("bionic/snapshots/5.12", "bionic", "bionic", "bionic"));
    assert!(fits("devel", "resolute", "resolute", "resolute"));
    assert!(fits("repo/", "stretch", "stable", "stretch"));
    assert!(!fits("sid", "trixie", "unstable", "sid"), "only what is expected counts");
    assert!(!fits("sid", "", "unstable", "sid"), "nothing is expected, and there is a name");
    let nameless = release(&format!("SHA256:\n {SUM} 5 main/source/Sources\n")).unwrap();
    assert!(nameless.check_name("stretch", None).is_err());
    assert!(nameless.check_name("stretch", Some("")).is_ok());
    assert!(nameless.check_name("repo/", None).is_ok());
}

#[test]
fn dates_are_not_mended() {
    assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:01 UTC"), Some(1));
    assert_eq!(parse_date("1 Jan 1970 00:00:01 GMT"), Some(1));
    for bad in [
        "Thu, 01 Jan 1970",
        "Thu, 32 Jan 1970 00:00:00 UTC",
        "Thu, 01 Foo 1970 00:00:00 UTC",
        "Thu, 01 Jan 1970 24:00:00 UTC",
        "Thu, 01 Jan 1970 00:00:00 EST",
        "Thu, 01 Jan 70 00:00:00 UTC",
        "",
    ] {
        assert_eq!(parse_date(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<Vec<u8>>(), line in "[ -~]{0,80}") {
        let _ = Release::parse(&text);
        let date = "Date: Sat, 06 Sep 2025 09:33:48 UTC\n";
        let _ = Release::parse(format!("{date}SHA256:\n {line}\n").as_bytes());
        let _ = parse_date(&line);
    }

    #[test]
    fn dates_round_trip(seconds in 0i64..4_000_000_000) {
        let shown = show_date(seconds);
        let (day, time) = shown.trim_end_matches('Z').split_once(' ').unwrap();
        let parts: Vec<&str> = day.split('-').collect();
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = months[parts[1].parse::<usize>().unwrap() - 1];
        prop_assert_eq!(parse_date(&format!("{} {month} {} {time} UTC", parts[2], parts[0])), Some(seconds));
    }
}
