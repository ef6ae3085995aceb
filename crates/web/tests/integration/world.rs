//! Generated states: a small one with everything in it, and one as large as an archive of Debian's.

use std::path::{Path, PathBuf};

use state::Store;
use state::open::Location;
use tempfile::TempDir;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

pub struct World {
    folder: TempDir,
    pub store: Store,
}

impl World {
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.root().join("state.db")
    }

    /// Number of entries of the audit trail.
    pub fn events(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM event")
    }

    pub fn number(&self, sql: &str) -> i64 {
        self.store.read(|tx| tx.first(sql, &[])).unwrap().map_or(0, |row| row.int(0))
    }
}

/// With SQLite, everything in it.
pub fn small() -> World {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("state.db"));
    let store = location.open_or_make().unwrap();
    fill(&store, now());
    World { folder, store }
}

/// With PostgreSQL: the URL of its schema.
pub fn postgres() -> (World, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = throwaway_postgres::schema();
    let location = Location::Postgres { url: url.clone(), passfile: None };
    let store = location.open_or_make().unwrap();
    fill(&store, now());
    (World { folder, store }, url)
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn run(store: &Store, statements: &[String]) {
    for some in statements.chunks(40) {
        store
            .write(|tx| {
                for sql in some {
                    tx.execute(sql, &[])?;
                }
                Ok(())
            })
            .unwrap();
    }
}

/// All kinds of content that pages show, at least once.
fn fill(store: &Store, now: i64) {
    let mut sql = vec![
        format!("INSERT INTO host (name, state, expected, heartbeat) VALUES ('worker1', 'online', 1, {now})"),
        format!(
            "INSERT INTO host (name, state, reason, expected, heartbeat) VALUES ('worker2', 'quiescing', 'kernel upgrade', 1, {})",
            now - 600_000
        ),
    ];
    for host in [1, 2] {
        sql.push(format!(
            "INSERT INTO run (host_id, mode, pid, pid_start, boot, version, started, heartbeat, jobs)
             VALUES ({host}, 'service', 1, 1, 'b', '0.2.0', {}, {now}, 8)",
            now - DAY
        ));
    }
    let packages = ["bash", "curl", "dash", "hello", "zlib", "held", "waiting", "running", "wedged"];
    for name in packages {
        sql.push(format!(
            "INSERT INTO package (name, first_seen, last_attempt, last_success, wall_ms) VALUES ('{name}', {0}, {0}, {0}, 4000)", now - 9 * DAY));
    }
    sql.push(format!(
        "UPDATE package SET held = 1, held_by = 'olga@ops', held_reason = 'upstream moves', held_at = {} WHERE name = 'held'", now - DAY));
    for (id, short, code, text) in [
        (1, "aaaaaaa", "checksum-mismatch", "a.tar has SHA-256 1 instead of 2"),
        (2, "bbbbbbb", "unreachable", "cannot reach deb.debian.org"),
    ] {
        sql.push(format!(
            "INSERT INTO signature (id, short, stage, code, text, example, normaliser, class, policy, note, bug, failing, first_seen, last_seen)
             VALUES ({id}, '{short}', 'fetch', '{code}', '{text}', '{text}', 1, 'permanent', 'fail', 'olga looks', 'https://bugs.example.org/1', 2, {0}, {now})", now - 5 * DAY));
    }
    for (package, signature, state) in
        [(1, 1, "failing"), (2, 1, "retrying"), (3, 2, "failing"), (9, 2, "wedged")]
    {
        let message = "cannot read /var/lib/package-import/cache/a.tar on worker1";
        sql.push(format!(
            "INSERT INTO attempt (package_id, run_id, lane, tasks, started, ended, outcome, counts, stage, code, signature_id, message, importer, versions, wall_ms, cpu_ms, peak_rss, log)
             VALUES ({package}, 1, 0, 1, {0}, {0}, 'failed', 1, 'fetch', 'checksum-mismatch', {signature}, '{message}', '0.2.0', 1, 4321, 900, 20000000, 'the end of a log')", now - HOUR));
        sql.push(format!(
            "INSERT INTO failure (package_id, signature_id, attempt_id, stage, code, class, state, message, since, last, attempts, in_row, distro, version)
             VALUES ({package}, {signature}, 1, 'fetch', 'checksum-mismatch', 'permanent', '{state}', '{message}', {0}, {now}, 3, 3, 'debian', '2.0-1')", now - 2 * DAY));
    }
    sql.push(format!("INSERT INTO job (package_id, lane, state, tasks, wanted, entered) VALUES (5, 0, 'pending', 1, {now}, {})", now - 60_000));
    sql.push(format!("INSERT INTO job (package_id, lane, state, tasks, wanted, entered, due) VALUES (7, 2, 'retrying', 1, {now}, {}, {})", now - 60_000, now + HOUR));
    sql.push(format!("INSERT INTO wait (package_id, kind, reason, since, until) VALUES (7, 'base', 'debian 1.0-1 of waiting', {}, {})", now - HOUR, now + DAY));
    sql.push(format!("INSERT INTO attempt (package_id, run_id, lane, tasks, started, importer) VALUES (8, 1, 0, 1, {}, '0.2.0')", now - 9000));
    sql.push(format!(
        "INSERT INTO job (package_id, lane, state, tasks, wanted, entered, attempt_id, run_id, lease_until)
         VALUES (8, 0, 'running', 1, {now}, {now}, 5, 1, {})",
        now + 60_000
    ));
    sql.push(format!("INSERT INTO dependency (name, state, since, cause, probes, next_probe, parked) VALUES ('deb.debian.org', 'open', {}, 'timed out', 3, {}, 12)", now - HOUR, now + 60_000));
    sql.push(format!("INSERT INTO event (at, actor, action, subject, reason, before, after) VALUES ({}, 'package-import', 'breaker-open', 'deb.debian.org', 'it timed out', 'closed', 'open')", now - 50 * HOUR));
    sql.push(format!("INSERT INTO event (at, actor, action, subject, reason, before, after) VALUES ({}, 'package-import', 'breaker-closed', 'deb.debian.org', NULL, 'open', 'closed')", now - 48 * HOUR));
    sql.push(format!("INSERT INTO event (at, actor, action, subject, reason, before, after) VALUES ({}, 'olga@ops', 'hold', 'held', 'upstream moves', NULL, NULL)", now - DAY));
    sql.push(format!(
        "INSERT INTO publication (package_id, archive, distro, suite, component, version, dsc, dsc_sha256, trust, files, published, first_seen)
         VALUES (1, 'debian', 'debian', 'sid', 'main', '2.0-1', 'a', 'b', 'index', '[]', {0}, {0})", now - 2 * DAY));
    sql.push(format!("INSERT INTO version (package_id, distro, version, commit_id, tree_id, tag, rules, importer, imported)
         VALUES (4, 'debian', '2.10-3', '3f1c9a00000000000000000000000000000000aa', 't', 'debian/2.10-3', 1, '0.2.0', {})", now - DAY));
    sql.push(format!(
        "INSERT INTO suite (archive, suite, distro, branch, followed, polled, changed, release_date, mirror, listed, every, remarks, failed, error)
         VALUES ('debian', 'sid', 'debian', 'sid', {0}, {0}, {0}, {0}, 'https://mirror.example.org', 9, 900000, 'the index is old', {now}, 'cannot reach it')", now - HOUR));
    for (name, value) in [
        ("failing", 4),
        ("state_retrying", 1),
        ("state_failing", 2),
        ("state_wedged", 1),
        ("running", 1),
        ("parked", 12),
        ("held", 1),
        ("queue_upload", 1),
        ("queue_held", 1),
    ] {
        sql.push(format!("INSERT INTO counter (name, shard, value) VALUES ('{name}', 0, {value})"));
    }
    let hour = now / HOUR;
    for back in 0..300 {
        sql.push(format!(
            "INSERT INTO sample (figure, hour, shard, value) VALUES ('failing', {}, 0, {})",
            hour - back,
            3 + back / 40 % 3 / 2 + i64::from(back % 50 < 6)
        ));
        if back < 40 {
            sql.push(format!(
                "INSERT INTO sample (figure, hour, shard, value) VALUES ('signature:aaaaaaa', {}, 0, 2)",
                hour - back
            ));
        }
    }
    for (name, value) in [
        ("latency_count", 9),
        ("latency_p50", 540),
        ("latency_p95", 2700),
        ("latency_max", 41_000),
        ("behind", 3),
    ] {
        sql.push(format!(
            "INSERT INTO sample (figure, hour, shard, value) VALUES ('{name}', {hour}, 0, {value})"
        ));
    }
    sql.push(format!("INSERT INTO collision (id, package_id, name, kind, since, who, theirs, paths) VALUES (1, 1, 'refs/heads/debian/sid', 'unmerged', {}, 'Mallory <mallory@example.com>', '1111111111111111111111111111111111111111', '[]')", now - HOUR));
    sql.push(format!("INSERT INTO collision (id, package_id, name, kind, since, paths, ended, ending) VALUES (2, 1, 'refs/tags/debian/1.0-1', 'tag-differs', {}, '[]', {now}, 'keep')", now - HOUR));
    sql.push(format!("INSERT INTO remote (id, name, url, followed) VALUES (1, 'git', 'ssh://git@git.example.org/{{package}}', {now})"));
    sql.push(format!("INSERT INTO publish (package_id, remote_id, lane, state, wanted, entered, code, message, since, failures) VALUES (1, 1, 1, 'retrying', 1, {now}, 'denied', 'no right to push', {now}, 3)"));
    sql.push(format!("INSERT INTO notice (topic, kind, part, level, subject, line, items, hints, at, due, seq) VALUES ('signature:aaaaaaa', 'signature', 'once', 'warning', 'aaaaaaa', 'aaaaaaa patch/fails: it does not apply', '[\"first seen in bash\"]', '[]', {now}, {now}, 1)"));
    sql.push(format!("INSERT INTO channel (name, kind, host, followed, told, digested, failing, failures, error) VALUES ('team', 'mail', 'worker1', {now}, 0, 0, {now}, 1, 'server is away')"));
    past(&mut sql, now);
    repair(&mut sql, now);
    let detail = r#"{"time":1,"stock":{"normal":3.4,"spread":0.2}}"#;
    sql.push(format!("INSERT INTO verdict (figure, at, state, since, value, warn, crit, text, detail) VALUES ('failing', {now}, 'WARNING', {}, 4, 5, 9, '4 packages fail (normally 3)', '{detail}')", now - HOUR));
    run(store, &sql);
}

/// What was so at other times: two packages began to fail, one was parked in the outage of `fill`, one was held.
fn past(sql: &mut Vec<String>, now: i64) {
    sql.push(format!("UPDATE meta SET value = '{}' WHERE name = 'past_since'", now - 10 * DAY));
    for (package, at) in [(1, now - 2 * DAY), (3, now - 49 * HOUR)] {
        sql.push(format!(
            "INSERT INTO package_past (package_id, at, failure, signature_id, failed_attempt, stage, code, class, message, since, last, attempts, distro, version, began)
             VALUES ({package}, {at}, 'failing', 1, 1, 'fetch', 'checksum-mismatch', 'permanent', 'cannot read /var/lib/package-import/cache/a.tar on worker1', {at}, {at}, 1, 'debian', '2.0-1', 1)"));
    }
    sql.push(format!("INSERT INTO package_past (package_id, at, state, lane, entered, dependency_id) VALUES (4, {}, 'parked', 0, {0}, 1)", now - 49 * HOUR));
    sql.push(format!(
        "INSERT INTO package_past (package_id, at, last_success) VALUES (4, {0}, {0})",
        now - 47 * HOUR
    ));
    sql.push(format!(
        "INSERT INTO package_past (package_id, at, held, held_by, held_reason, held_at) VALUES (6, {0}, 1, 'olga@ops', 'upstream moves', {0})", now - DAY));
    let said = serde_json::json!({"state": "WARNING", "since": now - 5 * HOUR, "value": 9, "text": "9 packages fail (normally 3)"});
    sql.push(format!(
        "INSERT INTO past (kind, name, at, value) VALUES ('verdict', 'failing', {}, '{said}')",
        now - 5 * HOUR
    ));
}

/// Text of a plan of repair, with these words in it.
pub fn plan(words: &str) -> String {
    let step = |mark: &str, reversible: bool| {
        serde_json::json!({
            "act": "ref", "mark": mark, "subject": format!("refs/tags/debian/{mark} {words}"), "before": "1".repeat(40),
            "after": words, "reason": format!("an import has written it {words}"), "reversible": reversible,
            "automatic": false, "bytes": 4_000_000, "imports": 1,
        })
    };
    let finding = serde_json::json!({ "code": "tag-gone", "subject": format!("debian/2.10-3 {words}"), "message": format!("the tag is gone {words}") });
    let steps = [step("create", true), step("aside", true), step("replace", false)];
    serde_json::json!({ "package": "bash", "findings": [finding], "steps": steps }).to_string()
}

/// Findings, a mute, a plan of which one package is ready and one is done, and the plan that takes that back.
fn repair(sql: &mut Vec<String>, now: i64) {
    sql.push(format!("INSERT INTO finding (package_id, code, subject, message, since) VALUES (1, 'tag-gone', 'debian/2.10-3', 'the tag is gone from /var/lib/package-import/repos/bash', {})", now - HOUR));
    sql.push(format!("INSERT INTO finding (package_id, code, subject, message, since) VALUES (3, 'hooks-foreign', 'hooks/post-receive', 'a program of olga', {})", now - HOUR));
    sql.push(format!("INSERT INTO mute (code, number, until, made, made_by, reason) VALUES ('hooks-foreign', 3, {}, {now}, 'olga@ops', 'they are ours')", now + DAY));
    sql.push(format!(
        "INSERT INTO repair_plan (made, made_by, kind) VALUES ({}, 'olga@ops', 'repair')",
        now - HOUR
    ));
    sql.push(format!(
        "INSERT INTO repair_plan (made, made_by, kind, undoes) VALUES ({now}, 'olga@ops', 'undo', 1)"
    ));
    for (plan_id, package, state, note) in [
        (1, 1, "planned", "NULL"),
        (1, 3, "applied", "NULL"),
        (2, 3, "asked", "'nothing of worker1 was moved again'"),
    ] {
        sql.push(format!(
            "INSERT INTO repair_part (plan_id, package_id, state, plan, note, changed, by_whom, reason)
             VALUES ({plan_id}, {package}, '{state}', '{}', {note}, {now}, 'olga@ops', 'the disk was full')",
            plan("")
        ));
    }
}

/// 35,000 packages, 5,000 of which fail in 300 ways, 1,000 jobs, `history` attempts and events for each package, in a
/// file.
pub fn large(history: i64) -> World {
    let world = small();
    let sql = format!(
        "PRAGMA synchronous = OFF;
         BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 35000)
           INSERT INTO package (id, name, first_seen, last_success) SELECT i + 100, printf('package-with-a-name-%05d', i), 1, 1 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
           INSERT INTO signature (id, short, stage, code, text, example, normaliser, class, failing, first_seen, last_seen)
           SELECT i + 100, printf('s%06d', i), 'patch', 'fails', printf('patch %d does not apply: %s', i, hex(zeroblob(100))), '', 1, 'permanent', 16, 1, 1 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
           INSERT INTO failure (package_id, signature_id, attempt_id, stage, code, class, state, message, since, last, attempts, in_row, version)
           SELECT i + 100, 101 + i % 300, 1, 'patch', 'fails', 'permanent', 'failing', hex(zeroblob(2000)), 1790000000000 + i, 1, 1, 1, '1.0-1' FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
           INSERT INTO job (package_id, lane, state, tasks, wanted, entered) SELECT i + 6000, i % 4, 'pending', 1, 1, i FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000 * {history})
           INSERT INTO attempt (package_id, run_id, lane, tasks, started, ended, outcome, importer, message, log)
           SELECT 101 + i % 50, 1, 0, 1, 1000 + i, 1000 + i, 'imported', '0.2.0', hex(zeroblob(20)), NULL FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000 * {history})
           INSERT INTO event (at, actor, action, subject, reason) SELECT i, 'olga', 'retry', printf('package-with-a-name-%05d', i % 50), hex(zeroblob(200)) FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100 * {history})
           INSERT INTO sample (figure, hour, shard, value) SELECT 'failing', i, 0, 1 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100 * {history})
           INSERT INTO version (package_id, distro, version, commit_id, tree_id, tag, rules, importer, imported)
           SELECT 200 + i, 'debian', printf('1.%d', i), 'c', 't', 'g', 1, '0.2.0', i FROM n;
         COMMIT;"
    );
    rusqlite::Connection::open(world.database()).unwrap().execute_batch(&sql).unwrap();
    world
}

/// All columns of all tables that have texts.
pub fn texts(world: &World) -> Vec<(String, String)> {
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    let sql = "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type = 'TEXT'";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}
