//! The checks that ship.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::programs::{built, need};

/// Names of the checks without `check_import_`.
pub const CHECKS: [&str; 8] =
    ["failures", "queue", "freshness", "archive", "runs", "workers", "wedged", "state"];

/// The program of a check.
pub fn program(check: &str) -> String {
    format!("check_import_{check}")
}

/// Folder of the checks: that of `$PACKAGE_IMPORT_PLUGINS`, else built here with PostgreSQL.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| match std::env::var_os("PACKAGE_IMPORT_PLUGINS") {
        Some(path) => path.into(),
        None => built("check_import_failures").parent().unwrap().to_owned(),
    })
}

/// Path of a check's program.
pub fn path(check: &str) -> PathBuf {
    folder().join(program(check))
}

/// Puts the checks into a folder, without what only a debugger wants: that of a build may be closed to other users.
pub fn install(to: &Path) {
    for check in CHECKS {
        copy(&path(check), to);
    }
}

/// Puts a program into a folder.
pub fn copy(program: &Path, to: &Path) {
    need("strip", "binutils");
    // By a process of its own: a file that is open for writing here would be so in every process that another test
    // starts meanwhile.
    let target = to.join(program.file_name().unwrap());
    let output = Command::new("strip").arg("-o").arg(target).arg(program).output().unwrap();
    assert!(output.status.success(), "strip: {}", String::from_utf8_lossy(&output.stderr));
}
