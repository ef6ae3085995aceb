//! Measures a poll of a real list of source packages against the floor: decompressing it and finding its stanzas.
//!
//! `cargo run --release -p archive --example bench_poll -- SOURCES`, with a list in plain text. The archive is laid out in
//! a temporary folder, signed by a new key and served on loopback by another process, so that the memory shown is
//! the poll's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use archive::clock::{Clock, SystemClock};
use archive::config::Transfer;
use archive::location::Location;
use archive::poll::{Outcome, Polled, Remembered, Wanted, poll};
use archive::signature;
use archive::sources::Entry;
use archive::transport::{Limits, Mirror, open};
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::web::Server;
use source_package::compression::decompress;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [serve, root] if serve == "serve" => serve_until_told(root),
        [what, url, keyring, scratch] => measure(what, url, keyring.into(), Path::new(scratch)),
        [sources] => run(sources),
        _ => panic!("usage: bench_poll SOURCES"),
    }
}

fn serve_until_told(root: &str) {
    let server = Server::new(root);
    println!("{}", server.url());
    let _ = std::io::stdin().read(&mut [0]);
}

fn run(sources: &str) {
    let archive = TestArchive::new();
    let mut sid = suite("sid");
    sid.endings = vec![".xz".into()];
    sid.by_hash = true;
    let folder = archive.root().join("dists/sid");
    archive.lists(&folder.join("main/source"), &fs::read(sources).unwrap(), &sid);
    archive.sign(&folder, &sid, |text| text);
    let own = std::env::current_exe().unwrap();
    let mut server = Command::new(&own)
        .arg("serve")
        .arg(archive.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let scratch = archive.extra("scratch");
    // Each figure in a process of its own, for its own memory.
    for what in ["floor", "first", "signature", "unchanged"] {
        for _ in 0..3 {
            let url = if what == "floor" {
                folder.join("main/source/Sources.xz").display().to_string()
            } else {
                url.trim().to_owned()
            };
            let status = Command::new(&own)
                .arg(what)
                .arg(url)
                .arg(&archive.signer.keyring)
                .arg(&scratch)
                .env("IN_RELEASE", folder.join("InRelease"))
                .status()
                .unwrap();
            assert!(status.success());
        }
    }
    drop(server.stdin.take());
    server.wait().unwrap();
}

fn measure(what: &str, url: &str, keyring: PathBuf, scratch: &Path) {
    let kept = scratch.join("remembered.json");
    let start = Instant::now();
    let (count, note) = match what {
        "floor" => (floor(Path::new(url)), ""),
        "signature" => {
            let text = fs::read(std::env::var_os("IN_RELEASE").unwrap()).unwrap();
            (signature::verify(&text, &[keyring]).unwrap().len(), "bytes")
        }
        "first" => {
            let polled = one(url, keyring, None, scratch);
            fs::write(kept, serde_json::to_string(&polled.remember).unwrap()).unwrap();
            let Outcome::Changed(listing) = polled.outcome else { panic!("unchanged") };
            let mut count = 0;
            for component in listing.components {
                for entry in component.entries().unwrap() {
                    match entry.unwrap() {
                        Entry::Publication(_) => count += 1,
                        Entry::ExtraOnly => {}
                        Entry::Bad(bad) => println!("{bad}"),
                    }
                }
            }
            (count, "publications")
        }
        _ => {
            let remembered = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
            let polled = one(url, keyring, Some(&remembered), scratch);
            assert!(matches!(polled.outcome, Outcome::Unchanged));
            (0, "")
        }
    };
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap().to_owned();
    println!("{what:10} {:7.3} s  {peak}  {count} {note}", start.elapsed().as_secs_f64());
}

fn one(url: &str, keyring: PathBuf, remembered: Option<&Remembered>, scratch: &Path) -> Polled {
    let clock = Arc::new(SystemClock::default());
    let transfer = Transfer::default();
    let limits = Limits::new(&transfer, clock.clone());
    let mirrors: Vec<Box<dyn Mirror>> = vec![open(&Location::parse(url).unwrap(), &transfer, &limits)];
    let keyrings = [keyring];
    let wanted = Wanted { suite: "sid", components: &[], keyrings: &keyrings, end_of_life: false };
    poll(&mirrors, &wanted, remembered, clock.unix(), scratch).unwrap()
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
