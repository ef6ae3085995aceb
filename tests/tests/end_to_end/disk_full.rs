//! The disk is full at every change of a file, one after the other: nothing waits, nothing is half-way in, nobody is blamed
//! for the machine, and the next import makes it good. With several versions of a package in one job: what is used on after
//! its first error shows with the second.
//!
//! `STORM=long` takes every change in every way, else some of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use package_import_tests::installation::{Installation, reports};
use package_import_tests::parallel;
use package_import_tests::synthetic::{lines, package};
use state::open::Location;

const FULL_AFTER: &str = "PACKAGE_IMPORT_DISK_FULL_AFTER";

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

/// Packages to import, starting points, and expected results.
struct World {
    _files: Installation,
    dscs: Vec<PathBuf>,
    /// An empty root, and one that has the first version and a loose ref of somebody else.
    starts: [Installation; 2],
    ends: [String; 2],
}

/// Incompressible, always the same, and so large that it is streamed into the pack.
fn large(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..(2 << 20) + 100).map(|_| next()).collect()
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let files = Installation::new();
        let versions: [(&str, &[&str]); 3] =
            [("1.0-1", &[]), ("2.0-1", &["1.0-1"]), ("2.0-2", &["2.0-1", "1.0-1"])];
        let write = |(version, below): &(&str, &[&str])| {
            let upstream: u64 = version[..1].parse().unwrap();
            let package = package("a0", version).below(below).upstream("large", large(upstream));
            let package = (0..3).fold(package, |package, number| {
                package.upstream(&format!("text/{number}"), lines(20_000 + 100 * number))
            });
            package.patch("one", "line 5", version).write(&files.files())
        };
        let dscs: Vec<PathBuf> = versions.iter().map(write).collect();
        let starts = [Installation::new(), Installation::new()];
        starts[1].import_well("debian", "sid", &[&dscs[0]]);
        starts[1].git("a0", &["update-ref", "refs/heads/mine/x", "refs/heads/debian/sid"]);
        starts.iter().for_each(|it| it.configure("[limits]\ntime = \"60s\"\nlock_wait = \"20s\"\n"));
        let end = |start: &Installation| {
            let calm = copy(start);
            calm.import_well("debian", "sid", &paths(&dscs));
            calm.git("a0", &["for-each-ref"])
        };
        let ends = [end(&starts[0]), end(&starts[1])];
        World { _files: files, dscs, starts, ends }
    })
}

fn paths(files: &[PathBuf]) -> Vec<&Path> {
    files.iter().map(PathBuf::as_path).collect()
}

fn copy(installation: &Installation) -> Installation {
    let new = Installation::new();
    let status = Command::new("cp").arg("-a").arg(installation.root().join(".")).arg(new.root()).status();
    assert!(status.unwrap().success());
    new
}

/// The refs of the package, if it has a repository.
fn refs(installation: &Installation) -> Option<String> {
    let is_there = installation.repository("a0").join("HEAD").is_file();
    is_there.then(|| installation.git("a0", &["for-each-ref"]))
}

/// One import whose disk is full after a number of changes. Returns true when everything was imported all the same.
fn fill(start: usize, after: usize, once: bool) -> bool {
    let world = world();
    let what = format!("start {start}, after {after}{}", if once { ", once" } else { "" });
    let hit = copy(&world.starts[start]);
    let mut command = hit.command("debian", "sid", &paths(&world.dscs));
    command.env(FULL_AFTER, format!("{after}{}", if once { ":once" } else { "" }));
    let (code, said) = reports(command.output().unwrap());
    let failed: Vec<_> = said.iter().filter(|report| report["outcome"] == "failed").collect();
    assert_eq!(code, i32::from(!failed.is_empty()), "{what}: {said:#?}");
    // Neither the package nor a limit is to blame.
    let is_disk = |report: &&serde_json::Value| report["code"] == "disk-full";
    assert!(failed.iter().all(is_disk), "{what}: {said:#?}");
    // All or nothing.
    let (before, now, end) = (refs(&world.starts[start]), refs(&hit), &world.ends[start]);
    // Packing what somebody else's ref says changes no ref.
    let is_as_before = now == before || (before.is_none() && now.as_deref() == Some(""));
    assert!(is_as_before || now.as_ref() == Some(end), "{what}: {now:?}");
    if let Some(now) = &now {
        assert!(failed.is_empty() == (now == end) || now == end, "{what}: {said:#?}");
    }
    let (code, reports) = hit.import("debian", "sid", &paths(&world.dscs));
    assert_eq!(code, 0, "{what}, the next import: {reports:#?}");
    assert_eq!(refs(&hit).as_ref(), Some(end), "{what}");
    hit.assert_clean("a0");
    failed.is_empty()
}

#[test]
fn the_disk_is_full_at_any_change() {
    // Number of changes: the first number after which nothing fails.
    let count = |start: usize| {
        let (mut few, mut enough) = (0, 512);
        while few < enough {
            let middle = usize::midpoint(few, enough);
            if fill(start, middle, false) { enough = middle } else { few = middle + 1 }
        }
        enough
    };
    let counts = parallel::map(&[0, 1], |&start| count(start));
    println!("{counts:?} changes of files");
    assert!(counts.iter().all(|&count| count > 20), "{counts:?}");
    let mut all = Vec::new();
    for (start, &count) in counts.iter().enumerate() {
        for after in 0..count {
            let ways = [(start, after, true), (start, after, false)];
            let place = after + 2 * start;
            // Most changes write large files; the last ones make all of it visible.
            let wanted = |way: usize| {
                is_long()
                    || (place + 8 * way).is_multiple_of(24)
                    || (after + 32 >= count && (place + 2 * way).is_multiple_of(8))
            };
            all.extend(ways.into_iter().enumerate().filter(|(way, _)| wanted(*way)).map(|(_, it)| it));
        }
    }
    parallel::map(&all, |&(start, after, once)| fill(start, after, once));
}

/// An installation, and packages of one version each.
fn installation() -> (Installation, [PathBuf; 3]) {
    let it = Installation::new();
    let write = |name: &str| package(name, "1.0-1").write(&it.files());
    let dscs = ["hog", "small", "other"].map(write);
    (it, dscs)
}

/// Imports a package; with a disk that is full, or one that has room. Returns what became of it.
fn import(it: &Installation, dsc: &Path, is_full: bool) -> String {
    let mut command = it.command("debian", "sid", &[dsc]);
    if is_full {
        command.env(FULL_AFTER, "8");
    }
    let (code, said) = reports(command.output().unwrap());
    let [report] = &said[..] else { panic!("{said:#?}") };
    assert_eq!(code, i32::from(report["outcome"] == "failed"), "{said:#?}");
    let word = |field: &str| report[field].as_str().unwrap_or_default().to_owned();
    format!("{} {}", word("outcome"), word("code")).trim_end().to_owned()
}

/// Failing packages, with the class of their failure.
fn failing(it: &Installation) -> Vec<String> {
    let store = Location::new(&it.root(), None, None).open().unwrap();
    let sql =
        "SELECT p.name || ' ' || f.class FROM failure f JOIN package p ON p.id = f.package_id ORDER BY 1";
    let rows = store.read(|tx| tx.query(sql, &[])).unwrap();
    rows.iter().map(|row| row.text(0)).collect()
}

#[test]
fn who_fills_the_disk_twice_while_others_do_not_is_blamed() {
    let (it, [hog, small, _]) = installation();
    assert_eq!(import(&it, &hog, true), "failed disk-full");
    assert!(!failing(&it).iter().any(|it| it.ends_with("permanent")), "{:?}", failing(&it));
    assert_eq!(import(&it, &small, false), "imported");
    assert_eq!(import(&it, &hog, true), "failed fills-disk");
    assert_eq!(failing(&it), ["hog permanent"], "it is not tried for ever");
    // With room on the disk it is imported.
    assert_eq!(import(&it, &hog, false), "imported");
    assert_eq!(failing(&it), [""; 0]);
    it.assert_clean("hog");
}

#[test]
fn a_disk_that_is_full_for_all_is_nobodys_fault() {
    let (it, dscs) = installation();
    for _ in 0..3 {
        for dsc in &dscs {
            assert_eq!(import(&it, dsc, true), "failed disk-full");
        }
        assert!(!failing(&it).iter().any(|it| it.ends_with("permanent")), "{:?}", failing(&it));
    }
    for dsc in &dscs {
        assert_eq!(import(&it, dsc, false), "imported");
    }
    assert_eq!(failing(&it), [""; 0]);
}
