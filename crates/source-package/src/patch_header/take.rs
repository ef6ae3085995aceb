//! Result of the fields of a header: author, date, subject, and the text that is kept as it is.

use super::PatchHeader;
use super::fields::{Field, Known, is_placeholder};
use super::reader::{Kept, Place, Reader};
use super::words::{clean_subject, first_person, is_nobody};
use crate::date::Date;
use crate::ident::{Ident, decode_words};
use crate::text::join_lines;

impl Reader {
    /// A field has all its lines: takes its value.
    pub(super) fn close_field(&mut self) {
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

    /// The first line is the subject, the others are text: one blank in front, a dot for an empty line. After
    /// dpkg's template comes a copy of the changelog, of which no line is a subject.
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

    /// Header at the end of the input.
    pub(super) fn finish(mut self) -> PatchHeader {
        self.close_field();
        if self.subject.is_none() {
            self.subject = self.take_subject_from_text();
        }
        let mut lines: Vec<String> = Vec::with_capacity(self.body.len());
        for kept in self.body {
            let (Kept::Text(line) | Kept::Field(line)) = kept;
            // Removed lines must not leave gaps.
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
