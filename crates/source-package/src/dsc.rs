//! The `.dsc` of a source package (Debian policy 5.4, `dsc(5)`).

use crate::checksum::{Checksums, FileList, ListedFile};
use crate::control::{ControlError, Stanza};
use crate::limits::DscLimits;
use crate::version::{PackageName, PackageNameError, Version, VersionError};

/// Content of a `.dsc` file (deb-src-control(5), Debian policy 5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsc {
    /// Name of the source package.
    pub source: PackageName,
    /// Version of the source package.
    pub version: Version,
    /// The format of the source package.
    pub format: Format,
    /// The files, in the order in which they are listed first.
    pub files: Vec<ListedFile>,
}

/// A format of source packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Way in which the format is unpacked.
    pub family: Family,
    /// As `debian/source/format` has it: `3.0 (quilt)`.
    pub text: String,
    /// True when `debian/source/format` is written if the package has none.
    pub recorded: bool,
}

/// Way in which a format is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// 1.0: one tarball, perhaps with a `.diff.gz`.
    V1,
    /// 2.0: like 3.0 (quilt), but every file in `debian/patches` is a patch.
    V2,
    /// 3.0 (native): one tarball.
    Native,
    /// 3.0 (quilt): upstream tarballs, a Debian tarball, a series of patches.
    Quilt,
}

/// Reason why a `.dsc` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DscError {
    /// It is no control file.
    #[error("the .dsc is malformed: {0}")]
    Control(#[from] ControlError),
    /// A field that must be there is not.
    #[error("the .dsc has no field {0}")]
    Missing(&'static str),
    /// The source's name cannot be used.
    #[error("the .dsc has a bad Source: {0}")]
    Source(#[from] PackageNameError),
    /// The version is none.
    #[error("the .dsc has a bad Version: {0}")]
    Version(#[from] VersionError),
    /// The format is none of those that can be imported.
    #[error("source format {0:?} is not supported; 1.0, 2.0, 3.0 (native) and 3.0 (quilt) are")]
    UnsupportedFormat(String),
    /// A line of `Files` or `Checksums-*` is malformed.
    #[error("field {field} of the .dsc has a bad line: {line:?}")]
    BadLine {
        /// Name of the field.
        field: &'static str,
        /// The line.
        line: String,
    },
    /// Two lines disagree about a file.
    #[error("the .dsc lists {name} with two different values of {what}")]
    Conflict {
        /// Name of the file.
        name: String,
        /// Value that differs between the lists.
        what: &'static str,
    },
    /// A file without SHA-256.
    #[error(
        "the .dsc has no SHA-256 of {0}; weak checksums are accepted only where the configuration says so"
    )]
    Weak(String),
    /// It is larger than a `.dsc` may be.
    #[error("the .dsc has {what} (limits.{limit})")]
    TooLarge {
        /// Thing of which there is too much.
        what: String,
        /// The limit that was passed.
        limit: &'static str,
    },
}

impl DscError {
    /// Error of a file that is larger than `most` bytes.
    pub fn too_many_bytes(most: u64) -> DscError {
        DscError::TooLarge { what: format!("more than {most} bytes"), limit: "dsc_bytes" }
    }
}

/// Reads the stanza of a `.dsc`.
///
/// # Errors
/// [`DscError`] when it is no stanza, or passes a limit.
pub fn stanza_within(text: &[u8], limits: &DscLimits) -> Result<Stanza, DscError> {
    if text.len() as u64 > limits.bytes {
        return Err(DscError::too_many_bytes(limits.bytes));
    }
    match Stanza::parse_within(text, limits.fields) {
        Err(error @ ControlError::TooManyFields(_)) => {
            Err(DscError::TooLarge { what: error.to_string(), limit: "dsc_fields" })
        }
        result => Ok(result?),
    }
}

impl Dsc {
    /// Reads the text of a `.dsc`, signed or not, of any size. The signature is not verified: that is the caller's
    /// task.
    ///
    /// # Errors
    /// [`DscError`] when it is no stanza, lacks a field, or names an unsupported format.
    pub fn parse(text: &[u8]) -> Result<Dsc, DscError> {
        Dsc::parse_within(text, &DscLimits::NONE)
    }

    /// The same of one that may be only so large.
    ///
    /// # Errors
    /// [`DscError`] when it passes a limit, is no stanza, lacks a field, or names an unsupported format.
    pub fn parse_within(text: &[u8], limits: &DscLimits) -> Result<Dsc, DscError> {
        let stanza = stanza_within(text, limits)?;
        let need = |field| stanza.get(field).ok_or(DscError::Missing(field));
        let source = PackageName::new(need("Source")?)?;
        let version = Version::new(need("Version")?)?;
        need("Files")?;
        let format = Format::parse(stanza.get("Format").unwrap_or("1.0"))?;
        let files = listed_files_within(&stanza, limits)?;
        Ok(Dsc { source, version, format, files })
    }

    /// Requires a SHA-256 for every file.
    ///
    /// # Errors
    /// [`DscError::Weak`] with the first file that has none.
    pub fn require_strong_checksums(&self) -> Result<(), DscError> {
        match self.files.iter().find(|file| file.checksums.sha256.is_none()) {
            Some(file) => Err(DscError::Weak(file.name.clone())),
            None => Ok(()),
        }
    }

    /// `hello_2.10`: start of the names of upstream files.
    pub fn upstream_base(&self) -> String {
        format!("{}_{}", self.source, self.version.upstream())
    }

    /// `hello_2.10-3`: start of the names of Debian's files.
    pub fn base(&self) -> String {
        format!("{}_{}", self.source, self.version.without_epoch())
    }
}

impl Format {
    /// Reads the value of `Format`.
    ///
    /// # Errors
    /// [`DscError::UnsupportedFormat`] for any format but 1.0, 2.0, 3.0 (native) and 3.0 (quilt).
    pub fn parse(text: &str) -> Result<Format, DscError> {
        let unsupported = || DscError::UnsupportedFormat(text.to_owned());
        let (number, variant) = match text.split_once(|c: char| c.is_ascii_whitespace()) {
            None => (text, None),
            Some((number, rest)) => {
                let inner = rest.trim_start().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
                (number, Some(inner.ok_or_else(unsupported)?))
            }
        };
        let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(major) || !is_number(minor) {
            return Err(unsupported());
        }
        let family = match (major, variant) {
            ("1", None) => Family::V1,
            ("2", None) => Family::V2,
            ("3", Some("native")) => Family::Native,
            ("3", Some("quilt")) => Family::Quilt,
            _ => return Err(unsupported()),
        };
        let variant = variant.map(|name| format!(" ({name})")).unwrap_or_default();
        // dpkg compares the field itself with "1.0" (so that "1" is another), and writes the parsed form.
        Ok(Format { family, text: format!("{major}.{minor}{variant}"), recorded: text != "1.0" })
    }
}

/// The files that a stanza of a `.dsc`, or of a list of source packages, names in `Files` and `Checksums-*`.
///
/// # Errors
/// [`DscError::BadLine`] for a line that is none of a list, [`DscError::Conflict`] for a file with two different
/// values.
pub fn listed_files(stanza: &Stanza) -> Result<Vec<ListedFile>, DscError> {
    listed_files_within(stanza, &DscLimits::NONE)
}

fn listed_files_within(stanza: &Stanza, limits: &DscLimits) -> Result<Vec<ListedFile>, DscError> {
    let mut files = FileList::default();
    for (field, kind) in FIELDS {
        if let Some(text) = stanza.get(field) {
            read_list(field, kind, text, limits.files, &mut files)?;
        }
    }
    Ok(files.into_files())
}

const FIELDS: [(&str, Sum); 3] =
    [("Files", Sum::Md5), ("Checksums-Sha1", Sum::Sha1), ("Checksums-Sha256", Sum::Sha256)];

#[derive(Clone, Copy)]
enum Sum {
    Md5,
    Sha1,
    Sha256,
}

impl Sum {
    fn slot(self, sums: &mut Checksums) -> &mut Option<String> {
        match self {
            Sum::Md5 => &mut sums.md5,
            Sum::Sha1 => &mut sums.sha1,
            Sum::Sha256 => &mut sums.sha256,
        }
    }

    fn digits(self) -> usize {
        match self {
            Sum::Md5 => 32,
            Sum::Sha1 => 40,
            Sum::Sha256 => 64,
        }
    }
}

fn read_list(
    field: &'static str,
    kind: Sum,
    text: &str,
    most: usize,
    files: &mut FileList,
) -> Result<(), DscError> {
    let lines = text.split('\n').map(|line| line.trim_start_matches(' ')).filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        let (sum, size, name) = parse_line(line, kind.digits())
            .ok_or_else(|| DscError::BadLine { field, line: line.to_owned() })?;
        let file = files.entry(name, size);
        if file.size != size {
            return Err(DscError::Conflict { name: name.to_owned(), what: "size" });
        }
        let slot = kind.slot(&mut file.checksums);
        if slot.as_deref().is_some_and(|known| known != sum) {
            return Err(DscError::Conflict { name: name.to_owned(), what: field });
        }
        *slot = Some(sum.to_owned());
        if number >= most || files.len() > most {
            return Err(DscError::TooLarge { what: format!("more than {most} files"), limit: "dsc_files" });
        }
    }
    Ok(())
}

/// `SUM SIZE NAME`, as strict as dpkg: lower-case digits, a name that cannot leave its folder.
fn parse_line(line: &str, digits: usize) -> Option<(&str, u64, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (sum, size, name) = (words.next()?, words.next()?, words.next()?);
    let hexadecimal = sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if words.next().is_some() || sum.len() != digits || !hexadecimal || !is_file_name(name) {
        return None;
    }
    if line.len() != line.trim().len() || !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((sum, size.parse().ok()?, name))
}

fn is_file_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let later = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+:.,=_~".contains(byte);
    bytes.len() > 1 && bytes[0].is_ascii_alphanumeric() && bytes[1..].iter().all(later)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MD5: &str = "00000000000000000000000000000000";

    fn dsc(files: &str) -> Result<Dsc, DscError> {
        let text = format!("Format: 3.0 (quilt)\nSource: a0\nVersion: 1:2.0-3\nFiles:\n{files}");
        Dsc::parse_within(text.as_bytes(), &DscLimits::default())
    }

    #[test]
    fn reads_names_and_sizes() {
        let dsc = dsc(&format!(" {MD5} 5 a0_2.0.orig.tar.gz\n")).unwrap();
        assert_eq!(dsc.upstream_base(), "a0_2.0");
        assert_eq!(dsc.base(), "a0_2.0-3");
        assert_eq!(dsc.files[0].size, 5);
        assert!(matches!(dsc.require_strong_checksums(), Err(DscError::Weak(_))));
    }

    #[test]
    fn refuses_bad_lines() {
        for line in [
            format!(" {MD5} 5 ../a"),
            format!(" {MD5} 5 a"),
            format!(" {MD5} x a.b"),
            format!(" {}A 5 a.b", &MD5[1..]),
            format!(" {MD5} 5 .hidden"),
            format!(" {MD5} 5"),
            format!(" {MD5} 5 a.b\n {MD5} 6 a.b"),
        ] {
            assert!(dsc(&line).is_err(), "{line}");
        }
    }

    #[test]
    fn counts_are_bounded() {
        let files = |count: usize| (0..count).map(|n| format!(" {MD5} 5 a{n}.x\n")).collect::<String>();
        assert_eq!(dsc(&files(1000)).unwrap().files.len(), 1000);
        let refused = |result: Result<Dsc, DscError>| result.unwrap_err().to_string();
        assert!(refused(dsc(&files(1001))).contains("more than 1000 files (limits.dsc_files)"));
        assert!(refused(dsc(&format!(" {MD5} 5 a.b\n").repeat(1001))).contains("limits.dsc_files"));
        let fields = |count: usize| (0..count).map(|n| format!("X{n}: 1\n")).collect::<String>();
        let text = |count| format!(" {MD5} 5 a.b\n{}", fields(count));
        assert!(dsc(&text(400)).is_ok());
        assert!(refused(dsc(&text(50_000))).contains("more than 500 fields (limits.dsc_fields)"));
        let long = format!(" {MD5} 5 a.b\nBinary: {}\n", "x".repeat(1 << 20));
        assert!(refused(dsc(&long)).contains("more than 1048576 bytes (limits.dsc_bytes)"));
    }

    #[test]
    fn formats() {
        let family = |text| Format::parse(text).map(|format| (format.family, format.text)).ok();
        assert_eq!(family("1.0"), Some((Family::V1, "1.0".into())));
        assert_eq!(family("1"), Some((Family::V1, "1.0".into())));
        assert!(Format::parse("1").unwrap().recorded && !Format::parse("1.0").unwrap().recorded);
        assert_eq!(family("3.0 (quilt)"), Some((Family::Quilt, "3.0 (quilt)".into())));
        assert_eq!(family("3  (native)"), Some((Family::Native, "3.0 (native)".into())));
        for bad in ["3.0", "1.0 (native)", "3.0 (git)", "3.0(quilt)", "x", "", "3.0 (quilt) "] {
            assert_eq!(family(bad), None, "{bad}");
        }
    }
}
