//! Requirement 11: reading changes nothing, in every state of the writer and for every reader.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{GOOD, Root, SCHEMA, must_be_root};
use rusqlite::{Connection, DEFAULT_NAME, FileControl};

/// Duty of every writer towards the readers, in safe Rust: `FileControl::PersistWal` keeps both files at the last
/// close. It is set again for each connection; nothing of it is stored in the database.
#[test]
fn req11_a_writer_keeps_the_log_by_a_file_control() {
    let root = Root::new();
    let writer = Connection::open(root.file("state.db")).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
    let mut keep = -1;
    writer.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut keep)).unwrap();
    assert_eq!(keep, 0, "-1 asks, and it is off unless somebody sets it");
    keep = 1;
    writer.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut keep)).unwrap();
    drop(writer);
    assert!(root.file("state.db-wal").exists() && root.file("state.db-shm").exists());
    drop(Connection::open(root.file("state.db")).unwrap().execute_batch("INSERT INTO t VALUES (1)"));
    assert!(!root.file("state.db-wal").exists(), "a connection that does not set it removes both");
}

/// A user without any rights of his own; all rights come from membership in the group.
const USER: &str = "65534";

/// The root as a package would set it up: 2750, of another owner, readable for the monitoring user's group.
fn close(root: &Root) {
    must_be_root();
    chown(root.path(), Some(0), Some(65534)).unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o2750)).unwrap();
    for entry in fs::read_dir(root.path()).unwrap() {
        let path = entry.unwrap().path();
        chown(&path, Some(0), Some(65534)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    }
}

/// Checks as the monitoring user, as root, and as an owner of everything; none may leave a trace.
fn check_without_trace(root: &Root, expected: &str) {
    close(root);
    for (user, owns) in [(Some(USER), false), (None, false), (Some(USER), true)] {
        if owns {
            assert!(Command::new("chown").args(["-R", USER]).arg(root.path()).status().unwrap().success());
        }
        // As root, SQLite gives -wal and -shm to the owner of the database, also if they exist already.
        let before = root.listing(user.is_some());
        let said = match user {
            Some(user) => root.check_as(user, &[]),
            None => root.check(&[]),
        };
        assert_eq!((said.out.as_str(), said.err.as_str()), (expected, ""), "{user:?} {owns}");
        assert_eq!(root.listing(user.is_some()), before, "{user:?} {owns}");
    }
}

/// The same rows with another number, to see that the newest state is read.
fn line(failing: u32) -> String {
    GOOD.replace("3 failing", &format!("{failing} failing"))
        .replace("failing=3", &format!("failing={failing}"))
}

#[test]
fn req11_a_running_writer() {
    let root = Root::new();
    let writer = root.writer();
    writer.execute_batch(SCHEMA).unwrap();
    check_without_trace(&root, GOOD);
    for failing in [4, 5] {
        writer.execute("UPDATE counters SET failing = ?1", [failing]).unwrap();
        check_without_trace(&root, &line(failing));
    }
    // In the middle of a transaction the last committed state counts.
    writer.execute_batch("BEGIN IMMEDIATE; UPDATE counters SET failing = 6").unwrap();
    check_without_trace(&root, &line(5));
    writer.execute_batch("COMMIT").unwrap();
    check_without_trace(&root, &line(6));
    // After checkpoints of every kind, when the log begins again.
    for mode in ["PASSIVE", "RESTART", "TRUNCATE"] {
        writer.pragma_update(None, "wal_checkpoint", mode).unwrap();
        check_without_trace(&root, &line(6));
    }
    writer.execute_batch("UPDATE counters SET failing = 7").unwrap();
    check_without_trace(&root, &line(7));
}

#[test]
fn req11_an_idle_importer_that_kept_its_log() {
    let root = Root::with_database();
    assert!(root.file("state.db-wal").exists() && root.file("state.db-shm").exists());
    check_without_trace(&root, GOOD);
    // And the next writer finds everything as it left it.
    root.writer().execute_batch("UPDATE counters SET failing = 8").unwrap();
    check_without_trace(&root, &line(8));
}

#[test]
fn req11_a_killed_writer() {
    let root = Root::with_database();
    // A process of its own, killed with its work in the log; nothing cleans up.
    let mut writer = Command::new("sqlite3")
        .arg(root.file("state.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("sqlite3: {error}: run scripts/install-tools test"));
    let mut input = writer.stdin.take().unwrap();
    let work = "PRAGMA wal_autocheckpoint = 0; UPDATE counters SET failing = 9; SELECT 'written';\n";
    input.write_all(work.as_bytes()).unwrap();
    let mut written = String::new();
    let mut output = BufReader::new(writer.stdout.take().unwrap());
    while !written.contains("written") {
        assert_ne!(output.read_line(&mut written).unwrap(), 0, "sqlite3 ended: {written}");
    }
    check_without_trace(&root, &line(9));
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(fs::metadata(root.file("state.db-wal")).unwrap().len() > 0);
    check_without_trace(&root, &line(9));
    // With a torn end of the log only committed changes count.
    let log = fs::read(root.file("state.db-wal")).unwrap();
    fs::write(root.file("state.db-wal"), [log.as_slice(), &[7; 5000]].concat()).unwrap();
    check_without_trace(&root, &line(9));
    root.writer().execute_batch("UPDATE counters SET failing = 10").unwrap();
    check_without_trace(&root, &line(10));
}

#[test]
fn req11_a_database_without_a_log() {
    let root = Root::new();
    // As after a copy of the database alone, or when written by a program that does not keep the log.
    let writer = Connection::open(root.file("state.db")).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    writer.execute_batch(SCHEMA).unwrap();
    drop(writer);
    assert!(!root.file("state.db-wal").exists());
    check_without_trace(&root, GOOD);
}

#[test]
fn req11_a_first_start() {
    must_be_root();
    let root = Root::new();
    root.write("state.db", "");
    check_without_trace(
        &root,
        "IMPORT EXAMPLE UNKNOWN - the database has no check_v1_example: has the importer run, and is it as new as this check?\n",
    );
    // Created, but not yet in WAL mode.
    let writer = Connection::open(root.file("state.db")).unwrap();
    writer.execute_batch(SCHEMA).unwrap();
    check_without_trace(&root, GOOD);
    // In WAL mode, with the schema in a log without a checkpoint yet.
    let root = Root::new();
    let writer = root.writer();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.execute_batch(SCHEMA).unwrap();
    writer.execute_batch("COMMIT").unwrap();
    check_without_trace(&root, GOOD);
}

#[test]
fn req11_half_a_log_is_unknown_with_a_hint() {
    for missing in ["-wal", "-shm"] {
        let root = Root::with_database();
        // The head of a log, which was cut off there.
        fs::write(root.file("state.db-wal"), [0x37, 0x7f, 0x06, 0x82, 0, 0x2d, 0xe2, 0x18]).unwrap();
        fs::remove_file(root.file(&format!("state.db{missing}"))).unwrap();
        close(&root);
        let before = root.listing(true);
        let said = root.check_as(USER, &[]);
        said.is(3, "IMPORT EXAMPLE UNKNOWN - ");
        said.contains("start the importer once");
        assert_eq!(root.listing(true), before);
    }
}

#[test]
fn req11_an_empty_log_alone_is_none() {
    let root = Root::with_database();
    fs::write(root.file("state.db-wal"), "").unwrap();
    fs::remove_file(root.file("state.db-shm")).unwrap();
    close(&root);
    let before = root.listing(true);
    root.check_as(USER, &[]).is(0, GOOD);
    assert_eq!(root.listing(true), before);
}

#[test]
fn req10_req11_what_may_not_be_read_is_unknown_with_a_hint() {
    must_be_root();
    for closed in ["state.db", "state.db-wal", "state.db-shm"] {
        let root = Root::with_database();
        close(&root);
        fs::set_permissions(root.file(closed), fs::Permissions::from_mode(0o600)).unwrap();
        let said = root.check_as(USER, &[]);
        said.is(3, "IMPORT EXAMPLE UNKNOWN - cannot read ");
        let path = root.file(closed).display().to_string();
        said.contains(&format!("{path}: permission denied: chmod g+r {path}\n"));
    }
}

/// The hint of a message helps: after following it to the letter, the check reads.
#[test]
fn req10_the_hint_names_what_refuses() {
    must_be_root();
    let root = Root::with_database();
    root.write("config.toml", "");
    close(&root);
    let said = |expected: &str| {
        let said = root.check_as(USER, &["--no-data", "ok"]);
        said.is(3, "IMPORT EXAMPLE UNKNOWN - cannot read ");
        said.contains(&format!(": permission denied: {expected}\n"));
    };
    let (folder, file) = (root.path(), root.file("config.toml"));
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&file, 0o600);
    said(&format!("chmod g+r {}", file.display()));
    mode(&folder, 0o700);
    said(&format!("chmod g+x {}", folder.display()));
    // Behind a link it is the same folder.
    let link = folder.with_file_name("link.toml");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let by_link = root.check_as(USER, &["--config", link.to_str().unwrap()]);
    by_link.contains(&format!(": chmod g+x {}\n", folder.display()));
    mode(&folder, 0o750);
    mode(&file, 0o640);
    root.check_as(USER, &[]).is(0, GOOD);
    // Group of others: adm, on every Debian. The user's name is that of this number.
    chown(&folder, Some(0), Some(4)).unwrap();
    said("usermod -aG adm nobody, then restart the daemon");
    mode(&folder, 0o700);
    said(&format!("chmod g+x {}, and usermod -aG adm nobody, then restart the daemon", folder.display()));
    chown(&folder, Some(0), Some(0)).unwrap();
    let shown = folder.display();
    said(&format!("chgrp {shown} to a group of nobody, and chmod g+x {shown}"));
    chown(&folder, Some(65534), Some(0)).unwrap();
    mode(&folder, 0o600);
    said(&format!("chmod u+x {}", folder.display()));
}

#[test]
fn req11_a_path_with_the_signs_of_a_uri_and_a_link() {
    let root = Root::with_database();
    let odd = root.file("a b?c#d%41&e");
    fs::create_dir(&odd).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("state.db{suffix}");
        fs::rename(root.file(&name), odd.join(&name)).unwrap();
    }
    assert_eq!(root.check(&["--state", odd.join("state.db").to_str().unwrap()]).out, GOOD);
    std::os::unix::fs::symlink(odd.join("state.db"), root.file("state.db")).unwrap();
    assert_eq!(root.check(&[]).out, GOOD);
    assert!(!root.file("state.db-shm").exists());
}

#[test]
fn req11_the_writer_never_fails_because_of_checks() {
    let root = Root::new();
    let writer = root.writer();
    writer.execute_batch(SCHEMA).unwrap();
    close(&root);
    // No waiting: a lock that a check holds would be an error at once.
    writer.busy_timeout(std::time::Duration::ZERO).unwrap();
    let mut running = Vec::new();
    for number in 0..200 {
        if number % 10 == 0 {
            running.push(root.command_as(Some(USER), &[]).stdout(Stdio::piped()).spawn().unwrap());
        }
        writer.execute("UPDATE counters SET failing = ?1", [number % 100]).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO worst VALUES ('x', 'y'); COMMIT").unwrap();
    }
    for check in running {
        let output = check.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}
