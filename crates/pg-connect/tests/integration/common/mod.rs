//! A throw-away PostgreSQL with TLS, for one run of a test binary.
//!
//! It is held by a shell that waits at its standard input: however this process ends, the pipe closes, and the shell
//! stops the server and removes its folder.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running server.
pub struct Cluster {
    folder: PathBuf,
    /// Its port, on 127.0.0.1 and in the name of its socket.
    pub port: u16,
    _holder: Child,
}

/// Folder of the server's programs, whose name has the version.
fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL is missing: run scripts/install-tools test")
}

const HBA: &str = "
local     all postgres trust
local     all all      scram-sha-256
hostssl   all all      127.0.0.1/32 scram-sha-256
hostnossl all plain    127.0.0.1/32 trust
";

const CERTIFICATES: &str = r#"
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" \
        -subj "/CN=$1" -days 2
}
authority ca; authority other-ca
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=x \
    -addext subjectAltName=DNS:localhost
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 2 -out server.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout itself.key -out itself.pem -subj /CN=x \
    -addext subjectAltName=DNS:localhost -days 2
chmod 600 server.key itself.key
"#;

const HOLD: &str = r#"
cd "$1" || exit 1
trap '' TERM INT HUP
"$2/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions >log 2>&1 &&
    cp server.pem server.key data/ && cp hba data/pg_hba.conf &&
    "$2/pg_ctl" -D data -w -s -l log -o "-k $1 -p $3 -c listen_addresses=127.0.0.1 -c ssl=on -c ssl_cert_file=server.pem \
        -c ssl_key_file=server.key -c fsync=off -c synchronous_commit=off -c full_page_writes=off" start >>log 2>&1 &&
    echo ready
read -r _
[ -f data/postmaster.pid ] && kill -CONT "$(head -n 1 data/postmaster.pid)"
"$2/pg_ctl" -D data -s -m immediate stop >/dev/null 2>&1
cd / && rm -rf "$1"
"#;

fn run(command: &mut Command) {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}: run scripts/install-tools test"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn is_root() -> bool {
    let done = Command::new("id").arg("-u").output().unwrap();
    done.stdout == b"0\n"
}

/// PostgreSQL refuses to run as root.
fn as_server(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", program]);
    command
}

impl Cluster {
    /// Starts one; the path is short, because the path of a socket has to be.
    pub fn start() -> Cluster {
        let folder = tempfile::Builder::new().prefix("pg-").tempdir_in("/tmp").unwrap().keep();
        fs::write(folder.join("hba"), HBA).unwrap();
        run(Command::new("sh").args(["-e", "-c", CERTIFICATES]).current_dir(&folder));
        if is_root() {
            run(Command::new("chown").args(["-R", "postgres:"]).arg(&folder));
        }
        run(Command::new("chmod").arg("755").arg(&folder));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut holder = as_server("sh")
            .args(["-c", HOLD, "sh"])
            .arg(&folder)
            .arg(programs())
            .arg(port.to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh and runuser");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert_eq!(line, "ready\n", "PostgreSQL does not start: {log}");
        Cluster { folder, port, _holder: holder }
    }

    /// The folder of its socket and of the authorities' certificates.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of an authority: `ca.pem` is the server's, `other-ca.pem` is not, `itself.pem` is the certificate of a
    /// server that has certified itself.
    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// Runs SQL as the superuser.
    pub fn sql(&self, text: &str) {
        let mut child = Command::new(programs().join("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres", "-h"])
            .arg(&self.folder)
            .args(["-p", &self.port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{text}");
    }

    /// Sends a signal to the postmaster.
    pub fn signal(&self, name: &str) {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        run(Command::new("kill").args(["-s", name, pid.lines().next().unwrap()]));
    }
}
