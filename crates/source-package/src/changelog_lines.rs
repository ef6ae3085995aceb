//! Kinds of lines of a changelog, by the rules of `dpkg-parsechangelog`.

use crate::text::{Cursor, is_space, is_word};

/// Kind of a line. The variants are tried in this order.
pub(crate) enum Line<'a> {
    /// `hello (2.10-3) unstable; urgency=medium`
    Heading(Heading<'a>),
    /// The rest of the file is no changelog: settings of an editor, or entries in a format from before 1996.
    End,
    /// A keyword of CVS or a comment.
    Skipped,
    /// Text that begins at the margin and is none of the above.
    Margin,
    /// ` -- Name <address>  date`
    Trailer(Trailer<'a>),
    /// Begins as a trailer and is none.
    BadTrailer,
    /// Text indented by two blanks at least.
    Change,
    /// An empty line.
    Blank,
    /// Text indented by a single blank.
    Odd,
}

/// The parts of a heading.
pub(crate) struct Heading<'a> {
    pub(crate) source: &'a [u8],
    pub(crate) version: &'a [u8],
    pub(crate) distributions: &'a [u8],
    pub(crate) options: &'a [u8],
}

/// The parts of a trailer.
pub(crate) struct Trailer<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) email: &'a [u8],
    pub(crate) date: &'a [u8],
}

/// Kind of a line.
pub(crate) fn classify(line: &[u8]) -> Line<'_> {
    let first_text = line.iter().position(|&byte| !is_space(byte));
    if let Some(heading) = heading(line) {
        Line::Heading(heading)
    } else if is_editor_setting(line) {
        Line::End
    } else if is_keyword_or_comment(line) {
        Line::Skipped
    } else if is_ancient(line) {
        Line::End
    } else if first_text == Some(0) {
        Line::Margin
    } else if let Some(trailer) = trailer(line) {
        Line::Trailer(trailer)
    } else if line.starts_with(b" --") {
        Line::BadTrailer
    } else {
        match first_text {
            None => Line::Blank,
            Some(1) => Line::Odd,
            Some(_) => Line::Change,
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

fn is_version(byte: u8) -> bool {
    !matches!(byte, b'(' | b')' | b' ' | b'\t')
}

/// A package's name, which may begin with `_` for dpkg, and a version in brackets.
fn name_and_version<'a>(line: &mut Cursor<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let whole = line.0;
    let first = *whole.first()?;
    if !is_word(first) {
        return None;
    }
    line.0 = &whole[1..];
    let source = &whole[..1 + line.take_while(is_name).len()];
    line.eat(b" (")?;
    let version = line.take_some(is_version)?;
    line.eat(b")")?;
    Some((source, version))
}

fn heading(line: &[u8]) -> Option<Heading<'_>> {
    let mut rest = Cursor(line);
    let (source, version) = name_and_version(&mut rest)?;
    let start = rest.0;
    loop {
        rest.spaces()?;
        rest.take_some(is_name)?;
        let distributions = &start[..start.len() - rest.0.len()];
        if rest.eat(b";").is_some() {
            return Some(Heading { source, version, distributions, options: rest.0 });
        }
    }
}

/// The date must be whole, its parts need not be possible.
fn trailer(line: &[u8]) -> Option<Trailer<'_>> {
    let rest = line.strip_prefix(b" -- ")?;
    let close = rest.iter().rposition(|&byte| byte == b'>')?;
    let who = &rest[..close];
    let open = who.windows(2).rposition(|pair| pair == b" <")?;
    let mut after = Cursor(&rest[close + 1..]);
    after.eat(b" ")?;
    let _ = after.eat(b" ");
    let date = date(&mut after)?;
    Some(Trailer { name: &who[..open], email: &who[open + 2..], date })
}

fn date<'a>(line: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let whole = line.0;
    let mut weekday = *line;
    if weekday.take_some(is_word).is_some() && weekday.eat(b",").is_some() {
        weekday.take_while(is_space);
        *line = weekday;
    }
    line.digits(1, 2)?;
    line.spaces()?;
    line.take_some(is_word)?;
    line.spaces()?;
    line.digits(4, 4)?;
    line.spaces()?;
    line.digits(1, 2)?;
    line.eat(b":")?;
    line.digits(2, 2)?;
    line.eat(b":")?;
    line.digits(2, 2)?;
    line.spaces()?;
    line.eat(b"+").or_else(|| line.eat(b"-"))?;
    line.digits(4, 4)?;
    line.at_end().then(|| &whole[..whole.len() - line.0.len()])
}

fn is_editor_setting(line: &[u8]) -> bool {
    let mut rest = Cursor(line);
    if rest.eat(b";;").is_some() {
        rest.take_while(is_space);
    }
    rest.eat(b"Local variables:").is_some() || Cursor(line).eat(b"vim:").is_some()
}

fn is_keyword_or_comment(line: &[u8]) -> bool {
    if let Some(comment) = line.strip_prefix(b"/*") {
        return comment.windows(2).any(|pair| pair == b"*/");
    }
    let Some(keyword) = line.strip_prefix(b"$") else { return line.starts_with(b"# ") };
    let mut rest = Cursor(keyword);
    rest.take_some(is_word).is_some() && rest.eat(b":").is_some() && rest.0.contains(&b'$')
}

/// True when the rest of the file is in one of the formats that were used before today's.
fn is_ancient(line: &[u8]) -> bool {
    is_ancient_gnu(line).is_some()
        || is_old_gnu(line).is_some()
        || name_and_version(&mut Cursor(line)).is_some()
        || is_name_debian_revision(line)
        || is_changes_from(line).is_some()
        || is_changes_for(line).is_some()
        || is_old_changelog(line).is_some()
        || is_lone_version(line)
}

/// `Mon Jan  2 15:04:05 MET 1995  Name <address>`
fn is_ancient_gnu(line: &[u8]) -> Option<()> {
    let mut rest = weekday_and_month(line)?;
    rest.digits(1, 2)?;
    rest.eat(b" ")?;
    rest.digits(1, 2)?;
    rest.eat(b":")?;
    rest.digits(1, 2)?;
    rest.eat(b":")?;
    rest.digits(1, 2)?;
    rest.spaces()?;
    // The zone and the year; before the year there may be several words.
    let zone = rest.take_while(|byte| is_word(byte) || is_space(byte));
    let year_end = |window: &[u8]| window[..4].iter().all(u8::is_ascii_digit) && is_space(window[4]);
    let year = zone.windows(5).position(year_end)?;
    let length = zone.len() - year - 5 + rest.0.len();
    has_address(&line[line.len() - length..])
}

/// `Mon Jan  2, 1995  Name <address>`
fn is_old_gnu(line: &[u8]) -> Option<()> {
    let rest = weekday_and_month(line)?;
    let with_day_of = |digits: usize| {
        let mut rest = rest;
        rest.digits(digits, digits)?;
        let _ = rest.eat(b",");
        rest.take_while(is_space);
        rest.digits(4, 4)?;
        rest.0.first().filter(|&&byte| is_space(byte))?;
        has_address(&rest.0[1..])
    };
    with_day_of(2).or_else(|| with_day_of(1))
}

fn weekday_and_month(line: &[u8]) -> Option<Cursor<'_>> {
    let mut rest = Cursor(line);
    rest.take_some(is_word)?;
    rest.spaces()?;
    rest.take_some(is_word)?;
    rest.spaces()?;
    Some(rest)
}

/// White space, an opening bracket, and a closing one somewhere after it; `[<(]` and `[)>]` pair as they like.
fn has_address(text: &[u8]) -> Option<()> {
    let opens = |pair: &[u8]| is_space(pair[0]) && matches!(pair[1], b'<' | b'(');
    let open = text.windows(2).position(opens)?;
    text[open + 2..].iter().any(|byte| matches!(byte, b'>' | b')')).then_some(())
}

/// `hello-1.3 Debian 2`, `hello 1.3 Debian 2`
fn is_name_debian_revision(line: &[u8]) -> bool {
    let is_name = |byte: u8| is_word(byte) || matches!(byte, b'.' | b'+' | b'-');
    // There is at most one blank before ` Debian `, so it begins at the first or at the second one.
    let blanks = line.iter().enumerate().filter(|&(_, &byte)| is_space(byte)).map(|(at, _)| at).take(2);
    blanks.into_iter().any(|blank| {
        let mut rest = Cursor(&line[blank..]);
        let debian = rest.eat(b" Debian ").is_some();
        let revision = rest.0.first().is_some_and(|&byte| !is_space(byte));
        let before = &line[..blank];
        let separator = match before.iter().position(|&byte| is_space(byte)) {
            Some(space) => Some(space).filter(|&space| before[space] == b' '),
            None => before.iter().skip(1).position(|&byte| byte == b'-').map(|dash| dash + 1),
        };
        let Some(separator) = separator else { return false };
        let named = separator > 0 && before[..separator].iter().all(|&byte| is_name(byte));
        debian && revision && named && separator + 1 < before.len()
    })
}

/// `Changes from version 1.2 to 1.3:`
fn is_changes_from(line: &[u8]) -> Option<()> {
    let mut rest = Cursor(line);
    rest.eat(b"Changes from version ")?;
    let to = rest.0.windows(4).position(|window| window.eq_ignore_ascii_case(b" to "))?;
    rest.0[to + 4..].contains(&b':').then_some(())
}

/// Matches a line such as `Changes for hello-1.3:`.
fn is_changes_for(line: &[u8]) -> Option<()> {
    let mut rest = Cursor(line);
    rest.eat(b"Changes for ")?;
    let name = rest.take_while(|byte| is_word(byte) || matches!(byte, b'.' | b'+' | b'-'));
    let _ = rest.eat(b":");
    let dash = name.len() > 2 && name[1..name.len() - 1].contains(&b'-');
    (dash && rest.at_end()).then_some(())
}

fn is_old_changelog(line: &[u8]) -> Option<()> {
    let mut rest = Cursor(line);
    rest.eat(b"Old Changelog:")?;
    rest.at_end().then_some(())
}

/// A single word at the margin, such as a version: `1.3-2:`
fn is_lone_version(line: &[u8]) -> bool {
    let lone = |mut rest: Cursor<'_>| {
        rest.0.first().filter(|&&byte| is_word(byte))?;
        rest.take_while(|byte| is_word(byte) || matches!(byte, b'.' | b'+' | b'~' | b'-'));
        let _ = rest.eat(b":");
        rest.at_end().then_some(())
    };
    let mut after_epoch = Cursor(line);
    let epoch = after_epoch.take_some(|byte| byte.is_ascii_digit()).and_then(|_| after_epoch.eat(b":"));
    lone(Cursor(line)).is_some() || (epoch.is_some() && lone(after_epoch).is_some())
}
