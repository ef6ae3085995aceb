//! Text from outside for display: characters that control a terminal or turn the direction of text are written out in
//! ASCII.

use std::borrow::Cow;
use std::fmt;

/// Shows a text: line ends and tabs stay, other control characters and hidden ones are escaped (`\u{1b}`).
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(self.0, is_hidden))
    }
}

/// True when a character controls the terminal or hides text: control characters, marks and overrides of direction,
/// separators of lines that are no newline, and characters without width that no script needs.
pub fn is_hidden(character: char) -> bool {
    is_control(character)
        || turns_direction(character)
        || matches!(
            character,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// True when a character must not become part of a history. Marks of direction that right-to-left scripts need are
/// allowed.
pub fn is_refused_in_history(character: char) -> bool {
    is_control(character) || turns_direction(character)
}

fn is_control(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

/// Embeddings, overrides and isolates of direction, and separators of lines and paragraphs.
fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// A text with some of its characters written out. Nearly all texts have none, and stay as they are.
pub fn escaped(text: &str, escape: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&escape) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if escape(character) {
            clean.extend(character.escape_unicode());
        } else {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_obeyed_is_written_out() {
        let shown = |text: &str| Printable(text).to_string();
        assert_eq!(shown("1.0-1\u{1b}[31m"), "1.0-1\\u{1b}[31m");
        assert_eq!(shown("a\u{202e}b\u{9b}\r\u{200b}"), "a\\u{202e}b\\u{9b}\\u{d}\\u{200b}");
        for text in ["", "Größe\t1\n", "日本語", "שלום", "a\u{200d}b"] {
            assert_eq!(shown(text), text);
        }
        assert!(matches!(escaped("plain", is_hidden), Cow::Borrowed(_)));
        assert_eq!(escaped("\u{200f}ש\u{202e}", is_refused_in_history), "\u{200f}ש\\u{202e}");
    }
}
