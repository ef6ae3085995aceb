//! Faults made from the table of answers: a kind of file, an answer, a moment, one mirror or all. Each is compared with what
//! was published: no version is lost, none is invented, and what is not done is said by a command and by a check.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use archive::answers::{ANSWERS, Answer as Row, Kind};
use package_import_tests::archive::{Suite, suite};
use package_import_tests::parallel;
use package_import_tests::web::{Answer, Server};
use serde_json::Value;

use super::world::World;

/// Beginning of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Before anything was polled.
    First,
    /// After a first import, before what was uploaded since is polled.
    Update,
    /// Between the poll and the import.
    Import,
}

/// A fault of a server.
#[derive(Clone, Copy, Debug)]
struct Fault {
    kind: Kind,
    row: Row,
    moment: Moment,
    /// All mirrors have it, or the first of two.
    everywhere: bool,
}

/// One for each kind of file and answer in two manners, so that each moment meets each kind.
fn faults() -> Vec<Fault> {
    let kinds = [Kind::Index, Kind::List, Kind::ByHash, Kind::Pool];
    let moments = [Moment::First, Moment::Update, Moment::Import];
    let rows = ANSWERS.iter().filter(|row| !matches!(row, Row::Unmounted | Row::Machine | Row::NotAccepted));
    let mut all = Vec::new();
    for (at, row) in rows.enumerate() {
        for (place, kind) in kinds.into_iter().enumerate() {
            for (turn, everywhere) in [true, false].into_iter().enumerate() {
                let moment = moments[(at + place + turn) % 3];
                all.push(Fault { kind, row: *row, moment, everywhere });
            }
        }
    }
    all
}

/// Answer of a server with this fault, for ever.
pub fn answer(row: Row) -> Answer {
    let status = |code| Answer::Status(code, vec![], vec![]);
    match row {
        Row::Missing => status(404),
        Row::Refused => status(403),
        Row::Busy => status(503),
        Row::ServerError => status(502),
        Row::Unreachable => Answer::Raw(b"SSH-2.0-x\r\n\r\n".to_vec()),
        Row::WrongPart => status(416),
        Row::Short => Answer::Cut(0),
        Row::Page => Answer::Status(200, vec![], b"<!DOCTYPE html><html>Welcome</html>".to_vec()),
        Row::Redirect => Answer::Redirect("ftp://example.org/".into()),
        _ => Answer::Status(200, vec![], b"something else".to_vec()),
    }
}

/// An archive with two mirrors, which differ in what they answer.
struct Scene {
    world: World,
    second: Server,
    fault: Fault,
}

impl Scene {
    fn new(fault: Fault) -> Scene {
        let mut world = World::new(&["main"]);
        world.suite = Suite { by_hash: fault.kind == Kind::ByHash, ..suite("sid") };
        let second = Server::new(world.archive.root());
        let mirrors = match fault.everywhere {
            true => format!("mirrors = ['{}']", world.server.url()),
            false => format!("mirrors = ['{}', '{}']", world.server.url(), second.url()),
        };
        world.configure(&mirrors, "[[archives.suites]]\nname = 'sid'");
        world.add("main", "aa", "1.0-1");
        world.publish();
        Scene { world, second, fault }
    }

    /// Everything that is of the kind now.
    fn paths(&self) -> Vec<String> {
        let root = self.world.archive.root();
        let source = root.join("dists/sid/main/source");
        let below = |folder: std::path::PathBuf| -> Vec<String> {
            let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
            let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
            files.map(|path| format!("/{}", path.strip_prefix(&root).unwrap().display())).collect()
        };
        match self.fault.kind {
            Kind::Index => {
                ["InRelease", "Release", "Release.gpg"].map(|it| format!("/dists/sid/{it}")).to_vec()
            }
            Kind::List => below(source),
            Kind::ByHash => below(source.join("by-hash/SHA256")),
            _ => self.world.archive.pool(),
        }
    }

    fn begin(&self) -> Vec<String> {
        let paths = self.paths();
        paths.iter().for_each(|path| self.world.server.on(path, answer(self.fault.row)));
        paths
    }

    fn run(&self, arguments: &[&str]) {
        let queue = &self.world.queue;
        queue.run_until_parked(queue.command(&[&["run"], arguments].concat()));
    }

    fn upload(&self) {
        self.world.add("main", "aa", "1.0-2");
        self.world.add("main", "bb", "1.0-1");
        self.world.publish();
    }

    fn imported(&self) -> BTreeSet<String> {
        self.world.imported().into_iter().collect()
    }

    /// Asserts that a command and a check mention what is not imported.
    fn is_said(&self, lacking: &BTreeSet<String>) {
        let fault = self.fault;
        let listed: BTreeSet<String> =
            self.world.listed().iter().map(|it| it.rsplit_once(' ').unwrap().0.to_owned()).collect();
        let checks: Vec<(i32, String)> =
            ["archive", "failures", "queue", "freshness"].map(|check| self.world.check(check)).to_vec();
        let lines = checks.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
        for one in lacking {
            let (name, version) = one.split_once(' ').unwrap();
            if !listed.contains(one) {
                // No index that has it was accepted.
                let verdict = self.world.verdict();
                let is_told = ["failing", "never"].contains(&verdict["verdict"].as_str().unwrap());
                assert!(is_told, "{fault:?}: {one}: {verdict}");
                assert!(lines.contains("polls failed"), "{fault:?}: {one}: {lines}");
                continue;
            }
            let behind = self.world.freshness(name);
            let lacks = behind["lacks"].as_array().unwrap();
            assert!(lacks.iter().any(|it| it["version"] == version), "{fault:?}: {one}: {behind}");
            let why = behind["why"].as_str().unwrap();
            let is_told = match why {
                "waiting" => lines.contains("a file that is listed and on no mirror"),
                "retrying" | "failing" => figure(&lines, "failing") > 0,
                "parked" => figure(&lines, "unreachable") > 0 || figure(&lines, "parked") > 0,
                "queued" => figure(&lines, "waiting") > 0 || lines.contains("waiting"),
                _ => false,
            };
            assert!(is_told, "{fault:?}: {one} is {why}: {lines}");
            assert!(!behind["reason"].as_str().unwrap().is_empty(), "{fault:?}: {behind}");
        }
    }
}

/// The largest value of a figure among what checks print.
fn figure(lines: &str, label: &str) -> i64 {
    let start = format!("{label}=");
    let values = lines.split_whitespace().filter_map(|word| word.strip_prefix(start.as_str()));
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    values.filter_map(number).max().unwrap_or(0)
}

fn published(versions: &[&str]) -> BTreeSet<String> {
    versions.iter().map(|version| (*version).to_owned()).collect()
}

/// A day in which everything that waits for its time gets it.
fn a_day(world: &World) {
    let queue = &world.queue;
    queue.let_waits_pass(86_400_000);
    let sql = "UPDATE dependency SET next_probe = 0 WHERE state = 'open'";
    queue.store().write(|tx| tx.execute(sql, &[])).unwrap();
    let sql = "UPDATE suite SET not_before = NULL";
    queue.store().write(|tx| tx.execute(sql, &[])).unwrap();
}

fn play(fault: &Fault) {
    let scene = Scene::new(*fault);
    let mut truth = published(&["aa 1.0-1"]);
    let broken = match fault.moment {
        Moment::First => {
            let broken = scene.begin();
            scene.run(&["--poll"]);
            broken
        }
        Moment::Update | Moment::Import => {
            scene.run(&["--poll"]);
            assert_eq!(scene.imported(), truth, "{fault:?}");
            scene.upload();
            truth.extend(published(&["aa 1.0-2", "bb 1.0-1"]));
            if fault.moment == Moment::Update {
                let broken = scene.begin();
                scene.run(&["--poll"]);
                broken
            } else {
                scene.world.poll(&[]);
                let broken = scene.begin();
                scene.run(&["--poll"]);
                broken
            }
        }
    };
    let imported = scene.imported();
    assert!(imported.is_subset(&truth), "{fault:?}: none is invented: {imported:?}");
    let lacking: BTreeSet<String> = truth.difference(&imported).cloned().collect();
    scene.is_said(&lacking);
    // By its hash or by its name is the same; with a second mirror nothing is amiss.
    let is_harmless =
        fault.kind == Kind::ByHash && !matches!(fault.row, Row::Unreachable | Row::ServerError | Row::Busy);
    if (!fault.everywhere || is_harmless) && !lacking.is_empty() {
        panic!("{fault:?}: {lacking:?} could be had: {}", scene.world.queue.well(&["status"]));
    }
    // All is well again: nothing was lost.
    broken.iter().for_each(|path| scene.world.server.on(path, Answer::File));
    for turn in 0..4 {
        // The index is asked for again in any case: its verdict is that of the last poll.
        if turn > 0 && scene.imported() == truth {
            break;
        }
        a_day(&scene.world);
        scene.run(&["--poll"]);
    }
    assert_eq!(scene.imported(), truth, "{fault:?}: {}", scene.world.queue.well(&["status"]));
    let verdict: Value = scene.world.verdict();
    assert!(["ok", "remarks"].contains(&verdict["verdict"].as_str().unwrap()), "{fault:?}: {verdict}");
    for name in truth.iter().map(|one| one.split(' ').next().unwrap()).collect::<BTreeSet<_>>() {
        let versions: BTreeSet<String> = scene
            .world
            .tags(name)
            .iter()
            .filter_map(|tag| tag.strip_prefix("debian/"))
            .map(|it| format!("{name} {it}"))
            .collect();
        let own: BTreeSet<String> =
            truth.iter().filter(|one| one.starts_with(&format!("{name} "))).cloned().collect();
        assert_eq!(versions, own, "{fault:?}: the repository");
    }
    drop(scene.second);
}

#[test]
fn nothing_is_lost_nothing_is_invented_all_is_said() {
    let all = faults();
    assert!(all.len() >= 60, "{}", all.len());
    let is_long = std::env::var_os("STORM").is_some();
    // The short form: each kind and each answer, a tenth of all.
    let some: Vec<Fault> = match is_long {
        true => all,
        false => all.into_iter().enumerate().filter(|(at, _)| at % 9 == 0).map(|(_, fault)| fault).collect(),
    };
    parallel::map(&some, play);
}

/// A trouble that is none of a server's.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// The folder of a `file://` mirror is there, and nothing is mounted on it.
    Unmounted,
    /// The disk of the cache has no room.
    Full,
    /// Fewer open files are allowed than are needed.
    OpenFiles,
    /// The keyring of the archive is gone.
    Keyring,
}

/// The installation in trouble: what begins it, and what ends it.
impl Trouble {
    fn begin(self, world: &World) {
        let (root, cache) = (world.archive.root(), world.queue.installation.root().join("cache"));
        match self {
            Trouble::Unmounted => {
                fs::rename(&root, root.with_extension("away")).unwrap();
                fs::create_dir(&root).unwrap();
            }
            Trouble::Full => {
                fs::create_dir_all(&cache).unwrap();
                let mut mount = Command::new("mount");
                mount.args(["-t", "tmpfs", "-o", "size=4k", "none"]).arg(&cache);
                assert!(mount.status().unwrap().success());
            }
            Trouble::OpenFiles => {}
            Trouble::Keyring => {
                let keyring = &world.archive.signer.keyring;
                fs::rename(keyring, keyring.with_extension("away")).unwrap();
            }
        }
    }

    fn end(self, world: &World) {
        let (root, cache) = (world.archive.root(), world.queue.installation.root().join("cache"));
        match self {
            Trouble::Unmounted => {
                fs::remove_dir(&root).unwrap();
                fs::rename(root.with_extension("away"), &root).unwrap();
            }
            Trouble::Full => assert!(Command::new("umount").arg(&cache).status().unwrap().success()),
            Trouble::OpenFiles => {}
            Trouble::Keyring => {
                let keyring = &world.archive.signer.keyring;
                fs::rename(keyring.with_extension("away"), keyring).unwrap();
            }
        }
    }

    /// A run that may end as it likes.
    fn run(self, world: &World) {
        let mut command = world.queue.command(&["run", "--poll"]);
        if let Trouble::OpenFiles = self {
            let program = command.get_program().to_owned();
            let mut limited = Command::new("prlimit");
            limited.args(["--nofile=24", "--"]).arg(program).args(command.get_args());
            for (name, value) in command.get_envs() {
                match value {
                    Some(value) => limited.env(name, value),
                    None => limited.env_remove(name),
                };
            }
            command = limited;
        }
        world.queue.ends_or_parks(command);
    }
}

/// No version is lost by what this machine lacks; what is not done is said by a command and by a check.
#[test]
fn nothing_is_lost_by_what_this_machine_lacks() {
    let mut cases = Vec::new();
    for trouble in [Trouble::Unmounted, Trouble::Full, Trouble::OpenFiles, Trouble::Keyring] {
        cases.extend([Moment::First, Moment::Update, Moment::Import].map(|moment| (trouble, moment)));
    }
    if std::env::var_os("STORM").is_none() {
        cases = cases.into_iter().enumerate().filter(|(at, _)| at % 4 == 0).map(|(_, case)| case).collect();
    }
    parallel::map(&cases, |(trouble, moment)| in_trouble(*trouble, *moment));
}

fn in_trouble(trouble: Trouble, moment: Moment) {
    let world = World::new(&["main"]);
    let mirrors = match trouble {
        Trouble::Unmounted => format!("mirrors = ['file://{}']", world.archive.root().display()),
        _ => format!("mirrors = ['{}']", world.server.url()),
    };
    world.configure(&mirrors, "[[archives.suites]]\nname = 'sid'");
    world.add("main", "aa", "1.0-1");
    world.publish();
    let mut truth = published(&["aa 1.0-1"]);
    if moment != Moment::First {
        world.queue.well(&["run", "--poll"]);
        world.add("main", "aa", "1.0-2");
        world.add("main", "bb", "1.0-1");
        world.publish();
        truth.extend(published(&["aa 1.0-2", "bb 1.0-1"]));
    }
    if moment == Moment::Import {
        world.poll(&[]);
    }
    trouble.begin(&world);
    trouble.run(&world);
    let what = format!("{trouble:?} {moment:?}");
    let imported: BTreeSet<String> = world.imported().into_iter().collect();
    assert!(imported.is_subset(&truth), "{what}: {imported:?}");
    if imported != truth {
        let status = world.queue.well(&["status"]);
        let lines =
            ["archive", "failures", "queue", "freshness"].map(|check| world.check(check).1).join("\n");
        let is_told = lines.contains("polls failed")
            || ["failing", "unreachable", "parked"].iter().any(|label| figure(&lines, label) > 0)
            || lines.contains("waiting");
        assert!(is_told, "{what}: {lines}");
        let is_told = ["fail", "parked", "out of reach", "retr", "queued", "polled"]
            .iter()
            .any(|it| status.contains(it));
        assert!(is_told, "{what}: {status}");
    }
    trouble.end(&world);
    for _ in 0..4 {
        if world.imported().into_iter().collect::<BTreeSet<_>>() == truth {
            return;
        }
        a_day(&world);
        world.queue.run_until_parked(world.queue.command(&["run", "--poll"]));
    }
    let imported: BTreeSet<String> = world.imported().into_iter().collect();
    assert_eq!(imported, truth, "{what}: {}", world.queue.well(&["status"]));
}
