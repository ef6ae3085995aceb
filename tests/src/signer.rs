//! Signatures by the real gpg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::need;

/// A home of gpg's with one key, and the keyring that gpgv reads.
pub struct Signer {
    home: PathBuf,
    /// Keyring for gpgv.
    pub keyring: PathBuf,
}

impl Signer {
    /// Creates a key.
    pub fn new(folder: &Path, name: &str) -> Signer {
        Signer::with(folder, name, "ed25519")
    }

    /// Makes a key of an algorithm: one of RSA signs with digests that others have no use for.
    pub fn with(folder: &Path, name: &str, algorithm: &str) -> Signer {
        need("gpg", "gnupg");
        need("gpgv", "gpgv");
        let home = folder.join(name);
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let signer = Signer { keyring: folder.join(format!("{name}.gpg")), home };
        let user = format!("{name} <{name}@example.org>");
        signer.gpg(&["--passphrase", "", "--quick-gen-key", &user, algorithm, "sign", "never"]);
        signer.gpg(&["--output", signer.keyring.to_str().unwrap(), "--export"]);
        signer
    }

    /// Runs gpg with this home.
    pub fn gpg(&self, arguments: &[&str]) {
        let output = Command::new("gpg")
            .args([
                "--homedir",
                self.home.to_str().unwrap(),
                "--batch",
                "--yes",
                "--pinentry-mode",
                "loopback",
            ])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "gpg: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Signs a `.dsc` in place.
    pub fn sign(&self, dsc: &Path) {
        self.sign_by(dsc, "SHA512");
    }

    /// Signs a text in place, by a digest, whatever that is worth today.
    pub fn sign_by(&self, file: &Path, digest: &str) {
        let signed = file.with_extension("signed");
        let digest = ["--allow-weak-digest-algos", "--digest-algo", digest];
        let what = ["--output", signed.to_str().unwrap(), "--clearsign", file.to_str().unwrap()];
        self.gpg(&[&digest[..], &what].concat());
        fs::rename(signed, file).unwrap();
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        // The agent that gpg started would stay.
        let _ = Command::new("gpgconf").arg("--homedir").arg(&self.home).args(["--kill", "all"]).output();
    }
}
