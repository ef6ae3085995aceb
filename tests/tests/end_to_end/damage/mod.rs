//! Random damage: to files and folders of a repository, of the state and of the root, to locks, to the disk, by signals; before
//! a run and while it works. Every command ends, nothing panics, what cannot be done is said with the name of what is in the
//! way, no package is blamed for the machine, no machine for a package, and when the damage is made good all is as if it had
//! not been.
//!
//! `STORM=long` does three hundred, else eight. `STORM_FROM` begins with another number.

mod harm;
mod world;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::Duration;

use package_import_tests::parallel;
use package_import_tests::queue::{children, signal};
use rustix::process::{Pid, Signal};

use harm::{Dice, HARMS, Harm, copy, harm, own, places, remove, restore};
use world::{PACKAGES, Said, World, calm, ends, shown};

fn numbers() -> Vec<u64> {
    let is_long = std::env::var_os("STORM").is_some_and(|value| value == "long");
    let from = std::env::var("STORM_FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    (from..from + if is_long { 300 } else { 8 }).collect()
}

/// The place of the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A fault in the first package's repository.
    Package,
    /// The machine's.
    Machine,
    /// The state's, or that of what all commands need: nothing can be said while it lasts.
    State,
}

#[derive(Clone, Debug)]
enum Kind {
    Place(PathBuf, Harm),
    GitLock,
    Lock,
    DiskFull(u64, bool),
    Signal(Signal, bool),
}

/// The paths below a root that are damaged.
const OF_ROOT: [&str; 10] = [
    "state.db",
    "state.db-wal",
    "state.db-shm",
    "config.toml",
    "repos",
    "package-import-key",
    "repos/a",
    "logs",
    "cache",
    "state.db-journal",
];

impl Kind {
    fn random(dice: &mut Dice, world: &World) -> Kind {
        let signals = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP, Signal::ABORT, Signal::STOP];
        match dice.below(10) {
            0..=2 => {
                let inside = places(&world.repository("a0"));
                Kind::Place(
                    PathBuf::from(shown(&world.root(), dice.pick::<PathBuf>(&inside))),
                    *dice.pick(&HARMS),
                )
            }
            3..=5 => Kind::Place(PathBuf::from(dice.pick(&OF_ROOT)), *dice.pick(&HARMS)),
            6 => Kind::GitLock,
            7 => Kind::Lock,
            8 => Kind::DiskFull(dice.below(40), dice.below(2) == 0),
            _ => Kind::Signal(*dice.pick(&signals), dice.below(2) == 0),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Kind::Place(path, _) if path.starts_with("repos/a/a0.git") => Fault::Package,
            Kind::Place(path, _) if path.starts_with("repos") || path.ends_with("logs") => Fault::Machine,
            Kind::Place(path, _) if path.ends_with("cache") || path.ends_with("package-import-key") => {
                Fault::Machine
            }
            Kind::Place(..) => Fault::State,
            Kind::GitLock => Fault::Package,
            Kind::Lock | Kind::DiskFull(..) | Kind::Signal(..) => Fault::Machine,
        }
    }
}

/// The damage for one number, and its result.
struct Storm {
    world: World,
    kind: Kind,
    what: String,
    aside: PathBuf,
    /// The mode of a place before.
    mode: u32,
}

impl Storm {
    fn of(number: u64, dice: &mut Dice) -> Storm {
        let world = calm().world.copy();
        let kind = Kind::random(dice, &world);
        let aside = world.root().with_file_name("aside");
        let mode = match &kind {
            Kind::Place(path, _) => {
                fs::metadata(world.root().join(path)).map_or(0o640, |it| it.permissions().mode())
            }
            _ => 0,
        };
        Storm { world, what: format!("{number}: {kind:?}"), kind, aside, mode }
    }

    fn happen(&self, child: Option<&Child>, dice: &mut Dice) -> Option<File> {
        let repository = self.world.repository("a0");
        match &self.kind {
            Kind::Place(path, way) => {
                let path = self.world.root().join(path);
                if !path.exists() {
                    let _ = fs::write(&path, "");
                    own(&path);
                }
                harm(&path, *way, &self.aside, dice);
            }
            Kind::GitLock => {
                let names = ["packed-refs.lock", "refs/heads/debian/sid.lock", "HEAD.lock", "config.lock"];
                let path = repository.join(dice.pick(&names));
                let _ = fs::create_dir_all(path.parent().unwrap());
                path.ancestors().take_while(|it| **it != repository).for_each(own);
                let _ = File::create_new(&path);
                own(&path);
            }
            Kind::Lock => {
                let path = repository.join("package-import.flock");
                return File::open(path).ok().filter(|file| file.lock().is_ok());
            }
            Kind::DiskFull(..) => {}
            Kind::Signal(which, to_children) => {
                let child = child?;
                let own = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
                let targets = if *to_children { children(child.id()) } else { vec![own] };
                targets.iter().for_each(|target| signal(*target, *which));
                if *which == Signal::STOP {
                    thread::sleep(Duration::from_millis(dice.below(50)));
                    targets.iter().for_each(|target| signal(*target, Signal::CONT));
                }
            }
        }
        None
    }

    /// A run, with something that happens before or while it works.
    fn run(&self, is_before: bool, dice: &mut Dice) -> Said {
        let variable = match self.kind {
            Kind::DiskFull(after, once) => {
                let value = format!("{after}{}", if once { ":once" } else { "" });
                Some(("PACKAGE_IMPORT_DISK_FULL_AFTER", value))
            }
            _ => None,
        };
        let moment = Duration::from_millis(dice.below(u64::try_from(calm().duration.as_millis()).unwrap()));
        let mut held = if is_before { self.happen(None, dice) } else { None };
        let child = self.world.start(&["run", "--max-duration", "60s"], variable);
        if !is_before {
            thread::sleep(moment);
            held = self.happen(Some(&child), dice);
        }
        let ended = ends(child, &self.what);
        drop(held);
        ended
    }

    /// Everything that is asked answers or says why not, naming the place.
    fn ask(&self, dice: &mut Dice) {
        let (root, files) = (self.world.root(), calm().world.queue.installation.files());
        let out = root.with_file_name("out");
        fs::create_dir(&out).unwrap();
        own(&out);
        let out = out.join("made").display().to_string();
        let dsc = files.join("1.0-2/b0_1.0-2.dsc").display().to_string();
        let all: [&[&str]; 22] = [
            &["status"],
            &["failures"],
            &["show", "a0"],
            &["queue"],
            &["verify", "a0"],
            &["log", "a0"],
            &["history", "a0"],
            &["list", "--late"],
            &["workers"],
            &["audit"],
            &["freshness"],
            &["tune"],
            &["baseline", "show"],
            &["collisions"],
            &["verify", "--state"],
            &["repack", "a0"],
            &["backup", &out],
            &["export", "a0", "1.0-1", &out],
            &["retry", "a0"],
            &["hold", "c0", "--reason", "a storm"],
            &["import", "--allow-unsigned", &dsc],
            &["prune"],
        ];
        for _ in 0..6 {
            let arguments = *dice.pick(&all);
            let said = self.world.say(arguments, &self.what);
            let what = format!("{}: {arguments:?}: {}: {}", self.what, said.code, said.text);
            assert!([0, 1, 2, 78].contains(&said.code), "{what}");
            assert!(said.code == 0 || !said.text.trim().is_empty(), "{what}");
            if let Kind::Place(path, _) = &self.kind
                && self.kind.fault() == Fault::State
                && said.code != 0
            {
                assert!(said.text.contains(path.to_str().unwrap()), "names no place: {what}");
            }
            remove(Path::new(&out));
        }
        self.world.say(&["release", "c0"], &self.what);
        let names = ["archive", "failures", "freshness", "queue", "runs", "state", "wedged", "workers"];
        for _ in 0..2 {
            let name = dice.pick(&names);
            let said = self.world.check(name, &self.what);
            assert!((0..=3).contains(&said.code), "{}: {name}: {}: {}", self.what, said.code, said.text);
            assert!(said.text.starts_with("IMPORT"), "{}: {name}: {}", self.what, said.text);
        }
    }

    /// Checks which packages fail, and the reported place of the fault.
    fn blame(&self) {
        let (queue, what) = (&self.world.queue, &self.what);
        let failing = queue.texts(
            "SELECT p.name || ' ' || f.class || ' ' || s.stage || '/' || s.code FROM failure f
             JOIN package p ON p.id = f.package_id JOIN signature s ON s.id = f.signature_id ORDER BY 1",
        );
        match self.kind.fault() {
            // Others are imported as if nothing had happened.
            Fault::Package => {
                assert!(failing.iter().all(|it| it.starts_with("a0 ")), "{what}: {failing:?}");
                let parked = queue.number("SELECT COUNT(*) FROM job WHERE state = 'parked'");
                assert_eq!(parked, 0, "{what}: the machine is blamed");
                let done = "SELECT COUNT(*) FROM version v JOIN package p ON p.id = v.package_id WHERE p.name <> 'a0'";
                assert_eq!(queue.number(done), 4, "{what}");
            }
            Fault::Machine => {
                assert!(!failing.iter().any(|it| it.contains(" permanent ")), "{what}: {failing:?}");
            }
            Fault::State => {}
        }
    }

    /// Makes the damage good, as an operator would, and lets the next runs do the rest.
    fn mend(&self) {
        let (world, what) = (&self.world, &self.what);
        let (root, good) = (world.root(), calm().world.root());
        // What is copied back must not be written to by a repack of before.
        world.queue.installation.wait_for_repacks();
        match self.kind.fault() {
            Fault::Package => {
                remove(&world.repository("a0"));
                copy(&calm().world.repository("a0"), &world.repository("a0"));
                world.well(&["requeue", "a0"]);
            }
            Fault::Machine => {
                if let Kind::Place(path, _) = &self.kind {
                    restore(&root.join(path), &self.aside, self.mode);
                }
            }
            // Its repositories may be newer: all of the root comes from the same moment.
            Fault::State => {
                fs::read_dir(&root).unwrap().flatten().for_each(|entry| remove(&entry.path()));
                copy(&good.join("."), &root);
            }
        }
        for _ in 0..6 {
            world.queue.let_pass(24 * 3_600_000);
            let said = world.say(&["run", "--max-duration", "60s"], what);
            assert_eq!(said.code, 0, "{what}: {}", said.text);
            // A repack that was ended in the midst is tidied up by a run that comes later.
            let is_marked = |name: &&str| world.repository(name).join("package-import.repack").exists();
            if world.queue.number("SELECT COUNT(*) FROM job") == 0 && !PACKAGES.iter().any(is_marked) {
                return;
            }
            // Parked jobs are requested by name, which does not wait for the next probe.
            for name in world.queue.texts("SELECT p.name FROM job j JOIN package p ON p.id = j.package_id") {
                let said = world.say(&["retry", &name], what);
                assert!([0, 1].contains(&said.code), "{what}: {}", said.text);
            }
        }
    }

    fn is_as_if_nothing_had_been(&self) {
        let (world, what) = (&self.world, &self.what);
        let failing = world.queue.texts("SELECT p.name FROM failure f JOIN package p ON p.id = f.package_id");
        assert!(failing.is_empty(), "{what}: {failing:?}");
        for (name, refs) in PACKAGES.iter().zip(&calm().refs) {
            let installation = &world.queue.installation;
            assert_eq!(installation.git(name, &["for-each-ref"]), *refs, "{what}: {name}");
            installation.assert_clean(name);
        }
    }
}

fn storm(number: u64) {
    let mut dice = Dice::of(number);
    let storm = Storm::of(number, &mut dice);
    let is_signal = matches!(storm.kind, Kind::Signal(..));
    let is_before = dice.below(2) == 0 && !is_signal;
    let said = storm.run(is_before, &mut dice);
    let is_known = [0, 1, 2, 75, 78].contains(&said.code) || is_signal;
    assert!(is_known, "{}: before {is_before}: {}: {}", storm.what, said.code, said.text);
    storm.ask(&mut dice);
    if storm.kind.fault() != Fault::State {
        storm.blame();
    }
    storm.mend();
    storm.is_as_if_nothing_had_been();
}

#[test]
fn commands_end_and_blame_nobody_wrongly() {
    calm();
    let numbers = numbers();
    let wrong: Vec<String> = parallel::map(&numbers, |&number| {
        let done = std::panic::catch_unwind(|| storm(number));
        done.err().map(|panic| match panic.downcast_ref::<String>() {
            Some(text) => format!("{number}: {text}"),
            None => format!("{number}: fails"),
        })
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), numbers.len(), wrong.join("\n"));
}
