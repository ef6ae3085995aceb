//! Looking up a package in the `Sources` indices that apt holds.

use std::path::PathBuf;

use source_package::control::Stanza;

use super::{AptError, Wanted, newer};

/// One index of apt.
pub(super) struct Target {
    pub(super) file: PathBuf,
    suite: String,
    distro: String,
}

impl Target {
    /// Reads a line `FILE|CODENAME|SUITE|ORIGIN` of `apt-get indextargets`.
    pub(super) fn parse(line: &str) -> Option<Target> {
        let mut parts = line.split('|');
        let (file, codename, suite, origin) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let given = |text: &str| (!text.is_empty() && !text.starts_with("$(")).then(|| text.to_owned());
        Some(Target {
            file: file.into(),
            suite: given(codename).or_else(|| given(suite))?,
            distro: given(origin)?.to_lowercase().replace(' ', "-"),
        })
    }
}

/// A version of a package in one suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Name of the source package.
    pub package: String,
    /// Version of the source package.
    pub version: String,
    /// Codename of the suite.
    pub suite: String,
    /// The archive's origin, in lower case.
    pub distro: String,
    /// The name of the `.dsc`.
    pub dsc: String,
    /// The SHA-256 of the `.dsc`, as the signed index has it.
    pub dsc_sha256: String,
}

/// Finds the stanzas of `package`; the rest of the index is passed over without being parsed.
pub(super) fn scan(text: &[u8], package: &str, target: &Target, found: &mut Vec<Candidate>) {
    let needle = format!("Package: {package}\n");
    let mut rest = text;
    while let Some(at) = find(rest, needle.as_bytes()) {
        if at == 0 || rest[at - 1] == b'\n' {
            found.extend(candidate(&rest[at..], package, target));
        }
        rest = &rest[at + needle.len()..];
    }
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    // The name's bytes are rare enough: jump from one `P` to the next.
    let mut start = 0;
    while let Some(at) = text[start..].iter().position(|&byte| byte == needle[0]) {
        if text[start + at..].starts_with(needle) {
            return Some(start + at);
        }
        start += at + 1;
    }
    None
}

fn candidate(stanza: &[u8], package: &str, target: &Target) -> Option<Candidate> {
    let stanza = Stanza::parse(stanza).ok()?;
    let line = stanza.get("Checksums-Sha256")?.lines().find(|line| line.ends_with(".dsc"))?;
    let mut words = line.split_whitespace();
    let (sum, _, name) = (words.next()?, words.next()?, words.next()?);
    Some(Candidate {
        package: package.to_owned(),
        version: stanza.get("Version")?.to_owned(),
        suite: target.suite.clone(),
        distro: target.distro.clone(),
        dsc: name.to_owned(),
        dsc_sha256: sum.to_owned(),
    })
}

/// The wanted version, or all, the highest first. Of equal ones the first that apt lists stays.
pub(super) fn choose(wanted: &Wanted, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, AptError> {
    let available: Vec<String> =
        candidates.iter().map(|candidate| format!("{} ({})", candidate.version, candidate.suite)).collect();
    let is_wanted =
        |candidate: &Candidate| wanted.version.as_ref().is_none_or(|version| *version == candidate.version);
    let mut chosen: Vec<Candidate> = candidates.into_iter().filter(is_wanted).collect();
    chosen.sort_by(|a, b| newer(&b.version, &a.version));
    chosen.dedup_by(|later, first| later.version == first.version);
    match &wanted.version {
        _ if !chosen.is_empty() => Ok(chosen),
        Some(version) if !available.is_empty() => Err(AptError::UnknownVersion {
            package: wanted.package.clone(),
            version: version.clone(),
            available: available.join(", "),
        }),
        _ => Err(AptError::UnknownPackage(wanted.package.clone())),
    }
}
