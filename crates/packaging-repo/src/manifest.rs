//! The message of a version's annotated tag: the facts that Git itself cannot hold, and those with which anybody
//! can check the tree against the source package.
//!
//! The text is a stanza like those of Debian's control files. It holds facts of the `.dsc` and of its files alone,
//! never the time or place of a publication: the same input gives the same tag.

use source_package::checksum::{Checksums, FileList, ListedFile};
use source_package::control::{ControlError, Stanza};

/// The version of the rules by which trees and commits are made. Raised when the same input would give other objects.
pub const IMPORT_RULES: u32 = 1;
/// Number of the rules for versions which the first rules treat otherwise: where the changelog's own entry is not the
/// top, and where text would turn the direction of the text around it.
pub const RAISED_RULES: u32 = 2;

/// Content of a tag's message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Name of the source package.
    pub source: String,
    /// The version; of an upstream tag the upstream version.
    pub version: String,
    /// Further facts, in order: `Format`, `Dsc-Sha256`, `Unpack-Rule`, ...
    pub facts: Vec<(String, String)>,
    /// The files of the source package, or the tarballs of the upstream version.
    pub files: Vec<ListedFile>,
    /// The rules, unless they are [`IMPORT_RULES`].
    pub raised: Option<u32>,
    /// Paths whose last name is stored escaped, in their unescaped form.
    pub escaped: Vec<Vec<u8>>,
    /// Named pipes; the flag is their execute bit.
    pub fifos: Vec<(Vec<u8>, bool)>,
}

/// Reason why a tag's message is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It has no stanza.
    #[error("the tag's message is no manifest: {0}")]
    Control(#[from] ControlError),
    /// A field is missing or malformed.
    #[error("the tag's manifest has no usable field {0}")]
    Field(&'static str),
}

impl Manifest {
    /// A fact by its name.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The manifest with one more fact.
    pub fn with(mut self, name: &str, value: impl ToString) -> Manifest {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// The message of the tag; the first line is `title`.
    pub fn to_message(&self, title: &str) -> String {
        let mut text = format!("{title}\n\nSource: {}\nVersion: {}\n", self.source, self.version);
        for (name, value) in &self.facts {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push_str(&format!("Import-Rules: {}\n", self.raised.unwrap_or(IMPORT_RULES)));
        list(&mut text, "Files", &self.files, |sums| &sums.md5);
        list(&mut text, "Checksums-Sha1", &self.files, |sums| &sums.sha1);
        list(&mut text, "Checksums-Sha256", &self.files, |sums| &sums.sha256);
        lines(&mut text, "Escaped", self.escaped.iter().map(|path| format!("path {}", quote(path))));
        lines(
            &mut text,
            "Special",
            self.fifos.iter().map(|(path, executable)| {
                format!("fifo {} {}", if *executable { "755" } else { "644" }, quote(path))
            }),
        );
        text
    }

    /// Reads the message of a tag.
    ///
    /// # Errors
    /// [`ManifestError`] when it is no stanza, or lacks a field.
    pub fn parse(message: &[u8]) -> Result<Manifest, ManifestError> {
        let body =
            message.windows(2).position(|pair| pair == b"\n\n").map_or(message, |at| &message[at + 2..]);
        let stanza = Stanza::parse(body)?;
        let line = |field| stanza.get(field).filter(|value| !value.contains('\n'));
        let need = |field| line(field).map(str::to_owned).ok_or(ManifestError::Field(field));
        let mut manifest =
            Manifest { source: need("Source")?, version: need("Version")?, ..Manifest::default() };
        let rules = stanza.get("Import-Rules").and_then(|rules| rules.parse().ok());
        manifest.raised = rules.filter(|rules| *rules != IMPORT_RULES);
        for (name, value) in stanza.fields() {
            if !matches!(name, "Source" | "Version" | "Import-Rules") && !value.contains('\n') {
                manifest.facts.push((name.to_owned(), value.to_owned()));
            }
        }
        let mut files = FileList::default();
        read_list(&stanza, "Files", &mut files, |sums| &mut sums.md5)?;
        read_list(&stanza, "Checksums-Sha1", &mut files, |sums| &mut sums.sha1)?;
        read_list(&stanza, "Checksums-Sha256", &mut files, |sums| &mut sums.sha256)?;
        manifest.files = files.into_files();
        for line in values(&stanza, "Escaped") {
            let path = line.strip_prefix("path ").and_then(unquote);
            manifest.escaped.push(path.ok_or(ManifestError::Field("Escaped"))?);
        }
        for line in values(&stanza, "Special") {
            let fifo = line.strip_prefix("fifo ").and_then(|rest| rest.split_once(' '));
            let (mode, path) = fifo.ok_or(ManifestError::Field("Special"))?;
            let path = unquote(path).ok_or(ManifestError::Field("Special"))?;
            manifest.fifos.push((path, mode == "755"));
        }
        Ok(manifest)
    }
}

fn list(text: &mut String, field: &str, files: &[ListedFile], sum: fn(&Checksums) -> &Option<String>) {
    let listed = files.iter().filter_map(|file| {
        sum(&file.checksums).as_ref().map(|sum| format!("{sum} {} {}", file.size, file.name))
    });
    lines(text, field, listed);
}

fn lines(text: &mut String, field: &str, values: impl Iterator<Item = String>) {
    let mut values = values.peekable();
    if values.peek().is_some() {
        text.push_str(&format!("{field}:\n"));
        values.for_each(|value| text.push_str(&format!(" {value}\n")));
    }
}

fn values<'a>(stanza: &'a Stanza, field: &str) -> impl Iterator<Item = &'a str> {
    stanza.get(field).unwrap_or_default().lines().filter(|line| !line.is_empty())
}

fn read_list(
    stanza: &Stanza,
    field: &'static str,
    files: &mut FileList,
    slot: fn(&mut Checksums) -> &mut Option<String>,
) -> Result<(), ManifestError> {
    for line in values(stanza, field) {
        let mut words = line.split(' ');
        let (Some(sum), Some(size), Some(name)) = (words.next(), words.next(), words.next()) else {
            return Err(ManifestError::Field(field));
        };
        let size = size.parse().map_err(|_| ManifestError::Field(field))?;
        *slot(&mut files.entry(name, size).checksums) = Some(sum.to_owned());
    }
    Ok(())
}

/// Percent-encodes everything but printable ASCII; also `%` and the space.
fn quote(path: &[u8]) -> String {
    let mut quoted = String::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_graphic() && byte != b'%' {
            quoted.push(char::from(byte));
        } else {
            quoted.push_str(&format!("%{byte:02X}"));
        }
    }
    quoted
}

fn unquote(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut path = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            path.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        path.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let file = |name: &str, md5: Option<&str>| ListedFile {
            name: name.into(),
            size: 7,
            checksums: Checksums { md5: md5.map(Into::into), sha1: None, sha256: Some("ff".into()) },
        };
        let manifest = Manifest {
            source: "a0".into(),
            version: "1:2-3".into(),
            facts: vec![("Format".into(), "3.0 (quilt)".into())],
            files: vec![file("a0_2.orig.tar.gz", Some("00")), file("a0_2-3.debian.tar.xz", None)],
            raised: Some(RAISED_RULES),
            escaped: vec![b".git".to_vec(), b"x/\xff%\n y/.GIT".to_vec(), b"...".to_vec()],
            fifos: vec![(b"p".to_vec(), false), (b"q".to_vec(), true)],
        };
        let message = manifest.to_message("a0 1:2-3");
        assert_eq!(Manifest::parse(message.as_bytes()).unwrap(), manifest, "{message}");
    }

    #[test]
    fn a_fact_of_several_lines_is_none() {
        let message = "a0 1\n\nSource: a0\nVersion: 1\nNote: one\n Files: two\nFormat: 1.0\n";
        let manifest = Manifest::parse(message.as_bytes()).unwrap();
        assert_eq!(manifest.facts, [("Format".to_owned(), "1.0".to_owned())]);
        assert_eq!(Manifest::parse(manifest.to_message("a0 1").as_bytes()).unwrap(), manifest);
        assert!(Manifest::parse(b"a0 1\n\nSource: a0\nVersion: 1\n Files: two\n").is_err());
    }
}
