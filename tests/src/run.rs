//! The importer under test, run as its users run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::installation::binary;

/// A command of the importer, in an environment that is the same everywhere.
pub fn command(root: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", "/nonexistent")
        .env("TZ", "UTC")
        .env("PACKAGE_IMPORT_ROOT", root);
    command
}

/// Imports unsigned packages into a suite.
pub fn import(root: &Path, distro: &str, suite: &str, what: &[PathBuf]) -> Output {
    command(root)
        .args(["import", "--allow-unsigned", "--json", "--distro", distro, "--suite", suite])
        .args(what)
        .output()
        .unwrap()
}

/// The reports of an import, one JSON object a version.
pub fn reports(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Exports a version to a folder.
pub fn export(
    root: &Path,
    distro: &str,
    package: &str,
    version: &str,
    applied: bool,
    to: &Path,
) -> Result<(), String> {
    let output = command(root)
        .args(["export", "--distro", distro, package, version])
        .arg(to)
        .args(applied.then_some("--applied"))
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The repository of a package.
pub fn repository(root: &Path, package: &str) -> PathBuf {
    let prefix = if package.starts_with("lib") { &package[..4] } else { &package[..1] };
    root.join("repos").join(prefix).join(format!("{package}.git"))
}
