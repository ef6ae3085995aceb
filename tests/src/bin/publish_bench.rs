//! Cost of publishing over ssh: fresh small packages against their imports, bytes against repacked repositories, and looks
//! at packages with nothing to do. For `make bench`; prints a table for docs/performance.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use package_import_tests::queue::name;
use package_import_tests::synthetic::package;
use state::open::Location;
use throwaway_git_servers::{Ssh, git, template};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [program, packages, rounds] => {
            Bench::new(Path::new(program), packages.parse().unwrap()).measure(rounds.parse().unwrap());
        }
        _ => eprintln!("usage: publish_bench PROGRAM PACKAGES ROUNDS-OF-LOOKS"),
    }
}

/// Packages at a time.
const JOBS: usize = 8;

/// Time and processor time of a program with all that it has started.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: Duration,
    processor: Duration,
}

struct Bench {
    program: PathBuf,
    folder: tempfile::TempDir,
    ssh: Ssh,
    packages: usize,
}

impl Bench {
    fn new(program: &Path, packages: usize) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench { program: program.to_owned(), folder, ssh: Ssh::start(), packages };
        fs::create_dir_all(bench.root()).unwrap();
        let files = bench.folder.path().join("files");
        fs::create_dir_all(&files).unwrap();
        (0..packages).for_each(|number| write(&files, number));
        bench.configure("");
        bench.run(&["enqueue", "--allow-unsigned", files.to_str().unwrap()]);
        bench
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn configure(&self, more: &str) {
        let text = format!("[import]\ndefault_branch = 'debian/sid'\nrepack = false\n{more}");
        fs::write(self.root().join("config.toml"), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Cost {
        let mut command = Command::new(&self.program);
        command.arg("--root").arg(self.root()).args(arguments).stdout(Stdio::null());
        let started = Instant::now();
        let child = command.spawn().unwrap();
        let (status, processor) = wait(child);
        assert!(status, "{arguments:?}");
        Cost { wall: started.elapsed(), processor }
    }

    fn measure(&self, rounds: usize) {
        let import = self.run(&["run"]);
        let made = template(self.ssh.folder());
        // Packs stay as they came.
        fs::write(made.join("config"), "[transfer]\n\tunpackLimit = 1\n").unwrap();
        self.configure(&format!(
            "[[remotes]]\nname = 'git'\njobs = {JOBS}\nurl = '{}{}/{{package}}.git'\nkey = '{}'\nknown_hosts = '{}'\n\
             create = 'git init -q --bare --template={} --initial-branch={{branch}} {{path}}'\n",
            self.ssh.url(),
            self.ssh.folder().display(),
            self.ssh.key().display(),
            self.ssh.known_hosts().display(),
            made.display()
        ));
        let published = self.run(&["publish"]);
        println!("| | a package |\n| --- | --- |");
        let each = |cost: Duration, count: usize| cost.as_secs_f64() * 1000.0 / count as f64;
        let packages = self.packages;
        println!("| import, processor time | {:.1} ms |", each(import.processor, packages));
        println!("| publish a fresh one, processor time | {:.1} ms |", each(published.processor, packages));
        let (sent, packed, ours) = self.bytes();
        let size = |bytes: u64| bytes / 1024 / packages as u64;
        println!(
            "| pack of the import; sent; repacked | {} KiB; {} KiB; {} KiB |",
            size(ours),
            size(sent),
            size(packed)
        );
        let before = self.sessions();
        let mut looks = Cost::default();
        for _ in 0..rounds {
            self.make_due();
            let cost = self.run(&["publish"]);
            looks = Cost { wall: looks.wall + cost.wall, processor: looks.processor + cost.processor };
        }
        let count = packages * rounds;
        let trips = (self.sessions() - before) as f64 / count as f64;
        println!("| look at an unchanged one, processor time | {:.1} ms |", each(looks.processor, count));
        println!("| the same: exchanges with the server | {trips:.2} |");
        println!("| the same, {count} of them: a second | {:.0} |", count as f64 / looks.wall.as_secs_f64());
    }

    /// Bytes of all packs: as they came, after a full repack, and of the importer's own.
    fn bytes(&self) -> (u64, u64, u64) {
        let (mut sent, mut packed, mut ours) = (0, 0, 0);
        for number in 0..self.packages {
            let path = self.ssh.folder().join(format!("{}.git", name(number)));
            sent += packs(&path);
            git(&["--git-dir", path.to_str().unwrap(), "repack", "-q", "-a", "-d", "-f"]);
            packed += packs(&path);
            ours += packs(&self.root().join("repos/p").join(format!("{}.git", name(number))));
        }
        (sent, packed, ours)
    }

    fn sessions(&self) -> usize {
        self.ssh.log().matches("Starting session").count()
    }

    fn make_due(&self) {
        let store = Location::Sqlite(self.root().join("state.db")).open().unwrap();
        store.write(|tx| tx.execute("UPDATE publish SET due = 1", &[])).unwrap();
    }
}

/// A package of about 80 KB: forty files of words that differ.
fn write(folder: &Path, number: usize) {
    let mut it = package(&name(number), "1.0-1").patch("fix", "line 7", "seven");
    let mut seed = number as u64 + 1;
    for file in 0..40 {
        let mut text = String::new();
        for line in 0..60 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!(
                "static int field_{:04x}_{line} = {};\n",
                seed >> 50,
                (seed >> 33) % 1000
            ));
        }
        it = it.upstream(&format!("src/file{file}.c"), text);
    }
    it.write(folder);
}

fn packs(repository: &Path) -> u64 {
    let entries = fs::read_dir(repository.join("objects/pack")).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "pack"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum()
}

/// Waits for a program. Returns whether it ended well, and the processor time of it and all that it has waited for.
fn wait(child: std::process::Child) -> (bool, Duration) {
    use wait4::Wait4;
    let ended = child.wait4().unwrap();
    (ended.status.success(), ended.rusage.utime + ended.rusage.stime)
}
