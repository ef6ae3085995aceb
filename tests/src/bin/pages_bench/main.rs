//! Cost of the pages with a large archive and a long history, on SQLite and on PostgreSQL: time and bytes of each page, the
//! processor time of many open pages, memory, also with a thousand connections. For `make bench`; prints tables for
//! docs/performance.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod database;
mod fill;
mod server;

use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use throwaway_postgres::Cluster;

use crate::database::Database;
use crate::fill::fill;
use crate::server::Server;

/// Packages, those that fail, attempts.
const PACKAGES: i64 = 35_000;
const FAILING: i64 = 5_000;
const ATTEMPTS: i64 = 10_000_000;
/// Open pages, and many of them.
const OPEN: usize = 50;
const MANY: usize = 1000;
/// Seconds between two looks of each.
const EVERY: u64 = 15;
/// Looks at each page.
const LOOKS: usize = 5;
/// Milliseconds of an hour and a day.
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The first sixteen are those that are open.
const PAGES: [&str; 28] = [
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
    "/packages/package-06500?at=2h+ago",
    "/queue?at=2h+ago",
    "/freshness?at=2h+ago",
    "/?at=40d+ago",
    "/signatures/s000001?at=40d+ago",
    "/packages/package-00001?at=40d+ago",
    "/freshness?at=40d+ago",
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [program] => both(Path::new(program), ATTEMPTS),
        [program, attempts] => both(Path::new(program), attempts.parse().unwrap()),
        ["fill", root, attempts] => fill(&mut Database::sqlite(Path::new(root)), attempts.parse().unwrap()),
        ["fill", root, attempts, url] => {
            fill(&mut Database::postgres(Path::new(root), url), attempts.parse().unwrap());
        }
        ["measure", program, root] => measure(Path::new(program), Path::new(root)),
        ["postgres", program, attempts] => postgres(Path::new(program), attempts.parse().unwrap()),
        _ => {
            eprintln!(
                "usage: pages_bench PROGRAM [ATTEMPTS] | fill ROOT ATTEMPTS | measure PROGRAM ROOT | postgres PROGRAM ATTEMPTS"
            );
        }
    }
}

fn both(program: &Path, attempts: i64) {
    let folder = tempfile::tempdir().unwrap();
    fill(&mut Database::sqlite(folder.path()), attempts);
    println!("SQLite");
    measure(program, folder.path());
    drop(folder);
    postgres(program, attempts);
}

fn postgres(program: &Path, attempts: i64) {
    let cluster = Cluster::start("max_wal_size=8GB\n");
    let folder = tempfile::tempdir().unwrap();
    fill(&mut Database::postgres(folder.path(), &cluster.url()), attempts);
    println!("PostgreSQL");
    measure(program, folder.path());
}

/// Now, in milliseconds since 1970.
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
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
    watched(&server, OPEN);
    idle(&server);
    watched(&server, MANY);
}

/// Pages that are open in browsers.
fn watched(server: &Server, pages: usize) {
    let (before, began) = (server.spent(), Instant::now());
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let watch = |place: usize| {
            let path = PAGES[place % 16];
            // They were not opened at once.
            thread::sleep(Duration::from_millis(EVERY * 1000 * place as u64 / pages as u64));
            (0..3)
                .map(|_| {
                    let time = server.get(path).0;
                    thread::sleep(Duration::from_secs(EVERY));
                    time
                })
                .collect::<Vec<_>>()
        };
        let all: Vec<_> = (0..pages).map(|place| scope.spawn(move || watch(place))).collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    times.sort();
    let share = (server.spent() - before) as f64 / began.elapsed().as_millis() as f64 * 100.0;
    let (now, most) = server.memory();
    let worst = times.last().unwrap().as_secs_f64() * 1000.0;
    println!(
        "{pages} open pages: {share:.1} % of a core; the slowest of {} answers {worst:.0} ms; memory {now} MiB, {most} MiB at most",
        times.len()
    );
}

/// Connections that say nothing, more than there are seats: who comes gets an answer all the same.
fn idle(server: &Server) {
    let silent: Vec<TcpStream> = (0..MANY).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let (first, _, head) = server.get("/queue");
    assert!(head.ends_with("200"), "{head}");
    let mut times: Vec<Duration> = (0..20).map(|_| server.get("/queue").0).collect();
    times.sort();
    let (now, most) = server.memory();
    println!(
        "{} silent connections: a page takes {:.0} ms first, {:.0} ms then; memory {now} MiB, {most} MiB at most",
        silent.len(),
        first.as_secs_f64() * 1000.0,
        times[times.len() / 2].as_secs_f64() * 1000.0
    );
}
