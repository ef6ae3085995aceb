//! Runs the importer's own binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::installation::binary;
use crate::listing::{Listing, read_folder};

/// One installation: a root folder of its own, and the distribution it imports for.
pub struct Engine {
    root: PathBuf,
    distro: String,
}

/// One package of it.
pub struct Package<'a> {
    engine: &'a Engine,
    name: &'a str,
    version: &'a str,
}

/// End of an import.
pub struct Outcome {
    /// The exit code, if it was not killed.
    pub code: Option<i32>,
    /// Output of the import.
    pub said: String,
}

impl Engine {
    /// An installation below `root`.
    pub fn new(root: &Path, distro: &str) -> Self {
        Engine { root: root.to_owned(), distro: distro.to_owned() }
    }

    /// Imports source packages.
    pub fn import(&self, files: &[PathBuf]) -> Outcome {
        let mut command = self.command("import");
        command.args(["--allow-unsigned", "--suite", "sid", "--distro", &self.distro]).args(files);
        let output = command.output().unwrap();
        Outcome { code: output.status.code(), said: words(&output) }
    }

    /// One version of one package.
    pub fn package<'a>(&'a self, name: &'a str, version: &'a str) -> Package<'a> {
        Package { engine: self, name, version }
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(binary());
        command.arg(subcommand).arg("--root").arg(&self.root).stdin(Stdio::null());
        command.env_remove("PACKAGE_IMPORT_ROOT");
        command
    }
}

impl Package<'_> {
    /// Path of the repository.
    pub fn repo(&self) -> PathBuf {
        let prefix = pool_prefix(self.name);
        self.engine.root.join("repos").join(prefix).join(format!("{}.git", self.name))
    }

    /// The tag of the tree without patches, or with them.
    pub fn tag(&self, applied: bool) -> String {
        let applied = if applied { "applied/" } else { "" };
        format!("refs/tags/{applied}{}/{}", self.engine.distro, mangled(self.version))
    }

    /// Listing of what `export` writes.
    pub fn export(&self, applied: bool) -> Result<Listing, String> {
        let folder = self.engine.root.join(format!("export-{applied}"));
        let mut command = self.engine.command("export");
        command
            .args(["--distro", &self.engine.distro, self.name, self.version])
            .args(applied.then_some("--applied"))
            .arg(&folder);
        let output = command.output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("export: {}", words(&output)));
        }
        let listing = read_folder(&folder).map_err(|error| format!("reading the export: {error}"));
        let _ = fs::remove_dir_all(&folder);
        listing
    }
}

/// The folder of the archive's pool that a package's name belongs to.
pub fn pool_prefix(name: &str) -> &str {
    let length = if name.starts_with("lib") { 4 } else { 1 };
    &name[..length.min(name.len())]
}

/// A version as DEP-14 writes it in a tag.
pub fn mangled(version: &str) -> String {
    let mut tag = String::new();
    for (index, sign) in version.char_indices() {
        let rest = &version[index + sign.len_utf8()..];
        match sign {
            ':' => tag.push('%'),
            '~' => tag.push('_'),
            '.' if rest.is_empty() || rest == "lock" || rest.starts_with('.') => tag.push_str(".#"),
            other => tag.push(other),
        }
    }
    tag
}

fn words(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).trim().replace('\n', " | ")
}
