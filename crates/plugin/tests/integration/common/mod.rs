//! Runs the example check in an environment of its own, as a monitoring system would.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::{Connection, DEFAULT_NAME, FileControl};
use tempfile::TempDir;

/// The views that the example reads, and something in them.
pub const SCHEMA: &str = "
CREATE TABLE counters (failing INTEGER, held INTEGER);
INSERT INTO counters VALUES (3, 2);
CREATE TABLE worst (package TEXT, error TEXT);
INSERT INTO worst VALUES ('dash', 'patch|does' || char(10) || 'not' || char(27) || '[31m apply');
CREATE VIEW check_v1_example AS SELECT failing, held FROM counters;
CREATE VIEW check_v1_example_worst AS SELECT package, error FROM worst;
";

/// The example's line over the contents of `SCHEMA`.
pub const GOOD: &str = "IMPORT EXAMPLE OK - 3 failing, 2 held | failing=3;500;1000 held=2\n";

/// Exit code and output of a check.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// Asserts one line, nothing on standard error, and this status.
    pub fn is(&self, code: i32, begins: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.out.starts_with(begins), "{self:?}");
        assert!(self.out.ends_with('\n') && self.out.matches('\n').count() == 1, "{self:?}");
        assert!(self.err.is_empty(), "{self:?}");
    }

    pub fn contains(&self, text: &str) {
        assert!(self.out.contains(text), "{self:?}");
    }
}

/// The example's binary, which cargo builds with the tests.
pub fn example() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/check_import_example");
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    path
}

/// Root of an installation.
pub struct Root {
    folder: TempDir,
    program: PathBuf,
}

impl Default for Root {
    fn default() -> Self {
        Root::new()
    }
}

impl Root {
    /// An empty database in a place that every user can reach.
    pub fn new() -> Root {
        let folder = tempfile::Builder::new().prefix("check-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        // The folder that cargo builds into may be closed to other users. Copied by a process of its own: a file that
        // is open for writing here would be so in every process that another test starts meanwhile.
        let program = folder.path().join("check_import_example");
        assert!(Command::new("cp").arg(example()).arg(&program).status().unwrap().success());
        Root { folder, program }
    }

    /// A database whose only writer has closed it, and kept the log.
    pub fn with_database() -> Root {
        let root = Root::new();
        let writer = root.writer();
        writer.execute_batch(SCHEMA).unwrap();
        drop(writer);
        root
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    /// A writer like the importer: the log stays.
    pub fn writer(&self) -> Connection {
        let writer = Connection::open(self.file("state.db")).unwrap();
        let mode: String = writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        let mut keep = 1;
        writer.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut keep)).unwrap();
        writer
    }

    /// The check with the environment that NRPE gives: nearly empty.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_as(None, arguments)
    }

    /// The same as another user.
    pub fn command_as(&self, user: Option<&str>, arguments: &[&str]) -> Command {
        let mut command = match user {
            None => Command::new(&self.program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]).arg(&self.program);
                command
            }
        };
        command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("PACKAGE_IMPORT_ROOT", self.path()).current_dir("/").stdin(Stdio::null());
        command
    }

    pub fn check(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    pub fn check_as(&self, user: &str, arguments: &[&str]) -> Said {
        self.command_as(Some(user), arguments).output().unwrap().into()
    }

    /// Names, sizes, owners, rights and times of everything in the root. `changes` are the times at which the
    /// attributes of a file changed, which even giving it to its present owner does.
    pub fn listing(&self, changes: bool) -> Vec<String> {
        let describe = |path: &Path| {
            let meta = fs::symlink_metadata(path).unwrap();
            let of = (meta.ino(), meta.size(), meta.uid(), meta.gid(), meta.mode());
            let written = (meta.mtime(), meta.mtime_nsec());
            let changed = changes.then(|| (meta.ctime(), meta.ctime_nsec()));
            format!("{} {of:?} {written:?} {changed:?}", path.display())
        };
        let mut listing: Vec<String> =
            fs::read_dir(self.path()).unwrap().map(|entry| describe(&entry.unwrap().path())).collect();
        listing.push(describe(&self.path()));
        listing.sort();
        listing
    }
}

/// Tests that change users need to be root, as in continuous integration.
pub fn must_be_root() {
    let id = Command::new("id").arg("-u").output().unwrap();
    assert_eq!(id.stdout, b"0\n", "this test changes its user: run it as root");
}
