//! Reads the text above the diff of a patch: DEP-3 fields, a mail of `git format-patch`, headers of `git show`,
//! Mercurial and dpatch, or free text.
//!
//! Nothing is an error: a missing value is `None`, and the caller uses the file's name, and the author and the
//! date of the version. The rules here are part of the import rules.

mod fields;
mod reader;
mod take;
mod words;

use crate::date::Date;
use crate::ident::Ident;
use fields::lines_above_diff;
use reader::Reader;

/// Facts that the header of a patch gives.
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

#[cfg(test)]
mod tests;
