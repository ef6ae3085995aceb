//! Random damage: to files of a repository, of the state and of the root, to locks, to the disk, by signals; before a run and
//! while it works. Every command ends, nothing panics, no package is blamed for the machine, no machine for a package, and when
//! the damage is made good all is as if it had not been.
//!
//! `STORM=long` does three hundred, else twenty.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use package_import_tests::parallel;
use package_import_tests::queue::{Queue, children, signal, text};
use package_import_tests::synthetic::package;
use rustix::process::{Pid, Signal};

/// No command takes longer, whatever has happened: all their own limits are shorter.
const LONGEST: Duration = Duration::from_secs(120);
const PACKAGES: [&str; 3] = ["a0", "b0", "c0"];

fn count() -> u64 {
    if std::env::var_os("STORM").is_some_and(|value| value == "long") { 300 } else { 20 }
}

struct Dice(u64);

impl Dice {
    fn of(number: u64) -> Dice {
        let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            let _ = dice.below(2);
        }
        dice
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit.max(1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip,
    Cut,
    Empty,
    Remove,
    Lengthen,
    IntoFolder,
    IntoLink,
    IntoPipe,
}

const HARMS: [Harm; 8] = [
    Harm::Flip,
    Harm::Cut,
    Harm::Empty,
    Harm::Remove,
    Harm::Lengthen,
    Harm::IntoFolder,
    Harm::IntoLink,
    Harm::IntoPipe,
];

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// That of the first package's repository.
    Package,
    /// The machine's.
    Machine,
    /// The state's: nothing can be said while it lasts.
    State,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Repository(Harm),
    GitLock,
    Lock,
    DiskFull(u64, bool),
    Signal(Signal, bool),
    Root(&'static str, Harm),
}

const ROOT: [&str; 4] = ["state.db", "state.db-wal", "config.toml", "package-import-key"];

impl Kind {
    fn random(dice: &mut Dice) -> Kind {
        let signals = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP, Signal::ABORT, Signal::STOP];
        match dice.below(10) {
            0..=3 => Kind::Repository(*dice.pick(&HARMS)),
            4 => Kind::GitLock,
            5 => Kind::Lock,
            6 => Kind::DiskFull(dice.below(40), dice.below(2) == 0),
            7 | 8 => Kind::Signal(*dice.pick(&signals), dice.below(2) == 0),
            _ => Kind::Root(*dice.pick(&ROOT), *dice.pick(&HARMS)),
        }
    }

    fn fault(self) -> Fault {
        match self {
            Kind::Repository(_) | Kind::GitLock => Fault::Package,
            Kind::Lock | Kind::DiskFull(..) | Kind::Signal(..) => Fault::Machine,
            Kind::Root(..) => Fault::State,
        }
    }
}

/// A root with a version of each package, the next of each in the queue; and how long a run takes to import them.
fn calm() -> &'static (Queue, Vec<String>, Duration) {
    static CALM: OnceLock<(Queue, Vec<String>, Duration)> = OnceLock::new();
    CALM.get_or_init(|| {
        let queue = Queue::sqlite();
        let it = &queue.installation;
        it.configure("[limits]\ntime = \"20s\"\nlock_wait = \"2s\"\n");
        let write = |version: &str, below: &[&str]| {
            let folder = it.files().join(version);
            fs::create_dir(&folder).unwrap();
            for name in PACKAGES {
                package(name, version).below(below).patch("p", "line 7", version).write(&folder);
            }
            queue.enqueue(&folder);
        };
        write("1.0-1", &[]);
        queue.well(&["run"]);
        write("1.0-2", &["1.0-1"]);
        let end = copy(&queue);
        let began = Instant::now();
        end.well(&["run"]);
        let duration = began.elapsed();
        let refs = PACKAGES.map(|name| end.installation.git(name, &["for-each-ref"])).to_vec();
        (queue, refs, duration)
    })
}

fn copy(queue: &Queue) -> Queue {
    let new = Queue::sqlite();
    let from = queue.installation.root().join(".");
    let status = Command::new("cp").arg("-a").arg(from).arg(new.installation.root()).status();
    assert!(status.unwrap().success());
    new
}

/// All regular files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path(), found),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
}

/// Does harm to a file; it may have gone by itself meanwhile.
fn harm(path: &Path, harm: Harm, dice: &mut Dice) {
    let Ok(mut bytes) = fs::read(path) else { return };
    let place = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
    match harm {
        Harm::Flip if !bytes.is_empty() => bytes[place] ^= 1 << dice.below(8),
        Harm::Cut => bytes.truncate(place),
        Harm::Empty => bytes.clear(),
        Harm::Lengthen => bytes.extend_from_slice(b"\nmore\0than there was\n"),
        _ => {}
    }
    let _ = fs::remove_file(path);
    match harm {
        Harm::Remove => {}
        Harm::IntoFolder => drop(fs::create_dir(path)),
        Harm::IntoLink => drop(symlink("/nonexistent/elsewhere", path)),
        Harm::IntoPipe => {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            let _ = rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0);
        }
        _ => drop(fs::write(path, bytes)),
    }
}

/// Waits for a command, which has to end by itself.
fn ends(mut child: Child, what: &str) -> (i32, String) {
    let began = Instant::now();
    // Read on, so that it does not wait for this.
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let read = |from: Option<Box<dyn std::io::Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            from.map(|mut from| from.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let (out, err) = (read(out.map(|it| Box::new(it) as _)), read(err.map(|it| Box::new(it) as _)));
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > LONGEST {
            let _ = child.kill();
            panic!("{what}: does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    let said = out.join().unwrap() + &err.join().unwrap();
    assert!(!said.contains("panicked"), "{what}: {said}");
    (code, said)
}

fn start(queue: &Queue, arguments: &[&str], variable: Option<(&str, String)>) -> Child {
    let mut command = queue.command(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs(variable).spawn().unwrap()
}

/// A run, with something that happens before or while it works. Returns the lock that is held, if any.
fn run(queue: &Queue, kind: Kind, is_before: bool, dice: &mut Dice, what: &str) -> (i32, String) {
    let root = queue.installation.root();
    let repository = queue.installation.repository("a0");
    let variable = match kind {
        Kind::DiskFull(after, once) => {
            let value = format!("{after}{}", if once { ":once" } else { "" });
            Some(("PACKAGE_IMPORT_DISK_FULL_AFTER", value))
        }
        _ => None,
    };
    let moment = Duration::from_millis(dice.below(u64::try_from(calm().2.as_millis()).unwrap()));
    let mut held = None;
    let mut happen = |child: Option<&Child>| match kind {
        Kind::Repository(way) => {
            let mut all = Vec::new();
            files(&repository, &mut all);
            harm(&dice.pick(&all).clone(), way, dice);
        }
        Kind::GitLock => {
            let names = ["packed-refs.lock", "refs/heads/debian/sid.lock", "HEAD.lock", "config.lock"];
            let path = repository.join(dice.pick(&names));
            let _ = fs::create_dir_all(path.parent().unwrap());
            let _ = File::create_new(path);
        }
        Kind::Lock => {
            let path = repository.join("package-import.flock");
            held = File::open(path).ok().filter(|file| file.lock().is_ok());
        }
        Kind::DiskFull(..) => {}
        Kind::Signal(which, to_children) => {
            let Some(child) = child else { return };
            let below = children(child.id());
            let own = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            let targets = if to_children { below } else { vec![own] };
            targets.iter().for_each(|target| signal(*target, which));
            if which == Signal::STOP {
                thread::sleep(Duration::from_millis(dice.below(50)));
                targets.iter().for_each(|target| signal(*target, Signal::CONT));
            }
        }
        Kind::Root(name, way) => harm(&root.join(name), way, dice),
    };
    if is_before {
        happen(None);
    }
    let child = start(queue, &["run", "--max-duration", "60s"], variable);
    if !is_before {
        thread::sleep(moment);
        happen(Some(&child));
    }
    let ended = ends(child, what);
    drop(held);
    ended
}

fn storm(number: u64) {
    let (start_queue, refs, _) = calm();
    let mut dice = Dice::of(number);
    let kind = Kind::random(&mut dice);
    let is_before = dice.below(2) == 0 && !matches!(kind, Kind::Signal(..));
    let what = format!("{number}: {kind:?}, {}", if is_before { "before" } else { "during" });
    let queue = copy(start_queue);
    let (code, said) = run(&queue, kind, is_before, &mut dice, &what);
    let is_signal = matches!(kind, Kind::Signal(..));
    assert!([0, 1, 2, 75, 78].contains(&code) || is_signal, "{what}: {code}: {said}");
    for arguments in
        [&["status"][..], &["failures"], &["show", "a0"], &["queue"], &["verify", "a0"], &["log", "a0"]]
    {
        let what = format!("{what}: {arguments:?}");
        let (code, said) = ends(start(&queue, arguments, None), &what);
        assert!((0..=2).contains(&code) || code == 78, "{what}: {code}: {said}");
    }
    if kind.fault() != Fault::State {
        blame(&queue, kind, &what);
    }
    mend(&queue, start_queue, kind, number, &what);
    let failing = queue.texts("SELECT p.name FROM failure f JOIN package p ON p.id = f.package_id");
    assert!(failing.is_empty(), "{what}: {failing:?}");
    for (name, refs) in PACKAGES.iter().zip(refs) {
        assert_eq!(queue.installation.git(name, &["for-each-ref"]), *refs, "{what}: {name}");
        queue.installation.assert_clean(name);
    }
}

/// Who is failing, and whose fault that is said to be.
fn blame(queue: &Queue, kind: Kind, what: &str) {
    let failing = queue.texts(
        "SELECT p.name || ' ' || f.class || ' ' || s.stage || '/' || s.code FROM failure f
         JOIN package p ON p.id = f.package_id JOIN signature s ON s.id = f.signature_id ORDER BY 1",
    );
    match kind.fault() {
        // Others are imported as if nothing had happened.
        Fault::Package => {
            assert!(failing.iter().all(|it| it.starts_with("a0 ")), "{what}: {failing:?}");
            let parked = queue.number("SELECT COUNT(*) FROM job WHERE state = 'parked'");
            assert_eq!(parked, 0, "{what}: the machine is blamed");
            let done =
                "SELECT COUNT(*) FROM version v JOIN package p ON p.id = v.package_id WHERE p.name <> 'a0'";
            assert_eq!(queue.number(done), 4, "{what}");
        }
        Fault::Machine => {
            assert!(!failing.iter().any(|it| it.contains(" permanent ")), "{what}: {failing:?}");
        }
        Fault::State => {}
    }
}

/// Makes the damage good, as an operator would, and lets the next runs do the rest.
fn mend(queue: &Queue, from: &Queue, kind: Kind, number: u64, what: &str) {
    let (root, good) = (queue.installation.root(), from.installation.root());
    let restore = |path: &Path| {
        let (to, from) = (root.join(path), good.join(path));
        let _ = fs::remove_dir_all(&to);
        let _ = fs::remove_file(&to);
        if from.exists() {
            let status = Command::new("cp").arg("-a").arg(&from).arg(&to).status();
            assert!(status.unwrap().success());
        }
    };
    let repository = Path::new("repos/a/a0.git");
    match kind.fault() {
        Fault::Package => restore(repository),
        Fault::Machine => {}
        // Its repositories may be newer: all of the root comes from the same moment.
        Fault::State => fs::read_dir(&root).unwrap().flatten().for_each(|entry| {
            restore(Path::new(&entry.file_name()));
        }),
    }
    if kind.fault() == Fault::State {
        fs::read_dir(&good).unwrap().flatten().for_each(|entry| restore(Path::new(&entry.file_name())));
    }
    if kind.fault() == Fault::Package {
        queue.well(&["requeue", "a0"]);
    }
    for _ in 0..6 {
        queue.let_pass(24 * 3_600_000);
        let output = queue.command(&["run", "--max-duration", "60s"]).output().unwrap();
        assert!(output.status.success(), "{what}, {number}: {}", text(&output));
        if queue.number("SELECT COUNT(*) FROM job") == 0 {
            return;
        }
        // What is parked is asked for by name, which does not wait for the next probe.
        let waiting = queue.texts("SELECT p.name FROM job j JOIN package p ON p.id = j.package_id");
        for name in waiting {
            let output = queue.command(&["retry", &name]).output().unwrap();
            assert!(output.status.success() || output.status.code() == Some(1), "{what}: {}", text(&output));
        }
    }
}

#[test]
fn commands_end_and_blame_nobody_wrongly() {
    let numbers: Vec<u64> = (0..count()).collect();
    parallel::map(&numbers, |&number| storm(number));
}
