//! Two rows of the table of answers that are not of servers: a folder that is not mounted, and this machine.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use archive::answers::{Answer as Row, End, Kind, Next, meaning};
use archive::cache::{Cache, Sharing};
use archive::clock::{Clock, SystemClock};
use archive::config::{self, HistoryTrust};
use archive::error::{Class, Error};
use archive::fetch::{Fetcher, Options, Outcome};
use archive::history::{History, OldVersion, Snapshot};
use archive::location::Location;
use archive::sources::Publication;
use archive::transport::{Answer, Mirror, Request};
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::synthetic::package;
use source_package::version::{PackageName, Version};
use tempfile::TempDir;

use crate::common::{Poller, folder_url, mirrors, publications, transfer};

/// A mirror in a folder that is unmounted when some files are asked for. It counts these requests.
struct Unmounts {
    whole: Box<dyn Mirror>,
    empty: Option<Box<dyn Mirror>>,
    of: fn(&str) -> bool,
    asked: Arc<AtomicUsize>,
}

impl Mirror for Unmounts {
    fn location(&self) -> &Location {
        self.whole.location()
    }

    fn get(&self, request: &Request<'_>) -> Result<Answer, Error> {
        if !(self.of)(request.path) {
            return self.whole.get(request);
        }
        self.asked.fetch_add(1, SeqCst);
        self.empty.as_ref().unwrap_or(&self.whole).get(request)
    }

    fn folders(&self, path: &str) -> Result<Vec<String>, Error> {
        self.whole.folders(path)
    }
}

/// True for the paths of a kind of file.
type IsOf = fn(&str) -> bool;

const KINDS: [(Kind, IsOf); 4] = [
    (Kind::Index, |path| path.contains("Release")),
    (Kind::List, |path| path.contains("/source/Sources")),
    (Kind::ByHash, |path| path.contains("/source/")),
    (Kind::Pool, |path| path.starts_with("pool/")),
];

struct World {
    archive: TestArchive,
    publication: Publication,
    empty: TempDir,
}

impl World {
    fn new(kind: Kind) -> World {
        let archive = TestArchive::new();
        let dsc = archive.add("main", "aa", &package("aa", "1.0-1"));
        archive.signer.sign(&dsc);
        let mut sid = suite("sid");
        sid.by_hash = kind == Kind::ByHash;
        archive.publish(&sid);
        let poller = Poller::new(&[&folder_url(&archive.root())], &archive.signer.keyring, "sid");
        let publication = publications(poller.good(None)).remove(0);
        World { archive, publication, empty: tempfile::tempdir().unwrap() }
    }

    /// A mirror, whole or unmounted for a kind of file, and its number of requests.
    fn mirror(&self, of: fn(&str) -> bool, is_mounted: bool) -> (Box<dyn Mirror>, Arc<AtomicUsize>) {
        let one = |path: &Path| mirrors(&[&folder_url(path)]).remove(0);
        let (whole, asked) = (one(&self.archive.root()), Arc::<AtomicUsize>::default());
        let empty = (!is_mounted).then(|| one(self.empty.path()));
        (Box::new(Unmounts { whole, empty, of, asked: asked.clone() }), asked)
    }

    fn poller(&self, mirrors: Vec<Box<dyn Mirror>>) -> Poller {
        Poller { mirrors, ..Poller::new(&[], &self.archive.signer.keyring, "sid") }
    }
}

fn cache(folder: &Path) -> Cache {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    Cache::open(&folder.join("cache"), 1 << 30, Sharing::default(), clock).unwrap()
}

/// Fetches the publication. `into` may be missing.
fn fetch(world: &World, mirrors: &[Box<dyn Mirror>], has_place: bool) -> Result<Outcome, Error> {
    let folder = tempfile::tempdir().unwrap();
    let (cache, into) = (cache(folder.path()), folder.path().join("into"));
    if has_place {
        fs::create_dir(&into).unwrap();
    }
    let options =
        Options { connections: 1, longest_wait: Duration::from_secs(60), allow_weak_checksums: false };
    let fetcher = Fetcher { mirrors, cache: &cache, options, clock: Arc::new(SystemClock::default()) };
    fetcher.fetch(&world.publication, None, &|_| false, &into).map_err(|failed| failed.error)
}

#[test]
fn an_empty_mount_point_is_never_an_answer_about_a_file() {
    for (kind, of) in KINDS {
        assert_eq!(meaning(kind, Row::Unmounted).0, Next::Mirror, "{kind:?}");
        let world = World::new(kind);
        let ask = |second_is_mounted: bool| {
            let ((one, _), (two, asked)) = (world.mirror(of, false), world.mirror(of, second_is_mounted));
            let result = match kind {
                Kind::Pool => fetch(&world, &[one, two], true).map(|outcome| {
                    assert!(matches!(outcome, Outcome::Fetched(_)), "{kind:?}: {outcome:?}");
                }),
                _ => world.poller(vec![one, two]).poll(None).map(drop).map_err(|failed| failed.error),
            };
            (result, asked.load(SeqCst))
        };
        let (result, asked) = ask(true);
        assert!(result.is_ok() && asked > 0, "{kind:?}: the next mirror: {result:?}");
        let (result, asked) = ask(false);
        let error = result.unwrap_err();
        assert!(asked > 0 && error.code().as_str() == "unmounted", "{kind:?}: {error}");
        assert_eq!(error.class(), Class::Transient, "{kind:?}: it comes back, and nothing is gone");
        assert!(error.is_outage(), "{kind:?}: what needs it is parked");
    }
}

#[test]
fn an_error_of_this_machine_is_not_asked_of_another_mirror() {
    for (kind, of) in KINDS {
        let world = World::new(kind);
        let (one, _) = world.mirror(of, true);
        let (two, asked) = world.mirror(of, true);
        let error = match kind {
            // The folder for fetched files is gone; the disk is full; there are too many open files.
            Kind::Pool => fetch(&world, &[one, two], false).unwrap_err(),
            Kind::Index => {
                let mut poller = world.poller(vec![one, two]);
                poller.keyrings = vec!["/nowhere/archive.gpg".into()];
                poller.poll(None).unwrap_err().error
            }
            _ => {
                let poller = world.poller(vec![one, two]);
                fs::remove_dir_all(poller.scratch.path()).unwrap();
                poller.poll(None).unwrap_err().error
            }
        };
        assert_eq!(Row::of(&error.problem), Row::Machine, "{kind:?}: {error}");
        assert_eq!(error.class(), Class::Infrastructure, "{kind:?}: {error}");
        assert_eq!(meaning(kind, Row::Machine).0, Next::Stop, "{kind:?}");
        assert_eq!(asked.load(SeqCst), 0, "{kind:?}: {error}");
    }
}

fn history(url: &str, keyring: &Path, folder: &Path) -> Snapshot {
    let history = config::History {
        url: Location::parse(url).unwrap(),
        request_interval: Duration::ZERO,
        keyrings: vec![keyring.to_owned()],
        trust: HistoryTrust::Signed,
        allow_weak_digests: false,
        longest_wait: Duration::from_secs(3600),
    };
    let cache = Arc::new(cache(folder));
    Snapshot::new(&history, &transfer(), cache, Arc::new(SystemClock::default()))
}

/// The publication as an old version, whose `.dsc` a folder has under its hash.
fn old(world: &World, service: &Path) -> OldVersion {
    use package_import_tests::build::dsc::hex;
    use sha1::Digest;
    fs::create_dir_all(service.join("file")).unwrap();
    let publication = &world.publication;
    let hashed = |file: &source_package::checksum::ListedFile| {
        let bytes = fs::read(world.archive.root().join(publication.path(file))).unwrap();
        let sha1 = hex(&sha1::Sha1::digest(&bytes));
        fs::write(service.join("file").join(&sha1), bytes).unwrap();
        let mut file = file.clone();
        file.checksums.sha1 = Some(sha1);
        file
    };
    OldVersion {
        package: PackageName::new("aa").unwrap(),
        version: Version::new("1.0-1").unwrap(),
        dsc: hashed(&publication.dsc),
        archive: "debian".into(),
        first_seen: None,
        files: publication.files.iter().map(hashed).collect(),
    }
}

#[test]
fn histories_have_the_same_two_rows() {
    let world = World::new(Kind::Pool);
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.join("into")).unwrap();
        path
    };
    let (service, empty) = (place("service"), tempfile::tempdir().unwrap());
    let old = old(&world, &service);
    let keyring = &world.archive.signer.keyring;
    // It is not mounted: the package waits. Versions are asked of a web server alone.
    let unmounted = history(&folder_url(empty.path()), keyring, &place("one"));
    assert_eq!(meaning(Kind::History, Row::Unmounted), (Next::Mirror, End::WaitsForHistory));
    let error = unmounted.fetch(&old, &|_| false, &place("one").join("into")).unwrap_err().error;
    assert_eq!((error.code().as_str(), error.class()), ("unmounted", Class::Transient), "{error}");
    assert_eq!(meaning(Kind::HistoryFile, Row::Unmounted), (Next::Mirror, End::WaitsForHistory));
    // This machine: a keyring that is not there, a folder that is not there. Nothing is left out for that.
    let without = history(&folder_url(&service), Path::new("/nowhere/keys.gpg"), &place("two"));
    let error = without.fetch(&old, &|_| false, &place("two").join("into")).unwrap_err().error;
    assert_eq!(Row::of(&error.problem), Row::Machine, "{error}");
    assert_eq!(error.class(), Class::Infrastructure, "{error}");
    let well = history(&folder_url(&service), keyring, &place("three"));
    let error = well.fetch(&old, &|_| false, &folder.path().join("nowhere")).unwrap_err().error;
    assert_eq!(Row::of(&error.problem), Row::Machine, "{error}");
    for kind in [Kind::History, Kind::HistoryFile] {
        assert_eq!(meaning(kind, Row::Machine), (Next::Stop, End::Retried), "{kind:?}");
    }
}
