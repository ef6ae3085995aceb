//! Imports are killed at every crash point and at random moments; the next one makes it good.
//!
//! `STORM=long` kills more often. The result is always compared with that of an undisturbed import.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::{lines, package};
use packaging_repo::failpoints::FAILPOINTS;
use rustix::process::{Pid, Signal, kill_process};

const PACKAGES: [&str; 3] = ["a0", "bulk", "libparts"];

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
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

/// Three packages: one with patches, one with large files, one with components. The first version of each apart.
fn write_packages(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let history = [
        &["3.0-1", "2.0-2", "2.0-1", "1.0-1"][..],
        &["2.0-2", "2.0-1", "1.0-1"],
        &["2.0-1", "1.0-2", "1.0-1"],
    ];
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for (name, versions) in PACKAGES.iter().zip(history) {
        for (place, version) in versions.iter().enumerate() {
            let upstream = version.split('-').next().unwrap();
            let seed = upstream.bytes().map(u64::from).sum::<u64>() + 1;
            let package = package(name, version).below(&versions[place + 1..]).upstream("VERSION", upstream);
            let package = match *name {
                "a0" => package.patch("one", "line 5", version).patch("two", "line 15", version),
                "bulk" => (0..8)
                    .fold(package.upstream("large", noise(seed, 5 << 19)), |package, number| {
                        package.upstream(&format!("medium/{number}"), noise(seed + number, 90_000))
                    })
                    .patch("one", "line 3", "x"),
                _ => package.component("part", "p", "part").component("tests", "data/t", upstream),
            };
            let dsc = package.upstream("text", lines(3000)).write(folder);
            if place + 1 == versions.len() { first.push(dsc) } else { later.push(dsc) }
        }
    }
    (first, later)
}

/// Starting points of an import, and the expected results.
struct Weather {
    _files: Installation,
    first: Vec<PathBuf>,
    all: Vec<PathBuf>,
    /// Roots: an empty one, and one that has the first version of each, and loose refs of somebody else.
    starts: [Installation; 2],
    /// The refs of all packages afterwards.
    ends: [BTreeMap<&'static str, String>; 2],
    /// Duration of an import from the first of them.
    duration: Duration,
}

fn weather() -> &'static Weather {
    static WEATHER: OnceLock<Weather> = OnceLock::new();
    WEATHER.get_or_init(|| {
        let files = Installation::new();
        let (first, later) = write_packages(&files.files());
        let all = [first.clone(), later].concat();
        let starts = [Installation::new(), Installation::new()];
        starts[1].import_well("debian", "sid", &paths(&first));
        for package in PACKAGES {
            starts[1].git(package, &["update-ref", "refs/heads/mine/x", "refs/heads/debian/sid"]);
            starts[1].git(package, &["update-ref", "refs/tags/mine", "refs/tags/debian/1.0-1"]);
        }
        // `HEAD` has to move, too.
        starts[1].configure("[import]\ndefault_branch = \"mine/x\"\n");
        let began = Instant::now();
        let end = |start: &Installation| {
            let calm = copy(start);
            calm.import_well("debian", "sid", &paths(&all));
            refs(&calm)
        };
        let first_end = end(&starts[0]);
        let duration = began.elapsed();
        let ends = [first_end, end(&starts[1])];
        Weather { _files: files, first, all, starts, ends, duration }
    })
}

fn paths(files: &[PathBuf]) -> Vec<&Path> {
    files.iter().map(PathBuf::as_path).collect()
}

fn refs(installation: &Installation) -> BTreeMap<&'static str, String> {
    PACKAGES.iter().map(|&package| (package, installation.refs(package))).collect()
}

fn copy(installation: &Installation) -> Installation {
    let new = Installation::new();
    let status = Command::new("cp").arg("-a").arg(installation.root().join(".")).arg(new.root()).status();
    assert!(status.unwrap().success());
    new
}

/// The next import makes good whatever was killed.
fn assert_recovers(hit: &Installation, start: usize, what: &str) {
    let weather = weather();
    let (code, reports) = hit.import("debian", "sid", &paths(&weather.all));
    assert_eq!(code, 0, "{what}: {reports:#?}");
    assert_eq!(refs(hit), weather.ends[start], "{what}");
    PACKAGES.iter().for_each(|package| hit.assert_clean(package));
}

/// Kills every child of an import at the crash point's hit of this number; returns how many died.
fn kill_at(name: &str, number: usize, start: usize) -> usize {
    let hit = copy(&weather().starts[start]);
    let mut command = hit.command("debian", "sid", &paths(&weather().all));
    command.env("PACKAGE_IMPORT_KILL_AT", format!("{name}:{number}"));
    let (code, reports) = package_import_tests::installation::reports(command.output().unwrap());
    let died = |package: &&&str| {
        reports.iter().any(|report| report["package"] == ***package && report["code"] == "killed")
    };
    let deaths = PACKAGES.iter().filter(died).count();
    assert_eq!(code, i32::from(deaths > 0), "{reports:#?}");
    assert_recovers(&hit, start, &format!("{name}:{number}, start {start}"));
    deaths
}

#[test]
fn an_import_that_is_killed_at_a_crash_point_is_made_good_by_the_next() {
    let enough = if is_long() { 5 } else { 1 };
    let numbers = if is_long() { 1..=6 } else { 1..=1 };
    let mut total = 0;
    for name in FAILPOINTS {
        let mut deaths = 0;
        // A point that is hit once in each import needs more than one of them.
        for start in [1, 0, 1, 0] {
            for number in numbers.clone() {
                match if deaths < enough { kill_at(name, number, start) } else { 0 } {
                    0 => break,
                    count => deaths += count,
                }
            }
        }
        println!("{name}: {deaths} kills");
        assert!(deaths >= enough, "{name} was hit {deaths} times");
        total += deaths;
    }
    println!("{total} kills at crash points");
}

/// Processes to kill.
#[derive(Clone, Copy, Debug)]
enum Target {
    Parent,
    Children,
    All,
}

#[test]
fn an_import_that_is_killed_at_any_moment_is_made_good_by_the_next() {
    let rounds = if is_long() { 200 } else { 20 };
    let mut seed = 0x5eed_u64;
    let mut random = move |limit: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % limit
    };
    let span = u64::try_from(weather().duration.as_micros()).unwrap() * 2 / 3;
    let mut cut = 0;
    for round in 0..rounds {
        let start = usize::try_from(random(2)).unwrap();
        let hit = copy(&weather().starts[start]);
        let target = [Target::Parent, Target::Children, Target::All][round % 3];
        // One kill, or several one after the other.
        for _ in 0..=random(3) {
            let delay = Duration::from_micros(random(span));
            cut += usize::from(kill_after(&hit, delay, target));
        }
        assert_recovers(&hit, start, &format!("round {round}, start {start}, {target:?}"));
    }
    println!("{cut} imports cut off in {rounds} rounds");
    assert!(cut >= rounds / 2);
}

/// Kills an import after a delay; returns true when there was something left to kill.
fn kill_after(hit: &Installation, delay: Duration, target: Target) -> bool {
    let mut command = hit.command("debian", "sid", &paths(&weather().all));
    let mut parent = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + delay;
    while Instant::now() < end && parent.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_micros(300));
    }
    let running = parent.try_wait().unwrap().is_none();
    let below = children(&parent);
    match target {
        Target::Parent => parent.kill().unwrap(),
        Target::Children => below.iter().for_each(|child| kill(*child)),
        Target::All => {
            parent.kill().unwrap();
            below.iter().for_each(|child| kill(*child));
        }
    }
    parent.wait().unwrap();
    running
}

fn children(parent: &Child) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", parent.id())) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>()
        })
        .collect()
}

fn kill(process: Pid) {
    // It may have ended by itself.
    let _ = kill_process(process, Signal::KILL);
}

#[test]
fn the_weather_is_made_of_what_it_should_be() {
    let weather = weather();
    assert_eq!((weather.first.len(), weather.all.len()), (3, 10));
    let start = copy(&weather.starts[1]);
    assert!(start.repository("bulk").join("refs/heads/mine/x").is_file());
}
