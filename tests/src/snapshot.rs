//! A service of old versions, with the interface and the answers of Debian's snapshot service.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};
use source_package::dsc::Dsc;
use tempfile::TempDir;

use crate::build::dsc::hex;
use crate::web::{Answer, Server};

/// The service; it ends when it is dropped.
pub struct Service {
    folder: TempDir,
    /// Server of the service.
    pub server: Server,
    /// `fileinfo` entries by package and version.
    known: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Default for Service {
    fn default() -> Self {
        Service::new()
    }
}

impl Service {
    /// One that knows nothing.
    pub fn new() -> Service {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("service/file")).unwrap();
        let server = Server::new(folder.path().join("service"));
        Service { folder, server, known: BTreeMap::new() }
    }

    /// A folder for files of packages.
    pub fn files(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Takes a version in, with all files that its `.dsc` names. Returns the addresses of its files, the `.dsc` first.
    pub fn add(&mut self, dsc: &Path, first_seen: &str) -> Vec<String> {
        let parsed = Dsc::parse(&fs::read(dsc).unwrap()).unwrap();
        let own = dsc.file_name().unwrap().to_str().unwrap().to_owned();
        let names = std::iter::once(own).chain(parsed.files.iter().map(|file| file.name.clone()));
        let (package, version) = (parsed.source.to_string(), parsed.version.to_string());
        let mut paths = Vec::new();
        let mut entries = Vec::new();
        for name in names {
            let bytes = fs::read(dsc.with_file_name(&name)).unwrap();
            let sha1 = hex(&Sha1::digest(&bytes));
            fs::write(self.folder.path().join("service/file").join(&sha1), &bytes).unwrap();
            let size = bytes.len();
            entries.push(format!(
                "\"{sha1}\":[{{\"archive_name\":\"debian\",\"first_seen\":\"{first_seen}\",\"name\":\"{name}\",\"path\":\"/pool/main\",\"size\":{size}}}]"
            ));
            paths.push(format!("/file/{sha1}"));
        }
        self.known.entry(package.clone()).or_default().entry(version).or_default().extend(entries);
        self.answer(&package);
        paths
    }

    fn answer(&self, package: &str) {
        let versions = &self.known[package];
        let list: Vec<String> =
            versions.keys().rev().map(|version| format!("{{\"version\":\"{version}\"}}")).collect();
        let say =
            |path: String, text: String| self.server.on(&path, Answer::Status(200, vec![], text.into()));
        say(
            format!("/mr/package/{package}/"),
            format!("{{\"_comment\":\"notice\",\"package\":\"{package}\",\"result\":[{}]}}", list.join(",")),
        );
        for (version, entries) in versions {
            say(
                format!("/mr/package/{package}/{version}/srcfiles?fileinfo=1"),
                format!(
                    "{{\"_comment\":\"notice\",\"fileinfo\":{{{}}},\"package\":\"{package}\",\"result\":[],\"version\":\"{version}\"}}",
                    entries.join(",")
                ),
            );
        }
    }
}
