//! The table of `docs/archives.md`, row by row: the answers of a server for each kind of file, and the next step.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use archive::answers::{ANSWERS, Answer as Row, End, Kind, Next, meaning};
use archive::cache::{Cache, Sharing};
use archive::clock::{Clock, SystemClock};
use archive::config::{self, HistoryTrust};
use archive::error::{Class, Error};
use archive::fetch::{Fetcher, Options, Outcome};
use archive::history::{History, OldVersion, Snapshot};
use archive::location::Location;
use archive::sources::Publication;
use archive::transport::{Limits, Mirror, open};
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::build::dsc::hex;
use package_import_tests::parallel;
use package_import_tests::signer::Signer;
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Seen, Server};
use sha1::{Digest, Sha1};
use source_package::version::{PackageName, Version};

use crate::common::{Poller, publications, transfer};

/// A clock by which every pause is over at once.
#[derive(Debug, Default)]
struct Leaping(SystemClock, Mutex<i64>);

impl Clock for Leaping {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn unix(&self) -> i64 {
        self.unix_millis() / 1000
    }

    fn unix_millis(&self) -> i64 {
        self.0.unix_millis() + *self.1.lock().unwrap()
    }

    fn sleep(&self, time: Duration) {
        *self.1.lock().unwrap() += i64::try_from(time.as_millis()).unwrap();
    }
}

/// The archive that both mirrors have, and an index of it that somebody else has signed.
struct World {
    archive: TestArchive,
    foreign: Vec<u8>,
    publication: Publication,
}

impl World {
    fn new() -> World {
        let archive = TestArchive::new();
        let noise: Vec<u8> =
            (0..60_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        archive.add("main", "aa", &package("aa", "1.0-1").upstream("noise", noise));
        let mut sid = suite("sid");
        sid.by_hash = true;
        archive.publish(&sid);
        let folder = archive.root().join("dists/sid");
        let other = Signer::new(&archive.extra("other"), "other");
        let (text, signed) =
            (archive.extra("foreign").join("Release"), archive.extra("foreign").join("InRelease"));
        let own = fs::read_to_string(folder.join("InRelease")).unwrap();
        fs::write(&text, own.split("\n\n").nth(1).unwrap().split("\n-----BEGIN").next().unwrap()).unwrap();
        other.gpg(&["--output", signed.to_str().unwrap(), "--clearsign", text.to_str().unwrap()]);
        let foreign = fs::read(signed).unwrap();
        let server = Server::new(archive.root());
        let poller = Poller::new(&[&server.url()], &archive.signer.keyring, "sid");
        let publication = publications(poller.good(None)).remove(0);
        World { archive, foreign, publication }
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.archive.root().join(&path[1..])).unwrap()
    }

    /// Everything that is the same in another form.
    fn forms(&self, kind: Kind) -> Vec<String> {
        let (_, mut forms) = self.path(kind);
        if kind == Kind::ByHash {
            let folder = "/dists/sid/main/source/by-hash/SHA256";
            let entries = fs::read_dir(self.archive.root().join(&folder[1..])).unwrap().flatten();
            forms.extend(entries.map(|entry| format!("{folder}/{}", entry.file_name().to_str().unwrap())));
        }
        forms
    }

    /// The path of a kind of file, and how else it may be asked for.
    fn path(&self, kind: Kind) -> (String, Vec<String>) {
        const LIST: &str = "/dists/sid/main/source/Sources";
        let named = [".xz", ".gz"].map(|ending| format!("{LIST}{ending}"));
        match kind {
            Kind::Index => ("/dists/sid/InRelease".into(), vec!["/dists/sid/Release".into()]),
            Kind::List => (named[0].clone(), vec![named[1].clone()]),
            Kind::ByHash => {
                let sum = hex(&sha2::Sha256::digest(self.bytes(&named[0])));
                (format!("/dists/sid/main/source/by-hash/SHA256/{sum}"), named.to_vec())
            }
            _ => {
                let file = self.publication.files.iter().find(|file| file.name.contains(".orig.")).unwrap();
                (format!("/{}", self.publication.path(file)), Vec::new())
            }
        }
    }
}

/// Answers of a server in all the ways of a row of the table; each may need an answer before it.
fn ways(row: Row, kind: Kind, path: &str, world: &World) -> Vec<Vec<Answer>> {
    let bytes = world.bytes(&world.path(if kind == Kind::ByHash { Kind::List } else { kind }).0);
    let status = |code| Answer::Status(code, vec![], vec![]);
    let page = |text: &str| Answer::Status(200, vec![], text.as_bytes().to_vec());
    let is_file = matches!(kind, Kind::Pool | Kind::HistoryFile);
    let changed = |from: usize| {
        let mut other = bytes[from..].to_vec();
        let last = other.len() - 1;
        other[last] ^= 1;
        other
    };
    let part = |start: usize, body: Vec<u8>| {
        let range = format!("Content-Range: bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
        Answer::Status(206, vec![range], body)
    };
    match row {
        Row::Missing => vec![vec![status(404)], vec![status(410)]],
        Row::Refused => [401, 403, 451].map(|code| vec![status(code)]).to_vec(),
        Row::Busy => [429, 503, 509].map(|code| vec![status(code)]).to_vec(),
        Row::ServerError => [500, 502, 504].map(|code| vec![status(code)]).to_vec(),
        Row::Unreachable => vec![vec![Answer::Raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec())]],
        Row::WrongPart if is_file => {
            vec![vec![Answer::Cut(1000), status(416)], vec![Answer::Cut(1000), part(5, changed(5))]]
        }
        Row::WrongPart => vec![vec![status(416)], vec![part(5, changed(5))]],
        Row::Short if is_file => vec![vec![Answer::Cut(20)], vec![Answer::Cut(1000), Answer::Cut(0)]],
        Row::Short => vec![vec![Answer::Cut(20)], vec![status(200)]],
        Row::Other if is_file => vec![vec![Answer::Cut(1000), part(1000, changed(1000))]],
        // Of an index nothing but its signature tells that it is another.
        Row::Other if kind == Kind::Index => vec![],
        Row::Other => vec![vec![Answer::Status(200, vec![], changed(0))], vec![Answer::Endless]],
        Row::Page => {
            vec![
                vec![page("<!DOCTYPE html><html>Welcome</html>")],
                vec![page("<html><title>Index of /</title></html>")],
            ]
        }
        Row::Redirect => {
            vec![vec![Answer::Redirect(path.into())], vec![Answer::Redirect("ftp://example.org/".into())]]
        }
        Row::NotAccepted if kind == Kind::Index => {
            vec![vec![Answer::Status(200, vec![], world.foreign.clone())]]
        }
        // Content with the right hash that cannot be used has a test where it is read; the rest does not concern
        // servers.
        Row::NotAccepted | Row::Unmounted | Row::Machine => vec![],
    }
}

/// First step, as the servers saw it.
fn seen(one: &[Seen], two: &[Seen], path: &str, others: &[String]) -> Next {
    let own: Vec<bool> =
        one.iter().filter(|seen| seen.path == path).map(|seen| seen.headers.contains_key("range")).collect();
    match own[..] {
        [_, true, false, ..] => Next::Anew,
        [_, true, ..] => Next::Resume,
        [_, false, ..] => Next::Pause,
        _ if one.iter().any(|seen| others.contains(&seen.path)) => Next::OtherName,
        _ if two.iter().any(|seen| seen.path == path) => Next::Mirror,
        _ => Next::Stop,
    }
}

/// Answers that repeat for ever: without a single byte.
fn for_ever(answers: &[Answer]) -> Vec<Answer> {
    match answers {
        [Answer::Cut(_)] => vec![Answer::Cut(0)],
        answers => answers.to_vec(),
    }
}

/// One mirror has it right.
fn healed(mut answers: Vec<Answer>) -> Vec<Answer> {
    answers.push(Answer::File);
    answers
}

fn mirrors(servers: &[&Server], clock: &Arc<Leaping>) -> Vec<Box<dyn Mirror>> {
    let transfer = transfer();
    let limits = Limits::new(&transfer, clock.clone());
    servers.iter().map(|it| open(&Location::parse(&it.url()).unwrap(), &transfer, &limits)).collect()
}

/// Asks some servers for a kind of file. Returns true when it is gone, or an error.
fn ask(world: &World, kind: Kind, servers: &[&Server]) -> Result<bool, Error> {
    let clock = Arc::new(Leaping::default());
    let mirrors = mirrors(servers, &clock);
    if kind == Kind::Pool {
        let folder = tempfile::tempdir().unwrap();
        let (cache, into) = (folder.path().join("cache"), folder.path().join("into"));
        fs::create_dir(&into).unwrap();
        let cache = Cache::open(&cache, 1 << 30, Sharing::default(), clock.clone()).unwrap();
        let options =
            Options { connections: 1, longest_wait: Duration::from_secs(60), allow_weak_checksums: false };
        let fetcher = Fetcher { mirrors: &mirrors, cache: &cache, options, clock };
        return match fetcher.fetch(&world.publication, None, &|_| false, &into) {
            Ok(outcome) => Ok(matches!(outcome, Outcome::Gone { .. })),
            Err(failed) => Err(failed.error),
        };
    }
    let mut poller = Poller::new(&[], &world.archive.signer.keyring, "sid");
    poller.mirrors = mirrors;
    poller.poll(None).map(|_| false).map_err(|failed| failed.error)
}

#[test]
fn archives_go_by_the_table() {
    let world = World::new();
    let plain = {
        let mut sid = suite("sid");
        sid.by_hash = false;
        sid
    };
    for kind in [Kind::ByHash, Kind::Index, Kind::Pool, Kind::List] {
        if kind == Kind::List {
            // Without hashes the lists are asked for by their names.
            world.archive.publish(&plain);
        }
        let (path, _) = world.path(kind);
        let cases: Vec<(Row, Vec<Answer>)> = ANSWERS
            .into_iter()
            .flat_map(|row| ways(row, kind, &path, &world).into_iter().map(move |answers| (row, answers)))
            .collect();
        parallel::map(&cases, |(row, answers)| play(&world, kind, *row, answers));
    }
}

/// One mirror has a file wrong and another has it right; then neither has it.
fn play(world: &World, kind: Kind, row: Row, answers: &[Answer]) {
    let (path, others) = world.path(kind);
    let ((next, end), what) = (meaning(kind, row), format!("{kind:?} {row:?} {answers:?}"));
    let (one, two) = (Server::new(world.archive.root()), Server::new(world.archive.root()));
    one.on_each(&path, &healed(answers.to_vec()));
    let is_gone = ask(world, kind, &[&one, &two]).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(!is_gone, "{what}");
    assert_eq!(seen(&one.seen(), &two.seen(), &path, &others), next, "{what}");
    for server in [&one, &two] {
        server.on_each(&path, &for_ever(answers));
        world.forms(kind).iter().for_each(|other| server.on_each(other, &for_ever(answers)));
    }
    match (end, ask(world, kind, &[&one, &two])) {
        (End::Listed, Ok(true)) | (End::LastIndex, Err(_)) => {}
        (End::Retried, Err(error)) => assert_ne!(error.class(), Class::Permanent, "{what}: {error}"),
        (End::Fails, Err(error)) => assert_ne!(error.class(), Class::Transient, "{what}: {error}"),
        (end, came) => panic!("{what}: {end:?}, and it came to {came:?}"),
    }
}

/// A service of old versions with one package.
struct Service {
    folder: tempfile::TempDir,
    server: Server,
    signer: Signer,
    version: OldVersion,
}

impl Service {
    fn new(world: &World) -> Service {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("service/file");
        fs::create_dir_all(&files).unwrap();
        let signer = Signer::new(folder.path(), "maintainer");
        let pool = world.archive.root().join("pool/main/a/aa");
        let own = folder.path().join("own");
        fs::create_dir(&own).unwrap();
        let mut info = HashMap::new();
        for entry in fs::read_dir(pool).unwrap().flatten() {
            let place = own.join(entry.file_name());
            fs::copy(entry.path(), &place).unwrap();
            if place.extension().is_some_and(|ending| ending == "dsc") {
                signer.sign(&place);
            }
            let bytes = fs::read(&place).unwrap();
            let sha1 = hex(&Sha1::digest(&bytes));
            fs::write(files.join(&sha1), &bytes).unwrap();
            let name = entry.file_name().into_string().unwrap();
            let file = serde_json::json!([{"archive_name": "debian", "first_seen": "20110911T030303Z", "name": name,
                "path": "/pool", "size": bytes.len()}]);
            info.insert(sha1, file);
        }
        let server = Server::new(folder.path().join("service"));
        let srcfiles = serde_json::json!({"fileinfo": info, "result": []}).to_string();
        server.on(SRCFILES, Answer::Status(200, vec![], srcfiles.into_bytes()));
        let versions = r#"{"result": [{"version": "1.0-1"}]}"#;
        server.on(VERSIONS, Answer::Status(200, vec![], versions.into()));
        let service = Service::asked(&server, &signer, &folder.path().join("first"));
        let version = service.find(&aa(), &Version::new("1.0-1").unwrap()).unwrap().remove(0);
        Service { folder, server, signer, version }
    }

    fn asked(server: &Server, signer: &Signer, folder: &std::path::Path) -> Snapshot {
        let history = config::History {
            url: Location::parse(&server.url()).unwrap(),
            request_interval: Duration::ZERO,
            keyrings: vec![signer.keyring.clone()],
            trust: HistoryTrust::Signed,
            allow_weak_digests: false,
            longest_wait: Duration::from_secs(3600),
        };
        fs::create_dir_all(folder.join("into")).unwrap();
        let clock: Arc<Leaping> = Arc::default();
        let cache = Cache::open(&folder.join("cache"), 1 << 30, Sharing::default(), clock.clone()).unwrap();
        Snapshot::new(&history, &config::Transfer { connections: 1, ..transfer() }, Arc::new(cache), clock)
    }

    /// The path of the large file.
    fn orig(&self) -> String {
        let file = self.version.files.iter().find(|file| file.name.contains(".orig.")).unwrap();
        format!("/file/{}", file.checksums.sha1.as_ref().unwrap())
    }

    /// Asks for the versions, or for the files of one. Returns true when something is missing, or an error.
    fn ask(&self, kind: Kind, number: usize) -> Result<bool, Error> {
        let folder = self.folder.path().join(number.to_string());
        let service = Service::asked(&self.server, &self.signer, &folder);
        if kind == Kind::History {
            return service.versions(&aa()).map(|found| found.is_empty()).map_err(|failed| failed.error);
        }
        match service.fetch(&self.version, &|_| false, &folder.join("into")) {
            Ok(outcome) => Ok(matches!(outcome, Outcome::Gone { .. })),
            Err(failed) => Err(failed.error),
        }
    }
}

const VERSIONS: &str = "/mr/package/aa/";
const SRCFILES: &str = "/mr/package/aa/1.0-1/srcfiles?fileinfo=1";

fn aa() -> PackageName {
    PackageName::new("aa").unwrap()
}

#[test]
fn histories_go_by_the_same_table() {
    let world = World::new();
    let service = Service::new(&world);
    let good = r#"{"result": [{"version": "1.0-1"}]}"#;
    let mut number = 0;
    for kind in [Kind::History, Kind::HistoryFile] {
        let path = if kind == Kind::History { VERSIONS.to_owned() } else { service.orig() };
        for row in ANSWERS {
            let (next, end) = meaning(kind, row);
            for mut answers in ways(row, kind, &path, &world) {
                // An answer in JSON has no size or hash that anybody knows before.
                if kind == Kind::History && matches!(row, Row::Other | Row::WrongPart) {
                    continue;
                }
                if kind == Kind::History && matches!(answers[0], Answer::Cut(_)) {
                    answers = vec![Answer::Status(200, vec![], b"{\"result\": [".to_vec())];
                }
                let what = format!("{kind:?} {row:?} {answers:?}");
                let mut then = answers.clone();
                then.push(match kind {
                    Kind::History => Answer::Status(200, vec![], good.into()),
                    _ => Answer::File,
                });
                service.server.on_each(&path, &then);
                service.server.seen();
                number += 1;
                let first = service.ask(kind, number);
                let done = seen(&service.server.seen(), &[], &path, &[]);
                // There is no other service: a case for the next mirror ends here.
                let expected = if next == Next::Mirror { Next::Stop } else { next };
                assert_eq!(done, expected, "{what}");
                if next != Next::Mirror {
                    assert!(!first.unwrap_or_else(|error| panic!("{what}: {error}")), "{what}");
                }
                service.server.on_each(&path, &for_ever(&answers));
                number += 1;
                match (end, service.ask(kind, number)) {
                    // Versions have no such result; the caller waits for a missing file.
                    (End::NotKnown, Ok(true)) => {}
                    (End::WaitsForHistory, Ok(true)) => assert_eq!(row, Row::Missing, "{what}"),
                    (End::WaitsForHistory, Err(error)) => {
                        assert_ne!(error.class(), Class::Permanent, "{what}: {error}")
                    }
                    (end, came) => panic!("{what}: {end:?}, and it came to {came:?}"),
                }
            }
        }
    }
}
