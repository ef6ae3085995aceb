//! Feeds damaged input to the parsers for a bounded time: none may panic, hang or take memory without end.
//!
//! Usage: `fuzz SECONDS [TARGET...]`; targets are `dsc`, `tar`, `patch`, `changelog`, `version`. The seed is printed, and
//! `FUZZ_SEED` repeats a run. Inputs are the synthetic packages of the tests and small texts, mutated: what was found
//! this way is kept as a test beside the parser.

#![allow(clippy::unwrap_used)]

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use package_import_tests::build::package::{CHANGELOG, LINES, debian, upstream};
use package_import_tests::build::{Compression, Sparse};
use source_package::changelog;
use source_package::compression::decompress;
use source_package::dsc::Dsc;
use source_package::layout::Layout;
use source_package::limits::{Budget, Limits};
use source_package::memory::MemoryStore;
use source_package::patch::{self, Rules};
use source_package::patch_header::PatchHeader;
use source_package::store::ContentStore;
use source_package::tree::{Node, Tree};
use source_package::unpack::{Exclude, unpack};
use source_package::version::{PackageName, Version};

type Target = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>);

const TARGETS: [Target; 5] = [
    ("dsc", dsc, dsc_seeds),
    ("tar", tar, tar_seeds),
    ("patch", apply, patch_seeds),
    ("changelog", read_changelog, changelog_seeds),
    ("version", version, version_seeds),
];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(60);
    let wanted: Vec<String> = arguments.collect();
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
    let seed = env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(clock | 1);
    println!("seed {seed}");
    let mut clean = true;
    for (name, run, seeds) in TARGETS {
        if wanted.is_empty() || wanted.iter().any(|target| target == name) {
            clean &= fuzz(name, run, &seeds(), seed, Duration::from_secs(seconds));
        }
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fuzz(name: &str, run: fn(&[u8]), seeds: &[Vec<u8>], seed: u64, time: Duration) -> bool {
    let mut random = Random(seed);
    let start = Instant::now();
    let (mut inputs, mut slowest) = (0u64, Duration::ZERO);
    while start.elapsed() < time {
        let input = random.mutate(seeds);
        let began = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| run(&input))).is_err() {
            let path = env::temp_dir().join(format!("fuzz-{name}-{seed}-{inputs}"));
            let kept = std::fs::write(&path, &input).is_ok();
            println!("{name}: panic on input {inputs}, kept at {} ({kept})", path.display());
            return false;
        }
        slowest = slowest.max(began.elapsed());
        inputs += 1;
    }
    println!("{name}: {inputs} inputs, the slowest took {} ms", slowest.as_millis());
    slowest < Duration::from_secs(10)
}

/// xorshift: the same seed gives the same inputs everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }

    fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.next(seeds.len())].clone();
        for _ in 0..=self.next(6) {
            let (at, length) = (self.next(input.len() + 1), self.next(64));
            let end = (at + length).min(input.len());
            match self.next(7) {
                0 if at < input.len() => input[at] ^= 1 << self.next(8),
                1 if at < input.len() => input[at] = self.next(256) as u8,
                2 => drop(input.drain(at..end)),
                3 => {
                    let copy = input[at..end].to_vec();
                    let to = self.next(input.len() + 1);
                    input.splice(to..to, copy);
                }
                4 => input.truncate(at),
                5 => {
                    const WORDS: [&[u8]; 10] = [
                        b"\0",
                        b"\n",
                        b"-1",
                        b"99999999999999999999",
                        b"@@ -0,0 +1 @@\n",
                        b"--- ",
                        b"..",
                        b"/",
                        b"\xff",
                        b" ",
                    ];
                    let word = WORDS[self.next(WORDS.len())];
                    input.splice(at..at, word.iter().copied());
                }
                _ => {
                    let other = &seeds[self.next(seeds.len())];
                    let from = self.next(other.len() + 1);
                    input.splice(at.., other[from..].iter().copied());
                }
            }
        }
        input
    }
}

fn small() -> Limits {
    Limits { unpacked_bytes: 16 << 20, entries: 10_000, decoder_memory: 64 << 20, ..Limits::default() }
}

fn dsc(input: &[u8]) {
    if let Ok(dsc) = Dsc::parse(input) {
        let _ = Layout::of(&dsc);
    }
}

fn dsc_seeds() -> Vec<Vec<u8>> {
    let lists = " 00000000000000000000000000000000 5 a_1.orig.tar.gz\n 00000000000000000000000000000000 6 a_1-1.debian.tar.xz\n";
    let plain = format!("Format: 3.0 (quilt)\nSource: a\nVersion: 1-1\nFiles:\n{lists}");
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{plain}\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"
    );
    vec![plain.into_bytes(), signed.into_bytes()]
}

fn tar(input: &[u8]) {
    let limits = small();
    let mut store = MemoryStore::default();
    let _ = unpack(input, Exclude::QuiltFolder, &mut Budget::new(limits), &mut store);
    if let Ok(decoded) = decompress(input, input.len() as u64, &limits) {
        let _ = unpack(decoded, Exclude::Nothing, &mut Budget::new(limits), &mut store);
    }
}

fn tar_seeds() -> Vec<Vec<u8>> {
    let sparse = Sparse::new(70_000, &[(0, &[b's'; 512]), (69_632, &[b'e'; 368])]);
    let tars = [
        upstream().finish(),
        sparse.old_gnu(upstream(), "t/s").finish(),
        sparse.pax01(upstream(), "t/s").finish(),
        sparse.pax10(upstream(), "t/s").finish(),
        upstream()
            .long(b'L', &[b'n'; 300])
            .file("x", "x")
            .hard("case-1.0/h", "case-1.0/a.txt")
            .fifo("p")
            .finish(),
    ];
    let packed = [Compression::Gz, Compression::Bz2, Compression::Xz, Compression::Lzma, Compression::Zst];
    let packed: Vec<Vec<u8>> = packed.iter().map(|with| with.pack(&debian().finish())).collect();
    tars.into_iter().chain(packed).collect()
}

fn apply(input: &[u8]) {
    let mut store = MemoryStore::default();
    let mut tree = Tree::new();
    for (path, content) in [("a.txt", LINES), ("sub/b.txt", "b\n"), ("e", "")] {
        let content = store.put_bytes(content.as_bytes()).unwrap();
        tree.put(path.as_bytes(), Node::File { content, executable: false }, &mut store).unwrap();
    }
    for rules in [Rules::Quilt, Rules::Version2, Rules::Version1] {
        let _ = patch::apply(input, rules, &mut tree.clone(), &mut store);
    }
    let _ = PatchHeader::parse(input);
}

fn patch_seeds() -> Vec<Vec<u8>> {
    [
        "From: A <a@b.c>\nSubject: [PATCH 1/2] x\n\n--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n",
        "diff --git a/a.txt b/moved.txt\nold mode 100644\nnew mode 100755\nrename from a.txt\nrename to moved.txt\n--- a/a.txt\n+++ b/moved.txt\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n",
        "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n--- a/sub/b.txt\t1970-01-01 00:00:00.000000000 +0000\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn read_changelog(input: &[u8]) {
    let _ = changelog::author(input);
    let own = Version::new("1.0-1").unwrap();
    let below = changelog::versions_below(input, &own);
    let _ = changelog::text_since(input, below.first());
}

fn changelog_seeds() -> Vec<Vec<u8>> {
    let older = CHANGELOG.replace("1.0-1", "0.9-1").replace("2020", "19120");
    vec![CHANGELOG.into(), format!("{CHANGELOG}\n{older}\nLocal variables:\nmode: x\n").into_bytes()]
}

fn version(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.split('\n');
    if let (Ok(a), Ok(b)) =
        (Version::new(parts.next().unwrap_or("")), Version::new(parts.next().unwrap_or("")))
    {
        assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    }
    let _ = PackageName::new(&text);
}

fn version_seeds() -> Vec<Vec<u8>> {
    ["1:2.0~rc1-3\n1:2.0-3", "0.9+ds0-3\n0.9+ds-4", "1.0\n1.00", "00000000000000000000000000000001\n2"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}
