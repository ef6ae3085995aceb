//! An upstream tree that differs from its tarballs, under names that the state and the record confirm, as 0.1.0 took it
//! over from a push. Only the tarballs prove it. Such a repository is checked in the sandbox.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use package_import_tests::installation::Installation;
use package_import_tests::queue::{Queue, text};
use package_import_tests::synthetic::package;
use source_package::checksum::sha256_hex;

/// Git in the repository of the package.
fn git(it: &Installation, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("git")
        .arg("--git-dir")
        .arg(it.repository("a0"))
        .args(["-c", "safe.directory=*"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A package whose history was forged from its upstream on: each tree has one file more, all else is as it was.
struct Forged {
    queue: Queue,
    dsc: PathBuf,
    /// Old objects and those in their places.
    instead: BTreeMap<String, String>,
}

impl Forged {
    fn new() -> Forged {
        let queue = Queue::sqlite();
        let it = &queue.installation;
        let dsc = package("a0", "1.0-1").patch("p", "line 7", "seven").write(&it.files());
        it.import_well("debian", "sid", &[&dsc]);
        let mut forged = Forged { queue, dsc, instead: BTreeMap::new() };
        for name in ["upstream/1.0", "debian/1.0-1", "applied/debian/1.0-1"] {
            forged.tag(name);
        }
        forged.take_over();
        forged
    }

    fn it(&self) -> &Installation {
        &self.queue.installation
    }

    fn git(&self, arguments: &[&str], input: &str) -> String {
        git(self.it(), arguments, input)
    }

    /// Writes an object that is another one with what was forged so far in it.
    fn object(&mut self, kind: &str, id: &str) {
        let old = self.git(&["cat-file", kind, id], "");
        let text = self.instead.iter().fold(old, |text, (old, new)| text.replace(old, new));
        let new = self.git(&["hash-object", "-w", "-t", kind, "--stdin"], &format!("{text}\n"));
        self.instead.insert(id.to_owned(), new);
    }

    /// Forges a tag, and the commits behind it up to those that are forged.
    fn tag(&mut self, name: &str) {
        let commits = self.git(&["rev-list", "--reverse", &format!("{name}^{{commit}}")], "");
        for commit in commits.lines() {
            if self.instead.contains_key(commit) {
                continue;
            }
            let tree = self.git(&["rev-parse", &format!("{commit}^{{tree}}")], "");
            if !self.instead.contains_key(&tree) {
                let evil = self.git(&["hash-object", "-w", "--stdin"], "evil\n");
                let listed = self.git(&["ls-tree", &tree], "");
                let new = self.git(&["mktree"], &format!("{listed}\n100755 blob {evil}\tevil.sh\n"));
                self.instead.insert(tree, new);
            }
            self.object("commit", commit);
        }
        let id = self.git(&["rev-parse", &format!("refs/tags/{name}")], "");
        self.object("tag", &id);
    }

    /// Puts all refs, and what the state says of them, where a 0.1.0 would have them. It had no record.
    fn take_over(&self) {
        for line in self.git(&["for-each-ref", "--format=%(objectname) %(refname)"], "").lines() {
            let (id, name) = line.split_once(' ').unwrap();
            if let Some(new) = self.instead.get(id) {
                self.git(&["update-ref", name, new], "");
            }
        }
        fs::remove_file(self.it().repository("a0").join("package-import-record")).unwrap();
        let store = self.queue.store();
        for (old, new) in &self.instead {
            for column in ["commit_id", "tree_id", "applied_id"] {
                let sql = format!("UPDATE version SET {column} = ?2 WHERE {column} = ?1");
                store.write(|tx| tx.execute(&sql, state::values![old.as_str(), new.as_str()])).unwrap();
            }
        }
    }

    /// Moves the files of the package into the cache, as an archive would have left them.
    fn move_to_cache(&self) {
        for entry in fs::read_dir(self.it().files()).unwrap() {
            let path = entry.unwrap().path();
            let sha256 = sha256_hex(&fs::read(&path).unwrap());
            let folder = self.it().root().join("cache/files").join(&sha256[..2]);
            fs::create_dir_all(&folder).unwrap();
            fs::rename(&path, folder.join(sha256)).unwrap();
        }
    }

    fn verify(&self) -> (i32, String) {
        let output = self.queue.command(&["verify", "a0"]).output().unwrap();
        (output.status.code().unwrap_or(-1), text(&output))
    }
}

const TOLD: [&str; 3] = ["refs/tags/upstream/1.0", "its tarballs have", "is not what upstream released"];

#[test]
fn verify_derives_upstream_trees_from_tarballs_wherever_they_are() {
    let forged = Forged::new();
    let check = |what: &str| {
        let (code, said) = forged.verify();
        assert_eq!(code, 1, "{what}: {said}");
        assert!(TOLD.iter().all(|word| said.contains(word)), "{what}: {said}");
        // Beside it the totals, and what to type.
        assert_eq!(said.lines().count(), 4, "{what}: nothing else tells: {said}");
    };
    check("beside the .dsc");
    forged.move_to_cache();
    check("in the cache");
    // Nothing of the attempt is left, and who derives nothing says nothing.
    forged.it().assert_clean("a0");
    fs::remove_dir_all(forged.it().root().join("cache/files")).unwrap();
    assert_eq!(forged.verify().0, 0, "{}", forged.verify().1);
    assert!(!forged.dsc.exists());
}

#[test]
fn a_worker_finds_it_too() {
    let forged = Forged::new();
    forged.move_to_cache();
    let queue = &forged.queue;
    queue.well(&["enqueue", "--lane", "verify", "a0"]);
    queue.well(&["run"]);
    let failures = queue
        .texts("SELECT s.stage || '/' || s.code FROM failure f JOIN signature s ON s.id = f.signature_id");
    assert_eq!(failures, ["verify/repository-damaged"]);
    assert_eq!(queue.texts("SELECT code FROM finding"), ["upstream-differs"]);
    let said = queue.well(&["log", "a0"]);
    assert!(TOLD.iter().all(|word| said.contains(word)), "{said}");
}

/// A `git` that tries what it must not do, and tells, in a folder of its own.
fn telling_git(folder: &Path, secret: &Path) -> PathBuf {
    fs::create_dir(folder).unwrap();
    let script = format!(
        "#!/bin/sh\nexec 2>&1\ncat {}\ntouch {0}.new\necho \"names: $NAME_OF_A_SECRET\"\nexit 1\n",
        secret.display()
    );
    let git = folder.join("git");
    fs::write(&git, script).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    folder.to_owned()
}

/// By the operator and by a worker.
#[test]
fn a_repository_is_checked_behind_walls() {
    let queue = Queue::sqlite();
    let it = &queue.installation;
    let dsc = package("a0", "1.0-1").write(&it.files());
    it.import_well("debian", "sid", &[&dsc]);
    let secret = it.files().join("secret");
    fs::write(&secret, "this is secret\n").unwrap();
    let path = format!("{}:/usr/bin:/bin", telling_git(&it.files().join("bin"), &secret).display());
    let with_git = |arguments: &[&str]| {
        let mut command = queue.command(arguments);
        text(&command.env("PATH", &path).env("NAME_OF_A_SECRET", "shown").output().unwrap())
    };
    let verified = with_git(&["verify", "a0"]);
    queue.well(&["enqueue", "--lane", "verify", "a0"]);
    with_git(&["run"]);
    for said in [verified, queue.well(&["log", "a0"])] {
        let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(line.matches("Permission denied").count() >= 2, "{said}");
        assert!(
            line.contains("names:") && !line.contains("this is secret") && !line.contains("shown"),
            "{said}"
        );
        assert!(!it.files().join("secret.new").exists());
    }
}
