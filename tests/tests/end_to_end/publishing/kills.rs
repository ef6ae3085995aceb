//! Publisher, Git and server are killed at random moments, and others push meanwhile.

use std::time::Duration;

use package_import_tests::queue::{children, signal};
use rustix::process::{Pid, Signal};
use throwaway_git_servers::git_says;

use super::world::*;

fn rounds(short: u32, long: u32) -> u32 {
    if std::env::var("STORM").is_ok_and(|it| it == "long") { long } else { short }
}

/// A number that follows from another.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// All that a process has started, and what that has.
fn below(pid: u32) -> Vec<Pid> {
    let mut all = Vec::new();
    for child in children(pid) {
        all.extend(below(child.as_raw_nonzero().get().cast_unsigned()));
        all.push(child);
    }
    all
}

/// Processes of the server that work in a repository.
fn receivers(path: &str) -> Vec<Pid> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(text) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let text = String::from_utf8_lossy(&text).into_owned();
        if text.contains("receive-pack") && text.contains(path) && !text.starts_with("ssh") {
            found.extend(Pid::from_raw(pid));
        }
    }
    found
}

/// Every branch on the server is one of ours, and has its tag.
fn assert_sound(site: &Site, package: &str) {
    let server = site.server(package);
    if !server.path.join("HEAD").exists() {
        return;
    }
    let ours = site.here(package);
    for (name, id) in server.refs() {
        if name.starts_with("refs/heads/collisions/") {
            continue;
        }
        let path = site.own(package).path;
        let path = path.to_string_lossy().into_owned();
        let known = git_says(&["--git-dir", &path, "cat-file", "-e", &id]);
        assert!(known.status.success(), "{name} {id} was never ours");
        if name.starts_with("refs/heads/") {
            let tags = server.git(&["for-each-ref", "--points-at", &id, "refs/tags"]);
            assert!(!tags.is_empty(), "{name} has no tag");
        } else {
            assert!(ours.contains(&(name, id)));
        }
    }
}

fn storm(kind: Kind, rounds: u32) {
    let site = Site::new(kind);
    let mut seed = 7 + kind as u64;
    let (mut version, mut named) = (0, 0);
    for round in 0..rounds {
        version += 1;
        site.import("hello", version);
        let mut publisher = site.queue.start(&["publish", "hello"]);
        std::thread::sleep(Duration::from_micros(next(&mut seed) % 150_000));
        let what = round % 3;
        let path = site.path("hello").to_string_lossy().into_owned();
        match what {
            // The publisher with all that it has started.
            0 => {
                let all = below(publisher.id());
                let _ = publisher.kill();
                all.into_iter().for_each(|pid| signal(pid, Signal::KILL));
            }
            // The publisher alone: what it has started goes on.
            1 => drop(publisher.kill()),
            _ => receivers(&path).into_iter().for_each(|pid| signal(pid, Signal::KILL)),
        }
        let _ = publisher.wait();
        package_import_tests::queue::wait_until("the server has ended", || receivers(&path).is_empty());
        assert_sound(&site, "hello");
        let output = site.queue.command(&["publish", "hello"]).output().unwrap();
        if !output.status.success() {
            // A lock that a killed server left: it is named, and removed by a person.
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let lock = said.split_whitespace().find(|word| word.ends_with(".lock"));
            let lock = lock.unwrap_or_else(|| panic!("{}: round {round}: {said}", site.kind.as_str()));
            assert!(said.contains("stale-lock"), "{said}");
            std::fs::remove_file(lock.trim_start_matches("./"))
                .or_else(|_| std::fs::remove_file(site.path("hello").join(lock.trim_start_matches("./"))))
                .unwrap();
            named += 1;
            while !site.queue.command(&["publish", "hello"]).output().unwrap().status.success() {
                let locks = std::process::Command::new("find")
                    .args([path.as_str(), "-name", "*.lock", "-delete"])
                    .output()
                    .unwrap();
                assert!(locks.status.success());
            }
        }
        assert_eq!(site.there("hello"), site.here("hello"), "{} round {round}", site.kind.as_str());
        assert_eq!(site.forced("hello"), Vec::<String>::new());
    }
    if kind == Kind::Folder {
        assert_eq!(named, 0, "our own transaction leaves no locks");
    }
}

#[test]
fn whatever_is_killed_the_next_one_goes_on_in_a_folder() {
    storm(Kind::Folder, rounds(10, 340));
}

#[test]
fn whatever_is_killed_the_next_one_goes_on_over_ssh() {
    storm(Kind::Ssh, rounds(8, 340));
}

#[test]
fn whatever_is_killed_the_next_one_goes_on_over_http() {
    storm(Kind::Web, rounds(6, 340));
}

/// Somebody pushes to the same branches and tags all the time.
fn race(kind: Kind, rounds: u32) {
    let site = Site::new(kind);
    site.import("hello", 1);
    site.queue.well(&["run"]);
    let server = site.server("hello");
    let mut theirs = Vec::new();
    for round in 0..rounds {
        let version = usize::try_from(round).unwrap() + 2;
        site.import("hello", version);
        let mut publisher = site.queue.start(&["publish", "hello"]);
        // A commit on top of what is there, or a tag of the version that comes.
        let tip = server.at("refs/heads/debian/sid").unwrap();
        let commit = server.git(&["commit-tree", "-m", "theirs", "-p", &tip, &format!("{tip}^{{tree}}")]);
        let path = server.path.to_string_lossy().into_owned();
        let name = match round % 2 {
            0 => "refs/heads/debian/sid".to_owned(),
            _ => format!("refs/tags/debian/1.0-{version}"),
        };
        let old = if round % 2 == 0 { tip.as_str() } else { "" };
        let made = git_says(&["--git-dir", &path, "update-ref", &name, &commit, old]);
        if made.status.success() {
            theirs.push(commit);
        }
        let _ = publisher.wait();
        // All that was ever pushed is reachable.
        for id in &theirs {
            let from = server.git(&["for-each-ref", "--contains", id]);
            assert!(!from.is_empty(), "{} round {round}: {id} was lost", site.kind.as_str());
        }
        assert_eq!(site.forced("hello"), Vec::<String>::new());
    }
    assert!(!theirs.is_empty());
}

#[test]
fn who_races_loses_nothing() {
    race(Kind::Folder, rounds(10, 3_400));
    race(Kind::Ssh, rounds(10, 3_300));
    race(Kind::Web, rounds(4, 3_300));
}
