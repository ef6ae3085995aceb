//! PostgreSQL: the same answers, read-only, as a read-only role, and in time.
#![cfg(feature = "postgres")]

#[path = "../../../pg-connect/tests/integration/common/mod.rs"]
mod cluster;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{GOOD, Root};
use cluster::Cluster;

const SCHEMA: &str = "
CREATE TABLE counters (failing bigint, held integer);
INSERT INTO counters VALUES (3, 2);
CREATE TABLE worst (package text, error text);
INSERT INTO worst VALUES ('dash', E'patch|does\\nnot\\x1b[31m apply');
CREATE VIEW check_v1_example AS SELECT failing, held FROM counters;
CREATE VIEW check_v1_example_worst AS SELECT package, error FROM worst;
CREATE ROLE monitor LOGIN PASSWORD 'secret';
GRANT SELECT ON check_v1_example, check_v1_example_worst TO monitor;
";

struct Monitored {
    root: Root,
    cluster: Cluster,
}

impl Monitored {
    fn new() -> Monitored {
        let monitored = Monitored { root: Root::new(), cluster: Cluster::start() };
        monitored.cluster.sql(SCHEMA);
        monitored.root.write("pass", "*:*:*:monitor:secret\n");
        fs::set_permissions(monitored.root.file("pass"), fs::Permissions::from_mode(0o600)).unwrap();
        monitored.configure("verify-full", "ca.pem");
        monitored
    }

    fn configure(&self, mode: &str, ca: &str) {
        let text = format!(
            "[checks]\nstate = 'postgresql://monitor@localhost:{}/postgres?hostaddr=127.0.0.1&sslmode={mode}&sslrootcert={}'\n\
             passfile = '{}'\n",
            self.cluster.port,
            self.cluster.file(ca),
            self.root.file("pass").display()
        );
        self.root.write("config.toml", &text);
    }
}

#[test]
fn req7_the_role_monitor_by_pass_file_and_verified_tls() {
    let monitored = Monitored::new();
    let root = &monitored.root;
    assert_eq!(root.check(&[]).out, GOOD);
    assert_eq!(root.check(&["-v"]).out, format!("{GOOD}dash: patch/does not apply\n"));
    root.check(&["-w", "2"]).is(1, "IMPORT EXAMPLE WARNING - 3 failing");

    monitored.configure("verify-full", "other-ca.pem");
    root.check(&["--no-data", "ok"]).is(3, "IMPORT EXAMPLE UNKNOWN - cannot connect to localhost:");
    monitored.configure("verify-full", "ca.pem");

    fs::set_permissions(root.file("pass"), fs::Permissions::from_mode(0o640)).unwrap();
    let said = root.check(&[]);
    said.is(3, "IMPORT EXAMPLE UNKNOWN - cannot connect to localhost:");
    said.contains("chmod 0600");
    fs::set_permissions(root.file("pass"), fs::Permissions::from_mode(0o600)).unwrap();

    let said = root.check(&["--state", "postgresql://monitor:secret@localhost/postgres"]);
    said.is(3, "IMPORT EXAMPLE UNKNOWN - ");
    assert!(!said.out.contains("secret"), "{said:?}");

    // A view that does not exist, and one that the role may not read.
    monitored.cluster.sql("DROP VIEW check_v1_example");
    root.check(&["--no-data", "1"])
        .is(1, "IMPORT EXAMPLE WARNING - ERROR: relation check_v1_example does not exist");
    monitored.cluster.sql("CREATE VIEW check_v1_example AS SELECT failing, held FROM counters");
    let said = root.check(&["--no-data", "1"]);
    said.is(3, "IMPORT EXAMPLE UNKNOWN - ");
    said.contains("monitor");
    // A function behind a view cannot write either.
    monitored.cluster.sql(
        "CREATE FUNCTION harm() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS
             'UPDATE counters SET failing = 0 RETURNING failing';
         CREATE OR REPLACE VIEW check_v1_example AS SELECT harm() AS failing, 0 AS held;
         GRANT SELECT ON check_v1_example TO monitor",
    );
    root.check(&[]).is(3, "IMPORT EXAMPLE UNKNOWN - PostgreSQL: ERROR: cannot execute UPDATE in a read-only");
}

#[test]
fn req9_a_stopped_postmaster_and_a_lock() {
    let monitored = Monitored::new();
    let root = &monitored.root;
    let arguments = ["-t", "2", "--timeout-state", "critical"];
    assert_eq!(root.check(&arguments).out, GOOD);
    monitored.cluster.signal("STOP");
    let said = root.check(&arguments);
    said.is(2, "IMPORT EXAMPLE CRITICAL - ");
    said.contains("no answer");
    monitored.cluster.signal("CONT");
    assert_eq!(root.check(&["-t", "60"]).out, GOOD);

    // A slow view: the server ends the statement, and no session stays behind.
    monitored.cluster.sql("CREATE OR REPLACE VIEW check_v1_example AS SELECT 3::bigint AS failing, 2 AS held FROM pg_sleep(600)");
    root.check(&arguments)
        .is(2, "IMPORT EXAMPLE CRITICAL - ERROR: canceling statement due to statement timeout (57014): a table is locked");
}
