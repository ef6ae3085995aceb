//! Reads what stands above the diff of a patch: DEP-3 fields, a mail of `git format-patch`, what `git show`,
//! Mercurial and dpatch write, or free text.
//!
//! Nothing is an error: what is not found is `None`, and the caller has the file's name, and the author and the
//! date of the version. The rules here are part of the import rules.

use crate::date::Date;
use crate::ident::{Ident, decode_words};
use crate::patch_fields::{Field, Known, field, is_placeholder, lines_above_diff};
use crate::text::join_lines;

/// What a patch says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PatchHeader {
    /// The first author: of `From:` or `Author:`, whichever stands first; a `From:` at the start of a mail's
    /// text overrides that of the mail, as for `git am`.
    pub author: Option<Ident>,
    /// `Date:` if it can be read, else `Last-Update:` (at 00:00:00 UTC).
    pub date: Option<Date>,
    /// `Subject:`, or the first line of `Description:`, or the first line of the text; `[PATCH 1/3]` and the
    /// like are taken off its start.
    pub subject: Option<String>,
    /// All the rest, other fields too, as it stood; no empty lines at both ends. Left out are fields of the
    /// mail's transport, templates that nobody filled in, and what follows a line `---` (a diffstat).
    pub body: String,
}

impl PatchHeader {
    /// Reads the header of a patch.
    pub fn parse(patch: &[u8]) -> PatchHeader {
        let mut reader = Reader::default();
        for line in lines_above_diff(patch) {
            reader.read(&line);
        }
        reader.finish()
    }
}

/// Where in the header the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Nothing but blank lines so far.
    #[default]
    Top,
    /// In the comment that Mercurial puts on top.
    Mercurial,
    /// At the first line of a paragraph.
    ParagraphStart,
    /// Below a field, in the same paragraph.
    Fields,
    /// In text.
    Text,
    /// Below `---`.
    Tail,
}

#[derive(Default)]
struct Reader {
    place: Place,
    /// How many paragraphs have ended.
    paragraph: usize,
    /// Whether the first paragraph has both `From:` and `Subject:`.
    has_from: bool,
    has_subject: bool,
    /// Whether the text is indented by `git show`.
    is_shown: bool,
    open: Option<Field>,
    author: Option<Ident>,
    date: Option<Date>,
    last_update: Option<Date>,
    subject: Option<String>,
    body: Vec<Kept>,
}

/// A line of the body; only text can become the subject.
enum Kept {
    Text(String),
    Field(String),
}

impl Reader {
    fn read(&mut self, line: &str) {
        if self.place == Place::Top && self.read_top(line) {
            return;
        }
        if self.place == Place::Mercurial && self.read_mercurial(line) {
            return;
        }
        // `# DP: Field: value` of dpatch: what stands behind the mark is the line.
        let comment = line.strip_prefix('#').map(|comment| comment.trim_start_matches(['#', ' ']));
        match comment.and_then(|comment| comment.strip_prefix("DP:")) {
            Some(described) => self.read_line(described.strip_prefix(' ').unwrap_or(described)),
            None => self.read_line(line),
        }
    }

    fn read_line(&mut self, line: &str) {
        if line == "---" {
            self.close_field();
            self.place = Place::Tail;
        } else if line.is_empty() {
            self.end_paragraph();
        } else if self.is_continued(line) {
            if let Some(open) = &mut self.open {
                open.more.push(line.to_owned());
            }
        } else if let Some(field) = field(line).filter(|field| self.is_field_here(field)) {
            self.close_field();
            if self.place != Place::Tail || self.is_empty() {
                self.place = Place::Fields;
            }
            self.open = Some(field);
        } else {
            self.close_field();
            self.read_text(line);
        }
    }

    /// What only a first line can be; `true` if it says nothing more.
    fn read_top(&mut self, line: &str) -> bool {
        let is_time = |word: &str| word.matches(':').count() == 2 && !word.ends_with(':');
        let is_commit = |id: &str| id.len() >= 7 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if line.is_empty() {
            return true;
        }
        self.place = Place::ParagraphStart;
        if line.starts_with("# HG changeset patch") {
            self.place = Place::Mercurial;
            return true;
        }
        let id = line.strip_prefix("commit ").and_then(|rest| rest.split(' ').next());
        if id.is_some_and(is_commit) {
            self.is_shown = true;
            return true;
        }
        line.starts_with("From ") && line.split(' ').any(is_time)
    }

    /// `# User Name <address>`, `# Date 1136239445 25200` (seconds west of UTC); other comments say nothing.
    fn read_mercurial(&mut self, line: &str) -> bool {
        let Some(comment) = line.strip_prefix('#') else {
            self.place = Place::ParagraphStart;
            return false;
        };
        let comment = comment.trim_start();
        if let Some(user) = comment.strip_prefix("User ") {
            self.author = self.author.take().or_else(|| Ident::parse(user));
        } else if let Some(date) = comment.strip_prefix("Date ") {
            let mut figures = date.split_whitespace().map(|figure| figure.parse::<i64>().ok());
            if let Some(seconds) = figures.next().flatten() {
                let west =
                    figures.next().flatten().and_then(|west| i32::try_from(west / 60).ok()).unwrap_or(0);
                self.date = Some(Date::new(seconds, west.checked_neg().unwrap_or(0)));
            }
        }
        true
    }

    fn is_empty(&self) -> bool {
        let is_blank = |kept: &Kept| matches!(kept, Kept::Text(line) if line.is_empty());
        self.open.is_none()
            && self.author.is_none()
            && self.subject.is_none()
            && self.body.iter().all(is_blank)
    }

    fn is_continued(&self, line: &str) -> bool {
        self.open.is_some() && line.starts_with([' ', '\t'])
    }

    /// Whether a line that looks like a field is one at this place: prose has colons too.
    fn is_field_here(&self, field: &Field) -> bool {
        let is_reply = self.paragraph == 1 && self.has_from && self.has_subject;
        match (self.place, field.known) {
            (Place::Tail, known) if !self.is_empty() => matches!(known, Known::Author | Known::LastUpdate),
            // A `---` on top ends nothing, unless a diffstat follows it, which has no fields.
            (Place::Tail, known) => !matches!(known, Known::Other | Known::Transport),
            (Place::Fields, Known::From | Known::Subject | Known::Date) => self.paragraph == 0 || is_reply,
            (Place::Fields, _) => true,
            (_, Known::Author | Known::LastUpdate) => true,
            (Place::ParagraphStart, Known::From) => self.paragraph == 0 || is_reply,
            (Place::ParagraphStart, Known::Subject | Known::Date | Known::Transport) => self.paragraph == 0,
            (Place::ParagraphStart, known) => known != Known::Other,
            _ => false,
        }
    }

    fn end_paragraph(&mut self) {
        self.close_field();
        if self.place == Place::Tail {
            return;
        }
        if matches!(self.place, Place::Fields | Place::Text) {
            self.paragraph += 1;
        }
        self.place = Place::ParagraphStart;
        self.body.push(Kept::Text(String::new()));
    }

    fn read_text(&mut self, line: &str) {
        if self.place == Place::Tail || is_comment_of_a_tool(line) {
            return;
        }
        if let Some((_, author)) = line.split_once(".dpatch by ").filter(|_| line.starts_with("##")) {
            self.author = self.author.take().or_else(|| Ident::parse(author));
            return;
        }
        self.place = Place::Text;
        let text = if self.is_shown { line.strip_prefix("    ").unwrap_or(line) } else { line };
        let is_change_log = self.read_change_log(text);
        let keep = if is_change_log || text.starts_with('\t') { Kept::Field } else { Kept::Text };
        self.body.push(keep(text.to_owned()));
    }

    /// `2010-02-27  Name  <address>`, as above the entries of a GNU ChangeLog: it says who and when, not what.
    fn read_change_log(&mut self, text: &str) -> bool {
        let Some((day, author)) = text.split_once(' ') else { return false };
        let is_day = day.len() == 10 && day.bytes().filter(|&byte| byte == b'-').count() == 2;
        let Some(date) = Date::parse(day).filter(|_| is_day && author.contains('@')) else { return false };
        self.last_update = self.last_update.or(Some(date));
        self.author = self.author.take().or_else(|| Ident::parse(author));
        true
    }

    fn close_field(&mut self) {
        let Some(field) = self.open.take() else { return };
        if is_placeholder(&field.value) && field.known != Known::Description {
            return;
        }
        match field.known {
            Known::From | Known::Author => self.take_author(field),
            Known::Date | Known::LastUpdate => self.take_date(field),
            Known::Subject if !field.is_long_description() => self.take_subject(field),
            Known::Subject | Known::Description => self.take_description(field),
            Known::Transport if self.paragraph == 0 => {}
            Known::Transport | Known::Dep3 | Known::Other => self.keep(field),
        }
    }

    fn keep(&mut self, field: Field) {
        if self.place != Place::Tail {
            self.body.push(Kept::Field(field.first_line()));
            self.body.extend(field.more.into_iter().map(Kept::Field));
        }
    }

    fn take_author(&mut self, field: Field) {
        let is_from = field.known == Known::From;
        let overrides = is_from && self.paragraph == 1 && self.has_from && self.has_subject;
        self.has_from |= is_from && self.paragraph == 0;
        if self.author.is_some() && !overrides {
            return self.keep(field);
        }
        let author = Ident::parse(first_person(&field.folded())).filter(|author| !is_nobody(author));
        self.author = author.or_else(|| self.author.take());
    }

    fn take_date(&mut self, field: Field) {
        let date = Date::parse(&field.folded());
        let wanted = if field.known == Known::Date { &mut self.date } else { &mut self.last_update };
        match date {
            Some(date) if wanted.is_none() => *wanted = Some(date),
            Some(_) => {}
            None => self.keep(field),
        }
    }

    fn take_subject(&mut self, field: Field) {
        self.has_subject |= self.paragraph == 0;
        let subject = clean_subject(&decode_words(&field.folded()));
        if self.subject.is_some() {
            self.keep(field);
        } else if !subject.is_empty() {
            self.subject = Some(subject);
        }
    }

    /// The first line is the subject, the others are text: one blank in front, a dot for an empty line. Where
    /// dpkg's template is still there, what follows is a copy of the changelog, and no line of it a subject.
    fn take_description(&mut self, field: Field) {
        self.has_subject |= self.paragraph == 0 && field.known == Known::Subject;
        let subject = clean_subject(&decode_words(&field.value));
        let is_usable = !subject.is_empty() && !is_placeholder(&subject);
        if self.subject.is_none() && is_usable {
            self.subject = Some(subject);
        } else if is_usable {
            self.body.push(Kept::Text(field.value.clone()));
        }
        let (mut in_todo, mut is_template) = (false, false);
        for line in &field.more {
            let text = line.strip_prefix([' ', '\t']).unwrap_or(line);
            in_todo |= text.starts_with("TODO: Put a short summary");
            is_template |= in_todo;
            if text == "." {
                in_todo = false;
                self.body.push(Kept::Text(String::new()));
            } else if !in_todo {
                let keep = if is_template { Kept::Field } else { Kept::Text };
                self.body.push(keep(text.to_owned()));
            }
        }
        if !field.more.is_empty() {
            self.body.push(Kept::Text(String::new()));
        }
    }

    fn finish(mut self) -> PatchHeader {
        self.close_field();
        if self.subject.is_none() {
            self.subject = self.take_subject_from_text();
        }
        let mut lines: Vec<String> = Vec::with_capacity(self.body.len());
        for kept in self.body {
            let (Kept::Text(line) | Kept::Field(line)) = kept;
            // What was taken out must not leave gaps.
            if !(line.is_empty() && lines.last().is_some_and(String::is_empty)) {
                lines.push(line);
            }
        }
        let body = join_lines(&lines);
        PatchHeader { author: self.author, date: self.date.or(self.last_update), subject: self.subject, body }
    }

    fn take_subject_from_text(&mut self) -> Option<String> {
        // A line of dashes or stars is no subject.
        let has_word = |line: &str| clean_subject(line).contains(char::is_alphanumeric);
        let usable = |kept: &Kept| matches!(kept, Kept::Text(line) if has_word(line));
        let at = self.body.iter().position(usable)?;
        let (Kept::Text(line) | Kept::Field(line)) = self.body.remove(at);
        Some(clean_subject(&line))
    }
}

/// Of several authors without any address the first one: names are parted by `,`, `;`, `&` and `and`.
fn first_person(people: &str) -> &str {
    if people.contains(['@', '<']) {
        return people;
    }
    let ends = [",", ";", " & ", " and "];
    let end = ends.iter().filter_map(|end| people.find(end)).min().unwrap_or(people.len());
    &people[..end]
}

/// `Author: unknown`
fn is_nobody(author: &Ident) -> bool {
    let is = |name: &str| author.name().eq_ignore_ascii_case(name);
    author.email().is_empty() && (is("unknown") || is("none"))
}

/// Lines that dpatch, quilt and others put into every patch.
fn is_comment_of_a_tool(line: &str) -> bool {
    let comment = line.trim_start_matches('#').trim_start();
    let is_empty = comment.is_empty() || comment.starts_with("All lines beginning with");
    (line.starts_with('#') && is_empty)
        || line.starts_with("#!")
        || line == "@DPATCH@"
        || line.starts_with("This patch header follows DEP-3")
}

/// As `git am` cleans a subject: without `Re:`, `[...]` and `:` at its start; one blank between words.
fn clean_subject(subject: &str) -> String {
    let mut rest = subject;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ':');
        let is_reply = rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
        match rest.strip_prefix('[').and_then(|inside| inside.find(']')) {
            Some(close) => rest = &rest[close + 2..],
            None if is_reply => rest = &rest[3..],
            None => break,
        }
    }
    let shown: String = rest.chars().filter(|c| c.is_whitespace() || !c.is_control()).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "patch_header_tests.rs"]
mod tests;
