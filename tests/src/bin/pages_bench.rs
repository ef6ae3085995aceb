//! Cost of the pages with a large archive and a long history: time and bytes of each page, the processor time of many open pages,
//! memory. For `make bench`; prints tables for docs/performance.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use state::open::Location;

/// Packages, those that fail, attempts.
const PACKAGES: i64 = 35_000;
const FAILING: i64 = 5_000;
const ATTEMPTS: i64 = 10_000_000;
/// Open pages, and seconds between two looks of each.
const OPEN: usize = 50;
const EVERY: u64 = 15;
/// Looks at each page.
const LOOKS: usize = 5;
/// Milliseconds of an hour and a day.
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

const PAGES: [&str; 26] = [
    "/",
    "/failures",
    "/signatures/s000001",
    "/packages/package-00001",
    "/packages/package-06500",
    "/queue",
    "/freshness",
    "/incidents",
    "/hosts",
    "/archives",
    "/remotes",
    "/collisions",
    "/plans",
    "/plans/1",
    "/audit",
    "/search?q=package",
    "/metrics",
    "/api/v1/status",
    "/feeds/failures",
    "/?at=2h+ago",
    "/packages/package-00001?at=2h+ago",
    "/queue?at=2h+ago",
    "/?at=40d+ago",
    "/packages/package-00001?at=40d+ago",
    "/freshness?at=2h+ago",
    "/freshness?at=40d+ago",
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [program] => {
            let folder = tempfile::tempdir().unwrap();
            fill(folder.path(), ATTEMPTS);
            measure(Path::new(program), folder.path());
        }
        ["fill", root, attempts] => fill(Path::new(root), attempts.parse().unwrap()),
        ["measure", program, root] => measure(Path::new(program), Path::new(root)),
        _ => eprintln!("usage: pages_bench PROGRAM | fill ROOT ATTEMPTS | measure PROGRAM ROOT"),
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Rows 1 to `number` of a table, put in by the database itself, in pieces. No run would make transactions of this size: it is done
/// beside the store.
fn rows(database: &Connection, number: i64, sql: &str) {
    const PIECE: i64 = 500_000;
    let mut from = 0;
    while from < number {
        let to = (from + PIECE).min(number);
        database.execute(sql, [from, to]).unwrap();
        from = to;
    }
}

/// The indexes of the tables with most rows, which are made again when all rows are there: that takes a fraction of the time.
fn without_indexes(database: &Connection) -> Vec<String> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
        AND tbl_name IN ('attempt', 'event', 'package_past')";
    let mut asked = database.prepare(sql).unwrap();
    let rows = asked.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let all: Vec<(String, String)> = rows.map(Result::unwrap).collect();
    all.iter().for_each(|(name, _)| database.execute_batch(&format!("DROP INDEX {name}")).unwrap());
    all.into_iter().map(|(_, sql)| sql).collect()
}

/// `INSERT INTO ... SELECT` of the numbers `i`.
fn series(into: &str, select: &str) -> String {
    format!(
        "INSERT INTO {into} WITH RECURSIVE n(i) AS (SELECT ?1 + 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) SELECT {select} FROM n"
    )
}

fn fill(root: &Path, attempts: i64) {
    let path = root.join("state.db");
    drop(Location::Sqlite(path.clone()).open_or_make().unwrap());
    let database = Connection::open(path).unwrap();
    database.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000").unwrap();
    let indexes = without_indexes(&database);
    let now = now();
    let began = Instant::now();
    let text = "a message about a patch that does not apply, with a path and numbers in it, as long as such a line is";
    for (number, into, select) in [
        (1, "host (name, state, expected, heartbeat)", format!("'worker1', 'online', 1, {now}")),
        (
            1,
            "run (host_id, mode, pid, pid_start, boot, version, started, heartbeat, jobs)",
            format!("1, 'service', 1, 1, 'b', '0.2.0', {}, {now}, 8", now - 90 * DAY),
        ),
        (
            PACKAGES,
            "package (id, name, first_seen, last_success, wall_ms)",
            format!("i, printf('package-%05d', i), 1, {} - i, 3000", now - DAY),
        ),
        (
            300,
            "signature (id, short, stage, code, text, example, normaliser, class, failing, first_seen, last_seen)",
            format!(
                "i, printf('s%06d', i), 'patch', 'patch-fails', printf('{text} %d', i), '', 1, 'permanent', 16, {0}, {now}",
                now - 30 * DAY
            ),
        ),
        (
            FAILING,
            "failure (package_id, signature_id, attempt_id, stage, code, class, state, message, since, last, attempts, in_row, distro, version)",
            format!(
                "i, 1 + i % 300, 1, 'patch', 'patch-fails', 'permanent', 'failing', '{text} {text}', {now} - i * 500000, {now}, 3, 3, 'debian', '1.0-1'"
            ),
        ),
        (
            2_000,
            "job (package_id, lane, state, tasks, wanted, entered)",
            format!("i + 6000, i % 4, 'pending', 1, 1, {now} - i * 1000"),
        ),
        (
            attempts,
            "attempt (package_id, run_id, lane, tasks, started, ended, outcome, stage, code, signature_id, message, importer, versions, wall_ms, cpu_ms, peak_rss)",
            format!(
                "1 + i * 7919 % {PACKAGES}, 1, 0, 1, {0} + i * {1}, {0} + i * {1} + 3000, 'imported', NULL, NULL, NULL, NULL, '0.2.0', 1, 3000, 900, 20000000",
                now - 90 * DAY,
                90 * DAY / attempts
            ),
        ),
        (
            3 * PACKAGES,
            "version (package_id, distro, version, commit_id, tree_id, tag, rules, importer, imported)",
            format!(
                "1 + i % {PACKAGES}, 'debian', printf('1.%d-1', i), printf('%040d', i), 't', printf('debian/1.%d-1', i), 1, '0.2.0', {} + i",
                now - 90 * DAY
            ),
        ),
        (
            PACKAGES,
            "publication (package_id, archive, distro, suite, component, version, dsc, dsc_sha256, trust, files, published, first_seen, done)",
            format!(
                "i, 'debian', 'debian', 'sid', 'main', '1.0-1', 'a', printf('%064d', i), 'index', '[]', {0} + i, {0} + i, CASE WHEN i % 50 > 0 THEN {0} + i + 600000 END",
                now - 5 * DAY
            ),
        ),
        (
            500_000,
            "event (at, actor, action, subject, reason)",
            format!(
                "{} + i * 15000, 'olga@host1', 'retry', printf('package-%05d', 1 + i % {PACKAGES}), '{text}'",
                now - 90 * DAY
            ),
        ),
        (
            90 * 24,
            "sample (figure, hour, shard, value)",
            format!("'failing', {} - i, 0, 5000 + i % 7", now / HOUR),
        ),
        (
            40 * PACKAGES,
            "package_past (package_id, at, last_success, failure, signature_id, failed_attempt, stage, code, class, message, since, last, attempts, distro, version, began)",
            format!(
                "1 + i % {PACKAGES}, {0} + i * 5000, {0}, CASE WHEN i % {PACKAGES} < {FAILING} THEN 'failing' END, 1 + i % 300, 1, 'patch', 'patch-fails', 'permanent', '{text}', {0} + i * 5000, {0} + i * 5000, 1, 'debian', '1.0-1', CASE WHEN i % {PACKAGES} < {FAILING} AND i / {PACKAGES} % 7 = 0 THEN 1 END",
                now - 40 * PACKAGES * 5000
            ),
        ),
        (
            2_000,
            "finding (package_id, code, subject, message, since)",
            format!(
                "i, CASE WHEN i % 2 = 0 THEN 'tag-gone' ELSE 'branch-behind' END, 'debian/1.0-1', '{text}', {now}"
            ),
        ),
        (1, "repair_plan (id, made, made_by, kind)", format!("1, {now}, 'olga@host1', 'repair'")),
        (
            2_000,
            "repair_part (plan_id, package_id, state, plan, changed, by_whom)",
            format!("1, i, 'planned', '{}', {now}, 'olga@host1'", plan()),
        ),
        (
            20,
            "event (at, actor, action, subject, reason, before, after)",
            format!(
                "{} + i * {DAY}, 'package-import', CASE WHEN i % 2 = 1 THEN 'breaker-open' ELSE 'breaker-closed' END, 'deb.example.org', 'it timed out', 'a', 'b'",
                now - 21 * DAY
            ),
        ),
        (1, "dependency (name, state, since, parked)", format!("'deb.example.org', 'closed', {now}, 0")),
        (
            1,
            "suite (archive, suite, distro, branch, followed, polled, changed, release_date, mirror, listed, every)",
            format!(
                "'debian', 'sid', 'debian', 'sid', {now}, {now}, {now}, {now}, 'https://deb.example.org', {PACKAGES}, 900000"
            ),
        ),
        (1, "counter (name, shard, value)", format!("'failing', 0, {FAILING}")),
    ] {
        rows(&database, number, &series(into, &select));
    }
    indexes.iter().for_each(|sql| database.execute_batch(sql).unwrap());
    let sql = "UPDATE meta SET value = ?1 WHERE name = 'past_since'";
    database.execute(sql, [(now - 89 * DAY).to_string()]).unwrap();
    eprintln!("filled in {} s", began.elapsed().as_secs());
}

/// A plan as the state keeps it.
fn plan() -> String {
    let step = serde_json::json!({
        "act": "ref", "mark": "create", "subject": "refs/tags/debian/1.0-1", "before": null, "after": "1".repeat(40),
        "reason": "an import has written it", "reversible": true, "automatic": false,
    });
    let finding =
        serde_json::json!({ "code": "tag-gone", "subject": "debian/1.0-1", "message": "the tag is gone" });
    serde_json::json!({ "package": "x", "findings": [finding], "steps": [step, step, step] }).to_string()
}

/// A server that ends with the measurement.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(program: &Path, root: &Path) -> Server {
        let mut command = Command::new(program);
        command.arg("serve").arg("--root").arg(root).args(["--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}"));
        let address = address.split('/').next().unwrap().trim().to_owned();
        Server { child, address }
    }

    /// Time and bytes of an answer.
    fn get(&self, path: &str) -> (Duration, usize, String) {
        let began = Instant::now();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
        (began.elapsed(), answer.len(), head)
    }

    /// Milliseconds of a processor so far.
    fn spent(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        // Linux counts in hundredths of a second here, on all processors (proc_pid_stat(5), USER_HZ).
        ticks * 10
    }

    /// Memory now, and at most, in KiB.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

fn measure(program: &Path, root: &Path) {
    let server = Server::start(program, root);
    println!("{:40} {:>10} {:>10} {:>10} {:>10}", "", "first ms", "median ms", "CPU ms", "KB");
    for path in PAGES {
        let (first, bytes, head) = server.get(path);
        assert!(head.ends_with("200"), "{path}: {head}");
        let mut times = Vec::new();
        let mut spent = 0;
        for _ in 0..LOOKS {
            // An answer is kept for a second.
            thread::sleep(Duration::from_millis(1100));
            let before = server.spent();
            times.push(server.get(path).0);
            spent += server.spent() - before;
        }
        times.sort();
        let (first, median) = (first.as_secs_f64() * 1000.0, times[LOOKS / 2].as_secs_f64() * 1000.0);
        let (spent, bytes) = (spent as f64 / LOOKS as f64, bytes as f64 / 1000.0);
        println!("{path:40} {first:10.1} {median:10.1} {spent:10.1} {bytes:10.1}");
    }
    let (before, began) = (server.spent(), Instant::now());
    thread::scope(|scope| {
        for place in 0..OPEN {
            let server = &server;
            scope.spawn(move || {
                let path = PAGES[place % 16];
                // They were not opened at once.
                thread::sleep(Duration::from_millis(EVERY * 1000 * place as u64 / OPEN as u64));
                for _ in 0..4 {
                    server.get(path);
                    thread::sleep(Duration::from_secs(EVERY));
                }
            });
        }
    });
    let share = (server.spent() - before) as f64 / began.elapsed().as_millis() as f64 * 100.0;
    let (now, most) = server.memory();
    println!(
        "{OPEN} open pages: {share:.1} % of a core; memory {} MiB, {} MiB at most",
        now >> 10,
        most >> 10
    );
}
