//! Repositories are damaged in every way of the list: a plan changes nothing, what is applied is what was planned, nothing is left to
//! do then, and it can be taken back.

mod codes;
mod cost;
mod damages;
mod elsewhere;
mod from_remote;
mod from_servers;
mod itself;
mod kept;
mod kills;
mod kinds;
mod night;
mod operator;
mod page;
mod rebuild;
mod safety;
mod some;
mod storm;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use package_import_tests::installation::{Installation, binary};
use package_import_tests::synthetic::{Package, lines, package};
use serde_json::Value;

/// Refs and what they name, read from the files as they are: Git reads nothing of a damaged repository.
type Refs = BTreeMap<String, String>;

/// An installation whose repositories are damaged.
pub struct World {
    pub it: Installation,
}

impl World {
    /// With two versions of each of these packages.
    pub fn with(names: &[&str]) -> World {
        let it = Installation::new();
        it.configure("[import]\nrepack = false\n");
        let world = World { it };
        let files: Vec<PathBuf> = names
            .iter()
            .flat_map(|name| {
                [("1.0-1", &[][..]), ("1.0-2", &["1.0-1"][..])].map(|(version, below)| (name, version, below))
            })
            .map(|(name, version, below)| world.write(&upload(name, version, below)))
            .collect();
        world.it.import_well("debian", "sid", &files.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        world
    }

    pub fn write(&self, package: &Package) -> PathBuf {
        let folder = tempfile::tempdir_in(self.it.files()).unwrap().keep();
        package.write(&folder)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("--root").arg(self.it.root()).args(arguments);
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn said(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// The exit code, and what was printed.
    pub fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.output(arguments);
        let value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"));
        (output.status.code().unwrap(), value)
    }

    pub fn repository(&self, name: &str) -> PathBuf {
        self.it.repository(name)
    }

    pub fn refs(&self, name: &str) -> Refs {
        read_refs(&self.repository(name))
    }
}

/// A version with a patch and an upstream part.
pub fn upload(name: &str, version: &str, below: &[&str]) -> Package {
    package(name, version)
        .below(below)
        .upstream("src/main.c", String::from_utf8(lines(40)).unwrap())
        .debian("rules", format!("#!/usr/bin/make -f\n# {version}\n%:\n\tdh $@\n"))
        .patch("fix", "line 7", "seven")
}

/// All refs but those that repairs keep.
pub fn read_refs(repository: &Path) -> Refs {
    let mut refs = Refs::new();
    let packed = fs::read(repository.join("packed-refs")).unwrap_or_default();
    for line in String::from_utf8_lossy(&packed).split('\n') {
        let is_id = line.len() > 41 && line[..40].bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = line.get(41..).unwrap_or_default();
        if is_id
            && name.starts_with("refs/")
            && !name.contains("..")
            && !name.contains(|c: char| c.is_control() || c == ' ')
        {
            refs.insert(name.to_owned(), line[..40].to_owned());
        }
    }
    fn walk(root: &Path, folder: &Path, refs: &mut Refs) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(root, &path, refs);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let id = text.trim_end();
                if id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    refs.insert(path.strip_prefix(root).unwrap().display().to_string(), id.to_owned());
                }
            }
        }
    }
    walk(repository, &repository.join("refs"), &mut refs);
    refs.retain(|name, _| !name.starts_with("refs/package-import/") && !name.ends_with(".lock"));
    refs
}

/// Each file and folder with its inode, size and time of change.
pub fn listing(folder: &Path) -> BTreeMap<PathBuf, (u64, u64, i64, i64, u32)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let it = fs::symlink_metadata(entry.path()).unwrap();
            if it.is_dir() {
                open.push(entry.path());
            }
            found.insert(entry.path(), (it.ino(), it.len(), it.mtime(), it.mtime_nsec(), it.mode()));
        }
    }
    found
}
