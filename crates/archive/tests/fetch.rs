//! Fetching files: resumed, from the next mirror, through the cache.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use archive::cache::{Cache, Sharing};
use archive::clock::{Clock, SystemClock};
use archive::fetch::{Fetched, Fetcher, Options, Outcome};
use archive::poll::Failed;
use archive::sources::Publication;
use archive::transport::Mirror;
use common::{Poller, folder_url, mirrors, publications};
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::synthetic::{lines, package};
use package_import_tests::web::{Answer, Server};
use source_package::checksum::ListedFile;
use tempfile::TempDir;

/// A clock that does not wait, and notes how long it should have.
#[derive(Debug, Default)]
struct Impatient {
    system: SystemClock,
    waits: Mutex<Vec<Duration>>,
}

impl Clock for Impatient {
    fn now(&self) -> Duration {
        self.system.now()
    }

    fn unix(&self) -> i64 {
        self.system.unix()
    }

    fn sleep(&self, time: Duration) {
        self.waits.lock().unwrap().push(time);
        std::thread::yield_now();
    }
}

/// An archive with one package, and a place to fetch it to.
struct World {
    archive: TestArchive,
    publication: Publication,
    folder: TempDir,
    clock: Arc<Impatient>,
    weak: bool,
}

impl World {
    fn new() -> World {
        let archive = TestArchive::new();
        // Large enough to come in more than one piece: it does not compress.
        let mut noise = Vec::new();
        let mut state = 1_u32;
        for _ in 0..100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.extend(state.to_le_bytes());
        }
        archive.add("main", "aa", &package("aa", "1.0-1").upstream("noise", noise));
        archive.publish(&suite("sid"));
        let poller = Poller::new(&[&folder_url(&archive.root())], &archive.signer.keyring, "sid");
        let publication = publications(poller.good(None)).remove(0);
        World {
            archive,
            publication,
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::default(),
            weak: false,
        }
    }

    fn server(&self) -> Server {
        Server::new(self.archive.root())
    }

    fn cache(&self) -> Cache {
        self.cache_of(1 << 30)
    }

    fn cache_of(&self, limit: u64) -> Cache {
        Cache::open(&self.folder.path().join("cache"), limit, Sharing::default(), self.clock.clone()).unwrap()
    }

    fn target(&self) -> PathBuf {
        let path = self.folder.path().join("into");
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn fetch_by(
        &self,
        mirrors: &[Box<dyn Mirror>],
        listed: Option<i64>,
        known: &(dyn Fn(&ListedFile) -> bool + Sync),
    ) -> Result<Outcome, Failed> {
        let cache = self.cache();
        let options = Options {
            connections: 3,
            longest_wait: Duration::from_secs(60),
            allow_weak_checksums: self.weak,
        };
        let fetcher = Fetcher { mirrors, cache: &cache, options, clock: self.clock.clone() };
        fetcher.fetch(&self.publication, listed, known, &self.target())
    }

    fn fetch(&self, servers: &[&Server]) -> Result<Outcome, Failed> {
        let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        self.fetch_by(&mirrors(&urls), None, &|_| false)
    }

    fn good(&self, servers: &[&Server]) -> Fetched {
        match self.fetch(servers) {
            Ok(Outcome::Fetched(fetched)) => fetched,
            other => panic!("{other:?}"),
        }
    }

    fn code(&self, servers: &[&Server]) -> String {
        let failed = self.fetch(servers).unwrap_err();
        let first = format!("{}/{}", failed.error.stage.as_str(), failed.error.code());
        assert!(
            fs::read_dir(self.target())
                .unwrap()
                .flatten()
                .all(|entry| { entry.file_name() != *self.orig().rsplit('/').next().unwrap() })
        );
        first
    }

    fn path(&self, ending: &str) -> String {
        let all = std::iter::once(&self.publication.dsc).chain(&self.publication.files);
        let file = all.into_iter().find(|file| file.name.ends_with(ending)).unwrap();
        format!("/{}", self.publication.path(file))
    }

    fn orig(&self) -> String {
        self.path(".orig.tar.gz")
    }

    /// What is in `into` is what is in the pool.
    fn assert_right(&self, fetched: &Fetched) {
        let pool = self.archive.root().join("pool/main/a/aa");
        let same = |path: &Path| {
            let name = path.file_name().unwrap();
            assert_eq!(fs::read(path).unwrap(), fs::read(pool.join(name)).unwrap(), "{name:?}");
        };
        same(&fetched.dsc);
        fetched.files.iter().filter_map(|file| file.path.as_deref()).for_each(same);
        assert_eq!(fs::read_dir(self.folder.path().join("cache/claims")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(self.folder.path().join("cache/partial")).unwrap().count(), 0);
    }
}

#[test]
fn everything_comes_with_all_hashes_and_only_once() {
    let world = World::new();
    let server = world.server();
    let fetched = world.good(&[&server]);
    world.assert_right(&fetched);
    assert_eq!(fetched.files.len(), 2);
    assert!(fetched.transferred > 400_000);
    for file in &fetched.files {
        let sums = &file.file.checksums;
        assert!(sums.md5.is_some() && sums.sha1.is_some() && sums.sha256.is_some());
    }
    server.seen();
    let again = world.good(&[&server]);
    world.assert_right(&again);
    assert_eq!((again.transferred, server.paths().len()), (0, 0));
}

#[test]
fn folders_are_mirrors_too() {
    let world = World::new();
    let url = folder_url(&world.archive.root());
    let Ok(Outcome::Fetched(fetched)) = world.fetch_by(&mirrors(&[&url]), None, &|_| false) else { panic!() };
    world.assert_right(&fetched);
}

#[test]
fn what_the_repository_knows_is_not_fetched() {
    let world = World::new();
    let server = world.server();
    let known = |file: &ListedFile| file.name.contains(".orig.") && file.checksums.sha256.is_some();
    let Ok(Outcome::Fetched(fetched)) = world.fetch_by(&mirrors(&[&server.url()]), None, &known) else {
        panic!()
    };
    world.assert_right(&fetched);
    assert!(!server.paths().contains(&world.orig()));
    let orig = fetched.files.iter().find(|file| file.file.name.contains(".orig.")).unwrap();
    assert!(orig.path.is_none());
}

#[test]
fn a_break_is_resumed_where_it_was() {
    let world = World::new();
    let server = world.server();
    server.on_each(
        &world.orig(),
        &[Answer::Cut(100_000), Answer::CutWithoutLength(50_000), Answer::Cut(0), Answer::File],
    );
    let fetched = world.good(&[&server]);
    world.assert_right(&fetched);
    let ranges: Vec<String> = server
        .seen()
        .into_iter()
        .filter(|seen| seen.path == world.orig())
        .map(|seen| seen.headers.get("range").cloned().unwrap_or_default())
        .collect();
    assert_eq!(ranges, ["", "bytes=100000-", "bytes=150000-", "bytes=150000-"]);
}

#[test]
fn what_was_left_by_others_is_used() {
    let world = World::new();
    let server = world.server();
    server.on(&world.orig(), Answer::Cut(100_000));
    server.on_each(&world.orig(), &[Answer::Cut(100_000), Answer::Status(500, vec![], vec![])]);
    assert_eq!(world.code(&[&server]), "fetch/server-error");
    let next = world.server();
    let fetched = world.good(&[&next]);
    world.assert_right(&fetched);
    let orig = next.seen().into_iter().find(|seen| seen.path == world.orig()).unwrap();
    assert_eq!(orig.headers["range"], "bytes=100000-");

    // A start that is damaged, or of another file, costs one more request and nothing else.
    let sha256 = world.publication.files.iter().find(|file| file.name.contains("orig")).unwrap();
    let sha256 = sha256.checksums.sha256.clone().unwrap();
    world.cache().forget(&sha256).unwrap();
    fs::write(world.folder.path().join(format!("cache/partial/{sha256}.dead")), [0; 1000]).unwrap();
    world.assert_right(&world.good(&[&world.server()]));
    world.cache().forget(&sha256).unwrap();
    fs::write(world.folder.path().join(format!("cache/partial/{sha256}.dead")), [0; 1_000_000]).unwrap();
    world.assert_right(&world.good(&[&world.server()]));
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let world = World::new();
    let server = world.server();
    server.on_each(&world.orig(), &[Answer::Cut(100_000), Answer::WithoutRange]);
    world.assert_right(&world.good(&[&server]));
}

#[test]
fn a_file_that_changes_between_two_parts_is_begun_anew() {
    let world = World::new();
    let server = world.server();
    let other = Server::new(world.archive.extra("other"));
    let path = world.archive.extra("other").join(&world.orig()[1..]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let size = fs::metadata(world.archive.root().join(&world.orig()[1..])).unwrap().len();
    fs::write(&path, vec![7; usize::try_from(size).unwrap()]).unwrap();
    // The first mirror sends the start of something else, the second has the right file.
    other.on(&world.orig(), Answer::Cut(1000));
    other.on_each(&world.orig(), &[Answer::Cut(1000), Answer::Status(404, vec![], vec![])]);
    world.assert_right(&world.good(&[&other, &server]));
}

#[test]
fn bad_files_have_codes_and_the_next_mirror_is_asked() {
    let world = World::new();
    let orig = world.archive.root().join(&world.orig()[1..]);
    let mut wrong = fs::read(&orig).unwrap();
    wrong[1000] ^= 1;
    let newer = "Last-Modified: Fri, 01 Jan 2100 00:00:00 GMT".to_owned();
    let page = b"<html><title>Please log in</title></html>".to_vec();
    let listing = b"<html><title>Index of /pool</title></html>".to_vec();
    for (answer, code) in [
        (Answer::Status(200, vec![], wrong.clone()), "checksum-mismatch"),
        (Answer::Status(200, vec![], lines(10)), "size-mismatch"),
        (Answer::Status(200, vec![newer.clone()], wrong.clone()), "file-changed"),
        (Answer::Status(200, vec![newer], lines(10)), "file-changed"),
        (Answer::Status(200, vec![], page), "web-page"),
        (Answer::Status(200, vec![], listing), "folder-listing"),
        (Answer::Cut(0), "truncated"),
        (Answer::Endless, "endless-file"),
        (Answer::Drip, "too-slow"),
        (Answer::Redirect(world.orig()), "redirect-loop"),
        (Answer::Status(500, vec![], vec![]), "server-error"),
    ] {
        let world = World { publication: world.publication.clone(), ..World::new() };
        let bad = world.server();
        bad.on(&world.orig(), answer.clone());
        let listed = world.clock.unix();
        let failed = world.fetch_by(&mirrors(&[&bad.url()]), Some(listed), &|_| false).unwrap_err();
        assert_eq!(failed.error.code(), code, "{answer:?}");
        assert_eq!(failed.error.dependency, Some(bad.host()), "{answer:?}");
        let good = world.server();
        world.assert_right(&world.good(&[&bad, &good]));
    }
}

#[test]
fn what_is_on_no_mirror_is_gone_and_no_failure() {
    let world = World::new();
    let (one, two) = (world.server(), world.server());
    one.on(&world.orig(), Answer::Status(404, vec![], vec![]));
    world.assert_right(&world.good(&[&one, &two]));
    let world = World { publication: world.publication.clone(), ..World::new() };
    two.on(&world.orig(), Answer::Status(410, vec![], vec![]));
    assert!(matches!(world.fetch(&[&one, &two]), Ok(Outcome::Gone { file }) if file.contains(".orig.")));
    // As long as one mirror cannot say, nobody knows.
    two.on(&world.orig(), Answer::Status(500, vec![], vec![]));
    assert_eq!(world.code(&[&one, &two]), "fetch/server-error");
}

#[test]
fn a_busy_server_is_left_alone_for_as_long_as_it_says() {
    let world = World::new();
    let server = world.server();
    let busy = |seconds: &str| Answer::Status(429, vec![format!("Retry-After: {seconds}")], vec![]);
    server.on_each(&world.orig(), &[busy("7"), busy("9"), Answer::File]);
    world.assert_right(&world.good(&[&server]));
    assert_eq!(*world.clock.waits.lock().unwrap(), [7, 9].map(Duration::from_secs));

    let world = World { publication: world.publication.clone(), ..World::new() };
    server.on(&world.orig(), busy("3600"));
    let failed = world.fetch(&[&server]).unwrap_err();
    assert_eq!((failed.error.code(), failed.error.retry_after), ("busy", Some(Duration::from_secs(3600))));
    assert!(world.clock.waits.lock().unwrap().is_empty());
    // The next mirror is asked at once.
    world.assert_right(&world.good(&[&server, &world.server()]));
    assert!(world.clock.waits.lock().unwrap().is_empty());
}

#[test]
fn index_and_dsc_have_to_agree() {
    let mut world = World::new();
    let server = world.server();
    let good = world.publication.clone();
    world.publication.files[0].checksums.md5 = Some("0".repeat(32));
    assert_eq!(world.code(&[&server]), "fetch/dsc-disagrees");
    world.publication = good.clone();
    world.publication.files.pop();
    assert_eq!(world.code(&[&server]), "fetch/dsc-disagrees");
    world.publication = good.clone();
    world.publication.version = source_package::version::Version::new("2").unwrap();
    assert_eq!(world.code(&[&server]), "fetch/dsc-disagrees");
    world.publication = good.clone();
    world.publication.dsc.size += 1;
    assert_eq!(world.code(&[&server]), "fetch/size-mismatch");
}

#[test]
fn weak_hashes_are_taken_only_where_allowed() {
    let mut world = World::new();
    world.publication.dsc.checksums.sha256 = None;
    let server = world.server();
    assert_eq!(world.code(&[&server]), "fetch/weak-checksums");
    world.weak = true;
    world.assert_right(&world.good(&[&server]));
}

#[test]
fn two_workers_fetch_a_file_once() {
    let world = World::new();
    let server = world.server();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (world, server) = (&world, &server);
            scope.spawn(move || {
                let (cache, into) = (world.cache(), world.target().join(worker.to_string()));
                fs::create_dir(&into).unwrap();
                let mirrors = mirrors(&[&server.url()]);
                let options =
                    Options { connections: 2, longest_wait: Duration::ZERO, allow_weak_checksums: false };
                let fetcher =
                    Fetcher { mirrors: &mirrors, cache: &cache, options, clock: world.clock.clone() };
                let outcome = fetcher.fetch(&world.publication, None, &|_| false, &into);
                assert!(matches!(outcome, Ok(Outcome::Fetched(_))), "{outcome:?}");
            });
        }
    });
    let mut paths = server.paths();
    paths.sort();
    assert_eq!(paths.len(), 3, "{paths:?}");
}

#[test]
fn a_cache_that_is_too_small_does_not_stop_anybody() {
    let world = World::new();
    let server = world.server();
    let cache = world.cache_of(1000);
    let mirrors = mirrors(&[&server.url()]);
    let options = Options { connections: 1, longest_wait: Duration::ZERO, allow_weak_checksums: false };
    let fetcher = Fetcher { mirrors: &mirrors, cache: &cache, options, clock: world.clock.clone() };
    let outcome = fetcher.fetch(&world.publication, None, &|_| false, &world.target());
    let Ok(Outcome::Fetched(fetched)) = outcome else { panic!("{outcome:?}") };
    world.assert_right(&fetched);
    fs::remove_dir_all(world.target()).unwrap();
    assert!(cache.trim().unwrap() <= 1000);
}
