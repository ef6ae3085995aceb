//! A worker that is killed while it fetches: the next one goes on at once, where it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::common::{Poller, folder_url, mirrors, publications};
use archive::cache::{Cache, Sharing};
use archive::clock::SystemClock;
use archive::fetch::{Fetcher, Options, Outcome};
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};

const WORKER: &str = "ARCHIVE_TEST_WORKER";

/// Fetches the only package of an archive, from a server.
fn work(archive: &Path, keyring: &Path, url: &str, folder: &Path) -> Outcome {
    let poller = Poller::new(&[&folder_url(archive)], keyring, "sid");
    let publication = publications(poller.good(None)).remove(0);
    let clock = Arc::new(SystemClock::default());
    let cache = Cache::open(&folder.join("cache"), 1 << 30, Sharing::default(), clock.clone()).unwrap();
    let mirrors = mirrors(&[url]);
    let options = Options { connections: 1, longest_wait: Duration::ZERO, allow_weak_checksums: false };
    let fetcher = Fetcher { mirrors: &mirrors, cache: &cache, options, clock };
    let into = folder.join("into");
    fs::create_dir_all(&into).unwrap();
    fetcher.fetch(&publication, None, &|_| false, &into).unwrap()
}

/// Program that is killed: this same test binary, selected by its environment.
#[test]
fn as_worker() {
    let Ok(text) = std::env::var(WORKER) else { return };
    let parts: Vec<&str> = text.split('|').collect();
    let [archive, keyring, url, folder] = parts[..] else { panic!("{text}") };
    work(Path::new(archive), Path::new(keyring), url, Path::new(folder));
}

#[test]
fn the_next_worker_goes_on() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    archive.publish(&suite("sid"));
    let server = Server::new(archive.root());
    let orig = "/pool/main/a/aa/aa_1.0.orig.tar.gz";
    server.on_each(orig, &[Answer::Hang(100), Answer::File]);
    let folder = archive.extra("worker");
    let told = [
        archive.root().to_str().unwrap(),
        archive.signer.keyring.to_str().unwrap(),
        &server.url(),
        folder.to_str().unwrap(),
    ]
    .join("|");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::as_worker", "--test-threads", "1"])
        .env(WORKER, told)
        .spawn()
        .unwrap();
    let partial: PathBuf = folder.join("cache/partial");
    let has_begun = || {
        let files = fs::read_dir(&partial).into_iter().flatten().flatten();
        files.filter_map(|entry| entry.metadata().ok()).any(|metadata| metadata.len() == 100)
    };
    while !has_begun() {
        assert!(child.try_wait().unwrap().is_none(), "the worker ended by itself");
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_dir(folder.join("cache/claims")).unwrap().count(), 1, "its claim is left");
    server.seen();

    let outcome = work(&archive.root(), &archive.signer.keyring, &server.url(), &folder);
    assert!(matches!(outcome, Outcome::Fetched(_)));
    let again = server.seen().into_iter().find(|seen| seen.path == orig).unwrap();
    assert_eq!(again.headers["range"], "bytes=100-");
    assert_eq!(fs::read_dir(folder.join("cache/claims")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(partial).unwrap().count(), 0);
    let pool = archive.root().join(&orig[1..]);
    assert_eq!(fs::read(folder.join("into/aa_1.0.orig.tar.gz")).unwrap(), fs::read(pool).unwrap());
}
