//! The lines above a patch's diff, and the fields in them.

use crate::text::decode_line;

/// The part of a patch that is looked at; a header that is longer is cut.
const MAX_HEADER: usize = 256 * 1024;

/// The lines above the diff, decoded.
///
/// The diff begins with the first line `diff -...`, `Index: ...`, `@@ -...`, or a `--- ` with a `+++ ` below it, or
/// a `*** ` with a `--- ` below it (a line of text may begin with `--- `).
pub(super) fn lines_above_diff(patch: &[u8]) -> impl Iterator<Item = String> {
    let start = &patch[..patch.len().min(MAX_HEADER)];
    let lines = start.split(|&byte| byte == b'\n');
    let below = lines.clone().skip(1).chain([&b""[..]]);
    lines.zip(below).take_while(|(line, next)| !begins_diff(line, next)).map(|(line, _)| decode_line(line))
}

fn begins_diff(line: &[u8], next: &[u8]) -> bool {
    [&b"diff -"[..], b"Index: ", b"@@ -"].iter().any(|start| line.starts_with(start))
        || (line.starts_with(b"--- ") && next.starts_with(b"+++ "))
        || (line.starts_with(b"*** ") && next.starts_with(b"--- "))
}

/// Meaning of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    From,
    Author,
    Subject,
    Description,
    Date,
    LastUpdate,
    /// The mail's way, of no interest.
    Transport,
    /// Another field of DEP-3: kept, and a paragraph may begin with it.
    Dep3,
    /// Kept where it stands among fields.
    Other,
}

/// A field with the indented lines below it.
pub(super) struct Field {
    pub(super) known: Known,
    name: String,
    pub(super) value: String,
    pub(super) more: Vec<String>,
}

impl Field {
    /// The value with all its lines, as one.
    pub(super) fn folded(&self) -> String {
        let mut text = self.value.clone();
        for line in &self.more {
            text.push(' ');
            text.push_str(line.trim());
        }
        text.trim().to_owned()
    }

    /// The first line as it was written.
    pub(super) fn first_line(&self) -> String {
        format!("{}: {}", self.name, self.value).trim_end().to_owned()
    }

    /// True when it has a text of many lines, as DEP-3 allows, and not one line that a mailer has folded.
    pub(super) fn is_long_description(&self) -> bool {
        !self.value.is_empty() && (self.more.len() > 3 || self.more.iter().any(|line| line.trim() == "."))
    }
}

/// Reads a line such as `Name: value`.
pub(super) fn field(line: &str) -> Option<Field> {
    let (name, value) = line.split_once(':')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    // An address on the web is not a field.
    if !is_name || value.starts_with("//") {
        return None;
    }
    Some(Field {
        known: known(name),
        name: name.to_owned(),
        value: value.trim().to_owned(),
        more: Vec::new(),
    })
}

fn known(name: &str) -> Known {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "from" => Known::From,
        "author" | "authors" => Known::Author,
        "subject" => Known::Subject,
        "description" => Known::Description,
        "date" | "authordate" => Known::Date,
        "last-update" | "last-updated" => Known::LastUpdate,
        "message-id"
        | "mime-version"
        | "content-type"
        | "content-transfer-encoding"
        | "content-disposition"
        | "to"
        | "cc"
        | "bcc"
        | "in-reply-to"
        | "references"
        | "received"
        | "return-path"
        | "delivered-to"
        | "sender"
        | "reply-to"
        | "user-agent" => Known::Transport,
        "origin" | "forwarded" | "bug" | "applied-upstream" | "reviewed-by" | "acked-by" => Known::Dep3,
        _ if name.starts_with("bug-") => Known::Dep3,
        _ if name.starts_with("list-") => Known::Transport,
        _ => Known::Other,
    }
}

/// A value that a template had and nobody replaced: `<short summary of the patch>`.
pub(super) fn is_placeholder(value: &str) -> bool {
    value.starts_with('<') && value.ends_with('>') && value.contains([' ', '|']) && !value.contains('@')
        || value == "<YYYY-MM-DD>"
}
