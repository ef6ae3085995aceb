//! An archive with one package, and a fetcher.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use archive::cache::{Cache, Sharing};
use archive::clock::{Clock, SystemClock};
use archive::failed::Failed;
use archive::fetch::{Fetched, Fetcher, Options, Outcome};
use archive::sources::Publication;
use archive::transport::Mirror;
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::synthetic::package;
use package_import_tests::web::Server;
use source_package::checksum::ListedFile;
use tempfile::TempDir;

use crate::common::{Poller, folder_url, mirrors, publications};

/// A clock that does not wait, and notes how long it should have.
#[derive(Debug, Default)]
pub struct Impatient {
    system: SystemClock,
    pub waits: Mutex<Vec<Duration>>,
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
pub struct World {
    pub archive: TestArchive,
    pub publication: Publication,
    pub folder: TempDir,
    pub clock: Arc<Impatient>,
    pub weak: bool,
}

impl World {
    pub fn new() -> World {
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

    pub fn server(&self) -> Server {
        Server::new(self.archive.root())
    }

    pub fn cache(&self) -> Cache {
        self.cache_of(1 << 30)
    }

    pub fn cache_of(&self, limit: u64) -> Cache {
        Cache::open(&self.folder.path().join("cache"), limit, Sharing::default(), self.clock.clone()).unwrap()
    }

    pub fn target(&self) -> PathBuf {
        let path = self.folder.path().join("into");
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub fn fetch_by(
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

    pub fn fetch(&self, servers: &[&Server]) -> Result<Outcome, Failed> {
        let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        self.fetch_by(&mirrors(&urls), None, &|_| false)
    }

    pub fn good(&self, servers: &[&Server]) -> Fetched {
        match self.fetch(servers) {
            Ok(Outcome::Fetched(fetched)) => fetched,
            other => panic!("{other:?}"),
        }
    }

    pub fn code(&self, servers: &[&Server]) -> String {
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

    pub fn path(&self, ending: &str) -> String {
        let all = std::iter::once(&self.publication.dsc).chain(&self.publication.files);
        let file = all.into_iter().find(|file| file.name.ends_with(ending)).unwrap();
        format!("/{}", self.publication.path(file))
    }

    pub fn orig(&self) -> String {
        self.path(".orig.tar.gz")
    }

    /// Asserts that the files in `into` are those of the pool.
    pub fn assert_right(&self, fetched: &Fetched) {
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
