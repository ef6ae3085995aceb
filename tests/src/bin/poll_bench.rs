//! Polls the index of a real archive, apt's own list of this machine's sources, into a state, and measures it.
//!
//! `poll_bench PROGRAM [FOLDER-WITH-LISTS]` lays the list out, signed, behind nginx, and polls it by the program itself:
//! into an empty state, again without a change, and with 500 changed packages, on SQLite and on PostgreSQL. Beside it the
//! floor (`ONLY=SQLite` or `ONLY=PostgreSQL` leaves the other one out): decompressing the list and looking at each of its lines, and gpgv alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use archive::apt::Apt;
use package_import_tests::archive::{Suite, TestArchive, suite};
use package_import_tests::nginx::Nginx;
use package_import_tests::queue::Queue;
use source_package::compression::decompress;
use wait4::Wait4;

/// Rounds, of which the median counts.
const ROUNDS: usize = 5;
/// Number of packages that change.
const CHANGED: usize = 500;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["floor", list] => println!("{}", floor(Path::new(list))),
        ["measure", program, arguments @ ..] => measured(program, arguments),
        [program] => bench(Path::new(program), None),
        [program, lists] => bench(Path::new(program), Some(Path::new(lists))),
        _ => panic!("usage: poll_bench PROGRAM [FOLDER-WITH-LISTS]"),
    }
}

/// The least that has to be done: decompress, find the stanzas, look at each line.
fn floor(path: &Path) -> usize {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    let limits = source_package::limits::Limits { expansion_ratio: 100, ..Default::default() };
    let mut input = BufReader::with_capacity(256 << 10, decompress(file, size, &limits).unwrap());
    let (mut line, mut count) = (Vec::new(), 0);
    while input.read_until(b'\n', &mut line).unwrap() > 0 {
        count += usize::from(line.starts_with(b"Package:"));
        line.clear();
    }
    count
}

/// Apt's lists of this machine's sources, as one text.
fn sources(lists: Option<&Path>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let lists = match lists {
        Some(lists) => lists.to_owned(),
        None => {
            Apt::prepare(folder.path()).unwrap().update().unwrap();
            folder.path().join("lists")
        }
    };
    let mut files: Vec<PathBuf> = fs::read_dir(lists).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_string_lossy().contains("_Sources"));
    files.sort();
    let mut text = Vec::new();
    for file in files {
        let output = Command::new("/usr/lib/apt/apt-helper").arg("cat-file").arg(file).output().unwrap();
        assert!(output.status.success());
        text.extend(output.stdout);
        text.push(b'\n');
    }
    text
}

/// The list with another `.dsc` of every so many packages.
fn changed(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let stanzas: Vec<&str> = text.split("\n\n").collect();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let name = |stanza: &'_ str| stanza.trim_start().lines().next().unwrap_or_default().len();
    for stanza in &stanzas {
        *names.entry(&stanza.trim_start()[..name(stanza)]).or_default() += 1;
    }
    // Those that stand once, so that as many vanish as come.
    let alone = |stanza: &str| {
        names.get(&stanza.trim_start()[..name(stanza)]) == Some(&1) && !stanza.contains("\nExtra-Source-Only")
    };
    let step = stanzas.iter().filter(|stanza| alone(stanza)).count() / CHANGED;
    let mut number = 0;
    let each = stanzas.iter().map(|stanza| {
        number += usize::from(alone(stanza));
        match alone(stanza) && number % step == 0 && number / step <= CHANGED {
            true => other_dsc(stanza),
            false => (*stanza).to_owned(),
        }
    });
    each.collect::<Vec<_>>().join("\n\n").into_bytes()
}

/// A stanza whose `.dsc` has other hashes.
fn other_dsc(stanza: &str) -> String {
    let line = |line: &str| match line.starts_with(' ') && line.ends_with(".dsc") {
        true => format!(" {}{}", if line.starts_with(" 0") { "1" } else { "0" }, &line[2..]),
        false => line.to_owned(),
    };
    stanza.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Seconds, and the largest memory in MiB.
type Figure = (f64, f64);

/// Runs a program from a process of its own, because a new process first has the memory of the one that starts it.
fn measure(command: Command) -> (Figure, String) {
    let mut small = Command::new(std::env::current_exe().unwrap());
    small.arg("measure").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            small.env(name, value);
        }
    }
    let output = small.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let figures = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{command:?}: {said}{figures}");
    let (seconds, memory) = figures.lines().last().unwrap().split_once(' ').unwrap();
    ((seconds.parse().unwrap(), memory.parse().unwrap()), said)
}

/// The time and the memory of a program, on standard error behind what it says itself.
fn measured(program: &str, arguments: &[&str]) {
    let start = Instant::now();
    let usage = Command::new(program).args(arguments).spawn().unwrap().wait4().unwrap();
    assert!(usage.status.success());
    eprintln!("{} {}", start.elapsed().as_secs_f64(), usage.rusage.maxrss as f64 / f64::from(1 << 20));
}

fn median(mut figures: Vec<Figure>) -> Figure {
    figures.sort_by(|a, b| a.0.total_cmp(&b.0));
    let memory = figures.iter().map(|figure| figure.1).fold(0.0, f64::max);
    (figures[figures.len() / 2].0, memory)
}

fn show(what: &str, figures: Vec<Figure>) -> f64 {
    let (seconds, memory) = median(figures);
    println!("{what:34} {seconds:7.3} s {memory:7.1} MiB");
    seconds
}

struct World {
    archive: TestArchive,
    sid: Suite,
    first: Vec<u8>,
    second: Vec<u8>,
}

impl World {
    fn new(lists: Option<&Path>) -> World {
        let archive = TestArchive::new();
        let mut sid = suite("sid");
        sid.endings = vec![".xz".into()];
        sid.by_hash = true;
        let first = sources(lists);
        let second = changed(&first);
        World { archive, sid, first, second }
    }

    /// Creates both lists once, because packing them takes a while. The index decides which one is published.
    fn publish(&self, which: &str) {
        let folder = self.archive.root().join("dists");
        let _ = fs::remove_dir_all(folder.join("sid"));
        let copied =
            Command::new("cp").arg("-a").arg(folder.join(which)).arg(folder.join("sid")).status().unwrap();
        assert!(copied.success());
    }

    fn prepare(&self) {
        for (name, text) in [("first", &self.first), ("second", &self.second)] {
            let folder = self.archive.root().join("dists").join(name);
            self.archive.lists(&folder.join("main/source"), text, &self.sid);
            self.archive.sign(&folder, &self.sid, |text| text);
        }
    }

    fn list(&self) -> PathBuf {
        self.archive.root().join("dists/first/main/source/Sources.xz")
    }
}

fn bench(program: &Path, lists: Option<&Path>) {
    let world = World::new(lists);
    world.prepare();
    let list = world.list();
    println!(
        "the list: {:.1} MB, {:.1} MB as xz, {} packages; medians of {ROUNDS}, the largest memory",
        world.first.len() as f64 / 1e6,
        fs::metadata(&list).unwrap().len() as f64 / 1e6,
        floor(&list)
    );
    let floors = (0..ROUNDS).map(|_| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("floor").arg(&list);
        measure(command).0
    });
    let floor = show("floor: decompress, look at lines", floors.collect());
    let checks = (0..ROUNDS).map(|_| {
        let mut command = Command::new("gpgv");
        command.arg("--keyring").arg(&world.archive.signer.keyring).args(["--output", "/dev/null"]);
        command.arg(world.archive.root().join("dists/first/InRelease"));
        measure(command).0
    });
    show("gpgv alone", checks.collect());
    let nginx = Nginx::start(&world.archive.extra("nginx"), &world.archive.root());
    for (name, new) in [("SQLite", Queue::sqlite as fn() -> Queue), ("PostgreSQL", Queue::postgres)] {
        if std::env::var("ONLY").is_ok_and(|only| only != name) {
            continue;
        }
        let mut figures: [Vec<Figure>; 4] = Default::default();
        for _ in 0..ROUNDS {
            let queue = new();
            round(program, &world, &queue, &nginx, &mut figures);
        }
        let [start, empty, same, other] = figures;
        let start = show(&format!("{name}: the program alone"), start);
        let empty = show(&format!("{name}: into an empty state"), empty);
        let same = show(&format!("{name}: unchanged"), same);
        let other = show(&format!("{name}: {CHANGED} changed"), other);
        println!(
            "{name}: empty {:.2} x floor, {CHANGED} changed {:.2} x floor, unchanged {:.0} ms beyond the program's start",
            empty / floor,
            other / floor,
            (same - start) * 1000.0
        );
    }
}

fn round(program: &Path, world: &World, queue: &Queue, nginx: &Nginx, figures: &mut [Vec<Figure>; 4]) {
    let keyring = world.archive.signer.keyring.display();
    queue.installation.configure(&format!(
        "[[archives]]\nname = \"debian\"\ndistro = \"debian\"\nmirrors = [\"{}\"]\nkeyrings = [\"{keyring}\"]\n\
         [[archives.suites]]\nname = \"sid\"\n",
        nginx.url()
    ));
    let command = |name: &[&str]| {
        let mut command = Command::new(program);
        command.arg("--root").arg(queue.installation.root()).args(name);
        if let Some(url) = &queue.postgres {
            command.env("PACKAGE_IMPORT_STATE", url);
        }
        command
    };
    // The state is made, with its tables.
    measure(command(&["set", "jobs=1"]));
    figures[0].push(measure(command(&["queue"])).0);
    world.publish("first");
    let (figure, said) = measure(command(&["poll"]));
    assert!(said.contains(" new, queued in lane rescan; 0 vanished"), "{said}");
    figures[1].push(figure);
    let before = nginx.served().len();
    let (figure, said) = measure(command(&["poll"]));
    assert!(said.contains("unchanged"), "{said}");
    let asked = nginx.served().split_off(before);
    assert!(asked.len() == 1 && asked[0].status == 304 && asked[0].bytes == 0, "{asked:?}");
    figures[2].push(figure);
    world.publish("second");
    let (figure, said) = measure(command(&["poll"]));
    assert!(said.contains(&format!("{CHANGED} new, queued in lane upload; {CHANGED} vanished")), "{said}");
    figures[3].push(figure);
}
