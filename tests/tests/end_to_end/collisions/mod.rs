//! Somebody else pushes to the branches and tags of an import: what comes of it, by content, and that nothing is lost.

mod bench;
mod decisions;
mod killed;
mod kinds;
mod postgres;
mod random;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use package_import_tests::installation::{Installation, binary, reports};
use package_import_tests::synthetic::{Package, lines, package};
use serde_json::Value;

/// Files with their content, to be written or removed.
type Edits<'a> = &'a [(&'a str, Option<&'a str>)];

/// An installation, and people who push to its repositories.
struct World {
    it: Installation,
    /// Pushed objects, with their package.
    pushed: Vec<(String, String)>,
    /// A connection string of PostgreSQL; SQLite without.
    postgres: Option<String>,
}

/// A version of a package with a few files and a patch.
fn upload(name: &str, version: &str, below: &[&str]) -> Package {
    let text = String::from_utf8(lines(40)).unwrap();
    package(name, version)
        .below(below)
        .upstream("src/main.c", text.clone())
        .upstream("src/other.c", text)
        .debian("rules", "#!/usr/bin/make -f\n%:\n\tdh $@\n")
        .patch("fix", "line 7", "seven")
}

impl World {
    fn new() -> World {
        let it = Installation::new();
        it.configure("[import]\nrepack = false\n");
        World { it, pushed: Vec::new(), postgres: None }
    }

    /// With the state in PostgreSQL.
    fn on_postgres() -> World {
        World { postgres: Some(throwaway_postgres::schema()), ..World::new() }
    }

    /// With the first version of one package.
    fn with(name: &str) -> World {
        let world = World::new();
        world.import(&[&upload(name, "1.0-1", &[])]);
        world
    }

    fn write(&self, package: &Package) -> PathBuf {
        let folder = tempfile::tempdir_in(self.it.files()).unwrap().keep();
        package.write(&folder)
    }

    fn import(&self, packages: &[&Package]) -> Vec<Value> {
        let (code, reports) = self.try_import(packages);
        assert_eq!(code, 0, "{reports:#?}");
        reports
    }

    /// The exit code, and the reports.
    fn try_import(&self, packages: &[&Package]) -> (i32, Vec<Value>) {
        let files: Vec<PathBuf> = packages.iter().map(|it| self.write(it)).collect();
        let mut arguments =
            vec!["import", "--allow-unsigned", "--json", "--distro", "debian", "--suite", "sid"];
        arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
        reports(self.command(&arguments))
    }

    fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.arg("--root").arg(self.it.root()).args(arguments);
        if let Some(url) = &self.postgres {
            command.env("PACKAGE_IMPORT_STATE", url);
        }
        command.output().unwrap()
    }

    fn said(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn well(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"))
    }

    /// All collisions of a package, oldest first.
    fn collisions(&self, name: &str) -> Vec<Value> {
        let mut all = self.json(&["collisions", name, "--all", "--limit", "1000", "--json"])["collisions"]
            .as_array()
            .unwrap()
            .clone();
        all.reverse();
        all
    }

    /// Collisions that wait for a person.
    fn waiting(&self, name: &str) -> Vec<Value> {
        self.json(&["collisions", name, "--json"])["collisions"].as_array().unwrap().clone()
    }

    fn git(&self, name: &str, arguments: &[&str], input: &[u8], index: Option<&str>) -> Output {
        let mut command = Command::new("git");
        command
            .arg("--git-dir")
            .arg(self.it.repository(name))
            .args(["-c", "safe.directory=*", "-c", "merge.renames=false"])
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Ann Other")
            .env("GIT_AUTHOR_EMAIL", "ann@example.org")
            .env("GIT_AUTHOR_DATE", "1700000000 +0000")
            .env("GIT_COMMITTER_NAME", "Ann Other")
            .env("GIT_COMMITTER_EMAIL", "ann@example.org")
            .env("GIT_COMMITTER_DATE", "1700000000 +0000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(index) = index {
            command.env("GIT_INDEX_FILE", index);
        }
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    fn ask(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.git(name, arguments, b"", None);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn rev(&self, name: &str, what: &str) -> String {
        self.ask(name, &["rev-parse", "--verify", what])
    }

    /// A tree with some files changed, made as a checkout makes it: without empty folders.
    fn tree(&self, name: &str, base: &str, edits: Edits<'_>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("index").to_str().unwrap().to_owned();
        let run = |arguments: &[&str], input: &[u8]| {
            let output = self.git(name, arguments, input, Some(&index));
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
        };
        run(&["read-tree", base], b"");
        for (path, content) in edits {
            match content {
                Some(content) => {
                    let blob = run(&["hash-object", "-w", "--stdin"], content.as_bytes());
                    let line = format!("100644 {blob}\t{path}\n");
                    run(&["update-index", "--replace", "--index-info"], line.as_bytes());
                }
                None => {
                    let line = format!("0 {}\t{path}\n", "0".repeat(40));
                    run(&["update-index", "--index-info"], line.as_bytes());
                }
            }
        }
        run(&["write-tree"], b"")
    }

    fn commit(&self, name: &str, tree: &str, parents: &[&str], message: &str) -> String {
        let mut arguments = vec!["commit-tree", tree, "-m", message];
        parents.iter().for_each(|parent| arguments.extend(["-p", parent]));
        self.ask(name, &arguments)
    }

    /// Somebody pushes: a ref moves, whatever was there.
    fn push(&mut self, name: &str, to: &str, object: &str) {
        self.ask(name, &["update-ref", to, object]);
        self.pushed.push((name.to_owned(), object.to_owned()));
    }

    /// A commit on top of a branch, with some files changed; pushed there.
    fn push_on(&mut self, name: &str, branch: &str, edits: Edits<'_>) -> String {
        let tip = self.rev(name, branch);
        let tree = self.tree(name, &tip, edits);
        let commit = self.commit(name, &tree, &[&tip], "Change it");
        self.push(name, &format!("refs/heads/{branch}"), &commit);
        commit
    }

    fn refs(&self, name: &str) -> BTreeMap<String, String> {
        let listed = self.ask(name, &["for-each-ref", "--format=%(refname) %(objectname)"]);
        listed.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.into(), b.into())).collect()
    }

    fn content(&self, name: &str, what: &str) -> String {
        self.ask(name, &["cat-file", "blob", what]) + "\n"
    }

    fn is_ancestor(&self, name: &str, one: &str, other: &str) -> bool {
        self.git(name, &["merge-base", "--is-ancestor", one, other], b"", None).status.success()
    }

    /// Nothing that was pushed is lost: a ref leads to it, and the repository is sound.
    fn assert_nothing_lost(&self) {
        let mut names: Vec<&String> = self.pushed.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        for name in names {
            let reached = self.ask(name, &["rev-list", "--objects", "--all"]);
            let refs = self.refs(name);
            for (_, object) in self.pushed.iter().filter(|(of, _)| of == name) {
                let is_reached = reached.lines().any(|line| line.split(' ').next() == Some(object))
                    || refs.values().any(|id| id == object);
                assert!(is_reached, "{name}: {object} is lost");
            }
            self.it.assert_clean(name);
        }
    }

    /// Answer of the check, and its exit code. The checks have no data before the first run.
    fn check(&self) -> (i32, String) {
        self.well(&["run", "--until-empty"]);
        let program = package_import_tests::daemons::plugins::path("wedged");
        let output = Command::new(program)
            .arg("--state")
            .arg(self.it.root().join("state.db"))
            .arg("-v")
            .output()
            .unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A text of numbered lines, one of them changed.
fn changed(number: usize, to: &str) -> String {
    String::from_utf8(lines(40)).unwrap().replace(&format!("line {number}\n"), &format!("{to}\n"))
}

/// True when a file exists in the repository's folder.
fn exists(world: &World, name: &str, file: &str) -> bool {
    fs::symlink_metadata(world.it.repository(name).join(file)).is_ok()
}
