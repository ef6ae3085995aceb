//! Keyrings as apt takes them: binary or armoured, one file or a folder of them. gpgv reads binary files alone, so others
//! are made ready for it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bounded::file::open_regular;
use tempfile::NamedTempFile;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// The longest armoured keyring. That of all of Debian's developers has 40 MB.
const MAX_ARMOURED: u64 = 256 << 20;

/// A keyring in the form that gpgv reads.
pub(super) enum Ready {
    /// The file itself.
    File(PathBuf),
    /// A copy without its armour, which goes with this.
    Copy(NamedTempFile),
}

impl Ready {
    pub(super) fn path(&self) -> &Path {
        match self {
            Ready::File(path) => path,
            Ready::Copy(file) => file.path(),
        }
    }
}

/// Errors of keyrings: a sentence for each that cannot be used.
pub fn troubles(keyrings: &[PathBuf]) -> Vec<String> {
    make_ready(keyrings).1
}

/// Prepares keyrings for gpgv. Returns the usable ones, and a sentence for each of the others.
pub(super) fn make_ready(keyrings: &[PathBuf]) -> (Vec<Ready>, Vec<String>) {
    let (mut ready, mut troubles) = (Vec::new(), Vec::new());
    for keyring in keyrings {
        let say = |error: io::Error| format!("keyring {}: {error}", keyring.display());
        let files = match files(keyring) {
            Ok(files) => files,
            Err(error) => {
                troubles.push(say(error));
                continue;
            }
        };
        if files.is_empty() {
            troubles
                .push(format!("keyring {}: the folder has no .gpg, .pgp or .asc file", keyring.display()));
        }
        for path in files {
            match one(&path) {
                Ok(one) => ready.push(one),
                Err(error) => troubles.push(format!("keyring {}: {error}", path.display())),
            }
        }
    }
    (ready, troubles)
}

/// The file, or those of a folder.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    // gpgv takes a name without a slash for a file in its home.
    let path = std::path::absolute(path)?;
    if !fs::metadata(&path)?.is_dir() {
        return Ok(vec![path]);
    }
    let is_keyring = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| ["gpg", "pgp", "asc"].contains(&ending))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(&path)? {
        files.push(entry?.path());
    }
    files.retain(is_keyring);
    files.sort();
    Ok(files)
}

fn one(path: &Path) -> io::Result<Ready> {
    // gpgv would wait for somebody to write into a named pipe.
    let mut file = open_regular(path)?;
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(64).read_to_end(&mut start)?;
    match start.first() {
        None => Err(io::Error::other("it is empty")),
        Some(_) if start.get(8..12) == Some(b"KBXf") => Ok(Ready::File(path.to_owned())),
        // A public key is packet 6, in the old and in the new form of its header.
        Some(0x98..=0x9b | 0xc6) => Ok(Ready::File(path.to_owned())),
        Some(0x94..=0x97 | 0xc5) => Err(io::Error::other("it has a secret key; export the public one")),
        Some(first) if first & 0x80 != 0 => {
            Err(io::Error::other("it begins with no public key; `gpg --export` makes a keyring"))
        }
        Some(_) => {
            let mut text = Vec::new();
            open_regular(path)?.take(MAX_ARMOURED).read_to_end(&mut text)?;
            without_armour(&String::from_utf8_lossy(&text))
        }
    }
}

/// The key blocks of a text, decoded.
fn without_armour(text: &str) -> io::Result<Ready> {
    let mut copy = NamedTempFile::new()?;
    let mut blocks = 0;
    for block in text.split(BEGIN).skip(1) {
        let Some((block, _)) = block.split_once(END) else {
            return Err(io::Error::other("a key block in it is cut off"));
        };
        // Header lines end with an empty one; the checksum begins with an equals sign.
        let lines: Vec<&str> = block.lines().map(str::trim).skip(1).collect();
        let body = lines.iter().position(|line| line.is_empty()).map_or(0, |at| at + 1);
        let data: String = lines.iter().skip(body).filter(|line| !line.starts_with('=')).copied().collect();
        let bytes = BASE64_STANDARD.decode(data);
        copy.write_all(&bytes.map_err(|error| io::Error::other(format!("a key block in it: {error}")))?)?;
        blocks += 1;
    }
    if blocks == 0 {
        return Err(io::Error::other(format!("it is no keyring: neither binary, nor with a line {BEGIN}")));
    }
    copy.flush()?;
    Ok(Ready::Copy(copy))
}
