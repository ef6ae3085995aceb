//! Goes through the lines of a header and tells fields from text, which depends on where a line stands.

use super::fields::{Field, Known, field};
use super::words::is_comment_of_a_tool;
use crate::date::Date;
use crate::ident::Ident;

/// Position of the reader in the header.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// Nothing but blank lines so far.
    #[default]
    Top,
    /// In the comment that Mercurial puts on top.
    Mercurial,
    /// At the first line of a paragraph.
    ParagraphStart,
    /// Below a field, in the same paragraph.
    Fields,
    /// In the text.
    Text,
    /// Below the line `---`.
    Tail,
}

/// Parts of a header that were read so far.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) place: Place,
    /// Number of paragraphs that have ended.
    pub(super) paragraph: usize,
    /// True when the first paragraph has `From:`; `has_subject`, when it has `Subject:`.
    pub(super) has_from: bool,
    pub(super) has_subject: bool,
    /// True when the text is indented by `git show`.
    is_shown: bool,
    /// The field that may go on in the next line.
    pub(super) open: Option<Field>,
    pub(super) author: Option<Ident>,
    pub(super) date: Option<Date>,
    pub(super) last_update: Option<Date>,
    pub(super) subject: Option<String>,
    pub(super) body: Vec<Kept>,
}

/// A line of the body; only text can become the subject.
pub(super) enum Kept {
    Text(String),
    Field(String),
}

impl Reader {
    /// Takes the next line.
    pub(super) fn read(&mut self, line: &str) {
        if self.place == Place::Top && self.read_top(line) {
            return;
        }
        if self.place == Place::Mercurial && self.read_mercurial(line) {
            return;
        }
        // `# DP: Field: value` of dpatch: the text behind the mark is the line.
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

    /// Reads a line in the formats that only the first line can have; returns true if the line has no other content.
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

    /// True when a line that looks like a field is one at this position: prose has colons too.
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
}
