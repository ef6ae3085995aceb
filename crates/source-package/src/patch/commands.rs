//! Detects `ed` scripts and normal diffs by their commands. They are not applied, but GNU patch would apply them
//! where it finds them in the text between diffs, so they must be noticed.

/// True when a line that begins with a digit is a command of a normal diff, such as `3,4c5`; false when it is
/// one but for the text behind it. `None`: it is no such line.
pub(super) fn normal_command(text: &[u8]) -> Option<bool> {
    let numbers =
        |text: &[u8]| text.iter().take_while(|&&byte| byte.is_ascii_digit() || byte == b',').count();
    text.first().filter(|byte| byte.is_ascii_digit())?;
    let rest = &text[numbers(text)..];
    let (b'a' | b'c' | b'd') = rest.first()? else { return None };
    let rest = &rest[1..];
    let rest = &rest[numbers(rest)..];
    let rest = trim_blanks(rest);
    Some(rest.strip_prefix(b"\r").unwrap_or(rest).is_empty())
}

fn trim_blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count()..]
}

/// True when a line is a command of `ed` as `diff -e` writes them.
pub(super) fn is_ed_command(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let first = digits(text);
    let mut rest = &text[first..];
    let mut pair = false;
    if first > 0
        && let Some(second) = rest.strip_prefix(b",")
    {
        if digits(second) == 0 {
            return false;
        }
        rest = &second[digits(second)..];
        pair = true;
    }
    let behind = match rest {
        [b'a' | b'i', behind @ ..] if !pair => behind,
        [b'c' | b'd', behind @ ..] => behind,
        [b's', b'/', b'.', b'/', b'/', behind @ ..] => behind,
        _ => return false,
    };
    trim_blanks(behind).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        for text in ["1,2c3", "4d", "5a6,7 ", "1a2\r"] {
            assert_eq!(normal_command(text.as_bytes()), Some(true), "{text}");
        }
        assert_eq!(normal_command(b"1c2x"), Some(false));
        assert_eq!(normal_command(b"2.30.0"), None);
        for text in ["1,2c", "d", "3a\t", "s/.//"] {
            assert!(is_ed_command(text.as_bytes()), "{text}");
        }
        for text in ["", "1,2a", "1,c", "c3", "1,2", "s/x//"] {
            assert!(!is_ed_command(text.as_bytes()), "{text}");
        }
    }
}
