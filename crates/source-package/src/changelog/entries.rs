//! Entries of a changelog, line by line as `dpkg-parsechangelog` reads them. Flaws that it only warns about are mended.

use std::mem;

use super::{Entry, Heading, Trailer};
use crate::changelog_lines::{Heading as RawHeading, Line, Trailer as RawTrailer, classify};
use crate::date::Date;
use crate::ident::Ident;
use crate::text::{decode_line, is_space, join_lines};

/// Element that dpkg expects next, by which it decides about stray lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    FirstHeading,
    Changes,
    ChangesOrTrailer,
    NextOrEnd,
}

pub(super) struct Entries<'a> {
    /// Rest that is not read yet; `None` at the end.
    rest: Option<&'a [u8]>,
    expected: Expected,
    draft: Draft<'a>,
}

/// An entry that is still being read.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub(super) heading: Option<(&'a [u8], RawHeading<'a>)>,
    is_nameless: bool,
    lines: Vec<&'a [u8]>,
    has_changes: bool,
    trailer: Option<RawTrailer<'a>>,
    bad_trailer: Option<&'a [u8]>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(changelog: &'a [u8]) -> Self {
        let changelog = changelog.strip_prefix(b"\xef\xbb\xbf").unwrap_or(changelog);
        Entries { rest: Some(changelog), expected: Expected::FirstHeading, draft: Draft::default() }
    }

    fn next_line(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        match memchr::memchr(b'\n', rest) {
            Some(end) => {
                self.rest = Some(&rest[end + 1..]);
                Some(&rest[..end])
            }
            None => {
                self.rest = None;
                Some(rest)
            }
        }
    }

    pub(super) fn next_draft(&mut self) -> Option<Draft<'a>> {
        while let Some(line) = self.next_line() {
            if let Some(done) = self.take(line) {
                return Some(done);
            }
        }
        Some(mem::take(&mut self.draft)).filter(|last| !last.is_empty())
    }

    /// Adds a line; returns the previous entry if it ends here.
    fn take(&mut self, line: &'a [u8]) -> Option<Draft<'a>> {
        let is_inside = matches!(self.expected, Expected::Changes | Expected::ChangesOrTrailer);
        match classify(line) {
            Line::Heading(heading) => {
                self.expected = Expected::Changes;
                let draft = Draft { heading: Some((line, heading)), ..Draft::default() };
                return Some(mem::replace(&mut self.draft, draft)).filter(|done| !done.is_empty());
            }
            Line::End => self.rest = None,
            Line::Skipped => {}
            Line::Margin if is_inside => self.draft.lines.push(line),
            Line::Margin => {}
            Line::Trailer(trailer) => {
                self.draft.trailer = Some(trailer);
                self.expected = Expected::NextOrEnd;
            }
            Line::BadTrailer => self.draft.bad_trailer = Some(line),
            Line::Change => return self.take_change(line),
            Line::Blank if is_inside => self.draft.lines.push(line),
            Line::Blank => {}
            Line::Odd => {
                self.draft.lines.push(line);
                if !is_inside {
                    self.draft.has_changes = true;
                    self.expected = Expected::ChangesOrTrailer;
                }
            }
        }
        None
    }

    /// Text after a trailer begins an entry whose heading is missing.
    fn take_change(&mut self, line: &'a [u8]) -> Option<Draft<'a>> {
        let mut done = None;
        if self.expected == Expected::NextOrEnd && !self.draft.is_empty() {
            let draft = Draft { is_nameless: true, ..Draft::default() };
            done = Some(mem::replace(&mut self.draft, draft));
        }
        self.draft.lines.push(line);
        self.draft.has_changes = true;
        self.expected = Expected::ChangesOrTrailer;
        done
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.next_draft().map(Draft::finish)
    }
}

impl Draft<'_> {
    fn is_empty(&self) -> bool {
        self.heading.is_none() && !self.is_nameless && !self.has_changes && self.trailer.is_none()
    }

    fn finish(self) -> Entry {
        let trailer = match &self.trailer {
            Some(trailer) => Some(well_formed(trailer)),
            None => self.bad_trailer.or_else(|| self.line_like_a_trailer()).map(mended),
        };
        let lines: Vec<String> = self.lines.iter().map(|line| decode_line(line)).collect();
        let heading = self.heading.map(|(line, heading)| finish_heading(line, &heading));
        Entry { heading, body: join_lines(&lines), trailer }
    }

    /// The last line that begins with `--` and has an address: a trailer at the wrong place of its line.
    fn line_like_a_trailer(&self) -> Option<&[u8]> {
        let looks_so = |line: &&[u8]| {
            let text = line.trim_ascii_start();
            text.starts_with(b"--") && !text.starts_with(b"---") && text.contains(&b'@')
        };
        self.lines.iter().copied().rfind(looks_so)
    }
}

fn finish_heading(line: &[u8], heading: &RawHeading<'_>) -> Heading {
    let distributions = heading.distributions.split(|&byte| is_space(byte)).filter(|name| !name.is_empty());
    Heading {
        text: decode_line(line),
        source: decode_line(heading.source),
        version: decode_line(heading.version),
        distributions: distributions.map(decode_line).collect(),
        urgency: urgency(&decode_line(heading.options)),
    }
}

/// The first `urgency=` of the options; the word after it is the urgency.
fn urgency(options: &str) -> Option<String> {
    let mut fields = options.split(',').filter_map(|option| option.trim().split_once('='));
    let (_, value) = fields.find(|(key, _)| key.eq_ignore_ascii_case("urgency"))?;
    value.split_whitespace().next().map(str::to_ascii_lowercase)
}

fn well_formed(trailer: &RawTrailer<'_>) -> Trailer {
    let (name, email) = (decode_line(trailer.name), decode_line(trailer.email));
    let maintainer = format!("{name} <{email}>");
    let date_text = decode_line(trailer.date);
    Trailer {
        is_well_formed: true,
        ident: Ident::parse(&maintainer),
        maintainer,
        date: Date::parse(&date_text),
        date_text,
    }
}

/// A trailer that dpkg does not accept: the date is what follows the last `>`, two blanks, an address, or
/// begins with a weekday; without any of them there is no date.
fn mended(line: &[u8]) -> Trailer {
    let line = decode_line(line);
    let text = line.trim_start().trim_start_matches('-').trim();
    let (maintainer, date_text) = match text.rfind('>') {
        Some(close) => text.split_at(close + 1),
        None => text.split_at(text.find("  ").or_else(|| before_date(text)).unwrap_or(text.len())),
    };
    let (maintainer, date_text) = (maintainer.trim().to_owned(), date_text.trim().to_owned());
    Trailer {
        is_well_formed: false,
        ident: Ident::parse(&maintainer),
        maintainer,
        date: Date::parse(&date_text),
        date_text,
    }
}

/// End of the first word with an `@`, else start of the first weekday with a comma.
fn before_date(text: &str) -> Option<usize> {
    const WEEKDAYS: [&str; 7] = ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"];
    let mut start = 0;
    let mut weekday = None;
    for word in text.split_inclusive(char::is_whitespace) {
        if word.contains('@') {
            return Some(start + word.len());
        }
        if weekday.is_none() && WEEKDAYS.contains(&word.trim_end()) {
            weekday = Some(start);
        }
        start += word.len();
    }
    weekday
}
