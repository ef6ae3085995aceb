//! Thirty days of a mirror in simulated time, by the real program: pushes in halves, outages, rate limits, a rollback, a key
//! that rolls over, a series that is released, removals at once, and a series that goes away. At the end what is imported is
//! exactly what was ever in an accepted index, and every hour of being behind is explained.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use md5::{Digest, Md5};
use package_import_tests::archive::{Suite, TestArchive, suite};
use package_import_tests::build::dsc::hex;
use package_import_tests::programs::need;
use package_import_tests::queue::{Queue, text};
use package_import_tests::signer::Signer;
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};
use serde_json::Value;
use sha2::Sha256;

use super::apt::resign;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const SUITES: [&str; 3] = ["oldstable", "stable", "testing"];

type Versions = BTreeSet<(String, u32)>;

/// Publications of an archive, and the record of all that it ever published.
struct Origin {
    archive: TestArchive,
    new_key: Signer,
    is_new_key: bool,
    codenames: BTreeMap<&'static str, &'static str>,
    listed: BTreeMap<&'static str, BTreeMap<String, u32>>,
    /// By suite and date of the index: the truth.
    truth: BTreeMap<(String, i64), Versions>,
    stanzas: BTreeMap<(String, u32), String>,
    /// Day on which a version left all suites.
    left: BTreeMap<(String, u32), i64>,
}

fn file_version(version: u32) -> String {
    format!("1.{version}-1")
}

impl Origin {
    fn new() -> Origin {
        let archive = TestArchive::new();
        let new_key = Signer::new(&archive.extra("keys"), "new");
        let codenames =
            BTreeMap::from([("oldstable", "bookworm"), ("stable", "trixie"), ("testing", "forky")]);
        let (listed, truth, stanzas, left) = Default::default();
        Origin { archive, new_key, is_new_key: false, codenames, listed, truth, stanzas, left }
    }

    /// Puts a version into the pool, if it is not there. Its stanza is written here, without any tool of the archive's.
    fn make(&mut self, name: &str, version: u32) {
        let key = (name.to_owned(), version);
        if self.stanzas.contains_key(&key) {
            return;
        }
        let below: Vec<String> = (1..version).rev().map(file_version).collect();
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        let dsc = self.archive.add("main", name, &package(name, &file_version(version)).below(&below));
        let (text, bytes) = (fs::read_to_string(&dsc).unwrap(), fs::read(&dsc).unwrap());
        let file = dsc.file_name().unwrap().to_str().unwrap();
        let mut stanza = format!("Package: {name}\nDirectory: pool/main/{}/{name}\n", &name[..1]);
        for line in text.lines().filter(|line| !line.starts_with("Source:")) {
            stanza += &format!("{line}\n");
            let sum = match line {
                "Checksums-Sha256:" => hex(&Sha256::digest(&bytes)),
                "Files:" => hex(&Md5::digest(&bytes)),
                _ => continue,
            };
            stanza += &format!(" {sum} {} {file}\n", bytes.len());
        }
        self.stanzas.insert(key, stanza + "\n");
    }

    /// Publishes a suite as it is now.
    fn publish(&mut self, name: &'static str, now: i64) {
        let listed = self.listed.entry(name).or_default().clone();
        listed.iter().for_each(|(package, version)| self.make(package, *version));
        let text: String =
            listed.iter().map(|(name, version)| &self.stanzas[&(name.clone(), *version)][..]).collect();
        let own = Suite {
            codename: self.codenames[name].into(),
            suite: name.into(),
            date: Some(date(now)),
            ..suite(name)
        };
        let folder = self.archive.root().join("dists").join(name);
        self.archive.lists(&folder.join("main/source"), text.as_bytes(), &own);
        self.archive.sign(&folder, &own, |text| text);
        if self.is_new_key {
            resign(&folder, &self.new_key);
        }
        self.truth.insert((name.into(), now), listed.into_iter().collect());
    }

    /// Removes from the pool what has been in no suite for three days.
    fn clean(&mut self, now: i64) {
        let all: Versions =
            self.listed.values().flatten().map(|(name, version)| (name.clone(), *version)).collect();
        let gone: Vec<_> = self.stanzas.keys().filter(|key| !all.contains(*key)).cloned().collect();
        self.left.retain(|key, _| !all.contains(key));
        for key in gone {
            if now - *self.left.entry(key.clone()).or_insert(now) > 3 * DAY {
                let (name, version) = &key;
                let folder = self.archive.root().join(format!("pool/main/{}/{name}", &name[..1]));
                let own = format!("{name}_{}", file_version(*version));
                let files = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
                let is_own = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&own);
                files.filter(is_own).for_each(|path| fs::remove_file(path).unwrap());
            }
        }
    }
}

fn date(unix: i64) -> String {
    let output = Command::new("date").args(["-u", "-R", "-d", &format!("@{unix}")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().replace("+0000", "UTC")
}

fn copy(from: &Path, to: &Path, part: &str) {
    let (from, target) = (from.join(part), to.join(part));
    if !from.exists() {
        return;
    }
    let _ = fs::remove_dir_all(&target);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    // Hard links: a mirror has the same files.
    let status = Command::new("cp").args(["-al"]).arg(&from).arg(&target).status().unwrap();
    assert!(status.success());
}

/// A mirror of the origin.
struct Mirror {
    root: PathBuf,
    server: Server,
}

impl Mirror {
    fn new(archive: &TestArchive, name: &str) -> Mirror {
        let root = archive.extra(name);
        Mirror { server: Server::new(&root), root }
    }

    fn sync(&self, origin: &Origin, parts: &[&str]) {
        parts.iter().for_each(|part| copy(&origin.archive.root(), &self.root, part));
    }
}

/// An installation that lives in simulated time.
struct Life {
    origin: Origin,
    mirrors: [Mirror; 2],
    queue: Queue,
    now: i64,
    accepted: Versions,
    /// Hours of being behind, by what explains them.
    explained: BTreeMap<String, u64>,
}

impl Life {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.queue.command(arguments);
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let ahead = self.now - i64::try_from(real).unwrap();
        let sign = if ahead < 0 { "" } else { "+" };
        command
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME", format!("{sign}{ahead}"))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        command
    }

    fn well(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn configure(&self, keys: &[&Path], suites: &[&str], more: &str) {
        let keyrings: Vec<String> = keys.iter().map(|key| format!("'{}'", key.display())).collect();
        let urls: Vec<String> = self.mirrors.iter().map(|it| format!("'{}'", it.server.url())).collect();
        let suites: String =
            suites.iter().map(|name| format!("[[archives.suites]]\nname = '{name}'\n")).collect();
        self.queue.installation.configure(&format!(
            "[import]\nrepack = false\n[[archives]]\nname = 'a'\ndistro = 'debian'\nmirrors = [{}]\nkeyrings = [{}]\n{suites}\
             [archives.transfer]\nconnections = 1\n{more}",
            urls.join(", "),
            keyrings.join(", ")
        ));
    }

    /// A run of cron's; and where something failed the next one, five minutes later: it finds what a probe has found to be
    /// there again.
    fn run(&mut self, step: i64) {
        let began = self.now;
        for _ in 0..2 {
            // One thread: files have real times, so that to a second one what this one fetches would look abandoned.
            self.queue.run_until_parked(self.command(&["run", "--poll", "--jobs", "1"]));
            if self
                .queue
                .number("SELECT COUNT(*) FROM suite WHERE followed IS NOT NULL AND error IS NOT NULL")
                == 0
            {
                break;
            }
            self.now += 300;
        }
        // Each hour until the next run is explained, too.
        let mut is_behind = self.look();
        while is_behind && self.now + HOUR < began + step {
            self.now += HOUR;
            is_behind = self.look();
        }
    }

    fn imported(&self) -> Versions {
        let sql =
            "SELECT DISTINCT p.name || ' ' || v.version FROM version v JOIN package p ON p.id = v.package_id";
        self.queue.texts(sql).iter().map(|row| parse(row)).collect()
    }

    /// Checks the accepted publications, and that every delay is mentioned with its reason. Returns whether there is one.
    fn look(&mut self) -> bool {
        let archives: Value = serde_json::from_str(&self.well(&["archives", "--json"])).unwrap();
        let mut is_late = Vec::new();
        for verdict in archives["suites"].as_array().unwrap() {
            let name = verdict["suite"].as_str().unwrap();
            let Some(index) = verdict["index"].as_i64() else { continue };
            let accepted = self.origin.truth.get(&(name.to_owned(), index / 1000));
            let accepted =
                accepted.unwrap_or_else(|| panic!("{name}: nobody has published the index of {index}"));
            // Publications that withheld removals keep are in no index any more, but were in one.
            self.accepted.extend(accepted.iter().cloned());
            let newest = self.origin.truth.keys().filter(|(own, _)| own == name).map(|(_, date)| *date).max();
            if newest.is_some_and(|newest| newest - index / 1000 > DAY) {
                is_late.push((name.to_owned(), verdict.clone()));
            }
        }
        let imported = self.imported();
        assert!(
            imported.is_subset(&self.accepted),
            "{:?} was in no index",
            imported.difference(&self.accepted)
        );
        let behind: BTreeSet<&String> = self.accepted.difference(&imported).map(|(name, _)| name).collect();
        if behind.is_empty() && is_late.is_empty() {
            return false;
        }
        let freshness: Value =
            serde_json::from_str(&self.well(&["freshness", "--json", "--limit", "100000"])).unwrap();
        let said: BTreeMap<String, Value> = freshness["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["package"].as_str().unwrap().to_owned(), it.clone()))
            .collect();
        for name in &behind {
            let name = name.as_str();
            let it = said.get(name).unwrap_or_else(|| panic!("{name} is behind, and nobody says so"));
            let (why, reason) = (it["why"].as_str().unwrap(), it["reason"].as_str().unwrap());
            assert!(!reason.is_empty() && why != "not-queued", "{it}");
            *self.explained.entry(why.to_owned()).or_default() += 1;
        }
        // A suite that is more than a day behind the archive is said by a command and by a check.
        if is_late.is_empty() {
            return true;
        }
        let mut check = Command::new(package_import_tests::daemons::plugins::path("archive"));
        let root = self.queue.installation.root();
        let output = check
            .args(["-v", &format!("--now={}", self.now * 1000)])
            .env("PACKAGE_IMPORT_ROOT", root)
            .output();
        let line = text(&output.unwrap());
        for (name, verdict) in is_late {
            let word = verdict["verdict"].as_str().unwrap();
            assert!(
                ["failing", "remarks", "stale"].contains(&word),
                "day of {}: {name}: {verdict}",
                self.now
            );
            let is_told = line.contains(&format!("a/{name} not polled"))
                || line.contains("polls failed")
                || line.contains("behind")
                || line.contains("out of reach")
                || line.contains("remark");
            assert!(is_told, "{name}: {line}");
            *self.explained.entry(format!("archive: {word}")).or_default() += 1;
        }
        true
    }
}

fn faketime() -> PathBuf {
    need("faketime", "faketime");
    let output = Command::new("sh").args(["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"]).output().unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().lines().next().unwrap())
}

fn parse(row: &str) -> (String, u32) {
    let (name, version) = row.split_once(' ').unwrap();
    (name.to_owned(), version.strip_prefix("1.").unwrap().strip_suffix("-1").unwrap().parse().unwrap())
}

/// Numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Faults of the mirrors on a day.
fn weather(life: &mut Life, day: i64, is_evening: bool) {
    let Life { origin, mirrors: [one, two], .. } = life;
    match day {
        // Lists before files on one, and nothing on the other.
        3 if !is_evening => one.sync(origin, &["dists"]),
        // The index before its lists.
        5 if !is_evening => {
            let names: Vec<_> = SUITES.iter().map(|name| format!("dists/{name}/InRelease")).collect();
            for name in names.iter().filter(|name| origin.archive.root().join(name).exists()) {
                let _ = fs::remove_file(one.root.join(name));
                fs::copy(origin.archive.root().join(name), one.root.join(name)).unwrap();
            }
        }
        7 | 8 => [one, two].iter().for_each(|it| it.server.refuse(true)),
        // One is frozen for days, and stands first in none.
        9..=11 => {
            [&*one, &*two].iter().for_each(|it| it.server.refuse(false));
            two.sync(origin, &["pool", "dists"]);
        }
        // Both are set back to what they had two days ago.
        12 => {}
        13 => [one, two].iter().for_each(|it| it.sync(origin, &["pool", "dists"])),
        _ => {
            one.sync(origin, &["pool", "dists"]);
            if day % 2 == 0 {
                two.sync(origin, &["pool", "dists"]);
            }
        }
    }
}

fn month(packages: usize, step: i64) {
    let origin = Origin::new();
    let mirrors = ["one", "two"].map(|name| Mirror::new(&origin.archive, name));
    let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let start = i64::try_from(real).unwrap() / DAY * DAY + DAY;
    let (queue, accepted, explained) = (Queue::sqlite(), BTreeSet::new(), BTreeMap::new());
    let mut life = Life { origin, mirrors, queue, now: start, accepted, explained };
    let (old_key, new_key) =
        (life.origin.archive.signer.keyring.clone(), life.origin.new_key.keyring.clone());
    let mut suites = SUITES.to_vec();
    life.configure(&[&old_key], &suites, "");
    for number in 0..packages {
        for (at, name) in SUITES.iter().enumerate() {
            // Each series began with its own versions; some packages are in none of the older ones.
            if number % 5 >= 2 - at {
                life.origin.listed.entry(name).or_default().insert(format!("p{number:03}"), at as u32 + 1);
            }
        }
    }
    let mut dice = Dice(42);
    let mut newest: BTreeMap<String, u32> = life.origin.listed["testing"].clone();
    let mut kept: Vec<PathBuf> = Vec::new();
    let steps_of_a_day = DAY / step;
    for turn in 0..30 * steps_of_a_day {
        let (day, hour) = (turn / steps_of_a_day, turn % steps_of_a_day);
        life.now = start + turn * step;
        let now = life.now;
        // Uploads, and now and then something moves on to stable.
        for _ in 0..dice.below(3) + u64::from(turn == 0) {
            let name = format!("p{:03}", dice.below(packages as u64));
            let version = newest.entry(name.clone()).and_modify(|it| *it += 1).or_insert(10);
            life.origin.listed.get_mut("testing").unwrap().insert(name.clone(), *version);
            if dice.below(4) == 0 {
                life.origin.listed.get_mut("stable").unwrap().insert(name, *version);
            }
        }
        let is_first = hour == 0;
        match day {
            14 if is_first => life.origin.is_new_key = true,
            16 if is_first => life.configure(&[&old_key, &new_key], &suites, ""),
            // A series is released: each name is of the next series.
            18 if is_first => {
                let listed = &mut life.origin.listed;
                let (stable, testing) = (listed["stable"].clone(), listed["testing"].clone());
                listed.insert("oldstable", stable);
                listed.insert("stable", testing);
                let next = [("oldstable", "trixie"), ("stable", "forky"), ("testing", "duke")];
                life.origin.codenames = BTreeMap::from(next);
            }
            // A part of oldstable is removed at once.
            20 if is_first => {
                let listed = life.origin.listed.get_mut("oldstable").unwrap();
                let names: Vec<String> = listed.keys().take(listed.len() * 6 / 10).cloned().collect();
                listed.retain(|name, _| !names.contains(name));
            }
            // It goes away, to an archive of what is over.
            22 if is_first => {
                let elsewhere = life.origin.archive.extra("over");
                ["pool", "dists/oldstable"]
                    .iter()
                    .for_each(|it| copy(&life.origin.archive.root(), &elsewhere, it));
                life.origin.listed.remove("oldstable");
                for root in [&life.origin.archive.root(), &life.mirrors[0].root, &life.mirrors[1].root] {
                    fs::remove_dir_all(root.join("dists/oldstable")).unwrap();
                }
                suites.retain(|name| *name != "oldstable");
            }
            24 if is_first => {
                let place = life.origin.archive.extra("over");
                let over = format!(
                    "[[archives]]\nname = 'over'\ndistro = 'debian'\nmirrors = ['file://{}']\nkeyrings = ['{}']\n\
                     [[archives.suites]]\nname = 'oldstable'\nend_of_life = true\n",
                    place.display(),
                    new_key.display()
                );
                life.configure(&[&old_key, &new_key], &suites, &over);
            }
            _ => {}
        }
        for name in SUITES {
            if life.origin.listed.contains_key(name) {
                life.origin.publish(name, now);
            }
        }
        life.origin.clean(now);
        if day == 10 && is_first {
            kept = life.mirrors.iter().map(|it| it.root.with_extension("kept")).collect();
            for (mirror, place) in life.mirrors.iter().zip(&kept) {
                copy(&mirror.root, place, "dists");
            }
        }
        if day == 12 {
            life.mirrors.iter().zip(&kept).for_each(|(mirror, place)| copy(place, &mirror.root, "dists"));
        }
        weather(&mut life, day, hour * 2 >= steps_of_a_day);
        // Refusals: a whole day, and every other request.
        if day == 10 || day == 11 {
            let refused = match day {
                10 => vec![Answer::Status(429, vec!["Retry-After: 3600".into()], vec![])],
                _ => vec![Answer::Status(503, vec![], vec![]), Answer::File],
            };
            for name in SUITES {
                let path = format!("/dists/{name}/InRelease");
                life.mirrors.iter().for_each(|it| it.server.on_each(&path, &refused));
            }
        } else if day == 12 && is_first {
            for name in SUITES {
                let path = format!("/dists/{name}/InRelease");
                life.mirrors.iter().for_each(|it| it.server.on(&path, Answer::File));
            }
        }
        life.run(step);
    }
    let imported = life.imported();
    let lacking: Vec<_> = life.accepted.difference(&imported).collect();
    assert!(lacking.is_empty(), "not imported: {lacking:?}\n{}", life.well(&["status"]));
    assert!(imported.len() > packages, "{}", imported.len());
    // The repositories have it, and nothing else.
    let mut found = Versions::new();
    for name in imported.iter().map(|(name, _)| name).collect::<BTreeSet<_>>() {
        let tags = life.queue.installation.git(name, &["tag", "--list", "debian/*"]);
        found.extend(
            tags.lines().map(|tag| parse(&format!("{name} {}", tag.strip_prefix("debian/").unwrap()))),
        );
    }
    assert_eq!(found, imported);
    let branches = life.queue.refs();
    for codename in ["bookworm", "trixie", "forky", "duke"] {
        let branch = format!("refs/heads/debian/{codename}\n");
        assert!(branches.values().any(|refs| refs.contains(&branch)), "{codename}");
    }
    for word in ["archive: failing", "waiting"] {
        assert!(life.explained.contains_key(word), "it was not met: {word}: {:?}", life.explained);
    }
    println!("{} versions imported; behind: {:?}", imported.len(), life.explained);
}

#[test]
fn a_month_of_a_mirror() {
    match std::env::var_os("STORM") {
        Some(_) => month(500, DAY / 4),
        None => month(20, DAY),
    }
}
