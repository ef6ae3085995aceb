//! From files and folders on a command line to items to import.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use bounded::file::open_regular;
use source_package::checksum::sha256_hex;
use source_package::dsc::{self, DscError};
use source_package::limits::DscLimits;
use source_package::printable::Printable;
use source_package::version::PackageName;

use crate::failure::{Code, Failure, Stage};
use crate::protocol::Trust;

/// A `.dsc` to import, with the facts that are known before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Path of the `.dsc`.
    pub dsc: PathBuf,
    /// Distro to import it into.
    pub distro: String,
    /// Suite to publish it in.
    pub suite: Option<String>,
    /// Reason why it may be trusted.
    pub trust: Trust,
}

/// The `.dsc` files that `paths` name; of a folder all in it, sorted by name.
///
/// # Errors
/// [`Failure`] `fetch/unreadable-file` when a folder cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
        let mut inside: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| is_dsc(path)).collect();
        if inside.is_empty() {
            return Err(Failure::new(
                Stage::Fetch,
                Code::NoDsc,
                format!("{} has no .dsc files", path.display()),
            ));
        }
        inside.sort();
        found.append(&mut inside);
    }
    Ok(found)
}

fn is_dsc(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "dsc")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let code =
        if error.kind() == std::io::ErrorKind::NotFound { Code::MissingFile } else { Code::UnreadableFile };
    Failure::new(Stage::Fetch, code, format!("cannot read {}: {error}", path.display()))
}

/// Reads a whole `.dsc`.
///
/// # Errors
/// [`Failure`] when it cannot be read, or is longer than `limits.dsc_bytes`.
pub fn read_dsc(path: &Path, limits: &DscLimits) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let file = open_regular(path).map_err(|error| unreadable(path, &error))?;
    let most = limits.bytes.saturating_add(1);
    file.take(most).read_to_end(&mut text).map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > limits.bytes {
        return Err(claimed(path, DscError::too_many_bytes(limits.bytes)));
    }
    Ok(text)
}

/// Largest number of characters that are shown of a text that is no version.
const LONGEST_VERSION: usize = 200;

/// A `.dsc` that was read once: its bytes, and its claims. None of them is checked.
pub struct ClaimedDsc {
    /// Name of the package.
    pub package: String,
    /// The version, as it is written.
    pub version: Option<String>,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

impl ClaimedDsc {
    /// Reads the claims of a `.dsc` file. Nothing is verified.
    ///
    /// # Errors
    /// [`Failure`] when it is no stanza, or its `Source` is no package name.
    pub fn read(path: &Path, limits: &DscLimits) -> Result<ClaimedDsc, Failure> {
        let bytes = read_dsc(path, limits)?;
        let stanza = dsc::stanza_within(&bytes, limits).map_err(|error| claimed(path, error))?;
        let source = stanza.get("Source").ok_or_else(|| claimed(path, DscError::Missing("Source")))?;
        let package = PackageName::new(source).map_err(|error| claimed(path, error.into()))?.to_string();
        // A text that is no version is shown as it was written; the import refuses it later.
        let version = stanza.get("Version").map(|version| {
            let shown: String = version.chars().take(LONGEST_VERSION).collect();
            Printable(&shown).to_string()
        });
        Ok(ClaimedDsc { package, version, sha256: sha256_hex(&bytes), bytes })
    }
}

fn claimed(path: &Path, error: DscError) -> Failure {
    let failure = Failure::from(error);
    Failure { message: format!("{}: {}", path.display(), failure.message), ..failure }
}
