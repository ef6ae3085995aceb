//! Archives to poll: laid out by apt-ftparchive, signed by gpg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::build::Compression;
use crate::build::dsc::hex;
use crate::programs::need;
use crate::signer::Signer;
use crate::synthetic::Package;

/// A folder with `pool/` and `dists/`, and the key that signs it.
pub struct TestArchive {
    folder: TempDir,
    /// Signer of the archive.
    pub signer: Signer,
}

/// A suite to publish.
pub struct Suite {
    /// Folder below `dists/`.
    pub name: String,
    /// Value of `Codename`.
    pub codename: String,
    /// Value of `Suite`.
    pub suite: String,
    /// Value of `Origin`.
    pub origin: Option<String>,
    /// The components, each with a folder below `pool/`.
    pub components: Vec<String>,
    /// `Date`; the present if none is given.
    pub date: Option<String>,
    /// Value of `Valid-Until`.
    pub valid_until: Option<String>,
    /// The forms of the lists that are offered, by their endings.
    pub endings: Vec<String>,
    /// True when lists are offered under their hashes.
    pub by_hash: bool,
    /// True when there is an `InRelease`; else `Release` and `Release.gpg`.
    pub inline: bool,
}

/// A suite with one component, `main`.
pub fn suite(name: &str) -> Suite {
    Suite {
        name: name.into(),
        codename: name.into(),
        suite: "unstable".into(),
        origin: None,
        components: vec!["main".into()],
        date: None,
        valid_until: None,
        endings: vec![".xz".into(), ".gz".into()],
        by_hash: false,
        inline: true,
    }
}

impl Default for TestArchive {
    fn default() -> Self {
        TestArchive::new()
    }
}

impl TestArchive {
    /// An empty archive.
    pub fn new() -> TestArchive {
        need("apt-ftparchive", "apt-utils");
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("mirror/pool")).unwrap();
        let signer = Signer::new(folder.path(), "archive");
        TestArchive { folder, signer }
    }

    /// The archive's own folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    /// A folder for a test's own files.
    pub fn extra(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Puts a package into the pool. Returns its `.dsc`.
    pub fn add(&self, component: &str, name: &str, package: &Package) -> PathBuf {
        let folder = self.root().join(format!("pool/{component}/{}/{name}", &name[..1]));
        fs::create_dir_all(&folder).unwrap();
        package.write(&folder)
    }

    /// The paths of all files in the pool, as a server has them.
    pub fn pool(&self) -> Vec<String> {
        let mut folders = vec![self.root().join("pool")];
        let mut paths = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match entry.is_dir() {
                    true => folders.push(entry),
                    false => paths.push(format!("/{}", entry.strip_prefix(self.root()).unwrap().display())),
                }
            }
        }
        paths
    }

    /// Writes the lists and the signed index of a suite.
    pub fn publish(&self, suite: &Suite) {
        let folder = self.root().join("dists").join(&suite.name);
        for component in &suite.components {
            let text = self.ftparchive(&["sources", &format!("pool/{component}")]);
            self.lists(&folder.join(component).join("source"), &text, suite);
        }
        self.sign(&folder, suite, |text| text);
    }

    /// Writes one list in all its forms. The plain one is listed even where it is not offered, as archives do.
    pub fn lists(&self, folder: &Path, text: &[u8], suite: &Suite) {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("Sources"), text).unwrap();
        for (ending, with) in [(".xz", Compression::Xz), (".gz", Compression::Gz), (".bz2", Compression::Bz2)]
        {
            if suite.endings.iter().any(|wanted| wanted == ending) {
                fs::write(folder.join(format!("Sources{ending}")), with.pack(text)).unwrap();
            }
        }
    }

    /// Writes and signs the index over the lists that are there; `edit` changes its text first.
    pub fn sign(&self, folder: &Path, suite: &Suite, edit: impl FnOnce(String) -> String) {
        for old in ["Release", "InRelease", "Release.gpg"] {
            let _ = fs::remove_file(folder.join(old));
        }
        let set = |key: &str, value: &str| format!("APT::FTPArchive::Release::{key}={value}");
        let options = [
            set("Codename", &suite.codename),
            set("Suite", &suite.suite),
            set("Origin", suite.origin.as_deref().unwrap_or_default()),
            set("Acquire-By-Hash", if suite.by_hash { "yes" } else { "" }),
        ];
        let mut arguments: Vec<&str> = options.iter().flat_map(|option| ["-o", option]).collect();
        let path = folder.to_str().unwrap();
        arguments.extend(["release", path]);
        let mut text = String::from_utf8(self.ftparchive(&arguments)).unwrap();
        if let Some(date) = &suite.date {
            text = replace_field(&text, "Date", date);
        }
        if let Some(date) = &suite.valid_until {
            text = format!("Valid-Until: {date}\n{text}");
        }
        fs::write(folder.join("Release"), edit(text)).unwrap();
        self.offer(folder, suite);
        let in_folder = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        if suite.inline {
            self.signer.gpg(&["--output", &in_folder("InRelease"), "--clearsign", &in_folder("Release")]);
            fs::remove_file(folder.join("Release")).unwrap();
        } else {
            let output = in_folder("Release.gpg");
            self.signer.gpg(&["--output", &output, "--armor", "--detach-sign", &in_folder("Release")]);
        }
    }

    /// Takes away the plain lists that are not offered, and adds what is found by its hash.
    fn offer(&self, folder: &Path, suite: &Suite) {
        for component in &suite.components {
            let source = folder.join(component).join("source");
            for entry in fs::read_dir(&source).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if suite.by_hash && path.is_file() {
                    let hashed = source.join("by-hash/SHA256");
                    fs::create_dir_all(&hashed).unwrap();
                    let bytes = fs::read(&path).unwrap();
                    fs::write(hashed.join(hex(&Sha256::digest(&bytes))), bytes).unwrap();
                }
            }
            if !suite.endings.iter().any(String::is_empty) {
                let _ = fs::remove_file(source.join("Sources"));
            }
        }
    }

    fn ftparchive(&self, arguments: &[&str]) -> Vec<u8> {
        let output =
            Command::new("apt-ftparchive").args(arguments).current_dir(self.root()).output().unwrap();
        assert!(output.status.success(), "apt-ftparchive: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

fn replace_field(text: &str, field: &str, value: &str) -> String {
    let start = format!("{field}: ");
    let lines = text.lines().map(|line| match line.starts_with(&start) {
        true => format!("{start}{value}\n"),
        false => format!("{line}\n"),
    });
    lines.collect()
}
