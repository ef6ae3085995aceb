//! The one line for operators, within the limits of Nagios and everything between it and a screen.

use crate::rule;
use crate::time::Millis;

/// The longest line: about 80 characters for count, norm, since when and share, and a cause of some words. With the name of
/// a check before it, 160.
pub const LONGEST: usize = 132;

/// `11-24 08:32Z`, and with its year if that is another than that of `now`: `2025-11-24 08:32Z`. Both are in seconds since
/// 1970.
pub fn moment(seconds: i64, now: i64) -> String {
    Millis::from_seconds(seconds).short(Millis::from_seconds(now))
}

/// A value as a whole number.
pub fn whole(value: f64) -> String {
    format!("{:.0}", value.max(0.0))
}

/// ASCII without what shells, Nagios and Icinga take for their own; everything else becomes an underscore.
pub fn clean(text: &str) -> String {
    let allowed = |c: char| (c == ' ' || c.is_ascii_graphic()) && !"`~$&|'\"<>;".contains(c);
    text.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// A message of an error as it fits into a line: of a URL its host, of a long path its last part, of a hash its beginning.
pub fn concise(message: &str) -> String {
    let words = message.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '/');
        let is_hash = bare.len() >= 32 && bare.bytes().all(|c| c.is_ascii_hexdigit());
        let short = if let Some((_, rest)) = bare.split_once("://") {
            rest.split('/').next().unwrap_or(rest).rsplit('@').next().unwrap_or(rest)
        } else if is_hash {
            bare.get(..8).unwrap_or(bare)
        } else if bare.len() > 24 && bare.contains('/') {
            bare.rsplit('/').find(|part| !part.is_empty()).unwrap_or(bare)
        } else {
            bare
        };
        if bare.is_empty() { word.to_owned() } else { word.replacen(bare, short, 1) }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Text about a cause's part of the new failures. A cause of few of them is left out.
pub fn share_of(share: Option<u32>, cause: &str) -> String {
    match share {
        Some(share) if share < rule::LEAST_SHARE => ", many causes".to_owned(),
        Some(share) => format!(", {share}% {cause}"),
        None => String::new(),
    }
}

/// The text; if it is too long, cut after a whole word, with dots for the rest: half a sentence says something else.
pub fn cut(text: &str, length: usize) -> String {
    const DOTS: &str = "...";
    if text.len() <= length {
        return text.trim_end().to_owned();
    }
    let length = length.saturating_sub(DOTS.len());
    let head = text.get(..length).unwrap_or_default();
    let is_between = text.as_bytes().get(length).is_some_and(|c| *c == b' ');
    let end = if is_between { head.len() } else { head.rfind(' ').unwrap_or(head.len()) };
    let kept = head.get(..end).unwrap_or_default().trim_end_matches([' ', ',', ':', '-', '(', '.']);
    format!("{kept}{DOTS}")
}

/// The parts in order, joined. If they do not fit, those marked as optional go, the last of them first; then the end
/// is cut after a whole word, with dots.
pub fn line(parts: &[(bool, String)]) -> String {
    let mut kept: Vec<(bool, String)> = parts.iter().map(|(can_go, part)| (*can_go, clean(part))).collect();
    while kept.iter().map(|(_, part)| part.len()).sum::<usize>() > LONGEST {
        let Some(last) = kept.iter().rposition(|(can_go, _)| *can_go) else { break };
        kept.remove(last);
    }
    let text: String = kept.into_iter().map(|(_, part)| part).collect();
    cut(&text, LONGEST)
}

/// A line of a beginning, a cause that is cut to the room that is left, and an end in full. `more` is added only if all
/// of it fits.
pub fn around(begin: &str, cause: &str, end: &str, more: &str) -> String {
    let (begin, cause, end) = (clean(begin), clean(cause), clean(end));
    let cause = cut(&cause, LONGEST.saturating_sub(begin.len() + end.len()));
    line(&[(false, format!("{begin}{cause}{end}")), (true, more.to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_optional_goes_before_the_cause_is_cut() {
        let parts = |cause: &str| {
            [
                (false, "1012 failing, normally 500".to_owned()),
                (true, " - 493 new".to_owned()),
                (false, cause.to_owned()),
            ]
        };
        assert_eq!(line(&parts(", here")), "1012 failing, normally 500 - 493 new, here");
        let long = format!(", 97% fetch/connect: {}", "archive unreachable for somebody ".repeat(4));
        let said = line(&parts(&long));
        assert!(said.starts_with("1012 failing, normally 500, 97% fetch/connect: archive"), "{said}");
        // It ends with a whole word.
        let whole = format!("1012 failing, normally 500{long}");
        let rest = whole.strip_prefix(said.trim_end_matches('.')).unwrap_or_default();
        assert!(said.len() <= LONGEST && rest.starts_with(' '), "{said}");
    }

    #[test]
    fn a_message_keeps_its_host_and_its_error() {
        let message = "cannot fetch https://user@deb.example.org:8080/debian/pool/main/h/hello/hello_1-1.dsc: \
                       connection refused";
        assert_eq!(concise(message), "cannot fetch deb.example.org:8080: connection refused");
        let hash = "a".repeat(64);
        let message = format!("/var/lib/package-import/cache/hello_1.orig.tar.gz has {hash}, not 12");
        assert_eq!(concise(&message), "hello_1.orig.tar.gz has aaaaaaaa, not 12");
        assert_eq!(concise("- a  b/c\n"), "- a b/c");
        assert_eq!(
            [cut("abc def", 7), cut("abc defghi", 9), cut("abc: defghi", 9)],
            ["abc def", "abc...", "abc..."]
        );
    }
}
