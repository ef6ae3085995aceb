//! Makes any text fit to be shown by a monitoring system.
//!
//! Package names, error messages and notes come out of a database that hostile input has been written to. A `|` begins
//! perfdata, a line end ends the answer, escape sequences reach terminals, and Nagios refuses or removes some signs.

/// Text for the first line: printable ASCII without the signs that Nagios takes for dangerous.
pub(crate) fn first_line(text: &str) -> String {
    let replace = |c| match c {
        '|' => Some('/'),
        '<' => Some('('),
        '>' => Some(')'),
        '&' => Some('+'),
        ';' => Some(','),
        '~' => Some('-'),
        '`' | '"' | '\'' | '$' => None,
        c => Some(c),
    };
    plain(text).chars().filter_map(replace).collect()
}

/// Text for the lines of details: printable ASCII without `|`.
pub(crate) fn detail(text: &str) -> String {
    plain(text).replace('|', "/")
}

/// One line of printable ASCII: escape sequences are left out, control characters and runs of white space become one
/// space, everything else becomes `?`.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            ' '..='~' if c != ' ' => plain.push(c),
            c if c.is_control() || c.is_whitespace() => {
                if !plain.is_empty() && !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            _ => plain.push('?'),
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// Leaves out what follows an escape character: `[31m`, or `]...` up to its end.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
            chars.next_if(|c| matches!(c, '@'..='~'));
        }
        Some(']' | 'P' | '^' | '_') => {
            while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n')).is_some() {}
            chars.next_if(|c| *c == '\u{7}');
        }
        _ => {}
    }
}

/// The text, cut to a number of characters with a mark at its end. It must be ASCII.
pub(crate) fn shorten(text: &str, length: usize) -> String {
    const MARK: &str = "...";
    if text.len() <= length {
        return text.to_owned();
    }
    let length = length.saturating_sub(MARK.len());
    let kept = text.get(..length).unwrap_or("");
    // After a whole word, unless it is a very long one.
    let is_between = text.as_bytes().get(length).is_some_and(|c| *c == b' ');
    let end =
        if is_between { length } else { kept.rfind(' ').filter(|at| 2 * at >= length).unwrap_or(length) };
    format!("{}{MARK}", kept.get(..end).unwrap_or(kept).trim_end_matches([' ', ',', ':', '-']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn req4_what_would_break_the_output_is_replaced() {
        assert_eq!(first_line("a | b\nc\td\r\n"), "a / b c d");
        assert_eq!(first_line("\u{1b}[31;1mred\u{1b}[0m \u{1b}]0;title\u{7}x"), "red x");
        assert_eq!(first_line("lib\u{fffd}\u{e9}\u{202e}x"), "lib???x");
        assert_eq!(first_line("0.9~rc1 <a&b> `$\"';"), "0.9-rc1 (a+b) ,");
        assert_eq!(detail("0.9~rc1 | 'x'\u{1b}[2K"), "0.9~rc1 / 'x'");
        assert_eq!(first_line("\u{1b}["), "");
    }

    #[test]
    fn shortened_texts_say_so() {
        assert_eq!(shorten("abc def", 7), "abc def");
        assert_eq!((shorten("abc defg", 7), shorten("abc defghi", 9)), ("abc...".into(), "abc...".into()));
        assert_eq!(shorten("abcdefghijk", 9), "abcdef...");
    }

    proptest! {
        #[test]
        fn req2_req4_no_text_breaks_a_line(text in "\\PC{0,40}|.{0,40}|[\u{1b}\\[\\]0-9;|m\n ]{0,40}") {
            let line = first_line(&text);
            prop_assert!(line.bytes().all(|c| matches!(c, b' '..=b'~')), "{line:?}");
            prop_assert!(!line.contains(|c| "`~$&|'\"<>;".contains(c)), "{line:?}");
            prop_assert!(!detail(&text).contains(|c: char| c == '|' || c.is_control()));
            prop_assert!(shorten(&line, 20).len() <= 20);
        }
    }
}
