//! From files and folders on a command line to items to import.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use bounded::file::open_regular;
use source_package::control::Stanza;
use source_package::version::PackageName;

use crate::failure::{Failure, Stage};
use crate::protocol::Trust;

/// A `.dsc` larger than this is none.
pub const LARGEST_DSC: u64 = 8 << 20;

/// A `.dsc` to import, with what is known about it before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The file.
    pub dsc: PathBuf,
    /// The distro.
    pub distro: String,
    /// The suite.
    pub suite: Option<String>,
    /// Why it may be trusted.
    pub trust: Trust,
}

/// The `.dsc` files that `paths` name; of a folder all in it, sorted by name.
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
                "no-dsc",
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
    let code = if error.kind() == std::io::ErrorKind::NotFound { "missing-file" } else { "unreadable-file" };
    Failure::new(Stage::Fetch, code, format!("cannot read {}: {error}", path.display()))
}

/// Reads a whole `.dsc`.
pub fn read_dsc(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let file = open_regular(path).map_err(|error| unreadable(path, &error))?;
    file.take(LARGEST_DSC + 1).read_to_end(&mut text).map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > LARGEST_DSC {
        let message = format!("{} is larger than {LARGEST_DSC} bytes: not a .dsc", path.display());
        return Err(Failure::new(Stage::Verify, "bad-dsc", message));
    }
    Ok(text)
}

/// The package that a `.dsc` claims to be of.
pub fn claimed_package(path: &Path) -> Result<String, Failure> {
    let bad = |cause: String| Failure::new(Stage::Verify, "bad-dsc", format!("{}: {cause}", path.display()));
    let stanza =
        Stanza::parse(&read_dsc(path)?).map_err(|error| bad(format!("the .dsc is malformed: {error}")))?;
    let source = stanza.get("Source").ok_or_else(|| bad("the .dsc has no field Source".into()))?;
    let name = PackageName::new(source).map_err(|error| bad(error.to_string()))?;
    Ok(name.to_string())
}
