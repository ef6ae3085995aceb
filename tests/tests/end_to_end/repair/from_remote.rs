//! What is lost comes back from a remote, even if the archive and all files are away; and what a remote says is not believed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::damages::{DAMAGES, git};
use super::{Refs, World, read_refs};

struct Site {
    world: World,
    remote: tempfile::TempDir,
}

impl Site {
    /// Packages that are published, and whose files are away.
    fn with(names: &[&str]) -> Site {
        let site = Site { world: World::with(names), remote: tempfile::tempdir().unwrap() };
        site.world.it.configure(&format!(
            "[import]\nrepack = false\n[[remotes]]\nname = 'git'\nurl = '{}/{{package}}.git'\n",
            site.remote.path().display()
        ));
        site.run();
        for name in names {
            assert_eq!(read_refs(&site.there(name)), site.world.refs(name), "{name} is published");
        }
        for entry in fs::read_dir(site.world.it.files()).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        site
    }

    fn run(&self) {
        let output = self.world.output(&["run", "--until-empty"]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    }

    fn there(&self, name: &str) -> PathBuf {
        self.remote.path().join(format!("{name}.git"))
    }

    /// Plans and applies; returns the part of the package, as it was planned and as it ended.
    fn mend(&self, name: &str) -> (Value, Value) {
        let (_, plan) = self.world.json(&["repair", "plan", name, "--json"]);
        let id = plan["plan"]["id"].to_string();
        let (_, applied) = self.world.json(&["repair", "apply", &id, "--reason", "a test", "--json"]);
        (plan["packages"][0].clone(), applied["packages"][0].clone())
    }

    /// How often a remote had what was lost.
    fn fetched(&self) -> usize {
        let folders = fs::read_dir(self.world.it.root().join("logs")).unwrap();
        let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
        let text: String = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        text.matches("remote git has what is lost").count()
            + text.matches("came back from remote git").count()
    }

    fn is_well(&self, name: &str, whole: &Refs) {
        assert_eq!(&self.world.refs(name), whole, "{name}");
        let output = self.world.output(&["verify", name]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
        let (code, plan) = self.world.json(&["repair", "plan", name, "--exit-code", "--json"]);
        assert_eq!(code, 0, "{name}: {plan:#}");
    }
}

fn inflict(site: &Site, name: &str, kind: &str) {
    let damage = DAMAGES.iter().find(|it| it.package == kind).unwrap();
    (damage.inflict)(&site.world.repository(name));
}

/// Puts all objects into files of their own.
pub fn unpack(repository: &Path) {
    let folder = repository.join("objects/pack");
    let aside = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        fs::rename(&path, aside.path().join(path.file_name().unwrap())).unwrap();
    }
    for entry in fs::read_dir(aside.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "pack") {
            let mut command = Command::new("git");
            command.arg("--git-dir").arg(repository).args(["unpack-objects", "-q"]);
            assert!(command.stdin(fs::File::open(&path).unwrap()).status().unwrap().success());
        }
    }
}

pub fn object_file(repository: &Path, id: &str) -> PathBuf {
    repository.join("objects").join(&id[..2]).join(&id[2..])
}

/// The object of a `.dsc` is lost.
pub fn lose_dsc(repository: &Path) {
    unpack(repository);
    let id = git(repository, &["rev-parse", "refs/dsc/debian/1.0-1"]);
    fs::remove_file(object_file(repository, &id)).unwrap();
}

#[test]
fn lost_objects_and_lost_repositories_come_from_a_remote_without_an_import() {
    let names = ["packs", "flipped", "dsc", "folder"];
    let site = Site::with(&names);
    let whole = names.map(|name| site.world.refs(name));
    inflict(&site, "packs", "packs-gone");
    inflict(&site, "flipped", "pack-flipped");
    lose_dsc(&site.world.repository("dsc"));
    fs::remove_dir_all(site.world.repository("folder")).unwrap();
    for (place, (name, whole)) in names.iter().zip(&whole).enumerate() {
        let (planned, applied) = site.mend(name);
        let steps = planned["steps"].as_array().unwrap();
        assert!(steps.iter().any(|step| step.to_string().contains("remote git")), "{name}: {planned:#}");
        assert!(steps.iter().all(|step| step["imports"] == 0), "{name}: {planned:#}");
        assert_eq!(applied["state"], "applied", "{name}: {applied:#}");
        site.run();
        site.is_well(name, whole);
        // No version was imported again: there is nothing that it could be imported from.
        assert_eq!(site.fetched(), place + 1, "{name}");
    }
}

#[test]
fn a_remote_is_not_believed() {
    let names = ["forged", "moved", "lacks"];
    let site = Site::with(&names);
    // An index of the remote names other content by the id of a `.dsc`.
    let there = site.there("forged");
    unpack(&there);
    let id = git(&there, &["rev-parse", "refs/dsc/debian/1.0-1"]);
    let other = git(&there, &["rev-parse", "refs/dsc/debian/1.0-2"]);
    let path = object_file(&there, &id);
    fs::remove_file(&path).unwrap();
    fs::copy(object_file(&there, &other), &path).unwrap();
    lose_dsc(&site.world.repository("forged"));
    // Somebody has moved a tag there, and removed one.
    let there = site.there("moved");
    let tree = git(&there, &["rev-parse", "debian/1.0-1^{tree}"]);
    let commit = git(&there, &["commit-tree", &tree, "-m", "mine"]);
    git(&there, &["update-ref", "refs/tags/debian/1.0-1", &commit]);
    fs::remove_dir_all(site.world.repository("moved")).unwrap();
    git(&site.there("lacks"), &["update-ref", "-d", "refs/tags/debian/1.0-1"]);
    inflict(&site, "lacks", "packs-gone");
    for name in names {
        let before = site.world.repository(name).exists().then(|| site.world.refs(name));
        let (planned, applied) = site.mend(name);
        assert_eq!(planned["state"], "planned", "{name}: {planned:#}");
        // Nothing can be imported again, so it stays as it is, and that is said.
        let log = site.world.said(&["log", name]);
        assert!(log.contains("remote git is of no use") || name == "moved", "{name}: {applied:#} {log}");
        if let Some(before) = before {
            assert_eq!(applied["state"], "failed", "{name}: {applied:#}");
            assert_eq!(site.world.refs(name), before, "{name}");
        }
        let known = fs::read_to_string(site.world.repository(name).join("package-import-record"));
        let is_believed = known.is_ok_and(|record| record.contains(&commit));
        assert!(!is_believed, "{name}");
        assert!(!site.world.output(&["verify", name]).status.success(), "{name}");
    }
}
