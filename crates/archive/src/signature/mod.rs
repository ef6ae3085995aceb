//! OpenPGP signatures of `.dsc` files and of indices, checked by `gpgv`, the tool that apt and dpkg trust.
//!
//! One valid signature by an allowed key is enough. It is read from gpgv's status lines: a second signature by an
//! unknown key makes gpgv exit with 2 though the first is good. Only what gpgv wrote out is used afterwards,
//! because text around the signed block passes gpgv.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bounded::Deadline;
use bounded::program::{self, Group};

mod keyring;
mod status;

pub use keyring::troubles;
pub use status::Digests;

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

/// Reason why a signature was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// gpgv is missing, or cannot be started.
    #[error("cannot run gpgv: {0}; install the package gpgv")]
    Start(io::Error),
    /// No keyring was given and none is installed.
    #[error("no keyring to check the signature with; give --keyring, or install the package debian-keyring")]
    NoKeyring,
    /// None of the keyrings can be used.
    #[error("no keyring can be used: {0}")]
    Keyring(String),
    /// There is no signature.
    #[error("not signed; only --allow-unsigned imports it")]
    Unsigned,
    /// No signature by an allowed key is good.
    #[error("no good signature by a known key: {0}")]
    NotGood(String),
    /// There are signatures, none of which is by an allowed key.
    #[error("no good signature by a known key: {0}")]
    UnknownKey(String),
}

impl SignatureError {
    /// True when the error is one of this machine, and not of the signed text.
    pub fn is_of_machine(&self) -> bool {
        matches!(self, SignatureError::Start(_) | SignatureError::NoKeyring | SignatureError::Keyring(_))
    }
}

/// The keyrings that are installed on this machine.
pub fn system_keyrings() -> Vec<PathBuf> {
    SYSTEM_KEYRINGS.iter().map(PathBuf::from).filter(|path| path.exists()).collect()
}

/// Checks the signature of a clearsigned text and returns the text that it covers.
///
/// # Errors
/// [`SignatureError`] when there is no signature, none by a key of the keyrings that is valid now, or gpgv cannot be
/// run.
pub fn verify(text: &[u8], keyrings: &[PathBuf]) -> Result<Vec<u8>, SignatureError> {
    if !is_clearsigned(text) {
        return Err(SignatureError::Unsigned);
    }
    let (status, signed) = run(text, keyrings, None)?;
    judge(&status).map(|()| signed)
}

/// Checks the signature of an old text: a key that has expired since it signed still counts.
///
/// # Errors
/// [`SignatureError`] when there is no signature, none by a key that was valid when it signed, or gpgv cannot be run.
pub fn verify_old(text: &[u8], keyrings: &[PathBuf], digests: Digests) -> Result<Vec<u8>, SignatureError> {
    if !is_clearsigned(text) {
        return Err(SignatureError::Unsigned);
    }
    let (status, signed) = run(text, keyrings, None)?;
    if status::was_good_signature(&status, digests) { Ok(signed) } else { judge(&status).map(|()| signed) }
}

/// True when gpgv finds that a text was changed after it was signed. False where gpgv cannot tell.
pub fn is_changed(text: &[u8], keyrings: &[PathBuf]) -> Result<bool, SignatureError> {
    if keyrings.is_empty() || !is_clearsigned(text) {
        return Ok(false);
    }
    run(text, keyrings, None).map(|(status, _)| status::is_changed(&status))
}

/// True when a text has its signature inside (clearsigned).
fn is_clearsigned(text: &[u8]) -> bool {
    text.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// Checks a signature that stands in a file of its own (`Release.gpg`).
///
/// # Errors
/// [`SignatureError`] when there is no signature by a key of the keyrings that is valid now, or gpgv cannot be run.
pub fn verify_detached(text: &[u8], signature: &[u8], keyrings: &[PathBuf]) -> Result<(), SignatureError> {
    // gpgv reads one of both from its standard input; the other has to have a name.
    let mut file = tempfile::NamedTempFile::new().map_err(SignatureError::Start)?;
    file.write_all(signature).map_err(SignatureError::Start)?;
    let (status, _) = run(text, keyrings, Some(file.path()))?;
    judge(&status)
}

fn judge(status: &str) -> Result<(), SignatureError> {
    if status::has_good_signature(status, Digests::Strong) {
        Ok(())
    } else if status::only_unknown_keys(status) {
        Err(SignatureError::UnknownKey(status::reasons(status)))
    } else {
        Err(SignatureError::NotGood(status::reasons(status)))
    }
}

/// The longest that gpgv may take. It reads megabytes in less than a second.
const LONGEST: Duration = Duration::from_secs(120);

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

fn run(
    text: &[u8],
    keyrings: &[PathBuf],
    detached: Option<&Path>,
) -> Result<(String, Vec<u8>), SignatureError> {
    if keyrings.is_empty() {
        return Err(SignatureError::NoKeyring);
    }
    let (ready, troubles) = keyring::make_ready(keyrings);
    if ready.is_empty() {
        return Err(SignatureError::Keyring(troubles.join("; ")));
    }
    let (mut status, signed) = gpgv(text, &ready, detached).map_err(SignatureError::Start)?;
    // An unknown key may be in one of the keyrings that could not be read.
    for trouble in troubles {
        status.push_str(&format!("{}{trouble}\n", status::UNUSABLE));
    }
    Ok((status, signed))
}

/// Runs gpgv: the text goes in, the signed text comes out of stdout and the status lines out of stderr.
///
/// Both are pipes of the standard library's, which no other child inherits: a pipe for the status alone would stay
/// open in every process that another thread starts meanwhile, and we would wait for its end. The messages of gpgv for
/// people are dropped, because names from the signed text in them could look like status lines.
fn gpgv(text: &[u8], keyrings: &[keyring::Ready], detached: Option<&Path>) -> io::Result<(String, Vec<u8>)> {
    let mut command = Command::new("gpgv");
    command.env_clear().env("LC_ALL", "C").envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.args(["--status-fd", "2", "--log-file", "/dev/null"]);
    for keyring in keyrings {
        command.arg("--keyring").arg(keyring.path());
    }
    // gpgv looks for its own configuration in the home folder; there must be none.
    command.args(["--homedir", "/nonexistent"]);
    match detached {
        Some(signature) => command.arg(signature).arg("-"),
        None => command.args(["--output", "-", "-"]),
    };
    let deadline = Deadline::after(LONGEST);
    // The signed text is no longer than the file around it. Status lines are few.
    let most = text.len().max(1 << 20);
    let output = program::output(&mut command, Group::Ours, Some(text.to_vec()), most, deadline, |_| {})?;
    Ok((String::from_utf8_lossy(&output.stderr).into_owned(), output.stdout))
}
