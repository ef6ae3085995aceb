//! Upgrades: the one from the first schema, by the real program, and one to a release that does not exist yet, by a process
//! that works on the database as the importer's would.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use package_import_tests::daemons::users::User;

use crate::interference::watch::Watch;

/// Makes of the state what a program of the first schema would have left.
const FIRST_SCHEMA: &str = "BEGIN;
DROP VIEW check_v1_live;
CREATE VIEW check_v1_live AS
    SELECT (SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counter WHERE name = 'failing') AS failing,
        (SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counter WHERE name = 'parked') AS parked;
ALTER TABLE signature DROP COLUMN parked;
DELETE FROM counter WHERE name = 'parked_failing';
DROP VIEW check_v1_progress;
DROP VIEW check_v1_leases;
ALTER TABLE run DROP COLUMN progress;
ALTER TABLE run DROP COLUMN worked_ms;
ALTER TABLE host DROP COLUMN trouble;
ALTER TABLE host DROP COLUMN trouble_since;
DROP VIEW check_v1_archives;
DROP VIEW check_v1_left_out;
DROP INDEX history_incomplete;
DROP VIEW check_v1_waits;
DROP VIEW check_v1_foreign_refs;
DROP VIEW check_v1_collisions;
DROP VIEW check_v1_findings;
DROP VIEW check_v1_remotes;
DROP TABLE repository;
DROP VIEW check_v1_channels;
DROP TABLE message;
DROP TABLE channel;
DROP TABLE notice;
DROP TABLE collision;
DROP TABLE finding;
DROP TABLE repair_part;
DROP TABLE repair_plan;
DROP TABLE mute;
DROP TABLE package_past;
DROP TABLE past;
DROP INDEX run_host;
DROP INDEX event_at;
DROP INDEX publication_done;
DROP INDEX publication_gone;
DROP TABLE publish;
DROP TABLE remote;
ALTER TABLE publication DROP COLUMN reached;
DROP TABLE foreign_ref;
DROP TABLE place;
DROP INDEX wait_kind;
ALTER TABLE publication DROP COLUMN unlisted;
ALTER TABLE history DROP COLUMN again;
ALTER TABLE suite DROP COLUMN distro;
ALTER TABLE suite DROP COLUMN branch;
ALTER TABLE suite DROP COLUMN mirror;
ALTER TABLE suite DROP COLUMN listed;
ALTER TABLE suite DROP COLUMN reconciled;
ALTER TABLE suite DROP COLUMN remarks;
ALTER TABLE suite DROP COLUMN remarked;
ALTER TABLE suite DROP COLUMN withheld;
ALTER TABLE suite DROP COLUMN withheld_index;
ALTER TABLE suite DROP COLUMN withheld_since;
ALTER TABLE suite DROP COLUMN not_before;
ALTER TABLE suite DROP COLUMN content;
ALTER TABLE suite DROP COLUMN changes;
ALTER TABLE suite DROP COLUMN longest_gap;
ALTER TABLE suite DROP COLUMN stale_after;
UPDATE meta SET value = '1' WHERE name IN ('schema', 'min_writer');
COMMIT;
";

/// The upgrade from the first schema by the real program, again and again, with the checks asking before, beside and
/// after it.
pub fn upgrade_from_the_first(watch: &mut Watch, rounds: usize) {
    for _ in 0..rounds.div_ceil(2) {
        make_first(watch);
        let round = watch.ask();
        watch.assert_settled(&round);
        let mut command = watch.scene.site.importer(&["migrate"]);
        let mut migrate = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while migrate.try_wait().unwrap().is_none() {
            let round = watch.ask();
            watch.assert_settled(&round);
        }
        let output = migrate.wait_with_output().unwrap();
        let said = format!("schema 1 is {} now\n", state::schema::CURRENT);
        assert_eq!(String::from_utf8_lossy(&output.stdout), said, "{output:?}");
        // The checks hold locks all the time here; a process that waits for them reports that.
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.lines().all(|line| line.starts_with("waiting for ")), "{output:?}");
        watch.assert_owners();
    }
}

fn make_first(watch: &Watch) {
    let output = match &watch.server {
        Some(url) => Command::new("psql")
            .args(["-qX", "-v", "ON_ERROR_STOP=1", "-c", FIRST_SCHEMA, url])
            .output()
            .unwrap(),
        None => shell(watch, &format!("{FIRST_SCHEMA}.quit\n")).wait_with_output().unwrap(),
    };
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// An upgrade whose process is killed before it could commit.
pub fn upgrade_that_is_killed(watch: &Watch) {
    // A cache as small as this spills what is not committed into the log.
    let steps = later_schema().join(";\n");
    let script = format!("PRAGMA cache_size = 1;\nBEGIN IMMEDIATE;\n{steps};\nSELECT 'half-way';\n");
    let mut shell = shell(watch, &script);
    read_until(&mut shell, "half-way");
    shell.kill().unwrap();
    shell.wait().unwrap();
}

/// The upgrade itself, and what the views are made from made anew again and again, with the checks asking beside it.
pub fn upgrade(watch: &mut Watch, rounds: usize) {
    let steps = later_schema();
    let all = format!("BEGIN IMMEDIATE;\n{};\nCOMMIT;\n", steps.join(";\n"));
    let views: Vec<&str> = steps.iter().map(String::as_str).filter(|step| step.contains("VIEW")).collect();
    let views = format!("BEGIN IMMEDIATE;\n{};\nCOMMIT;\n", views.join(";\n")).repeat(10 * rounds);
    let mut shell = shell(watch, &format!("{all}{views}SELECT 'upgraded';\n.quit\n"));
    let mut asked = 0;
    while shell.try_wait().unwrap().is_none() || asked < rounds {
        let round = watch.ask();
        watch.assert_settled(&round);
        asked += 1;
    }
    let output = shell.wait_with_output().unwrap();
    assert!(output.stdout.ends_with(b"upgraded\n") && output.stderr.is_empty(), "{output:?}");
}

/// Possible changes of a later release to the schema: another table, columns and index, and every view made anew.
fn later_schema() -> Vec<String> {
    let views = include_str!("../../../../crates/state/src/schema/views.sql");
    let mut steps: Vec<String> = [
        "CREATE TABLE later (id INTEGER PRIMARY KEY, note TEXT)",
        "ALTER TABLE package ADD COLUMN later BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE failure ADD COLUMN later TEXT",
        "CREATE INDEX package_later ON package (later)",
        "INSERT INTO later (note) SELECT name FROM package",
    ]
    .map(str::to_owned)
    .to_vec();
    let without_remarks: Vec<&str> =
        views.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    steps.extend(
        without_remarks
            .join("\n")
            .split(';')
            .map(str::trim)
            .filter(|step| !step.is_empty())
            .map(str::to_owned),
    );
    // Older programs may go on writing, as in a rolling upgrade.
    steps.push(
        "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'schema'".into(),
    );
    steps
}

/// A process of the importer's user that works on the database, and keeps its log as every writer has to.
fn shell(watch: &Watch, script: &str) -> Child {
    let mut shell = User::importer().command("sqlite3");
    shell.arg("-bail").arg(watch.scene.site.root().join("state.db"));
    let mut shell =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = shell.stdin.take().unwrap();
    let script = format!(".filectrl persist_wal 1\n.timeout 10000\n{script}");
    std::thread::spawn(move || {
        input.write_all(script.as_bytes()).unwrap();
        // Its end of the pipe stays open until it has ended or is killed.
        std::mem::forget(input);
    });
    shell
}

/// Waits until a word comes.
fn read_until(shell: &mut Child, word: &str) {
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(word)), "sqlite3 ended before {word}");
}
