//! An installation in a scratch folder, and the real binary and Git to work on it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::programs::built;

/// The binary: what `$PACKAGE_IMPORT_BIN` names, else built here with its crash points.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("PACKAGE_IMPORT_BIN") {
        Some(path) => path.into(),
        None => built("package-import").to_owned(),
    })
}

/// Copies the binary to where it is started from. Another process writes the copy: a child that is started meanwhile by
/// another test would hold the file open for writing, and a program that is being written cannot be started.
pub fn copy_binary(to: &Path) {
    let status = Command::new("cp").arg(binary()).arg(to).status().unwrap();
    assert!(status.success());
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The root of an installation, and a folder for the files of packages.
pub struct Installation {
    folder: TempDir,
}

impl Default for Installation {
    fn default() -> Self {
        Installation::new()
    }
}

impl Installation {
    /// An empty installation.
    pub fn new() -> Installation {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        Installation { folder }
    }

    /// Path of the root.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Folder for packages.
    pub fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Writes the configuration.
    pub fn configure(&self, text: &str) {
        fs::write(self.root().join("config.toml"), text).unwrap();
    }

    /// `package-import import` for this root, with reports as JSON.
    pub fn command(&self, distro: &str, suite: &str, files: &[&Path]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(["import", "--allow-unsigned", "--json", "--distro", distro, "--suite", suite])
            .arg("--root")
            .arg(self.root())
            .args(files);
        command
    }

    /// Imports and returns the exit code and the reports.
    pub fn import(&self, distro: &str, suite: &str, files: &[&Path]) -> (i32, Vec<Value>) {
        reports(self.command(distro, suite, files).output().unwrap())
    }

    /// Imports what has to succeed.
    pub fn import_well(&self, distro: &str, suite: &str, files: &[&Path]) -> Vec<Value> {
        let (code, reports) = self.import(distro, suite, files);
        assert_eq!(code, 0, "{reports:#?}");
        reports
    }

    /// Path of a package's repository.
    pub fn repository(&self, package: &str) -> PathBuf {
        let prefix = if package.starts_with("lib") { &package[..4] } else { &package[..1] };
        self.root().join("repos").join(prefix).join(format!("{package}.git"))
    }

    /// Output of Git for a package's repository.
    pub fn git(&self, package: &str, arguments: &[&str]) -> String {
        let output = git(&self.repository(package), arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The history of refs as a graph: titles of commits, and the refs that name them.
    pub fn graph(&self, package: &str, refs: &[&str]) -> String {
        let log = ["log", "--graph", "--topo-order", "--format=%s%d"];
        let text = self.git(package, &[&log[..], refs].concat());
        text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// All refs and `HEAD`.
    pub fn refs(&self, package: &str) -> String {
        let head = fs::read_to_string(self.repository(package).join("HEAD")).unwrap();
        self.git(package, &["for-each-ref"]) + &head
    }

    /// Waits for repacks that have outlived their run.
    pub fn wait_for_repacks(&self) {
        wait_for_locks(&self.root().join("repos"));
    }

    /// Asserts that `git fsck` finds nothing, and that no file of an unfinished import is left. A repack may have
    /// outlived its run: it is waited for, and only its mark may stay for the next run.
    pub fn assert_clean(&self, package: &str) {
        self.wait_for_repacks();
        let output = git(&self.repository(package), &["fsck", "--strict", "--full", "--no-dangling"]);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
        let mut left = Vec::new();
        leftovers(&self.root().join("repos"), &mut left);
        assert!(left.is_empty(), "{left:?}");
    }
}

fn git(repository: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}

/// Locks and temporary files. The lock that importers hold among themselves stays, and a pack has its index.
/// Waits until nobody has the lock of any repository.
/// What is damaged is passed over.
fn wait_for_locks(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_file() && path.ends_with("package-import.flock") {
            let _ = fs::File::open(path).and_then(|lock| lock.lock());
        } else if kind.is_dir() && !path.ends_with("objects") {
            wait_for_locks(&path);
        }
    }
}

fn leftovers(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        let temporary = name.starts_with("tmp_")
            || name.starts_with(".tmp-")
            || name.starts_with(".new-")
            || name.starts_with(".package-import")
            || name.ends_with(".lock")
            || (name.starts_with("package-import.")
                && !["package-import.flock", "package-import.repack"].contains(&&*name))
            || (name.ends_with(".pack") && !path.with_extension("idx").exists());
        if temporary {
            found.push(path);
        } else if path.is_dir() {
            leftovers(&path, found);
        }
    }
}

/// The exit code, and what was printed as JSON.
pub fn reports(output: Output) -> (i32, Vec<Value>) {
    let text = String::from_utf8(output.stdout).unwrap();
    let reports = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap_or(-1), reports)
}
