//! Publisher, Git and server are killed at random moments, and others push meanwhile. `STORM=long` does a thousand and ten
//! thousand rounds, each of three tests a third; with `SECONDS=N` no more than fit into that time. They print how many it were.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use package_import_tests::queue::{children, signal, text, wait_until};
use package_import_tests::rounds::Rounds;
use rustix::process::{Pid, Signal};
use throwaway_git_servers::git_says;

use super::world::*;

/// Rounds of a package, which then has as many versions: each import reads all of them.
const PER: usize = 30;

fn publisher(site: &Site, package: &str) -> Child {
    let mut command = site.queue.command(&["publish", package]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
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
        let Ok(words) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let words = String::from_utf8_lossy(&words).into_owned();
        if words.contains("receive-pack") && words.contains(path) && !words.starts_with("ssh") {
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

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// The publisher with all that it has started.
    All,
    /// The publisher alone: what it has started goes on.
    Publisher,
    /// What works in the repository on the server.
    Server,
}

/// Starts a publisher and kills the victim at a moment. Returns whether the publisher was still at work.
fn kill(site: &Site, package: &str, victim: Victim, seed: &mut u64, usual: Duration) -> bool {
    let path = site.path(package).to_string_lossy().into_owned();
    let mut publisher = publisher(site, package);
    let mut is_at_work = || publisher.try_wait().unwrap().is_none();
    let was_at_work = if victim == Victim::Server {
        while is_at_work() && receivers(&path).is_empty() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(next(seed) % 30_000));
        let found = receivers(&path);
        found.iter().for_each(|pid| signal(*pid, Signal::KILL));
        !found.is_empty()
    } else {
        let limit = u64::try_from(usual.as_micros()).unwrap() * 5 / 4;
        std::thread::sleep(Duration::from_micros(next(seed) % limit));
        is_at_work()
    };
    if victim != Victim::Server {
        let started = if victim == Victim::All { below(publisher.id()) } else { Vec::new() };
        let _ = publisher.kill();
        started.into_iter().for_each(|pid| signal(pid, Signal::KILL));
    }
    let _ = publisher.wait();
    wait_until("the server has ended", || receivers(&path).is_empty());
    was_at_work
}

/// Publishes after a kill. Returns whether a lock had to be removed: a killed server left it, and a person removes it.
fn publish_after(site: &Site, package: &str) -> bool {
    let path = site.path(package);
    let published = || site.queue.command(&["publish", package]).output().unwrap();
    let output = published();
    if output.status.success() {
        return false;
    }
    // What a publisher had started may have gone on until now.
    wait_until("the server has ended", || receivers(&path.to_string_lossy()).is_empty());
    let mut output = published();
    // A server that is killed twice within a minute is away for its callers; a probe finds that it is back.
    wait_until("a probe has found the server", || {
        let is_away = text(&output).contains("publish/not-now");
        if is_away {
            output = published();
        }
        !is_away
    });
    if output.status.success() {
        return false;
    }
    let said = text(&output);
    let lock = said.split_whitespace().find(|word| word.trim_end_matches([',', ';', '.']).ends_with(".lock"));
    let is_named = lock.is_some() && said.contains("stale-lock");
    assert!(is_named, "{}: no lock is named: {said}", site.kind.as_str());
    // Each lock is named in its turn; a person who has found one looks for the others.
    let found =
        std::process::Command::new("find").arg(&path).args(["-name", "*.lock", "-delete"]).output().unwrap();
    assert!(found.status.success());
    let output = published();
    assert!(output.status.success(), "{}: {}", site.kind.as_str(), text(&output));
    true
}

fn storm(kind: Kind, rounds: &Rounds) {
    let site = Site::new(kind);
    let mut seed = 7 + kind as u64;
    let (mut done, mut hits, mut locks) = (0, 0, 0);
    site.import("usual", 1);
    let started = Instant::now();
    site.queue.well(&["publish", "usual"]);
    let usual = started.elapsed();
    while rounds.goes_on(done) {
        let (package, version) = (format!("hello{}", done / PER), done % PER + 1);
        site.import(&package, version);
        let victims = [Victim::All, Victim::Publisher, Victim::Server];
        let victim = if kind == Kind::Folder { victims[done % 2] } else { victims[done % 3] };
        hits += usize::from(kill(&site, &package, victim, &mut seed, usual));
        assert_sound(&site, &package);
        locks += usize::from(publish_after(&site, &package));
        assert_eq!(site.there(&package), site.here(&package), "{} round {done} {victim:?}", kind.as_str());
        assert_eq!(site.forced(&package), Vec::<String>::new());
        done += 1;
    }
    if kind == Kind::Folder {
        assert_eq!(locks, 0, "our own transaction leaves no locks");
    }
    assert!(hits > 0, "nothing was killed at work");
    println!("{}: {done} kills, {hits} of them at work, {locks} left locks", kind.as_str());
}

#[test]
fn whatever_is_killed_the_next_one_goes_on_in_a_folder() {
    storm(Kind::Folder, &Rounds::new(8, 340));
}

#[test]
fn whatever_is_killed_the_next_one_goes_on_over_ssh() {
    storm(Kind::Ssh, &Rounds::new(6, 340));
}

#[test]
fn whatever_is_killed_the_next_one_goes_on_over_http() {
    storm(Kind::Web, &Rounds::new(6, 340));
}

/// Somebody who writes into the repository on the server: commits on top of the branch, and tags of versions that come.
struct Writer {
    server: throwaway_git_servers::Recorder,
    empty: String,
    made: Vec<String>,
    tries: usize,
}

impl Writer {
    fn new(site: &Site, package: &str) -> Writer {
        let server = site.server(package);
        let empty = server.git(&["hash-object", "-w", "-t", "tree", "/dev/null"]);
        Writer { server, empty, made: Vec::new(), tries: 0 }
    }

    /// Writes once, unless somebody else was faster.
    fn write(&mut self, version: usize) {
        self.tries += 1;
        let Some(tip) = self.server.at("refs/heads/debian/sid") else { return };
        // One of four takes everything out: a conflict. The others change nothing.
        let tree = if self.tries % 4 == 3 { self.empty.clone() } else { format!("{tip}^{{tree}}") };
        let message = format!("theirs {}", self.tries);
        let commit = self.server.git(&["commit-tree", "-m", &message, "-p", &tip, &tree]);
        let path = self.server.path.to_string_lossy().into_owned();
        let (name, old) = match self.tries % 3 {
            2 => (format!("refs/tags/debian/1.0-{version}"), ""),
            _ => ("refs/heads/debian/sid".to_owned(), tip.as_str()),
        };
        let made = git_says(&["--git-dir", &path, "update-ref", &name, &commit, old]);
        if made.status.success() {
            self.made.push(commit);
        }
    }

    /// All that was ever written is reachable.
    fn assert_nothing_lost(&self) {
        let reachable = self.server.git(&["rev-list", "--all"]);
        let reachable: std::collections::HashSet<&str> = reachable.lines().collect();
        for id in &self.made {
            assert!(reachable.contains(id.as_str()), "{id} was lost");
        }
    }
}

/// Writes of somebody else while one package is published.
const WRITES: usize = 4;

/// Somebody writes to the same branches and tags all the time.
fn race(kind: Kind, rounds: &Rounds) {
    let site = Site::new(kind);
    let (mut done, mut published, mut made) = (0, 0, 0);
    for number in 0.. {
        if !rounds.goes_on(done) {
            break;
        }
        let package = format!("hello{number}");
        site.import(&package, 1);
        site.queue.well(&["publish", &package]);
        let mut writer = Writer::new(&site, &package);
        for version in 2..=PER {
            if !rounds.goes_on(done) {
                break;
            }
            site.import(&package, version);
            let mut publisher = publisher(&site, &package);
            let before = writer.tries;
            while publisher.try_wait().unwrap().is_none() && writer.tries < before + WRITES {
                writer.write(version);
                done += 1;
            }
            let _ = publisher.wait();
            published += 1;
            writer.assert_nothing_lost();
        }
        assert_settled(&site, &package);
        writer.assert_nothing_lost();
        made += writer.made.len();
    }
    assert!(made > 0);
    println!(
        "{}: {done} writes of somebody else during {published} publications, {made} came first",
        kind.as_str()
    );
}

/// Once nobody else writes, all that is ours is published, but for tags of theirs; and nothing was ever forced.
fn assert_settled(site: &Site, package: &str) {
    for _ in 0..3 {
        site.queue.command(&["publish", package]).output().unwrap();
    }
    let (there, here) = (site.there(package), site.here(package));
    for (name, id) in here {
        let found = there.iter().find(|(other, _)| *other == name).map(|(_, id)| id);
        let is_taken = name.starts_with("refs/tags/debian/") && found.is_some();
        assert!(found == Some(&id) || is_taken, "{package}: {name} is {found:?}, and not {id}");
    }
    assert_eq!(site.forced(package), Vec::<String>::new());
    site.server(package).git(&["fsck", "--strict"]);
}

#[test]
fn who_races_in_a_folder_loses_nothing() {
    race(Kind::Folder, &Rounds::new(12, 3_400));
}

#[test]
fn who_races_over_ssh_loses_nothing() {
    race(Kind::Ssh, &Rounds::new(12, 3_300));
}

#[test]
fn who_races_over_http_loses_nothing() {
    race(Kind::Web, &Rounds::new(8, 3_300));
}
