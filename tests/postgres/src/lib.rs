//! A PostgreSQL cluster that lives as long as the test process, and a schema of its own for each test.
//!
//! A shell holds the reading end of a pipe and stops the server when the other end closes: however the test process
//! ends, nothing is left.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use postgres::{Client, NoTls};

/// A running server.
pub struct Cluster {
    folder: PathBuf,
    binaries: PathBuf,
    keeper: Child,
}

/// Settings of a server whose data nobody will miss.
const SETTINGS: &str = "listen_addresses=''\nfsync=off\nsynchronous_commit=off\nfull_page_writes=off\n";

/// The cluster that all tests of this process share.
pub fn shared() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(""))
}

/// Connection string of a schema that belongs to one test.
pub fn schema() -> String {
    shared().schema()
}

impl Cluster {
    /// Makes and starts a server with further lines of `postgresql.conf`.
    pub fn start(settings: &str) -> Cluster {
        let folder = tempfile::Builder::new().prefix("pg-").tempdir_in("/tmp").unwrap().keep();
        let binaries = binaries();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            let (uid, gid) = postgres_user();
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let data = folder.join("data");
        let made = as_postgres(&binaries.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ])
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let conf = data.join("postgresql.conf");
        let text = fs::read_to_string(&conf).unwrap();
        let own = format!("unix_socket_directories='{}'\n", folder.display());
        fs::write(&conf, text + SETTINGS + &own + settings).unwrap();
        let keeper = keep(&binaries, &data, &folder);
        let cluster = Cluster { folder, binaries, keeper };
        cluster.wait();
        cluster
    }

    /// Its superuser's connection string.
    pub fn url(&self) -> String {
        format!("host={} user=postgres dbname=postgres", self.folder.display())
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &Path {
        &self.folder
    }

    /// The number of the server's first process.
    pub fn pid(&self) -> i32 {
        let text = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// Makes a schema and returns a connection string that works in it.
    pub fn schema(&self) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        self.client().batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        format!("{} options='-c search_path={name}'", self.url())
    }

    /// A connection of the superuser's.
    pub fn client(&self) -> Client {
        Client::connect(&self.url(), NoTls).unwrap()
    }

    /// Stops it at once, as a crash would, and starts it again.
    pub fn restart(&self) {
        let control = |arguments: &[&str]| {
            let output = as_postgres(&self.binaries.join("pg_ctl"))
                .arg("-D")
                .arg(self.folder.join("data"))
                .args(["-w", "-s"])
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(output.success(), "pg_ctl {arguments:?} failed");
        };
        control(&["-m", "immediate", "restart"]);
        self.wait();
    }

    fn wait(&self) {
        for _ in 0..600 {
            if Client::connect(&self.url(), NoTls).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL in {} does not answer", self.folder.display());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Starts the server below a shell that stops it when our end of its standard input closes.
fn keep(binaries: &Path, data: &Path, folder: &Path) -> Child {
    let script = "\"$1/pg_ctl\" -D \"$2\" -w -s -l \"$3/log\" start >/dev/null 2>&1 </dev/null
        while read -r _; do :; done
        \"$1/pg_ctl\" -D \"$2\" -m immediate -s stop >/dev/null 2>&1
        rm -rf \"$3\"";
    let mut command = as_postgres(Path::new("sh"));
    command.args(["-c", script, "sh"]).arg(binaries).arg(data).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command;
    if is_root() {
        command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
    } else {
        command = Command::new(program);
    }
    command.current_dir("/");
    command
}

fn postgres_user() -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.starts_with("postgres:"));
    let line = line.expect("there is no user postgres: install postgresql (scripts/install-tools test)");
    let numbers: Vec<u32> = line.split(':').skip(2).take(2).map(|field| field.parse().unwrap()).collect();
    (numbers[0], numbers[1])
}

/// The newest version that is installed.
fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: scripts/install-tools test installs it");
    let mut found: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path().join("bin")).collect();
    found.sort();
    found.pop().expect("PostgreSQL is not installed: scripts/install-tools test installs it")
}
