//! The OpenPGP signature of a `.dsc`, checked by `gpgv`, the tool that apt and dpkg trust.
//!
//! One valid signature by an allowed key is enough. It is read from gpgv's status lines: a second signature by an
//! unknown key makes gpgv exit with 2 though the first is good. Only what gpgv wrote out is used afterwards,
//! because text around the signed block passes gpgv.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// The keyrings of Debian's developers and of other vendors, where their packages install them.
const SYSTEM_KEYRINGS: &[&str] = &[
    "/usr/share/keyrings/debian-keyring.gpg",
    "/usr/share/keyrings/debian-keyring.pgp",
    "/usr/share/keyrings/debian-tag2upload.pgp",
    "/usr/share/keyrings/debian-nonupload.gpg",
    "/usr/share/keyrings/debian-nonupload.pgp",
    "/usr/share/keyrings/debian-maintainers.gpg",
    "/usr/share/keyrings/debian-maintainers.pgp",
];

/// Why a signature was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// gpgv is not there, or cannot be started.
    #[error("cannot run gpgv: {0}; install the package gpgv")]
    Start(io::Error),
    /// No keyring was given and none is installed.
    #[error("no keyring to check the signature with; give --keyring, or install the package debian-keyring")]
    NoKeyring,
    /// There is no signature.
    #[error("not signed; only --allow-unsigned imports it")]
    Unsigned,
    /// No signature by an allowed key is good.
    #[error("no good signature by a known key: {0}")]
    NotGood(String),
}

/// The keyrings that are installed on this machine.
pub fn system_keyrings() -> Vec<PathBuf> {
    SYSTEM_KEYRINGS.iter().map(PathBuf::from).filter(|path| path.exists()).collect()
}

/// Checks the signature of a clearsigned text and returns what it covers.
pub fn verify(text: &[u8], keyrings: &[PathBuf]) -> Result<Vec<u8>, SignatureError> {
    if !text.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return Err(SignatureError::Unsigned);
    }
    if keyrings.is_empty() {
        return Err(SignatureError::NoKeyring);
    }
    let (status, signed) = run(text, keyrings).map_err(SignatureError::Start)?;
    if has_good_signature(&status) { Ok(signed) } else { Err(SignatureError::NotGood(reasons(&status))) }
}

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// Runs gpgv: the text goes in, the status lines come out of a pipe of their own, and the signed text of stdout.
fn run(text: &[u8], keyrings: &[PathBuf]) -> io::Result<(String, Vec<u8>)> {
    let (status_end, status_for_gpgv) = rustix::pipe::pipe()?;
    let mut command = Command::new("gpgv");
    command.args(["--status-fd", &status_for_gpgv.as_raw_fd().to_string(), "--output", "-"]);
    for keyring in keyrings {
        command.arg("--keyring").arg(absolute(keyring)?);
    }
    // gpgv looks for its own configuration at home; there must be none.
    command.args(["--homedir", "/nonexistent", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).env("LC_ALL", "C");
    let mut child = command.spawn()?;
    drop(status_for_gpgv);
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (status, signed) = thread::scope(|scope| {
        // A gpgv that gives up early closes its end; its status lines say why.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(text)));
        let status = scope.spawn(move || read_text(status_end));
        let mut signed = Vec::new();
        let read = stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut signed));
        let status = status.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        read.and(status).map(|status| (status, signed))
    })?;
    child.wait()?;
    Ok((status, signed))
}

fn read_text(end: OwnedFd) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::from(end).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// gpgv takes a name without a slash for a file in its home.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

/// `VALIDSIG` stands behind expired and revoked keys too; only after `GOODSIG` it means what its name says.
fn has_good_signature(status: &str) -> bool {
    let mut good = false;
    for word in keywords(status) {
        match word {
            "NEWSIG" => good = false,
            "GOODSIG" => good = true,
            "EXPSIG" | "EXPKEYSIG" | "REVKEYSIG" | "BADSIG" | "ERRSIG" => good = false,
            "VALIDSIG" if good => return true,
            _ => {}
        }
    }
    false
}

fn keywords(status: &str) -> impl Iterator<Item = &str> {
    status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")?.split(' ').next())
}

/// What the status lines say against the signatures, for a person.
fn reasons(status: &str) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for line in status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")) {
        let mut words = line.split(' ');
        let reason = match (words.next(), words.next()) {
            (Some("NO_PUBKEY"), Some(key)) => format!("key {key} is in none of the keyrings"),
            (Some("BADSIG"), Some(key)) => format!("the text was changed after key {key} had signed it"),
            (Some("EXPSIG"), Some(key)) => format!("the signature by key {key} has expired"),
            (Some("EXPKEYSIG"), Some(key)) => format!("key {key} has expired"),
            (Some("REVKEYSIG"), Some(key)) => format!("key {key} was revoked"),
            _ => continue,
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        "gpgv found no signature that it could check".to_owned()
    } else {
        reasons.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_signature_beside_an_unknown_one_is_enough() {
        let status = "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG AA 1\n[GNUPG:] NO_PUBKEY AA\n[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG BB x\n[GNUPG:] VALIDSIG CC\n";
        assert!(has_good_signature(status));
    }

    #[test]
    fn a_valid_signature_by_an_expired_or_revoked_key_is_not() {
        for word in ["EXPKEYSIG", "REVKEYSIG", "EXPSIG"] {
            let status = format!(
                "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG A x\n[GNUPG:] NEWSIG\n[GNUPG:] {word} B x\n[GNUPG:] VALIDSIG C\n"
            );
            assert!(!has_good_signature(&status), "{word}");
        }
        assert_eq!(reasons("[GNUPG:] NO_PUBKEY AA\n"), "key AA is in none of the keyrings");
    }
}
