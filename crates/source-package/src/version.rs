//! The names and versions of source packages, as dpkg reads and orders them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version, valid as `Dpkg::Version`'s `version_check` has it: `[epoch:]upstream[-revision]`.
///
/// It keeps the text as written. Two versions are *equal* (`Eq`, `Hash`) if their texts are, because `1.0` and
/// `1.00` are two files and two tags. The *order* (`Ord`) is dpkg's, and among what dpkg calls equal (`1.0`,
/// `1.00`, `0:1.0`, `1.0-0`) that of the texts' bytes: a total order that agrees with `Eq`.
/// [`Version::compare`] is dpkg's order alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version {
    text: Box<str>,
    /// Start of the upstream version: behind the epoch's colon, or 0.
    upstream: usize,
    /// Position of the revision's dash, if there is one.
    dash: Option<usize>,
}

/// Reason why a text is no version (Debian policy 5.6.12, deb-version(7)).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text is empty.
    #[error("a version cannot be empty")]
    Empty,
    /// A colon with nothing before it.
    #[error("the version {0:?} has an empty epoch")]
    EmptyEpoch(String),
    /// Nothing between the epoch and the revision.
    #[error("the version {0:?} has an empty upstream version")]
    EmptyUpstream(String),
    /// A dash with nothing after it.
    #[error("the version {0:?} has an empty revision")]
    EmptyRevision(String),
    /// The upstream version begins with something else than a digit.
    #[error("the upstream version of {0:?} does not start with a digit")]
    NoDigit(String),
    /// A character outside `A-Za-z0-9-+.:~`.
    #[error("the version {text:?} contains the character {character:?}")]
    Character {
        /// The whole version.
        text: String,
        /// The first character that cannot be there.
        character: char,
    },
    /// An epoch that is not made of digits.
    #[error("the epoch of the version {0:?} is not a number")]
    Epoch(String),
}

impl Version {
    /// Reads a version; white space around it is an error.
    ///
    /// # Errors
    /// [`VersionError`] for a text that dpkg refuses (deb-version(7)).
    pub fn new(text: &str) -> Result<Self, VersionError> {
        // A colon at the very end separates nothing for dpkg: it belongs to the upstream version.
        let colon = text.find(':').filter(|colon| colon + 1 < text.len());
        let upstream = colon.map_or(0, |colon| colon + 1);
        let dash = text[upstream..].rfind('-').map(|dash| upstream + dash);
        let version = Version { text: text.into(), upstream, dash };
        version.check()?;
        Ok(version)
    }

    fn check(&self) -> Result<(), VersionError> {
        let text = || self.text.to_string();
        let fits = |c: &char| c.is_ascii_alphanumeric() || "-+.:~".contains(*c);
        if self.text.is_empty() {
            return Err(VersionError::Empty);
        }
        if self.text.starts_with(':') && self.upstream > 0 {
            return Err(VersionError::EmptyEpoch(text()));
        }
        if self.upstream().is_empty() {
            return Err(VersionError::EmptyUpstream(text()));
        }
        if self.revision() == Some("") {
            return Err(VersionError::EmptyRevision(text()));
        }
        if !self.upstream().starts_with(|c: char| c.is_ascii_digit()) {
            return Err(VersionError::NoDigit(text()));
        }
        if let Some(character) = self.text.chars().find(|c| !fits(c)) {
            return Err(VersionError::Character { text: text(), character });
        }
        if !self.epoch().bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(VersionError::Epoch(text()));
        }
        Ok(())
    }

    /// The version as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The epoch's digits as written, `0` if there is none.
    pub fn epoch(&self) -> &str {
        match self.upstream {
            0 => "0",
            upstream => &self.text[..upstream - 1],
        }
    }

    /// Upstream version, without epoch and revision, as in the name of an orig tarball.
    pub fn upstream(&self) -> &str {
        &self.text[self.upstream..self.dash.unwrap_or(self.text.len())]
    }

    /// The Debian revision, if one is written.
    pub fn revision(&self) -> Option<&str> {
        self.dash.map(|dash| &self.text[dash + 1..])
    }

    /// Version without its epoch, as in the names of the `.dsc` and the debian tarball.
    pub fn without_epoch(&self) -> &str {
        &self.text[self.upstream..]
    }

    /// True when it has no revision, as the version of a native package.
    pub fn is_native(&self) -> bool {
        self.dash.is_none()
    }

    /// dpkg's order: `1.0`, `1.00`, `0:1.0` and `1.0-0` are equal. Numbers may have any length.
    pub fn compare(&self, other: &Version) -> Ordering {
        compare_number(self.epoch(), other.epoch())
            .then_with(|| compare_part(self.upstream(), other.upstream()))
            .then_with(|| compare_part(self.revision().unwrap_or("0"), other.revision().unwrap_or("0")))
    }
}

/// Compares two upstream versions or two revisions: by turns the part before a number, and the number.
fn compare_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !(a.is_empty() && b.is_empty()) {
        let (a_text, a_rest) = split_where(a, |c| c.is_ascii_digit());
        let (b_text, b_rest) = split_where(b, |c| c.is_ascii_digit());
        let (a_number, a_next) = split_where(a_rest, |c| !c.is_ascii_digit());
        let (b_number, b_next) = split_where(b_rest, |c| !c.is_ascii_digit());
        let order = compare_text(a_text, b_text).then_with(|| compare_number(a_number, b_number));
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_next, b_next);
    }
    Ordering::Equal
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// Compares the parts between numbers: `~` before the end, the end before letters, letters before the rest.
fn compare_text(a: &str, b: &str) -> Ordering {
    fn weight(byte: Option<u8>) -> i32 {
        match byte {
            Some(b'~') => -1,
            None => 0,
            Some(byte) if byte.is_ascii_alphabetic() => i32::from(byte),
            Some(byte) => i32::from(byte) + 256,
        }
    }
    let (mut a, mut b) = (a.bytes(), b.bytes());
    loop {
        let (a, b) = (a.next(), b.next());
        match weight(a).cmp(&weight(b)) {
            Ordering::Equal if a.is_none() => return Ordering::Equal,
            Ordering::Equal => {}
            order => return order,
        }
    }
}

/// Compares digits as numbers, without converting them: the longer one is greater, once leading zeros are gone.
fn compare_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Version::new(text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.text)
    }
}

/// The name of a source package: a letter or digit, then letters, digits, `-`, `+` and `.`.
///
/// Policy wants lower case and two characters at least, dpkg takes one character, and `dpkg-source -x` and the
/// archives' software take capitals: so does this. It is safe as a file's name, as a part of a path and of a ref
/// (no `/`, no leading `.` or `-`), and no longer than [`PackageName::MAX_LEN`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageName(Box<str>);

/// Reason why a text is no package name (Debian policy 5.6.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageNameError {
    /// The text is empty.
    #[error("a package name cannot be empty")]
    Empty,
    /// It does not begin with a letter or a digit.
    #[error("the package name {0:?} does not start with a letter or a digit")]
    Start(String),
    /// A character that cannot be there.
    #[error("the package name {name:?} contains the character {character:?}")]
    Character {
        /// The whole name.
        name: String,
        /// The first character that cannot be there.
        character: char,
    },
    /// Too long for the name of a folder.
    #[error("a package name has {0} characters, at most {max} are possible", max = PackageName::MAX_LEN)]
    Long(usize),
}

impl PackageName {
    /// The longest name. File systems take 255 bytes, and a repository's and a lock's suffix must fit.
    pub const MAX_LEN: usize = 200;

    /// Reads a name; white space around it is an error.
    ///
    /// # Errors
    /// [`PackageNameError`] for a text that is no name by Debian policy 5.6.1, or is too long.
    pub fn new(name: &str) -> Result<Self, PackageNameError> {
        let first = name.chars().next().ok_or(PackageNameError::Empty)?;
        if name.len() > Self::MAX_LEN {
            return Err(PackageNameError::Long(name.len()));
        }
        if let Some(character) = name.chars().find(|&c| !(c.is_ascii_alphanumeric() || "-+.".contains(c))) {
            return Err(PackageNameError::Character { name: name.into(), character });
        }
        if !first.is_ascii_alphanumeric() {
            return Err(PackageNameError::Start(name.into()));
        }
        Ok(PackageName(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder of an archive's pool that it lies in: `h` for `hello`, `libx` for `libxml2`.
    pub fn pool_prefix(&self) -> &str {
        let length = if self.0.starts_with("lib") { 4 } else { 1 };
        self.0.get(..length).unwrap_or(&self.0)
    }
}

impl FromStr for PackageName {
    type Err = PackageNameError;

    fn from_str(name: &str) -> Result<Self, PackageNameError> {
        PackageName::new(name)
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackageName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn takes_a_version_apart() {
        let parts = |text: &str| {
            let v = Version::new(text).unwrap();
            let revision = v.revision().map(str::to_owned);
            (
                v.epoch().to_owned(),
                v.upstream().to_owned(),
                revision,
                v.without_epoch().to_owned(),
                v.is_native(),
            )
        };
        let s = str::to_owned;
        assert_eq!(parts("2:1.0-rc1-3"), (s("2"), s("1.0-rc1"), Some(s("3")), s("1.0-rc1-3"), false));
        assert_eq!(parts("20040101"), (s("0"), s("20040101"), None, s("20040101"), true));
        assert_eq!(parts("1:2:3"), (s("1"), s("2:3"), None, s("2:3"), true));
        assert_eq!(parts("1:"), (s("0"), s("1:"), None, s("1:"), true));
        assert_eq!(parts("0:1-0"), (s("0"), s("1"), Some(s("0")), s("1-0"), false));
    }

    #[test]
    fn orders_equal_versions_by_text() {
        let (a, b) = (Version::new("1.0").unwrap(), Version::new("1.00").unwrap());
        assert_eq!(a.compare(&b), Ordering::Equal);
        assert_eq!(a.cmp(&b), Ordering::Less);
        assert_ne!(a, b);
    }

    #[test]
    fn orders_what_other_implementations_get_wrong() {
        let less = |a: &str, b: &str| Version::new(a).unwrap() < Version::new(b).unwrap();
        assert!(less("0.9+ds0-3", "0.9+ds-4"));
        assert!(less("1.0~~", "1.0~") && less("1.0~", "1.0") && less("1.0", "1.0a") && less("1.0a", "1.0+"));
        assert!(less("1.99999999999999999999999998", "1.99999999999999999999999999"));
        assert!(less("1-1~", "1-1") && less("9:1", "10:0"));
    }

    #[test]
    fn names_and_their_pool() {
        let prefix = |name: &str| PackageName::new(name).unwrap().pool_prefix().to_owned();
        assert_eq!(prefix("hello"), "h");
        assert_eq!(prefix("libxml2"), "libx");
        assert_eq!(prefix("lib"), "lib");
        assert_eq!(prefix("7zip"), "7");
        assert_eq!(prefix("r"), "r");
        for bad in ["", "-a", ".git", "..", "a/b", "a_b", "a b", "ä", "a\n"] {
            assert!(PackageName::new(bad).is_err(), "{bad:?}");
        }
        assert!(PackageName::new(&"a".repeat(201)).is_err());
    }
}
