//! Three services and an upload a second: what they take stays what it was. The long form lasts ten minutes
//! (`STORM=long ... fleet::hour --nocapture`), `SECONDS=3600` an hour; it prints what docs/performance.md says.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use package_import_tests::queue::{name, signal, text, wait_until};
use package_import_tests::synthetic::package;
use rustix::process::{Pid, Signal};

use crate::fleet::world::{Fleet, Killed};

/// Tables that have a row for each upload, for good or until what is old is forgotten: these grow.
const GROW: [&str; 4] = ["attempt", "publication", "version", "event"];
/// Packages that get new versions in turn.
const PACKAGES: usize = 60;

/// Measurements of one moment.
#[derive(Clone, Debug)]
struct Taken {
    second: u64,
    /// Memory of the largest service, in kB.
    memory: i64,
    /// Open files of the service that has most.
    files: usize,
    /// Sessions of the services at the server.
    sessions: i64,
    /// Bytes of the tables that have nothing to grow for.
    tables: i64,
    /// Bytes of all others.
    records: i64,
    waiting: i64,
}

fn field(pid: u32, name: &str) -> i64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn take(fleet: &Fleet, services: &[Killed], second: u64) -> Taken {
    let pids = || services.iter().map(|service| service.0.id());
    let list = GROW.map(|table| format!("'{table}'")).join(", ");
    let size = |condition: &str| {
        fleet.queue.number(&format!(
            "SELECT CAST(SUM(pg_total_relation_size(c.oid)) AS BIGINT) FROM pg_class c
             WHERE c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relname {condition} ({list})"
        ))
    };
    Taken {
        second,
        memory: pids().map(|pid| field(pid, "VmRSS:")).max().unwrap(),
        files: pids().map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()).max().unwrap(),
        sessions: fleet.queue.number(&format!(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE usename = '{}_worker'",
            fleet.schema
        )),
        tables: size("NOT IN"),
        records: size("IN"),
        waiting: fleet.queue.number("SELECT COUNT(*) FROM job WHERE state IN ('pending', 'running')"),
    }
}

#[test]
fn three_services_and_an_upload_a_second() {
    let given = std::env::var("SECONDS").ok().and_then(|value| value.parse().ok());
    let is_long = std::env::var_os("STORM").is_some_and(|value| value == "long");
    let seconds = given.unwrap_or(if is_long { 600 } else { 15 });
    let mut fleet = Fleet::new();
    let url = fleet.login(Some("worker"));
    let mut services: Vec<Killed> = ["h1", "h2", "h3"].map(|host| Killed(fleet.service(&url, host))).into();
    let folder = fleet.queue.installation.files().join("uploads");
    fs::create_dir(&folder).unwrap();
    let (began, mut all) = (Instant::now(), Vec::new());
    for second in 0..seconds {
        let (number, version) = (usize::try_from(second).unwrap() % PACKAGES, second / PACKAGES as u64 + 1);
        let below: Vec<String> = (1..version).rev().map(|it| format!("{it}.0-1")).collect();
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        let dsc = package(&name(number), &format!("{version}.0-1")).below(&below).write(&folder);
        let said = fleet.run(&url, &["enqueue", "--allow-unsigned", dsc.to_str().unwrap()]);
        assert!(said.status.success(), "{}", text(&said));
        if second % (seconds / 15).max(1) == 0 {
            all.push(take(&fleet, &services, second));
        }
        let next = Duration::from_secs(second + 1);
        thread::sleep(next.saturating_sub(began.elapsed()));
    }
    wait_until("all is imported", || {
        fleet.queue.number("SELECT COUNT(*) FROM version") == i64::try_from(seconds).unwrap()
    });
    all.push(take(&fleet, &services, seconds));
    for it in &all {
        let Taken { second, memory, files, sessions, tables, records, waiting } = it;
        eprintln!(
            "{second} s: {memory} kB, {files} files, {sessions} sessions, {tables} + {records} bytes, {waiting} wait"
        );
    }
    for service in &mut services {
        assert!(service.0.try_wait().unwrap().is_none(), "a service has ended");
        signal(Pid::from_child(&service.0), Signal::TERM);
        assert!(service.0.wait().unwrap().success());
    }
    assert_eq!(fleet.queue.number("SELECT COUNT(*) FROM attempt WHERE outcome IN ('failed', 'lost')"), 0);
    // Nothing is left open, and what has nothing to grow for does not grow once it has its size.
    let first = &all[all.len() / 3];
    assert!(all.iter().all(|it| it.files <= 40 && it.sessions <= 12), "{all:#?}");
    if seconds >= 300 {
        let later = || all[all.len() / 3..].iter();
        let most = |what: fn(&Taken) -> i64| later().map(what).max().unwrap();
        assert!(most(|it| it.memory) <= first.memory + 4096, "memory grows: {all:#?}");
        assert!(most(|it| it.sessions) <= 9, "sessions grow: {all:#?}");
        assert!(most(|it| it.tables) <= first.tables + first.tables / 4, "tables grow: {all:#?}");
        assert!(later().all(|it| it.waiting <= 30), "the queue grows: {all:#?}");
    }
}
