//! Old versions from a server with the interface of Debian's snapshot service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use archive::cache::{Cache, Sharing};
use archive::clock::Clock;
use archive::config::{self, HistoryTrust};
use archive::fetch::Outcome;
use archive::history::{History, Snapshot};
use archive::location::Location;
use archive::signature::{self, Digests};
use package_import_tests::build::dsc::hex;
use package_import_tests::signer::Signer;
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};
use sha1::{Digest, Sha1};
use source_package::version::{PackageName, Version};
use tempfile::TempDir;

/// A clock in which only waiting takes time.
#[derive(Debug, Default)]
struct Still(Mutex<Duration>);

impl Clock for Still {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn unix(&self) -> i64 {
        1_800_000_000
    }

    fn unix_millis(&self) -> i64 {
        1_800_000_000_000 + i64::try_from(self.now().as_millis()).unwrap()
    }

    fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }

    /// Those who wait at the same time wait beside each other, not one after the other.
    fn sleep_until(&self, at: i64) {
        let at = Duration::from_millis(u64::try_from(at - 1_800_000_000_000).unwrap_or(0));
        let mut now = self.0.lock().unwrap();
        *now = at.max(*now);
    }
}

/// A service with files of packages, and its answers about them.
struct World {
    folder: TempDir,
    server: Server,
    signer: Signer,
    clock: Arc<Still>,
    fileinfo: Vec<String>,
    trust: HistoryTrust,
    /// Change that an attacker on the way makes in a `.dsc`.
    change: Option<(&'static str, &'static str)>,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("service");
        fs::create_dir_all(root.join("file")).unwrap();
        World {
            signer: Signer::new(folder.path(), "maintainer"),
            server: Server::new(root),
            folder,
            clock: Arc::default(),
            fileinfo: Vec::new(),
            trust: HistoryTrust::Signed,
            change: None,
        }
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Adds a version of `aa`, as the service describes it.
    fn add(&mut self, version: &str, sign: bool, archive: &str, remark: &str) {
        let files = self.folder(&format!("files-{archive}-{version}"));
        let dsc = package("aa", version).remark(remark).write(&files);
        if sign {
            self.signer.sign(&dsc);
        }
        if let Some((from, to)) = self.change {
            fs::write(&dsc, fs::read_to_string(&dsc).unwrap().replacen(from, to, 1)).unwrap();
        }
        for entry in fs::read_dir(&files).unwrap().flatten() {
            let bytes = fs::read(entry.path()).unwrap();
            let sha1 = hex(&Sha1::digest(&bytes));
            fs::write(self.folder("service/file").join(&sha1), &bytes).unwrap();
            self.fileinfo.push(format!(
                "\"{sha1}\":[{{\"archive_name\":\"{archive}\",\"first_seen\":\"20110911T030303Z\",\"name\":\"{}\",\"path\":\"/pool/main/a/aa\",\"size\":{}}}]",
                entry.file_name().to_str().unwrap(),
                bytes.len()
            ));
        }
        let json = format!(
            "{{\"_comment\":\"notice\",\"fileinfo\":{{{}}},\"package\":\"aa\",\"result\":[],\"version\":\"{version}\"}}",
            self.fileinfo.join(",")
        );
        let path = format!("/mr/package/aa/{version}/srcfiles?fileinfo=1");
        self.server.on(&path, Answer::Status(200, vec![], json.into_bytes()));
    }

    fn service(&self) -> Snapshot {
        let history = config::History {
            url: Location::parse(&self.server.url()).unwrap(),
            request_interval: Duration::from_secs(2),
            keyrings: vec![self.signer.keyring.clone()],
            trust: self.trust,
            allow_weak_digests: false,
            longest_wait: Duration::from_secs(3600),
        };
        let cache =
            Cache::open(&self.folder("cache"), 1 << 30, Sharing::default(), self.clock.clone()).unwrap();
        // The clock of these tests leaps: an answer that is on its way meanwhile is not a slow one.
        let transfer =
            config::Transfer { rate_window: Duration::from_secs(86400), ..crate::common::transfer() };
        Snapshot::new(&history, &transfer, Arc::new(cache), self.clock.clone())
    }
}

fn aa() -> PackageName {
    PackageName::new("aa").unwrap()
}

fn version(text: &str) -> Version {
    Version::new(text).unwrap()
}

#[test]
fn versions_in_their_order() {
    let world = World::new();
    let json = r#"{"_comment":"x","package":"aa","result":[{"version":"2:0.1"},{"version":"1.10"},{"version":"1.9"},{"version":"not a version"}]}"#;
    world.server.on("/mr/package/aa/", Answer::Status(200, vec![], json.into()));
    let versions: Vec<String> =
        world.service().versions(&aa()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(versions, ["1.9", "1.10", "2:0.1"]);
    assert!(world.service().versions(&PackageName::new("unknown").unwrap()).unwrap().is_empty());
}

#[test]
fn a_version_comes_with_all_its_hashes() {
    let mut world = World::new();
    world.add("1:1.0+x~1-1", true, "debian", "New.");
    let service = world.service();
    let found = service.find(&aa(), &version("1:1.0+x~1-1")).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].archive.as_str(), found[0].first_seen), ("debian", Some(1_315_710_183)));
    let into = world.folder("into");
    let Ok(Outcome::Fetched(fetched)) = service.fetch(&found[0], &|_| false, &into) else { panic!() };
    assert_eq!(fetched.files.len(), 2);
    for file in &fetched.files {
        let sums = &file.file.checksums;
        assert!(sums.md5.is_some() && sums.sha1.is_some() && sums.sha256.is_some(), "computed");
        let bytes = fs::read(file.path.as_ref().unwrap()).unwrap();
        assert_eq!(sums.sha1.as_deref(), Some(hex(&Sha1::digest(&bytes)).as_str()));
    }
    // find, .dsc, two files: the first at once, then one every two seconds.
    assert_eq!(world.server.seen().len(), 4);
    assert_eq!(world.clock.now(), Duration::from_secs(6));
}

#[test]
fn what_nobody_signed_is_not_left_there() {
    let mut world = World::new();
    world.add("1.0-1", false, "debian", "New.");
    let service = world.service();
    let found = service.find(&aa(), &version("1.0-1")).unwrap();
    let into = world.folder("into");
    let failed = service.fetch(&found[0], &|_| false, &into).unwrap_err();
    assert_eq!(failed.error.code().as_str(), "unsigned");
    assert_eq!(fs::read_dir(into).unwrap().count(), 0);
}

/// A key that was good for two years from 2010 on, and a text signed by it at some time.
fn expired_key(folder: &Path) -> (PathBuf, impl Fn(&Path, &str)) {
    let home = folder.join("retired");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = move |time: &str, arguments: &[&str]| {
        let output = Command::new("gpg")
            .args(["--homedir", home.to_str().unwrap(), "--batch", "--yes", "--pinentry-mode", "loopback"])
            .args(["--ignore-time-conflict", "--ignore-valid-from", "--faked-system-time", time])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "gpg: {}", String::from_utf8_lossy(&output.stderr));
    };
    let keyring = folder.join("retired.gpg");
    let user = "retired <retired@example.org>";
    gpg("20100101T000000", &["--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", "2y"]);
    gpg("20110101T000000", &["--output", keyring.to_str().unwrap(), "--export"]);
    let sign = move |dsc: &Path, time: &str| {
        let signed = dsc.with_extension("signed");
        gpg(time, &["--output", signed.to_str().unwrap(), "--clearsign", dsc.to_str().unwrap()]);
        fs::rename(signed, dsc).unwrap();
    };
    (keyring, sign)
}

#[test]
fn a_key_that_has_expired_since_counts_for_what_it_signed_before() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, sign) = expired_key(folder.path());
    let dsc = package("aa", "1.0-1").write(folder.path());
    let text = fs::read(&dsc).unwrap();
    sign(&dsc, "20110601T000000");
    let signed = fs::read(&dsc).unwrap();
    let keyrings = [keyring];
    assert_eq!(signature::verify_old(&signed, &keyrings, Digests::Strong).unwrap(), text);
    assert!(signature::verify(&signed, &keyrings).is_err(), "for what is published now it does not");
    let changed = String::from_utf8(signed).unwrap().replace("Packager", "Impostor").into_bytes();
    assert!(signature::verify_old(&changed, &keyrings, Digests::Any).is_err());
    assert!(signature::is_changed(&changed, &keyrings).unwrap());
}

#[test]
fn a_service_that_is_believed_needs_no_signature_but_lets_none_be_broken() {
    let mut world = World::new();
    world.trust = HistoryTrust::Served;
    world.add("1.0-1", false, "debian", "New.");
    let service = world.service();
    let found = service.find(&aa(), &version("1.0-1")).unwrap();
    let outcome = service.fetch(&found[0], &|_| false, &world.folder("into"));
    assert!(matches!(outcome, Ok(Outcome::Fetched(_))), "{outcome:?}");

    let mut world = World::new();
    world.trust = HistoryTrust::Served;
    world.change = Some(("Packager", "Impostor"));
    world.add("1.0-1", true, "debian", "New.");
    let service = world.service();
    let found = service.find(&aa(), &version("1.0-1")).unwrap();
    let failed = service.fetch(&found[0], &|_| false, &world.folder("into")).unwrap_err();
    assert_eq!(failed.error.code().as_str(), "bad-signature");
}

#[test]
fn text_around_what_was_signed() {
    let mut world = World::new();
    world.change = Some((
        "-----BEGIN PGP SIGNED",
        "Format: 3.0 (native)\nSource: aa\nVersion: 1.0-1\n\n-----BEGIN PGP SIGNED",
    ));
    world.add("1.0-1", true, "debian", "New.");
    let service = world.service();
    let found = service.find(&aa(), &version("1.0-1")).unwrap();
    let outcome = service.fetch(&found[0], &|_| false, &world.folder("into"));
    // A later reader of the file sees the signed text, or the file is refused.
    if let Ok(Outcome::Fetched(fetched)) = outcome {
        let text = fs::read(fetched.dsc).unwrap();
        assert_eq!(source_package::dsc::Dsc::parse(&text).unwrap().files.len(), 2);
    }
}

#[test]
fn two_archives_with_one_version() {
    let mut world = World::new();
    world.add("1.0-1", true, "debian", "New.");
    world.add("1.0-1", true, "debian-ports", "Other.");
    let service = world.service();
    let found = service.find(&aa(), &version("1.0-1")).unwrap();
    assert_eq!(found.len(), 2);
    for (number, version) in found.iter().enumerate() {
        let into = world.folder(&format!("into-{number}"));
        let outcome = service.fetch(version, &|_| false, &into);
        assert!(matches!(outcome, Ok(Outcome::Fetched(_))), "{outcome:?}");
    }
}

#[test]
fn bad_answers() {
    let mut world = World::new();
    world.add("1.0-1", true, "debian", "New.");
    let service = world.service();
    let code = |text: &str| service.find(&aa(), &version(text)).unwrap_err().error.code().as_str();
    assert_eq!(code("2.0"), "unknown-version");
    let path = "/mr/package/aa/2.0/srcfiles?fileinfo=1";
    for (body, expected) in [
        ("{\"result\":", "bad-answer"),
        ("<html>login</html>", "web-page"),
        ("{\"fileinfo\":{}}", "unknown-version"),
    ] {
        world.server.on(path, Answer::Status(200, vec![], body.into()));
        assert_eq!(code("2.0"), expected);
    }
    world.server.on(path, Answer::Status(500, vec![], vec![]));
    assert_eq!(code("2.0"), "server-error");

    let found = service.find(&aa(), &version("1.0-1")).unwrap().remove(0);
    let sha1 = found.files[0].checksums.sha1.clone().unwrap();
    world.server.on(&format!("/file/{sha1}"), Answer::Status(404, vec![], vec![]));
    let outcome = service.fetch(&found, &|_| false, &world.folder("into"));
    assert!(matches!(outcome, Ok(Outcome::Gone { .. })));
    let mut wrong = fs::read(world.folder("service/file").join(&sha1)).unwrap();
    wrong[20] ^= 1;
    world.server.on(&format!("/file/{sha1}"), Answer::Status(200, vec![], wrong));
    let failed = service.fetch(&found, &|_| false, &world.folder("into")).unwrap_err();
    assert_eq!(failed.error.code().as_str(), "checksum-mismatch");
}
