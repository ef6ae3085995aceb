//! The programs that the tests need.

use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};

use crate::oracle::is_root;

static FOUND: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Makes sure that a program is there: installs its Debian package as root, else fails and says what is missing.
pub fn need(program: &str, package: &str) {
    let mut found = FOUND.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if found.contains(program) {
        return;
    }
    if !is_there(program) && is_root() {
        let install = ["install", "-y", "--no-install-recommends", package];
        let _ = Command::new("apt-get").args(install).env("DEBIAN_FRONTEND", "noninteractive").output();
    }
    assert!(is_there(program), "these tests need {program}: install the package {package}");
    found.insert(program.to_owned());
}

fn is_there(program: &str) -> bool {
    let look = Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", program])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    look.is_ok_and(|status| status.success())
}
