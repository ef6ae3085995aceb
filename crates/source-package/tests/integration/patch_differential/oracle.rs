//! The real programs: dpkg's Perl modules, which run GNU patch.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::patch_differential::world::{Format, Snapshot, World, read_folder};

pub struct Oracle {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: TempDir,
    count: u64,
}

/// Result of the real programs: the tree, or their message when they refused.
pub type Verdict = Result<Snapshot, String>;

impl Oracle {
    pub fn start() -> Self {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/patch_differential/oracle.pl");
        for (program, package) in [("patch", "patch"), ("perl", "perl"), ("dpkg-source", "dpkg-dev")] {
            let found = Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
            assert!(found, "this test compares with {program}: install the Debian package {package}");
        }
        let mut child = Command::new("perl")
            .arg(script)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("perl starts");
        let requests = child.stdin.take().expect("stdin");
        let answers = BufReader::new(child.stdout.take().expect("stdout"));
        Oracle { child, requests, answers, folder: TempDir::new().expect("a folder"), count: 0 }
    }

    pub fn judge(&mut self, world: &World) -> Verdict {
        self.count += 1;
        let folder = self.folder.path().join(self.count.to_string());
        self.lay_out(world, &folder);
        let format = match world.format {
            Format::Quilt => "quilt",
            Format::Version2 => "v2",
            Format::Version1 => "v1",
        };
        writeln!(self.requests, "{format}\t{}\t{}", world.vendor, folder.display()).expect("a request");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        assert!(!answer.is_empty(), "the oracle has died");
        let verdict = if answer.trim() == "0" {
            Ok(read_folder(&folder.join("src")))
        } else {
            let log = fs::read(folder.join("log")).unwrap_or_default();
            Err(String::from_utf8_lossy(&log).into_owned())
        };
        fs::remove_dir_all(&folder).expect("removing the tree");
        verdict
    }

    fn lay_out(&self, world: &World, folder: &PathBuf) {
        fs::create_dir_all(folder).expect("a folder");
        world.write(&folder.join("src"));
        fs::write(folder.join("v1.diff"), &world.diff).expect("the patch");
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
