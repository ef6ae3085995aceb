//! Against a real server: logins, pass files, TLS, time limits.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::Cluster;
use pg_connect::{ConnectError, Environment, Failure, Target};
use postgres::Client;
use tempfile::TempDir;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let cluster = Cluster::start();
    cluster.sql(
        r"CREATE ROLE worker LOGIN PASSWORD 'pass:w\ord'; CREATE ROLE plain LOGIN;
          CREATE DATABASE import OWNER worker;",
    );
    cluster
});

/// A pass file in a folder of its own.
struct PassFile(TempDir);

impl PassFile {
    fn new(text: &str, mode: u32) -> PassFile {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("pass"), text).unwrap();
        fs::set_permissions(folder.path().join("pass"), fs::Permissions::from_mode(mode)).unwrap();
        PassFile(folder)
    }

    fn good() -> PassFile {
        PassFile::new("*:*:import:worker:pass\\:w\\\\ord\n", 0o600)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("pass")
    }
}

/// A connection without anything from the environment of this process.
fn connect(target: &str, passfile: Option<&PassFile>) -> Result<Client, ConnectError> {
    let target = Target::parse(target).unwrap().with_passfile(passfile.map(PassFile::path));
    target.connect_from(&Environment::default())
}

fn failure(target: &str, passfile: Option<&PassFile>) -> String {
    match connect(target, passfile) {
        Ok(_) => panic!("{target} connects"),
        Err(error) => error.to_string(),
    }
}

fn tcp(more: &str) -> String {
    format!("host=localhost hostaddr=127.0.0.1 port={} user=worker dbname=import {more}", CLUSTER.port)
}

fn socket() -> String {
    format!("postgresql:///import?host={}&port={}&user=worker", CLUSTER.folder().display(), CLUSTER.port)
}

fn value(client: &mut Client, sql: &str) -> String {
    client.query_one(sql, &[]).unwrap().get(0)
}

fn has_tls(client: &mut Client) -> bool {
    client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).unwrap().get(0)
}

#[test]
fn the_pass_file_opens_sockets_and_tcp() {
    let pass = PassFile::good();
    let mut client = connect(&socket(), Some(&pass)).unwrap();
    assert_eq!(value(&mut client, "SELECT current_user::text"), "worker");
    assert!(!has_tls(&mut client));
    let mut client = connect(&tcp(""), Some(&pass)).unwrap();
    assert!(has_tls(&mut client));
}

#[test]
fn the_environment_names_a_pass_file_and_a_home() {
    let pass = PassFile::good();
    let target = Target::parse(&socket()).unwrap();
    let named = Environment { passfile: Some(pass.path()), ..Environment::default() };
    target.connect_from(&named).unwrap();
    fs::rename(pass.path(), pass.0.path().join(".pgpass")).unwrap();
    let home = Environment { home: Some(pass.0.path().into()), ..Environment::default() };
    target.connect_from(&home).unwrap();
    let nobody = Target::parse("dbname=import").unwrap().connect_from(&Environment::default());
    assert!(nobody.err().unwrap().to_string().contains("no user"));
}

#[test]
fn a_pass_file_that_others_may_read_is_not_used() {
    for mode in [0o640, 0o604, 0o660] {
        let pass = PassFile::new("*:*:*:*:pass\\:w\\\\ord\n", mode);
        let error = failure(&socket(), Some(&pass));
        assert!(error.contains("chmod 0600"), "{mode:o}: {error}");
    }
    let error = failure(&socket(), None);
    assert!(error.contains("no pass file is configured"), "{error}");
    let error = failure(&format!("{}&passfile=/nonexistent", socket()), None);
    assert!(error.contains("/nonexistent"), "{error}");
    let error = failure(&socket(), Some(&PassFile::new("other:*:*:*:x\n", 0o600)));
    assert!(error.contains("no line for this login"), "{error}");
    let error = failure(&socket(), Some(&PassFile::new("*:*:*:*:wrong\n", 0o600)));
    assert!(error.contains("28P01"), "{error}");
    assert!(!error.contains("wrong"), "{error}");
}

#[test]
fn verify_full_wants_the_right_authority_and_the_right_name() {
    let pass = PassFile::good();
    let (ours, other) = (CLUSTER.file("ca.pem"), CLUSTER.file("other-ca.pem"));
    let mode = |mode: &str, ca: &str| tcp(&format!("sslmode={mode} sslrootcert={ca}"));
    for good in ["verify-full", "verify-ca", "require"] {
        assert!(has_tls(&mut connect(&mode(good, &ours), Some(&pass)).unwrap()), "{good}");
        let error = failure(&mode(good, &other), Some(&pass));
        assert!(
            error.contains("UnknownIssuer") && error.contains("into the file that sslrootcert names"),
            "{good}: {error}"
        );
    }
    let elsewhere = |mode: &str| {
        tcp(&format!("sslmode={mode} sslrootcert={ours}")).replace("localhost", "elsewhere.example.org")
    };
    let error = failure(&elsewhere("verify-full"), Some(&pass));
    assert!(error.contains("not valid for name") && error.contains("subjectAltName"), "{error}");
    connect(&elsewhere("verify-ca"), Some(&pass)).unwrap();
    // By the address alone it is not the host of the certificate either.
    let address = mode("verify-full", &ours).replace("host=localhost ", "");
    assert!(failure(&address, Some(&pass)).contains("not valid for name"));
}

#[test]
fn a_server_that_has_certified_itself_is_trusted_by_that_certificate_alone() {
    let cluster = Cluster::start();
    let own = |name: &str| cluster.file(&format!("itself.{name}"));
    cluster.sql("CREATE ROLE worker LOGIN PASSWORD 'pass:w\\ord'; CREATE DATABASE import OWNER worker;");
    for name in ["pem", "key"] {
        fs::write(cluster.file(&format!("data/server.{name}")), fs::read(own(name)).unwrap()).unwrap();
    }
    cluster.sql("SELECT pg_reload_conf();");
    let pass = PassFile::good();
    let target = |host: &str, mode: &str, trusted: &str| {
        let port = cluster.port;
        format!(
            "host={host} hostaddr=127.0.0.1 port={port} user=worker dbname=import sslmode={mode} sslrootcert={trusted}"
        )
    };
    let end = Instant::now() + Duration::from_secs(20);
    while connect(&target("localhost", "verify-full", &own("pem")), Some(&pass)).is_err() {
        let error = failure(&target("localhost", "verify-full", &own("pem")), Some(&pass));
        assert!(Instant::now() < end, "{error}");
        thread::sleep(Duration::from_millis(100));
    }
    let error = failure(&target("elsewhere.example.org", "verify-full", &own("pem")), Some(&pass));
    assert!(error.contains("not valid for name"), "{error}");
    connect(&target("elsewhere.example.org", "verify-ca", &own("pem")), Some(&pass)).unwrap();
    for mode in ["verify-full", "verify-ca"] {
        let error = failure(&target("localhost", mode, &cluster.file("ca.pem")), Some(&pass));
        assert!(error.contains("invalid peer certificate"), "{error}");
        assert!(error.contains("if the server has a new certificate, put it"), "{error}");
    }
}

#[test]
fn verification_without_usable_root_certificates_is_refused() {
    let pass = PassFile::good();
    assert!(failure(&tcp("sslmode=verify-full"), Some(&pass)).contains("needs sslrootcert"));
    let error = failure(&tcp("sslmode=verify-full sslrootcert=/nonexistent.pem"), Some(&pass));
    assert!(error.contains("/nonexistent.pem"), "{error}");
    let empty = PassFile::new("nothing\n", 0o600);
    let error =
        failure(&tcp(&format!("sslmode=verify-ca sslrootcert={}", empty.path().display())), Some(&pass));
    assert!(error.contains("no certificate"), "{error}");
}

#[test]
fn a_login_can_be_bound_to_its_channel() {
    let pass = PassFile::good();
    let bound = format!("sslmode=verify-full sslrootcert={} channel_binding=require", CLUSTER.file("ca.pem"));
    connect(&tcp(&bound), Some(&pass)).unwrap();
    let error = failure(&tcp("sslmode=disable channel_binding=require"), Some(&pass));
    assert!(error.contains("pg_hba.conf") || error.contains("channel"), "{error}");
}

#[test]
fn tls_is_not_left_out_when_it_is_required() {
    let plain =
        |mode: &str| format!("host=127.0.0.1 port={} user=plain dbname=import sslmode={mode}", CLUSTER.port);
    assert!(!has_tls(&mut connect(&plain("disable"), None).unwrap()));
    // `plain` can only come without TLS: a server that demands TLS refuses it.
    failure(&plain("require"), None);
}

#[test]
fn settings_reach_the_server() {
    let pass = PassFile::good();
    let target = Target::parse(&format!("{}&options=-c%20work_mem%3D1234kB", socket()))
        .unwrap()
        .with_passfile(Some(pass.path()))
        .with_application_name("check")
        .with_statement_timeout(Duration::from_millis(1500));
    let mut client = target.connect_from(&Environment::default()).unwrap();
    assert_eq!(value(&mut client, "SHOW statement_timeout"), "1500ms");
    assert_eq!(value(&mut client, "SHOW application_name"), "check");
    assert_eq!(value(&mut client, "SHOW work_mem"), "1234kB");
    let mut quick = target.with_statement_timeout(Duration::from_millis(1));
    quick.writable = Some(true);
    let mut client = quick.connect_from(&Environment::default()).unwrap();
    let error = client.query("SELECT pg_sleep(60)", &[]).unwrap_err();
    assert_eq!(error.code().unwrap().code(), "57014");
}

#[test]
fn the_next_server_is_tried_but_not_after_a_refused_login() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let both = format!(
        "host=127.0.0.1,{} port={closed},{} user=worker dbname=import",
        CLUSTER.folder().display(),
        CLUSTER.port
    );
    connect(&both, Some(&PassFile::good())).unwrap();
    let twice = format!("postgresql://worker@localhost:{0},localhost:{0}/import", CLUSTER.port);
    let wrong = PassFile::new("*:*:*:*:wrong\n", 0o600);
    let error = connect(&twice, Some(&wrong)).err().unwrap();
    assert_eq!(error.attempts.len(), 1, "{error}");
}

#[test]
fn a_server_that_accepts_and_never_answers_is_given_up() {
    // The kernel accepts for a process that does not, as it does for a stopped postmaster.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let target = format!("host=127.0.0.1 port={port} user=worker connect_timeout=1");
    let error = connect(&target, None).err().unwrap();
    assert!(matches!(error.attempts.as_slice(), [(_, Failure::TimedOut(1))]), "{error}");
}
