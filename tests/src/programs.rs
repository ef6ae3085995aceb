//! The programs that the tests need.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, OnceLock};

use serde_json::Value;

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

/// Path of a program of this workspace: the importer has its crash points, the checks have PostgreSQL.
pub fn built(name: &str) -> &'static Path {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build).get(name).unwrap_or_else(|| panic!("this workspace has no program {name}"))
}

/// Builds all programs, as `cargo test --workspace` with the features of the Makefile does: what cargo has built for that
/// is what it finds here. Another choice of packages has other features of what they share, and would build it again.
fn build() -> BTreeMap<String, PathBuf> {
    // The variables that cargo sets for this test are no settings of that build. Build scripts that read such
    // variables (ring's does) would run again, and with them everything above, each time that the variables change.
    let of_this_test = |name: &String| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let mut command = Command::new(env!("CARGO"));
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(of_this_test) {
        command.env_remove(name);
    }
    let output = command
        .args([
            "build",
            "--workspace",
            "--bins",
            "--examples",
            "--features",
            "cli/failpoints,plugin/postgres",
        ])
        .arg("--message-format=json")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let path = PathBuf::from(message["executable"].as_str()?);
        Some((message["target"]["name"].as_str()?.to_owned(), path))
    };
    messages.lines().filter_map(program).collect()
}

fn is_there(program: &str) -> bool {
    let look = Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", program])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    look.is_ok_and(|status| status.success())
}
