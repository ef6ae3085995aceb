//! A message as text: a subject, and lines of 72 columns.

use std::fmt::Write as _;

use baseline::time::Millis;
use source_package::printable::{escaped, is_hidden};
use state::outbox::messages::Message;
use state::outbox::notices::Notice;
use state::outbox::words::{Kind, Level};

/// Columns of a line.
const COLUMNS: usize = 72;
/// Characters of a subject.
const SUBJECT: usize = 110;
/// Commands at the end.
const HINTS: usize = 8;

/// A message as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// How bad the worst of it is.
    pub level: Level,
    /// Its first line.
    pub line: String,
    /// The subject: which installation, and the first line.
    pub subject: String,
    /// All of it.
    pub body: String,
}

/// A text as one line: what would be obeyed, or would hide or turn text, is written out.
pub fn clean(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    escaped(&line.join(" "), is_hidden).into_owned()
}

/// The word of a level, as a check has it.
pub fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "OK",
        Level::Warning => "WARNING",
        Level::Critical => "CRITICAL",
    }
}

/// A message as text. `name` is what it calls the installation, `url` where its pages are.
pub fn of(message: &Message, name: &str, url: Option<&str>) -> Text {
    let notices = &message.content.notices;
    let level = notices.iter().map(|it| Level::of(&it.level)).max().unwrap_or(Level::Ok);
    let line = match (message.kind.as_str(), notices.first()) {
        ("digest", _) => format!("DIGEST - {}", counted(message)),
        (_, Some(first)) => {
            let more = message.content.counts.iter().map(|(_, count)| count).sum::<i64>() - 1;
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            format!("{} - {}{more}", word(level), clean(&first.line))
        }
        (_, None) => format!("{} - nothing", word(level)),
    };
    let subject = short(&format!("[{}] {line}", clean(name)), SUBJECT);
    let mut body = wrapped("", &line);
    match message.kind.as_str() {
        "digest" => sections(&mut body, message),
        _ => one_by_one(&mut body, message),
    }
    if let Some(url) = url {
        body.push('\n');
        body.push_str(&wrapped("", url));
    }
    hints(&mut body, notices);
    Text { level, line, subject, body }
}

/// How many of each kind.
fn counted(message: &Message) -> String {
    let kinds = message.content.counts.iter().map(|(kind, count)| {
        let noun = match kind.as_str() {
            "signature" => "new signature",
            "wedged" => "wedged package",
            other => other,
        };
        format!("{count} {noun}{}", if *count == 1 || noun.ends_with('s') { "" } else { "s" })
    });
    kinds.collect::<Vec<_>>().join(", ")
}

fn one_by_one(body: &mut String, message: &Message) {
    for (index, notice) in message.content.notices.iter().enumerate() {
        body.push('\n');
        // The first one is the first line already.
        if index > 0 {
            body.push_str(&wrapped(
                "",
                &format!("{} - {}", word(Level::of(&notice.level)), clean(&notice.line)),
            ));
        }
        body.push_str(&wrapped("  ", &when(notice)));
        notice.items.iter().for_each(|item| body.push_str(&wrapped("  ", &clean(item))));
    }
    left_out(body, message, None);
}

fn sections(body: &mut String, message: &Message) {
    for kind in Kind::ALL {
        let of_kind = message.content.notices.iter().filter(|it| it.kind == kind.as_str());
        let mut is_first = true;
        for notice in of_kind {
            if is_first {
                body.push_str(&format!("\n{}\n", kind.heading()));
            }
            is_first = false;
            body.push_str(&wrapped("  ", &format!("{} {}", Millis(notice.at), clean(&notice.line))));
        }
        if !is_first {
            left_out(body, message, Some(kind));
        }
    }
}

/// How many are not shown.
fn left_out(body: &mut String, message: &Message, kind: Option<Kind>) {
    let is_meant = |word: &str| kind.is_none_or(|kind| kind.as_str() == word);
    let all: i64 =
        message.content.counts.iter().filter(|(word, _)| is_meant(word)).map(|(_, count)| count).sum();
    let shown = message.content.notices.iter().filter(|it| is_meant(&it.kind)).count();
    let rest = all - i64::try_from(shown).unwrap_or(i64::MAX);
    if rest > 0 {
        let _ = writeln!(body, "  and {rest} more");
    }
}

fn when(notice: &Notice) -> String {
    match (notice.part.as_str(), notice.began) {
        ("ended" | "passed", Some(began)) => format!("from {} to {}", Millis(began), Millis(notice.at)),
        ("begun", Some(began)) => format!("worse since {}, began {}", Millis(notice.at), Millis(began)),
        ("begun", None) => format!("since {}", Millis(notice.at)),
        _ => format!("at {}", Millis(notice.at)),
    }
}

/// What to type: the last lines.
fn hints(body: &mut String, notices: &[Notice]) {
    let mut seen: Vec<String> = Vec::new();
    for hint in notices.iter().flat_map(|it| &it.hints) {
        let hint = clean(hint);
        if seen.len() < HINTS && !seen.contains(&hint) {
            seen.push(hint);
        }
    }
    if seen.is_empty() {
        seen.push("package-import status".to_owned());
    }
    body.push_str("\nNext:\n");
    seen.iter().for_each(|hint| body.push_str(&format!("  {hint}\n")));
}

/// A text of at most so many characters.
pub fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(most.saturating_sub(3)).collect();
            format!("{}...", kept.trim_end())
        }
    }
}

/// Lines of 72 columns, each with an indent, further ones with two columns more. A word that is longer than a line is broken.
fn wrapped(indent: &str, text: &str) -> String {
    let mut lines = String::new();
    let (mut line, mut used, mut is_empty) = (indent.to_owned(), indent.chars().count(), true);
    let next = format!("{indent}  ");
    let room = COLUMNS - next.len();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let gap = usize::from(!is_empty);
            if used + gap + rest.len() > COLUMNS && !is_empty {
                lines.push_str(&line);
                lines.push('\n');
                (line, used, is_empty) = (next.clone(), next.len(), true);
                continue;
            }
            let piece: String = rest.drain(..rest.len().min(room)).collect();
            if gap == 1 {
                line.push(' ');
            }
            used += gap + piece.chars().count();
            line.push_str(&piece);
            is_empty = false;
        }
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_wrapped() {
        let text = wrapped("  ", &format!("one {} two {}", "x".repeat(200), "y".repeat(70)));
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert_eq!(
            text.split_whitespace().collect::<String>(),
            format!("one{}two{}", "x".repeat(200), "y".repeat(70))
        );
        assert_eq!(wrapped("", "a b"), "a b\n");
    }

    proptest! {
        #[test]
        fn no_line_is_longer_and_no_letter_is_lost(text in "[ a-z\u{e9}]{0,400}") {
            let wrapped = wrapped("  ", &text);
            prop_assert!(wrapped.lines().all(|line| line.chars().count() <= COLUMNS));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&wrapped), letters(&text));
        }
    }
}
