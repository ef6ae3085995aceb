//! Damage of the log beside the database of SQLite (`state.db-wal`): checks and commands say what happened, and what to do.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use package_import_tests::daemons::site::Site;
use package_import_tests::daemons::users::User;

/// Does it as the importer's user, and is killed in the middle of its work: the log has what the file lacks.
fn killed_writer(database: &Path, sql: &str) {
    let mut writer = User::importer()
        .command("sqlite3")
        .arg(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let text =
        format!("PRAGMA journal_mode = WAL;\nPRAGMA wal_autocheckpoint = 0;\n{sql}\n.shell kill -9 $PPID\n");
    writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(!writer.wait().unwrap().success());
}

fn installation() -> Site {
    let site = Site::new();
    site.configure("");
    site.well(&["run"]);
    let fill = "INSERT INTO meta (name, value) VALUES ('fill', hex(zeroblob(50000)));";
    killed_writer(&site.root().join("state.db"), fill);
    assert!(fs::metadata(site.root().join("state.db-wal")).unwrap().len() > 100_000);
    site
}

/// What two checks and a command say, with the path of the root left out.
fn said(site: &Site) -> String {
    let mut said = String::new();
    for (check, arguments) in [("failures", &[][..]), ("state", &["--database"])] {
        let one = site.check(check, arguments);
        assert!(one.err.is_empty(), "{one:?}");
        said += one.text().split(" | ").next().unwrap().trim_end();
        said.push('\n');
    }
    let status = site.importer(&["status"]).output().unwrap();
    let error = String::from_utf8_lossy(&status.stderr).into_owned();
    let text = if status.status.success() { "status is shown\n".to_owned() } else { error };
    write!(said, "{text}").unwrap();
    said.replace(&site.root().display().to_string(), "ROOT")
}

const WELL: &str = "IMPORT FAILURES OK - 0 failing, learning 0/7 days\nIMPORT STATE OK - the database can be read\nstatus is shown\n";

#[test]
fn a_log_that_ends_early_is_that_of_a_crash() {
    for length in [u64::MAX, 60_000, 10, 0] {
        let site = installation();
        let log = fs::OpenOptions::new().write(true).open(site.root().join("state.db-wal")).unwrap();
        log.set_len(length.min(log.metadata().unwrap().len())).unwrap();
        assert_eq!(said(&site), WELL, "{length}");
    }
}

#[test]
fn a_log_that_is_none() {
    for keeps_index in [true, false] {
        let site = installation();
        let log = site.root().join("state.db-wal");
        fs::write(&log, b"no log ".repeat(20_000)).unwrap();
        if !keeps_index {
            fs::remove_file(site.root().join("state.db-shm")).unwrap();
        }
        insta::allow_duplicates! { insta::assert_snapshot!(said(&site), @"
    IMPORT FAILURES UNKNOWN - database damaged: ROOT/state.db-wal is no log of SQLite: see check_import_state
    IMPORT STATE CRITICAL - database damaged: ROOT/state.db-wal is no log of SQLite: stop the importer, copy its folder away, package-import restore
    Error: the state database ROOT/state.db is damaged: ROOT/state.db-wal is no log of SQLite, so what was written last is lost; SQLite would go on without it
    Hint: stop what runs, copy the root away, move state.db and what stands beside it out of the root, then `package-import restore --state-only BACKUP` (docs/operations.md)
    "); }
        // As docs/operations.md says, with the last backup; here with what the file itself had.
        fs::remove_file(&log).unwrap();
        let _ = fs::remove_file(site.root().join("state.db-shm"));
        assert_eq!(said(&site), WELL);
    }
}

#[test]
fn the_log_of_another_database() {
    let site = installation();
    let other = site.root().join("other.db");
    killed_writer(&other, "CREATE TABLE bookmark (url);\nINSERT INTO bookmark VALUES (1);");
    fs::rename(site.root().join("other.db-wal"), site.root().join("state.db-wal")).unwrap();
    fs::remove_file(site.root().join("state.db-shm")).unwrap();
    insta::assert_snapshot!(said(&site), @r#"
IMPORT FAILURES UNKNOWN - ROOT/state.db has a -wal but no -shm: an incomplete copy? start the importer once
IMPORT STATE UNKNOWN - ROOT/state.db has a -wal but no -shm: an incomplete copy? start the importer once
Error: state database: damaged: its tables are those of something else, such as "bookmark": it is another file, or the log beside it (-wal) is that of another database
Hint: stop what runs, copy the root away, move state.db and what stands beside it out of the root, then `package-import restore --state-only BACKUP` (docs/operations.md)
"#);
}

#[test]
fn a_log_that_may_not_be_read_and_a_folder_in_its_place() {
    let site = installation();
    let log = site.root().join("state.db-wal");
    fs::set_permissions(&log, Permissions::from_mode(0o000)).unwrap();
    insta::assert_snapshot!(said(&site), @"
IMPORT FAILURES UNKNOWN - cannot read ROOT/state.db-wal: permission denied: chmod g+r ROOT/state.db-wal
IMPORT STATE UNKNOWN - cannot read ROOT/state.db-wal: permission denied: chmod g+r ROOT/state.db-wal
Error: cannot open the state database ROOT/state.db: ROOT/state.db-wal: Permission denied (os error 13)
Hint: run it as the user who owns the root, or choose another with --root
");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    insta::assert_snapshot!(said(&site), @"
    IMPORT FAILURES UNKNOWN - ROOT/state.db-wal is a folder, not a file: move it away
    IMPORT STATE UNKNOWN - ROOT/state.db-wal is a folder, not a file: move it away
    Error: cannot open the state database ROOT/state.db: ROOT/state.db-wal is a folder, not a file: move it away; what was in the file comes back from a backup
    ");
}
