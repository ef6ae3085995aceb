//! Common parts of the tests of this crate: a scratch repository, and the real Git as reference.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use packaging_repo::object::Kind;
use packaging_repo::refs::{Edit, Value};
use packaging_repo::repository::Repository;
use packaging_repo::{Error, ObjectId};
use source_package::version::PackageName;
use tempfile::TempDir;

/// A new repository in a folder that goes away with it.
pub struct Scratch {
    pub folder: TempDir,
    pub repository: Repository,
}

pub fn scratch() -> Scratch {
    let folder = TempDir::new().unwrap();
    let name = PackageName::new("a0").unwrap();
    let repository = Repository::open_or_init(&folder.path().join("repos"), &name).unwrap();
    repository
        .publish(
            &repository.lock(bounded::Deadline::after(std::time::Duration::from_secs(600))).unwrap(),
            &[],
            None,
            None,
        )
        .unwrap();
    // As others have them.
    ["refs/heads", "refs/tags"]
        .iter()
        .for_each(|part| std::fs::create_dir(repository.path().join(part)).unwrap());
    Scratch { folder, repository }
}

impl Scratch {
    pub fn path(&self) -> &Path {
        self.repository.path()
    }

    /// Runs Git in the repository and returns its output.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, b"")
    }

    /// The same with input.
    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = self.try_git(arguments, input);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs Git whether it succeeds or not.
    pub fn try_git(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = git(self.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// `git fsck` has nothing to say.
    pub fn assert_clean(&self) {
        let output = self.try_git(&["fsck", "--strict", "--full", "--no-dangling", "--no-progress"], b"");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        // An empty repository has an unborn HEAD; links in place of some files are of note, not wrong.
        let fine = |line: &&str| line.starts_with("notice: ") || line.contains("Symlink: .");
        let rest: Vec<&str> = said.lines().filter(|line| !fine(line)).collect();
        assert!(output.status.success() && rest.is_empty(), "{said}");
    }

    /// All packs, sorted by name.
    pub fn packs(&self) -> Vec<PathBuf> {
        let folder = self.path().join("objects/pack");
        let mut names: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    }
}

/// Git without anybody's configuration.
pub fn git(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("--git-dir")
        .arg(repository)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.org")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.org")
        .env("LC_ALL", "C");
    command
}

/// Makes `count` commits and a tag of the first one.
pub fn objects(scratch: &Scratch, count: usize) -> (Vec<ObjectId>, ObjectId) {
    let mut store = scratch.repository.store(1).unwrap();
    let tree = store.add_flat_tree(&[]).unwrap();
    let who = "A <a@example.org> 1 +0000";
    let mut commit = |number: usize| {
        let text = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\n{number}\n");
        store.add(Kind::Commit, text.as_bytes()).unwrap()
    };
    let commits: Vec<ObjectId> = (0..count).map(&mut commit).collect();
    let text = format!("object {}\ntype commit\ntag t\ntagger {who}\n\nx\n", commits[0]);
    let tag = store.add(Kind::Tag, text.as_bytes()).unwrap();
    store.finish().unwrap();
    (commits, tag)
}

pub fn edit(name: &str, expected: Option<ObjectId>, new: ObjectId, peeled: Option<ObjectId>) -> Edit {
    Edit { name: name.to_owned(), expected, new: Value { id: new, peeled } }
}

pub fn transact(scratch: &Scratch, edits: &[Edit]) -> Result<(), Error> {
    let guard =
        scratch.repository.lock(bounded::Deadline::after(std::time::Duration::from_secs(600))).unwrap();
    scratch.repository.remove_leftovers(&guard).unwrap();
    scratch.repository.transact(&guard, edits)
}

/// Numbers that look random and are the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
