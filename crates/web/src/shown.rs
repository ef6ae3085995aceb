//! Texts in the form in which a page may contain them, and times for people.

use baseline::time::Millis;
use maud::{Markup, html};
use source_package::printable::{escaped, is_hidden};

/// A text from outside as one line: characters that control, hide or turn text are written out. Every text that is
/// shown goes through here; maud escapes HTML.
pub fn clean(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    escaped(&line.join(" "), is_hidden).into_owned()
}

/// The same with its line ends kept, for logs.
pub fn lines(text: &str) -> String {
    escaped(&text.replace("\r\n", "\n"), is_hidden).into_owned()
}

/// A clean text of at most `most` characters.
pub fn short(text: &str, most: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// A moment: in UTC, and in machine-readable form for the reader's own time zone, which the script adds.
pub fn time(milliseconds: i64) -> Markup {
    let text = Millis(milliseconds).to_string();
    let machine = text.replace(' ', "T").replace('Z', ":00Z");
    html! { time datetime=(machine) { (text) } }
}

/// A moment to the second, for a query or a machine: `2026-11-24T08:32:05Z`.
pub fn stamp(milliseconds: i64) -> String {
    let second = milliseconds.div_euclid(1000).rem_euclid(60);
    Millis(milliseconds).to_string().replace(' ', "T").replace('Z', &format!(":{second:02}Z"))
}

/// A moment and how long ago it is.
pub fn since(now: i64, milliseconds: i64) -> Markup {
    html! { (time(milliseconds)) " " span.dim { "(" (ago(now, milliseconds)) ")" } }
}

/// A span by its largest unit: `42s`, `7m`, `3h`, `12d`.
pub fn span(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        ..0 => format!("in the future by {}", span(milliseconds.saturating_neg())),
        0..=119 => format!("{seconds}s"),
        120..=7199 => format!("{}m", seconds / 60),
        7200..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// Age as `3h ago`; a future time is marked as such.
pub fn ago(now: i64, then: i64) -> String {
    let span_text = span(now.saturating_sub(then));
    if then > now { span_text } else { format!("{span_text} ago") }
}

/// Distance as `in 7m`; an overdue time was due `3h ago`.
pub fn until(now: i64, then: i64) -> String {
    if then <= now { ago(now, then) } else { format!("in {}", span(then.saturating_sub(now))) }
}

/// Duration as `0.04s`, and from ten seconds on in its largest unit.
pub fn took(milliseconds: i64) -> String {
    match milliseconds {
        0..10_000 => format!("{}.{:02}s", milliseconds / 1000, milliseconds % 1000 / 10),
        _ => span(milliseconds),
    }
}

/// `1 package`, `1,234 packages`.
pub fn count(number: i64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(number))
}

/// A verb after a number: one waits, two wait.
pub fn verb(number: i64, verb: &str) -> String {
    if number == 1 { format!("{verb}s") } else { verb.to_owned() }
}

/// A number with its thousands apart.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// Bytes by their largest unit: `412 MiB`.
pub fn bytes(number: i64) -> String {
    match number {
        ..1_048_576 => format!("{} KiB", number / 1024),
        1_048_576..10_737_418_240 => format!("{} MiB", number >> 20),
        _ => format!("{} GiB", number >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(clean("a\u{1b}[31m\u{202e}b\n\tc"), "a\\u{1b}[31m\\u{202e}b c");
        assert_eq!(lines("a\r\nb\u{7}"), "a\nb\\u{7}");
        assert_eq!(short("abcdefghij", 6), "abc...");
        assert_eq!(html! { (clean("<img onerror=x>")) }.into_string(), "&lt;img onerror=x&gt;");
    }

    #[test]
    fn numbers_and_times() {
        assert_eq!(
            (grouped(0), grouped(1234), grouped(-1_234_567)),
            ("0".into(), "1,234".into(), "-1,234,567".into())
        );
        assert_eq!((count(1, "package"), count(2000, "job")), ("1 package".into(), "2,000 jobs".into()));
        assert_eq!(
            time(1_767_571_200_000).into_string(),
            "<time datetime=\"2026-01-05T00:00:00Z\">2026-01-05 00:00Z</time>"
        );
        assert_eq!((ago(10_000, 5_000), until(0, 600_000)), ("5s ago".into(), "in 10m".into()));
        assert_eq!(ago(0, i64::MAX), "in the future by 106751991167d");
        assert_eq!(
            (span(i64::MIN), bytes(2 << 20)),
            ("in the future by 106751991167d".into(), "2 MiB".into())
        );
    }
}
