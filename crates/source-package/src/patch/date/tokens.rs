//! The tokens of a date, so that the grammar need not deal with blanks, comments and fractions.

#[derive(Debug, PartialEq)]
pub(super) enum Token {
    Number { sign: Option<u8>, value: i64, digits: usize },
    Word(String),
    Mark(u8),
}

/// Splits into numbers, words and marks. Text in brackets is a comment; a fraction of a second is dropped.
pub(super) fn tokens(text: &[u8]) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'(' => at = behind_comment(text, at)?,
            b'+' | b'-' => {
                at += run(&text[at..], |b| b.is_ascii_whitespace());
                if text.get(at).is_some_and(u8::is_ascii_digit) {
                    at = number(text, at, Some(byte), &mut found)?;
                }
            }
            b'0'..=b'9' => at = number(text, at - 1, None, &mut found)?,
            b'a'..=b'z' | b'A'..=b'Z' => {
                let length = run(&text[at..], |b| b.is_ascii_alphabetic() || b == b'.');
                let word = &text[at - 1..at + length];
                found.push(Token::Word(String::from_utf8_lossy(word).to_ascii_lowercase().replace('.', "")));
                at += length;
            }
            _ if byte.is_ascii_whitespace() || byte == 0x0b => {}
            _ => found.push(Token::Mark(byte)),
        }
        // No date has more parts; a text that has is not worth the memory.
        if found.len() > 64 {
            return None;
        }
    }
    Some(found)
}

fn run(text: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| belongs(byte)).count()
}

fn behind_comment(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1_usize;
    while depth > 0 {
        match text.get(at)? {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    Some(at)
}

fn number(text: &[u8], at: usize, sign: Option<u8>, found: &mut Vec<Token>) -> Option<usize> {
    let digits = run(&text[at..], |b| b.is_ascii_digit());
    let written = std::str::from_utf8(&text[at..at + digits]).ok()?;
    found.push(Token::Number { sign, value: written.parse().ok()?, digits });
    let mut end = at + digits;
    if matches!(text.get(end), Some(b'.' | b',')) && text.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1 + run(&text[end + 1..], |b| b.is_ascii_digit());
    }
    Some(end)
}
