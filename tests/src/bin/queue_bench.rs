//! Cost of the queue: `throughput` of claim and finish with little and with much history and beside an open snapshot,
//! also one that stays open for long; `overhead` of a run over the bare engine. For `make bench`; prints tables for
//! docs/performance.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use importer::child;
use importer::config::LimitsConfig;
use importer::protocol::{Request, Trust, VersionRequest};
use package_import_tests::synthetic::package;
use state::finish::{self, Finished, Usage};
use state::marks::Marks;
use state::open::Location;
use state::policy::Retries;
use state::queue::{self, Wish};
use state::runs::{self, NewRun, Process};
use state::words::{Lane, Outcome, Tasks};
use state::{Store, values};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["throughput"] => throughput(),
        ["snapshot", minutes] => beside_snapshot(minutes.parse().unwrap()),
        ["overhead", program, count] => overhead(Path::new(program), count.parse().unwrap()),
        _ => eprintln!("usage: queue_bench throughput | snapshot MINUTES | overhead PROGRAM PACKAGES"),
    }
}

/// Old attempts that are put in for the comparison.
const HISTORY: i64 = 1_000_000;
/// Jobs of a measurement, and threads with a connection each.
const JOBS: usize = 4000;
const WORKERS: usize = 8;

fn throughput() {
    println!("claim + finish, {WORKERS} connections, jobs a second");
    println!("{:12} {:>12} {:>16} {:>24}", "", "empty", "1,000,000 old", "and an open snapshot");
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Location::Sqlite(folder.path().join("state.db"));
    let postgres = Location::Postgres { url: throwaway_postgres::schema(), passfile: None };
    for (name, location) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
        let store = location.open_or_make().unwrap();
        let empty = rate(&location, JOBS);
        remember(&store);
        let full = rate(&location, JOBS);
        let snapshot = location.open().unwrap();
        let mut beside = 0;
        snapshot
            .read(|tx| {
                tx.query("SELECT COUNT(*) FROM job", &[])?;
                beside = rate(&location, JOBS);
                Ok(())
            })
            .unwrap();
        println!("{name:12} {empty:12} {full:16} {beside:24}");
    }
}

/// Effect of a dump on other sessions: jobs a second while a snapshot stays open, at its beginning and at its end.
fn beside_snapshot(minutes: u64) {
    println!("claim + finish beside a snapshot that is open for {minutes} minutes, jobs a second");
    println!("{:12} {:>8} {:>8} {:>8} {:>8} {:>10}", "", "before", "first", "lowest", "last", "jobs");
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Location::Sqlite(folder.path().join("state.db"));
    let postgres = Location::Postgres { url: throwaway_postgres::schema(), passfile: None };
    // SQLite's log of what is written grows for as long as the snapshot is open, 100 KB a job: a second's work a minute.
    let second = Duration::from_secs(1);
    for (name, location, jobs, pause) in
        [("SQLite", sqlite, 1000, 60 * second), ("PostgreSQL", postgres, JOBS, Duration::ZERO)]
    {
        location.open_or_make().unwrap();
        let before = rate(&location, jobs);
        let snapshot = location.open().unwrap();
        let mut rates = Vec::new();
        snapshot
            .read(|tx| {
                tx.query("SELECT COUNT(*) FROM job", &[])?;
                let opened = Instant::now();
                while opened.elapsed() < Duration::from_secs(60 * minutes) {
                    rates.push(rate(&location, jobs));
                    thread::sleep(pause);
                }
                Ok(())
            })
            .unwrap();
        let (first, last) = (rates[0], rates[rates.len() - 1]);
        let lowest = rates.iter().min().unwrap();
        println!("{name:12} {before:8} {first:8} {lowest:8} {last:8} {:10}", rates.len() * jobs);
    }
}

/// Attempts of long ago, put in by the database itself.
fn remember(store: &Store) {
    let chunk = 200;
    let sql = "INSERT INTO attempt (package_id, run_id, lane, tasks, started, ended, outcome, importer)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        SELECT 1, 1, 1, 1, i, i, 'imported', '0.1' FROM n";
    for _ in 0..HISTORY / chunk {
        store.write(|tx| tx.execute(sql, values![chunk])).unwrap();
    }
}

/// Jobs a second.
fn rate(location: &Location, jobs: usize) -> u64 {
    let store = location.open().unwrap();
    let process = Process { pid: 1, start: 1, boot: "b".into() };
    let new = NewRun { host: "h", mode: "service", process: &process, version: "0.1", jobs: 8 };
    let run = store.write(|tx| runs::begin(tx, &new)).unwrap();
    for chunk in (0..jobs).collect::<Vec<_>>().chunks(40) {
        store
            .write(|tx| {
                for number in chunk {
                    let id = queue::package_id(tx, &format!("package{number}"))?;
                    queue::enqueue(tx, id, Lane::Upload, Tasks::IMPORT)?;
                }
                Ok(())
            })
            .unwrap();
    }
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| drain(&location.open().unwrap(), run));
        }
    });
    jobs as u64 * 1000 / u64::try_from(started.elapsed().as_millis()).unwrap().max(1)
}

fn drain(store: &Store, run: i64) {
    let marks = Marks::default();
    let wish = Wish { run, lease: 60_000, importer: "0.1", marks: Some(&marks), ..Wish::default() };
    while let Some(claim) = store.write(|tx| queue::claim(tx, &wish)).unwrap() {
        let finished = Finished {
            attempt: claim.attempt,
            package_id: claim.package_id,
            package: claim.package,
            outcome: Outcome::Imported,
            cause: None,
            usage: Usage::default(),
            versions: 1,
            first_tries: (1, 0),
            log: None,
            parked_on: None,
            wait: None,
            importer: "0.1".into(),
        };
        store.write(|tx| finish::finish(tx, &finished, &Retries::default())).unwrap();
    }
}

/// Incompressible and always the same.
fn noise(mut seed: u64, length: usize) -> Vec<u8> {
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Packages whose sizes are spread around 80 KB, as an archive's are.
fn write_packages(folder: &Path, count: usize) -> Vec<PathBuf> {
    fs::create_dir_all(folder).unwrap();
    (0..count)
        .map(|number| {
            let size = 80_000 * [1, 2, 4, 8, 16][number % 5] / 4;
            (0..8)
                .fold(package(&format!("pkg{number:04}"), "1.0-1"), |package, part| {
                    let content = noise((number * 8 + part + 1) as u64, size / 8);
                    package.upstream(&format!("src/part{part}"), content)
                })
                .patch("one", "line 5", "x")
                .write(folder)
        })
        .collect()
}

fn overhead(program: &Path, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    let all = write_packages(&files, count);
    let root = |name: &str| folder.path().join(name);
    engine(program, &root("warm"), &all);
    let bare = timed(|| engine(program, &root("bare"), &all));
    let run = |name: &str, jobs: &str| {
        let root = root(name);
        // Repacking afterwards is no part of an import.
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("config.toml"), "[import]\nrepack = false\n").unwrap();
        let ours = |arguments: &[&str]| {
            let status = Command::new(program)
                .arg("--root")
                .arg(&root)
                .args(arguments)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success());
        };
        ours(&["enqueue", "--allow-unsigned", files.to_str().unwrap()]);
        timed(|| ours(&["run", "--jobs", jobs]))
    };
    let (one, two) = (run("one", "1"), run("two", "2"));
    let per = |time: Duration| time.as_secs_f64() * 1000.0 / count as f64;
    println!("{count} packages of about 80 KB, milliseconds a package");
    println!("bare engine, one after the other  {:8.2}", per(bare));
    println!("run --jobs 1                      {:8.2}", per(one));
    println!("run --jobs 2                      {:8.2}", per(two));
    println!(
        "overhead {:.2} ms a package, {:.1} %; two workers {:.2} times one",
        per(one) - per(bare),
        (per(one) / per(bare) - 1.0) * 100.0,
        one.as_secs_f64() / two.as_secs_f64()
    );
}

/// Data that were written before must not be synced during the measurement.
fn timed(work: impl FnOnce()) -> Duration {
    rustix::fs::sync();
    let started = Instant::now();
    work();
    started.elapsed()
}

/// The children alone: no queue, no records, no fences.
fn engine(program: &Path, root: &Path, all: &[PathBuf]) {
    fs::create_dir_all(root).unwrap();
    for (number, dsc) in all.iter().enumerate() {
        let request = Request {
            root: root.to_owned(),
            package: format!("pkg{number:04}"),
            default_branch: None,
            versions: vec![VersionRequest {
                dsc: dsc.clone(),
                distro: "debian".into(),
                suite: Some("sid".into()),
                trust: Trust::Unsigned,
                allow_weak_checksums: false,
                base: None,
            }],
            bases: Default::default(),
            allow_weak_checksums: false,
            limits: LimitsConfig::default(),
            threads: 2,
            parent: std::process::id(),
            fence: None,
            distros: vec!["debian".into()],
            collisions: Default::default(),
            settle: false,
            word: None,
            stands: None,
            task: importer::protocol::Task::Import,
        };
        let ended = child::run(program, &request, |_| {}, |_| {}).unwrap();
        assert!(ended.failure.is_none(), "{:?}", ended.failure);
    }
}
