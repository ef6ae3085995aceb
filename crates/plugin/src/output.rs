//! Formats a report for standard output, within the limits of its readers.

use crate::report::Report;
use crate::status::Status;
use crate::text::{detail, first_line, shorten};

/// NRPE version 2 carries 1,023 bytes and cuts longer output.
const FIRST_LINE: usize = 1023;
/// The maximum length of name, status and text: what a pager shows. Only the next command and the perfdata come after it.
const SHOWN: usize = 160;
/// The maximum length of all that with the next command.
const WITH_NEXT: usize = 240;
/// Length of a cut cause with its colon from which on it says something.
const LEAST_CAUSE: usize = 20;
/// With details: below the 64 KiB of NRPE version 4.
const WHOLE: usize = 60_000;

/// The output of a check: the line, with details if they were asked for.
pub(crate) fn render(name: &str, report: &Report, verbosity: u8) -> String {
    if let Some(defect) = &report.defect {
        return plain(name, Status::Unknown, &format!("defect of the check: {defect}"));
    }
    let mut output = line(name, report);
    append_details(&mut output, report, verbosity);
    output
}

/// The status to exit with.
pub(crate) fn status(report: &Report) -> Status {
    if report.defect.is_some() { Status::Unknown } else { report.status }
}

/// A line without perfdata: there are no figures, or they cannot be trusted.
pub(crate) fn plain(name: &str, status: Status, text: &str) -> String {
    // These texts end with advice, so they may be longer than that of a result.
    format!("{name} {status} - {}\n", shorten(&first_line(text), 400))
}

fn line(name: &str, report: &Report) -> String {
    let mut line = format!("{name} {}", report.status);
    for (place, part) in
        report.said.iter().map(|part| first_line(part)).filter(|part| !part.is_empty()).enumerate()
    {
        let separator = if place == 0 { " - " } else { ", " };
        let room = SHOWN.saturating_sub(line.len() + separator.len());
        let part = if place == 0 { Some(shorten(&part, room)) } else { fitting(&part, room) };
        if let Some(part) = part {
            line.push_str(separator);
            line.push_str(&part);
        }
    }
    if let Some(next) = next(report, &line) {
        line.push_str(", ");
        line.push_str(&next);
    }
    let mut separator = " | ";
    for metric in &report.metrics {
        let metric = metric.perfdata();
        // One byte is kept for the line's end. A metric that does not fit is left out whole: half a figure is a wrong
        // one.
        if line.len() + separator.len() + metric.len() + 1 > FIRST_LINE {
            break;
        }
        line.push_str(separator);
        line.push_str(&metric);
        separator = " ";
    }
    line.push('\n');
    line
}

/// A part of the text after the first, which has the problem and is cut to the room that there is. The others are facts: whole,
/// or left out. Only the cause of a fact, behind a colon, is cut, and left out before the fact is.
fn fitting(part: &str, room: usize) -> Option<String> {
    if part.len() <= room {
        return Some(part.to_owned());
    }
    let (fact, _) = part.split_once(": ")?;
    match room.checked_sub(fact.len())? {
        0..LEAST_CAUSE => Some(fact.to_owned()),
        _ => Some(shorten(part, room)),
    }
}

/// The end of an alert's line: a command, unless the line names one. The first that a pager shows; where the line is too full
/// for any of them, the first comes after what a pager shows.
fn next(report: &Report, line: &str) -> Option<String> {
    let names_one = ["package-import ", "see check_import_"].iter().any(|it| line.contains(it));
    if names_one || !matches!(report.status, Status::Warning | Status::Critical) {
        return None;
    }
    let all: Vec<String> = report.next.iter().map(|next| first_line(next)).collect();
    let within = |most: usize| move |next: &&String| line.len() + 2 + next.len() <= most;
    all.iter().find(within(SHOWN)).or_else(|| all.iter().find(within(WITH_NEXT))).cloned()
}

fn append_details(output: &mut String, report: &Report, verbosity: u8) {
    // Room for the line with the number of omitted lines.
    const LAST: usize = 40;
    let lines: Vec<&String> =
        report.details.iter().filter(|(level, _)| *level <= verbosity).map(|(_, text)| text).collect();
    for (number, text) in lines.iter().enumerate() {
        let text = shorten(&detail(text), 1000);
        if output.len() + text.len() + 1 + LAST > WHOLE {
            output.push_str(&format!("... and {} lines more\n", lines.len() - number));
            return;
        }
        output.push_str(&text);
        output.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{LimitTexts, Limits, Unit};

    fn limits() -> Limits {
        let none = LimitTexts::default();
        match Limits::pick(Unit::Count, &none, &none, ("500", "~:1000")) {
            Ok(limits) => limits,
            Err(error) => unreachable!("{error}"),
        }
    }

    fn sample() -> Report {
        let mut report = Report::new();
        report.measure("failing", 1012, Unit::Count, &limits());
        report.measure("share", 2.5, Unit::Percent, &Limits::none());
        report.say("1012 failing");
        report.say("normally 500");
        report.detail(1, "one|two");
        report.detail(2, "three");
        report
    }

    #[test]
    fn req2_req5_the_line_has_the_form_that_every_reader_knows() {
        let line =
            "IMPORT FAILURES CRITICAL - 1012 failing, normally 500 | failing=1012;500;1000 share=2.5%\n";
        assert_eq!(render("IMPORT FAILURES", &sample(), 0), line);
        assert_eq!(render("IMPORT FAILURES", &sample(), 1), format!("{line}one/two\n"));
        assert_eq!(render("IMPORT FAILURES", &sample(), 3), format!("{line}one/two\nthree\n"));
    }

    #[test]
    fn req2_an_alert_ends_with_what_to_type_next() {
        let next = "package-import failures --signature rnbyej7";
        for (said, status, end) in [
            (60, Status::Ok, "x"),
            (60, Status::Unknown, "x"),
            (60, Status::Warning, next),
            (88, Status::Critical, next),
            (89, Status::Critical, "package-import explain rnbyej7"),
            (101, Status::Critical, "package-import explain rnbyej7"),
            // After what a pager shows, in place of nothing.
            (102, Status::Critical, next),
            (500, Status::Critical, next),
        ] {
            let mut report = Report::new();
            report.raise(status);
            report.say("x".repeat(said));
            report.next(next);
            report.next("package-import explain rnbyej7");
            let line = render("IMPORT FAILURES", &report, 0);
            let shown = if said > 101 { WITH_NEXT } else { SHOWN };
            assert!(line.trim_end().ends_with(end) && line.len() <= shown + 1, "{said}: {line}");
        }
        let mut report = Report::new();
        report.raise(Status::Warning);
        report.say("see check_import_runs");
        report.next("package-import status");
        assert!(!render("IMPORT QUEUE", &report, 0).contains("status"), "one is enough");
    }

    #[test]
    fn req2_a_fact_is_not_left_out_because_of_its_cause() {
        let cause = "the folder /srv/git is not there: mount its disk, or make it";
        let part = format!("git away since 12-01 01:36Z: {cause}");
        assert_eq!(fitting(&part, 100).as_deref(), Some(part.as_str()));
        let cut = fitting(&part, 60).unwrap_or_default();
        assert!(cut.starts_with("git away since 12-01 01:36Z: the folder") && cut.len() <= 60, "{cut}");
        assert_eq!(fitting(&part, 40).as_deref(), Some("git away since 12-01 01:36Z"));
        assert_eq!(fitting(&part, 27).as_deref(), Some("git away since 12-01 01:36Z"));
        assert_eq!(fitting(&part, 26), None);
        assert_eq!(fitting("2 running", 5), None);
    }

    #[test]
    fn req5_a_figure_that_is_none_is_a_defect_of_the_check() {
        let mut report = sample();
        report.measure("rate", f64::NAN, Unit::Count, &Limits::none());
        let line = render("IMPORT FAILURES", &report, 0);
        assert_eq!(line, "IMPORT FAILURES UNKNOWN - defect of the check: rate is not finite\n");
    }

    #[test]
    fn details_end_below_what_nrpe_carries() {
        let mut report = sample();
        for number in 0..10_000 {
            report.detail(1, format!("{number} {}", "x".repeat(50)));
        }
        let output = render("IMPORT FAILURES", &report, 1);
        assert!(output.len() <= WHOLE);
        assert!(output.ends_with("lines more\n"), "{}", output.len());
    }

    proptest! {
        #[test]
        fn req2_req3_the_first_line_keeps_its_limits(
            text in ".{0,2000}",
            values in prop::collection::vec(any::<i64>(), 0..40)
        ) {
            const LABELS: [&str; 40] = [
                "aa", "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj", "ba", "bb", "bc", "bd", "be", "bf", "bg",
                "bh", "bi", "bj", "ca", "cb", "cc", "cd", "ce", "cf", "cg", "ch", "ci", "cj", "da", "db", "dc", "dd",
                "de", "df", "dg", "dh", "di", "dj",
            ];
            let mut report = Report::new();
            report.say(&text);
            for (label, value) in LABELS.iter().zip(&values) {
                report.measure(label, *value as f64, Unit::Seconds, &limits());
            }
            let output = render("IMPORT FAILURES", &report, 0);
            prop_assert!(output.len() <= 1023);
            prop_assert!(output.is_ascii());
            prop_assert_eq!(output.matches('\n').count(), 1);
            prop_assert_eq!(output.matches('|').count(), usize::from(!values.is_empty()));
            if let Some((_, figures)) = output.trim_end().split_once(" | ") {
                for figure in figures.split(' ') {
                    let fields: Vec<&str> = figure.split(';').collect();
                    prop_assert!(fields.len() == 3 && fields[0].ends_with('s'), "{}", figure);
                }
            }
        }
    }
}
