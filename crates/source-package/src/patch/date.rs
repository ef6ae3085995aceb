//! Decides whether a date in a file header is the epoch, which marks a file that does not exist.
//!
//! Only that answer matters, so only date forms of known writers are read: ISO 8601, the output of `diff`, CVS
//! and `ctime`, dates with slashes, `@seconds`.

mod calendar;
mod reading;
mod tokens;

use reading::Reading;
use tokens::tokens;

/// Time of a file as a header gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stamp {
    /// Nothing, or nothing that can be read.
    #[default]
    Unknown,
    /// The epoch in some time zone: the file does not exist.
    Epoch,
    /// Any other time.
    Other,
}

/// A header contains local time, so every time that is the epoch in some time zone counts.
const EARLIEST: i64 = -25 * 3600;
const LATEST: i64 = 26 * 3600;

/// Reads the text behind a file name.
pub(super) fn stamp(text: &[u8]) -> Stamp {
    match tokens(text).and_then(|tokens| Reading::default().read(&tokens)) {
        None => Stamp::Unknown,
        Some(Some(seconds)) if seconds > EARLIEST && seconds < LATEST => Stamp::Epoch,
        Some(_) => Stamp::Other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn the_epoch_in_every_zone_and_dress() {
        for text in [
            "\t1970-01-01 00:00:00.000000000 +0000\n",
            "\t1970-01-01 01:00:00.000000000 +0100",
            "\t1969-12-31 19:00:00 -0500",
            " Thu Jan  1 01:00:00 1970",
            " Thu Jan 01 00:00:00 1970 +0000",
            " 1 Jan 1970 00:00:00 -0000",
            " Thu, 01 Jan 1970 00:00:00 +0000",
            " 1970/01/01 00:00:00",
            " 1/1/1970",
            " 1-Jan-70 00:00",
            " Jan 1, 1970 12:00 am",
            " @0",
            " 1970-01-01T00:00:00Z",
            " 19700101 0000",
            " 1970-01-01 00:00:00 +00:00 (a comment)",
        ] {
            assert_eq!(stamp(text.as_bytes()), Stamp::Epoch, "{text}");
        }
    }

    #[test]
    fn other_times_and_other_texts() {
        for text in ["", " 1970-01-03 00:00:00 +0000", " (revision 0)", " 2024-02-29 12:00:00", " 1:2:3"] {
            assert_eq!(stamp(text.as_bytes()), Stamp::Other, "{text}");
        }
        for text in
            [" nonsense", " 1970-02-30", " 2023-02-29", " (open", " 99999999999999999999", " 25:00:00"]
        {
            assert_eq!(stamp(text.as_bytes()), Stamp::Unknown, "{text}");
        }
    }

    /// Case found by fuzzing.
    #[test]
    fn zones_of_many_digits_are_none() {
        for zone in ["+000999999999999999900:00", "-199999999999999999:00", "+1:9223372036854775807"] {
            let text = format!(" 1970-01-01 00:00:00 {zone}");
            assert_eq!(stamp(text.as_bytes()), Stamp::Unknown, "{text}");
            assert_eq!(oracle(&text), Stamp::Unknown, "{text}");
        }
    }

    /// `date` reads its `-d` with the same grammar as patch reads its headers.
    #[test]
    fn date_agrees() {
        let dates =
            ["", "1970-01-01", "1/1/1970", "Jan 1 1970", "1 Jan 1970", "Thu, 01 Jan 1970", "19700101"];
        let more =
            ["70-1-1", "01-Jan-1970", "Jan 1, 1970", "1970/1/1", "2020-02-30", "Thu Jan  1", "1970-13-01"];
        let times = ["", "00:00", "12:00 am", "01:00:00", "0:0:0.5", "2400", "T00:00:00"];
        let zones = ["", "+0000", "-0500", "+05:30", "Z", "EST", "+25", "(x)", "1970", "XYZ"];
        let agrees = |text: String| {
            let ours = stamp(text.as_bytes());
            assert_eq!(ours == Stamp::Epoch, oracle(&text) == Stamp::Epoch, "{text} is {ours:?}");
        };
        for date in dates.iter().chain(&more) {
            for time in times {
                zones.iter().for_each(|zone| agrees(format!("{date} {time} {zone}")));
            }
        }
    }

    fn oracle(text: &str) -> Stamp {
        let output = std::process::Command::new("date")
            .args(["-u", "+%s", "-d", text])
            .env("LC_ALL", "C")
            .output()
            .expect("this test needs date from coreutils");
        match String::from_utf8_lossy(&output.stdout).trim().parse::<i64>() {
            Ok(seconds) if seconds > EARLIEST && seconds < LATEST => Stamp::Epoch,
            Ok(_) => Stamp::Other,
            Err(_) => Stamp::Unknown,
        }
    }
}
