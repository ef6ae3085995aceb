//! Writer of `.dsc` files.

use std::fmt::Write;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The fields of a `.dsc`, in the order in which they are written.
#[derive(Clone, Debug)]
pub struct Dsc {
    fields: Vec<(String, String)>,
}

/// A listed file: name and content.
pub type Listed = (String, Vec<u8>);

impl Dsc {
    /// The usual fields, with all three checksum fields over `files`.
    pub fn new(format: &str, source: &str, version: &str, files: &[Listed]) -> Self {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = vec![
            field("Format", format),
            field("Source", source),
            field("Binary", source),
            field("Architecture", "any"),
            field("Version", version),
            field("Maintainer", "A Maintainer <maintainer@example.org>"),
            field("Standards-Version", "4.6.2"),
            ("Checksums-Sha1".to_owned(), sums(files, |bytes| hex(&Sha1::digest(bytes)))),
            ("Checksums-Sha256".to_owned(), sums(files, |bytes| hex(&Sha256::digest(bytes)))),
            ("Files".to_owned(), sums(files, |bytes| hex(&Md5::digest(bytes)))),
        ];
        Dsc { fields }
    }

    /// Replaces a field, or adds it at the end.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Takes a field away.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(known, _)| known != name);
    }

    /// Takes the lines that name `file` out of one field.
    pub fn unlist(&mut self, field: &str, file: &str) {
        for (name, value) in &mut self.fields {
            if name == field {
                let kept = value.split('\n').filter(|line| !line.ends_with(&format!(" {file}")));
                *value = kept.collect::<Vec<_>>().join("\n");
            }
        }
    }

    /// Changes the value of a field.
    pub fn edit(&mut self, name: &str, edit: impl Fn(&str) -> String) {
        for (known, value) in &mut self.fields {
            if known == name {
                *value = edit(value);
            }
        }
    }

    /// Text of the file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.fields {
            let space = if value.starts_with('\n') { "" } else { " " };
            writeln!(text, "{name}:{space}{value}").unwrap();
        }
        text
    }
}

fn sums(files: &[Listed], digest: impl Fn(&[u8]) -> String) -> String {
    let lines = files.iter().map(|(name, bytes)| format!("\n {} {} {name}", digest(bytes), bytes.len()));
    lines.collect()
}

/// Lower-case hexadecimal digits of the bytes.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
