//! Finds the next diff in a patch and reads the headers of its first hunk: file names, times, Git's extended
//! headers. Everything else is text for people and is skipped.

use super::commands::{is_ed_command, normal_command};
use super::date::Stamp;
use super::diff::{Absent, Diff, Format, INDEX, NEW, OLD};
use super::git::extended_header;
use super::lines::{Dress, Place, Reader};
use super::names::{self, Header, is_space, skip_spaces};

/// Element that follows a line of the header.
enum Step {
    Next,
    Found(Format, Place),
}

struct Scan<'r, 'p> {
    reader: &'r mut Reader<'p>,
    diff: Diff,
    /// The first diff of a patch may only be a unified one, because patch is called with `-u`.
    unified_only: bool,
    need_header: bool,
    extended: bool,
    begin: Place,
    previous: Place,
    indent: usize,
    /// The last line looked like a command of `ed` or of a normal diff. It stays so until the next line that
    /// begins with a digit.
    command: bool,
    first_command: Option<(Place, bool)>,
    stars: bool,
}

/// Finds the next diff behind where the reader stands. `None`: the rest of the patch holds none.
pub(super) fn next_diff(reader: &mut Reader<'_>, unified_only: bool) -> Option<Diff> {
    let begin = reader.place;
    let mut scan = Scan {
        reader,
        diff: Diff::new(begin),
        unified_only,
        need_header: true,
        extended: false,
        begin,
        previous: begin,
        indent: 0,
        command: false,
        first_command: None,
        stars: false,
    };
    let (format, start) = scan.run()?;
    let mut diff = scan.diff;
    diff.format = format;
    diff.start = start;
    Some(diff)
}

impl Scan<'_, '_> {
    fn run(&mut self) -> Option<(Format, Place)> {
        loop {
            self.previous = self.begin;
            self.begin = self.reader.place;
            let Some(line) = self.reader.next(Dress::default()) else {
                return match self.first_command {
                    Some((place, true)) => Some((Format::Other("an ed script"), place)),
                    _ => self.extended.then_some((Format::Unified, self.begin)),
                };
            };
            if let Step::Found(format, place) = self.line(line) {
                return Some((format, place));
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Step {
        let carriage_return = line.last() == Some(&b'\r');
        let last_indent = self.indent;
        let text = self.measure_indent(line);
        let last_command = self.command;
        let ed = self.note_command(text, carriage_return);
        let last_stars = std::mem::take(&mut self.stars);
        if let Some(found) = self.header(text, carriage_return, last_stars) {
            return found;
        }
        if self.need_header {
            self.stars = last_stars;
            return Step::Next;
        }
        if !self.unified_only && ed && text == b"." {
            return self.other("an ed script", self.begin);
        }
        if text.starts_with(b"@@ -") {
            self.ranges(&text[4..]);
            self.diff.dress.indent = self.indent;
            return Step::Found(Format::Unified, self.begin);
        }
        self.stars = text.starts_with(b"********");
        if self.unified_only {
            return Step::Next;
        }
        if last_stars && last_indent == self.indent && text.starts_with(b"*** ") {
            return self.other("a context diff", self.previous);
        }
        if last_command && (text.starts_with(b"< ") || text.starts_with(b"> ")) {
            return self.other("a normal diff", self.previous);
        }
        Step::Next
    }

    fn other(&self, what: &'static str, place: Place) -> Step {
        Step::Found(Format::Other(what), place)
    }

    fn measure_indent<'l>(&mut self, line: &'l [u8]) -> &'l [u8] {
        self.indent = 0;
        for (at, byte) in line.iter().enumerate() {
            match byte {
                b'\t' => self.indent = (self.indent + 8) & !7,
                b' ' | b'X' => self.indent += 1,
                _ => return &line[at..],
            }
        }
        &[]
    }

    /// Remembers where an `ed` script or a normal diff could begin. Says whether one has begun.
    fn note_command(&mut self, text: &[u8], carriage_return: bool) -> bool {
        if let Some(command) = normal_command(text) {
            self.command = command;
        }
        let letter = is_ed_command(text);
        if !self.need_header && self.first_command.is_none() && (letter || self.command) {
            self.first_command = Some((self.begin, letter));
            self.diff.dress.carriage_returns = carriage_return;
        }
        self.first_command.is_some()
    }

    fn header(&mut self, text: &[u8], carriage_return: bool, last_stars: bool) -> Option<Step> {
        let mut named = false;
        if let Some(rest) = text.strip_prefix(b"*** ").filter(|_| !last_stars) {
            self.name(OLD, rest);
            self.need_header = false;
        } else if let Some(rest) = text.strip_prefix(b"+++ ") {
            // On the wrong side until a hunk shows that this is no context diff; then the sides change places.
            self.name(OLD, rest);
            named = true;
        } else if let Some(rest) = text.strip_prefix(b"Index:") {
            if let Some(name) = names::index(rest) {
                self.diff.names[INDEX] = Some(name);
            }
            named = true;
        } else if let Some(rest) = text.strip_prefix(b"Prereq:") {
            let word = skip_spaces(names::until_nul(rest).0);
            let word: Vec<u8> = word.iter().copied().take_while(|&byte| !is_space(byte)).collect();
            self.diff.required = (!word.is_empty()).then_some(word);
        } else if let Some(rest) = text.strip_prefix(b"diff --git ") {
            return self.git_line(rest);
        } else if self.diff.git && text.starts_with(b"GIT binary patch") {
            return Some(self.other("a git binary patch", self.begin));
        } else if !(self.diff.git && self.git_header(text)) {
            named = self.minus_header(text);
        }
        if named {
            self.need_header = false;
            self.diff.dress.carriage_returns = carriage_return;
        }
        None
    }

    /// Sets a name for a side. A name that cannot be used leaves the one of an earlier line.
    fn name(&mut self, side: usize, rest: &[u8]) {
        match names::dated(rest) {
            Header::Nothing => {}
            Header::NoFile => self.diff.stamps[side] = Stamp::Epoch,
            Header::Named { name, stamp } => {
                self.diff.names[side] = Some(name);
                self.diff.stamps[side] = stamp;
            }
        }
    }

    /// Reads a `---` line, which may be nested in dashes.
    fn minus_header(&mut self, text: &[u8]) -> bool {
        let mut inner = text;
        let mut dashes = 0;
        while let Some(rest) = inner.strip_prefix(b"- ") {
            inner = rest;
            dashes += 1;
        }
        let Some(rest) = inner.strip_prefix(b"--- ") else { return false };
        let earlier = self.diff.stamps[NEW];
        self.diff.stamps[NEW] = Stamp::Unknown;
        self.name(NEW, rest);
        if self.diff.stamps[NEW] == Stamp::Unknown {
            self.diff.stamps[NEW] = earlier;
        } else {
            self.diff.dress.dashes = dashes;
        }
        true
    }

    fn git_line(&mut self, rest: &[u8]) -> Option<Step> {
        if self.extended {
            // The diff before this one has no hunks: it ends here.
            return Some(Step::Found(Format::Unified, self.begin));
        }
        let (old, new) = names::git_pair(rest).unzip();
        self.diff.names[OLD] = old;
        self.diff.names[NEW] = new;
        self.diff.git = true;
        self.need_header = false;
        None
    }

    /// Reads one of Git's extended headers, if this is one.
    fn git_header(&mut self, text: &[u8]) -> bool {
        let Some(counts) = extended_header(&mut self.diff, text) else { return false };
        self.extended |= counts;
        true
    }

    /// Reads the line numbers of the first hunk: a range at line 0 belongs to a file that is not there.
    fn ranges(&mut self, rest: &[u8]) {
        let diff = &mut self.diff;
        diff.names.swap(OLD, NEW);
        diff.stamps.swap(OLD, NEW);
        let zero = |text: &[u8]| text.first() == Some(&b'0') && !text.get(1).is_some_and(u8::is_ascii_digit);
        let absent = |stamp| if stamp == Stamp::Epoch { Absent::Certain } else { Absent::Empty };
        if zero(rest) {
            diff.absent[OLD] = absent(diff.stamps[OLD]);
        }
        let blank = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        let behind = &rest[blank..];
        let behind = &behind[behind.iter().take_while(|&&byte| byte == b' ').count()..];
        if behind.strip_prefix(b"+").is_some_and(zero) {
            diff.absent[NEW] = absent(diff.stamps[NEW]);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn find(patch: &[u8]) -> Diff {
        next_diff(&mut Reader::new(patch), true).expect("a diff")
    }

    #[test]
    fn names_stand_on_their_sides() {
        let diff = find(b"text\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n");
        assert_eq!(diff.names[OLD].as_deref(), Some(&b"x"[..]));
        assert_eq!(diff.names[NEW].as_deref(), Some(&b"y"[..]));
        assert_eq!(diff.start.lines, 3);
    }

    #[test]
    fn dev_null_and_the_epoch_mean_absent() {
        let diff = find(b"--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n");
        assert_eq!(diff.absent, [Absent::Certain, Absent::No]);
        let diff = find(b"--- a/y\n+++ b/y\t1970-01-01 00:00:00 +0000\n@@ -1 +0,0 @@\n");
        assert_eq!(diff.absent, [Absent::No, Absent::Certain]);
        let diff = find(b"--- a/y\n+++ b/y\n@@ -1 +0,0 @@\n");
        assert_eq!(diff.absent, [Absent::No, Absent::Empty]);
    }

    #[test]
    fn git_headers_stand_without_hunks() {
        let patch = b"diff --git a/x b/y\nold mode 100644\nnew mode 100755\nrename from x\nrename to y\n\
                      diff --git a/z b/z\n";
        let diff = find(patch);
        assert!(diff.renames() && !diff.copies() && diff.git);
        assert_eq!(diff.modes, [0o100644, 0o100755]);
        assert_eq!(diff.start.lines, 5);
    }

    #[test]
    fn other_formats_are_seen_behind_the_first_diff() {
        let other = |patch: &[u8]| next_diff(&mut Reader::new(patch), false).map(|diff| diff.format);
        assert_eq!(other(b"Index: a/x\n1c1\n< a\n---\n> b\n"), Some(Format::Other("a normal diff")));
        assert_eq!(other(b"Index: a/x\n1c\nb\n.\n"), Some(Format::Other("an ed script")));
        assert_eq!(
            other(b"*** a/x\n--- b/x\n***************\n*** 1 ****\n"),
            Some(Format::Other("a context diff"))
        );
        assert_eq!(other(b"-- \n2.30.0\n\n"), None);
    }
}
