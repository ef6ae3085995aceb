//! Sources of a package's history: old versions that no suite has any more, and distros that build on each other.

use package_import_tests::archive::{Suite, TestArchive, suite};
use package_import_tests::queue::Queue;
use package_import_tests::signer::Signer;
use package_import_tests::snapshot::Service;
use package_import_tests::synthetic::{Package, package};
use package_import_tests::web::Server;

const HOUR: i64 = 3_600_000;

/// An archive that is served, as `config.toml` has it.
fn archive_config(name: &str, distro: &str, archive: &TestArchive, url: &str, suite: &str) -> String {
    let keyring = archive.signer.keyring.display();
    format!(
        "[[archives]]\nname = \"{name}\"\ndistro = \"{distro}\"\nmirrors = [\"{url}\"]\nkeyrings = [\"{keyring}\"]\n\
         [[archives.suites]]\nname = \"{suite}\"\n"
    )
}

/// A package with 1.0-1, 1.0-2 and 1.1-1 in the history and 1.1-2 in sid.
struct World {
    archive: TestArchive,
    server: Server,
    service: Service,
    maintainer: Signer,
    queue: Queue,
}

fn aa(version: &str) -> Package {
    let all = ["1.1-2", "1.1-1", "1.0-2", "1.0-1"];
    let below: Vec<&str> = all.iter().copied().skip_while(|it| *it != version).skip(1).collect();
    package("aa", version).below(&below)
}

impl World {
    fn new(queue: Queue) -> World {
        let archive = TestArchive::new();
        let service = Service::new();
        let maintainer = Signer::new(&archive.extra("keys"), "maintainer");
        archive.add("main", "aa", &aa("1.1-2"));
        archive.publish(&suite("sid"));
        let server = Server::new(archive.root());
        World { archive, server, service, maintainer, queue }
    }

    fn add(&mut self, version: &str, sign: bool) -> Vec<String> {
        let dsc = aa(version).write(&self.service.files(version));
        if sign {
            self.maintainer.sign(&dsc);
        }
        self.service.add(&dsc, "20110911T030303Z")
    }

    fn configure(&self) {
        let mut text = archive_config("debian", "debian", &self.archive, &self.server.url(), "sid");
        text += &format!(
            "[archives.history]\nurl = \"{}\"\nkeyrings = [\"{}\"]\nrequest_interval = \"1ms\"\n\
             longest_wait = \"2h\"\n",
            self.service.server.url(),
            self.maintainer.keyring.display()
        );
        self.queue.installation.configure(&text);
    }

    /// The versions of a branch, the newest first, by its first parents.
    fn branch(&self, name: &str) -> Vec<String> {
        branch(&self.queue, name)
    }
}

fn branch(queue: &Queue, name: &str) -> Vec<String> {
    let titles = queue.installation.git("aa", &["log", "--first-parent", "--format=%s", name]);
    let version = |line: &str| line.strip_prefix("Import aa ").map(str::to_owned);
    titles.lines().filter_map(version).collect()
}

#[test]
fn a_new_installation_gets_the_whole_history() {
    for queue in [Queue::sqlite(), Queue::postgres()] {
        let mut world = World::new(queue);
        for version in ["1.0-2", "1.1-1", "1.0-1"] {
            world.add(version, true);
        }
        world.configure();
        let said = world.queue.well(&["run", "--poll"]);
        assert_eq!(world.branch("debian/sid"), ["1.1-2", "1.1-1", "1.0-2", "1.0-1"], "{said}");
        let tags = world.queue.installation.git("aa", &["tag", "--list", "debian/*"]);
        assert_eq!(tags.lines().count(), 4, "{tags}");
        world.queue.installation.assert_clean("aa");
        // A hash that the service does not give was computed, and is on record.
        let hashes =
            world.queue.texts("SELECT dsc_sha256 FROM publication WHERE suite = '' AND done IS NOT NULL");
        assert!(hashes.len() == 3 && hashes.iter().all(|hash| hash.len() == 64), "{hashes:?}");
        for files in world.queue.texts("SELECT files FROM publication WHERE suite = ''") {
            assert_eq!(files.matches("\"sha256\"").count(), 3, "of the .dsc and two tarballs: {files}");
        }
        assert_eq!(world.queue.number("SELECT COUNT(*) FROM publication WHERE done IS NULL"), 0);
        let shown = world.queue.well(&["show", "aa"]);
        assert!(shown.contains("history of debian: 3 versions"), "{shown}");
        // Nothing is fetched twice: the upstream tarballs have one content, which came with the version in sid.
        let files = world.service.server.paths().iter().filter(|path| path.starts_with("/file/")).count();
        assert_eq!(files, 3 + 3);
        world.archive.add("main", "aa", &package("aa", "1.1-3").below(&["1.1-2", "1.1-1", "1.0-2", "1.0-1"]));
        world.archive.publish(&suite("sid"));
        world.queue.well(&["run", "--poll"]);
        assert_eq!(world.branch("debian/sid").len(), 5);
        assert!(world.service.server.seen().is_empty());
    }
}

#[test]
fn a_history_that_is_away_is_waited_for_and_fails_nothing() {
    let mut world = World::new(Queue::sqlite());
    for version in ["1.0-1", "1.0-2", "1.1-1"] {
        world.add(version, true);
    }
    world.configure();
    world.service.server.refuse(true);
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM failure"), 0);
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM version"), 0);
    for command in [&["show", "aa"][..], &["queue"], &["freshness", "aa"]] {
        let said = world.queue.well(command);
        assert!(said.contains("its old versions") && said.contains(&world.service.server.host()), "{said}");
    }
    // It is looked at again and again, and in the end the breaker opens: then it is parked.
    for _ in 0..6 {
        world.queue.let_pass(HOUR / 60);
        world.queue.well(&["run", "--max-duration", "1s"]);
    }
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM failure"), 0);
    assert_eq!(world.queue.texts("SELECT state FROM job"), ["parked"]);
    let status = world.queue.well(&["status"]);
    assert!(
        status.contains(&format!("OUTAGE: {} out of reach since", world.service.server.host())),
        "{status}"
    );
    world.service.server.refuse(false);
    world.queue.store().write(|tx| tx.execute("UPDATE dependency SET next_probe = 0", &[])).unwrap();
    world.queue.well(&["run"]);
    assert_eq!(world.branch("debian/sid"), ["1.1-2", "1.1-1", "1.0-2", "1.0-1"]);
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM wait"), 0);
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM failure"), 0);
}

#[test]
fn a_history_is_not_waited_for_without_end() {
    let mut world = World::new(Queue::sqlite());
    world.add("1.1-1", true);
    world.configure();
    world.service.server.refuse(true);
    // Once while the breaker is closed, once while the job is parked on it.
    world.queue.well(&["run", "--poll"]);
    for _ in 0..6 {
        world.queue.let_pass(HOUR / 60);
        world.queue.well(&["run", "--max-duration", "1s"]);
    }
    assert_eq!(world.queue.texts("SELECT state FROM job"), ["parked"]);
    world.queue.let_waits_pass(3 * HOUR);
    world.queue.well(&["run", "--max-duration", "5s"]);
    assert_eq!(world.branch("debian/sid"), ["1.1-2"]);
    let shown = world.queue.well(&["show", "aa"]);
    assert!(shown.contains("its old versions had not come from the history of debian in time"), "{shown}");
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM event WHERE action = 'went-on-without'"), 1);
    // It is not asked again when it is back: nothing that stands is changed.
    world.service.server.refuse(false);
    world.service.server.seen();
    world.queue.well(&["enqueue", "aa"]);
    world.queue.well(&["run", "--max-duration", "5s"]);
    let asked = world.service.server.paths();
    assert!(asked.iter().all(|path| path == "/mr/"), "nothing but whether it is there: {asked:?}");
}

#[test]
fn what_nobody_vouches_for_is_left_out_and_said() {
    let mut world = World::new(Queue::sqlite());
    world.add("1.0-1", true);
    world.add("1.0-2", false);
    world.add("1.1-1", true);
    world.configure();
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.branch("debian/sid"), ["1.1-2", "1.1-1", "1.0-1"]);
    let shown = world.queue.well(&["show", "aa"]);
    assert!(
        shown.contains("history of debian: 3 versions, 1 version left out: 1.0-2: fetch/unsigned"),
        "{shown}"
    );
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM failure"), 0);
}

/// Debian with 1.0-1 of `aa`, and Ubuntu, which builds on it.
struct Derivative {
    debian: (TestArchive, Server),
    ubuntu: (TestArchive, Server),
    queue: Queue,
}

impl Derivative {
    fn new(queue: Queue) -> Derivative {
        let served = || {
            let archive = TestArchive::new();
            let server = Server::new(archive.root());
            (archive, server)
        };
        let world = Derivative { debian: served(), ubuntu: served(), queue };
        let mut text = archive_config("debian", "debian", &world.debian.0, &world.debian.1.url(), "sid");
        text += &archive_config("ubuntu", "ubuntu", &world.ubuntu.0, &world.ubuntu.1.url(), "noble");
        text += "[archives.base]\ndistro = \"debian\"\nlongest_wait = \"6h\"\n";
        world.queue.installation.configure(&text);
        world
    }

    fn debian(&self, version: &Package) {
        self.debian.0.add("main", "aa", version);
        self.debian.0.publish(&suite("sid"));
    }

    fn ubuntu(&self, version: &Package) {
        self.ubuntu.0.add("main", "aa", version);
        self.ubuntu.0.publish(&Suite { suite: "noble".into(), ..suite("noble") });
    }

    fn commit(&self, tag: &str) -> String {
        self.queue.installation.git("aa", &["rev-parse", &format!("{tag}^{{commit}}")])
    }
}

#[test]
fn the_same_dsc_in_two_distros_is_one_commit() {
    for queue in [Queue::sqlite(), Queue::postgres()] {
        let world = Derivative::new(queue);
        // One is synced at the same time, the other later.
        world.debian(&package("aa", "1.0-1"));
        world.ubuntu(&package("aa", "1.0-1"));
        world.queue.well(&["run", "--poll"]);
        assert_eq!(world.commit("debian/1.0-1"), world.commit("ubuntu/1.0-1"));
        world.debian(&package("aa", "1.0-2").below(&["1.0-1"]));
        world.queue.well(&["poll"]);
        world.queue.well(&["run"]);
        world.ubuntu(&package("aa", "1.0-2").below(&["1.0-1"]));
        world.queue.well(&["poll"]);
        world.queue.well(&["run"]);
        assert_eq!(world.commit("debian/1.0-2"), world.commit("ubuntu/1.0-2"));
        assert_eq!(world.commit("debian/sid"), world.commit("ubuntu/noble"));
        let commits =
            world.queue.installation.git("aa", &["rev-list", "--count", "debian/sid", "ubuntu/noble"]);
        assert_eq!(commits.trim(), "3", "two versions and one upstream");
        world.queue.installation.assert_clean("aa");
    }
}

#[test]
fn a_version_waits_for_the_one_that_it_is_built_on() {
    for queue in [Queue::sqlite(), Queue::postgres()] {
        let world = Derivative::new(queue);
        world.debian(&package("aa", "1.0-1"));
        world.ubuntu(&package("aa", "1.1-1ubuntu1").below(&["1.1-1", "1.0-1"]));
        world.queue.well(&["run", "--poll"]);
        assert_eq!(branch(&world.queue, "debian/sid"), ["1.0-1"], "the others do not wait with it");
        assert_eq!(world.queue.number("SELECT COUNT(*) FROM version WHERE distro = 'ubuntu'"), 0);
        assert_eq!(world.queue.number("SELECT COUNT(*) FROM failure"), 0);
        for command in [&["show", "aa"][..], &["queue"], &["freshness", "aa"]] {
            let said = world.queue.well(command).replace("\n", " ").replace("  ", " ");
            assert!(said.contains("debian 1.1-1, on which ubuntu 1.1-1ubuntu1 is built"), "{said}");
        }
        world.debian(&package("aa", "1.1-1").below(&["1.0-1"]));
        world.queue.well(&["run", "--poll"]);
        world.queue.well(&["poll"]);
        world.queue.well(&["run"]);
        assert_eq!(branch(&world.queue, "ubuntu/noble"), ["1.1-1ubuntu1", "1.1-1", "1.0-1"]);
        assert_eq!(world.queue.number("SELECT COUNT(*) FROM wait"), 0);
        assert_eq!(world.queue.number("SELECT COUNT(*) FROM event WHERE action = 'went-on-without'"), 0);
        assert_eq!(world.queue.number("SELECT COUNT(*) FROM job"), 0);
    }
}

#[test]
fn it_goes_on_when_that_does_not_come_and_keeps_its_parents() {
    let world = Derivative::new(Queue::sqlite());
    world.debian(&package("aa", "1.0-1"));
    world.ubuntu(&package("aa", "1.1-1ubuntu1").below(&["1.1-1", "1.0-1"]));
    world.queue.well(&["run", "--poll"]);
    world.queue.let_waits_pass(5 * HOUR);
    world.queue.well(&["enqueue", "aa"]);
    world.queue.well(&["run"]);
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM version WHERE distro = 'ubuntu'"), 0, "not yet");
    world.queue.let_waits_pass(2 * HOUR);
    world.queue.well(&["run"]);
    assert_eq!(branch(&world.queue, "ubuntu/noble"), ["1.1-1ubuntu1", "1.0-1"]);
    let shown = world.queue.well(&["show", "aa"]).replace("\n", " ").replace("  ", " ");
    assert!(
        shown.contains("ubuntu 1.1-1ubuntu1 was imported without debian 1.1-1, on which it is built"),
        "{shown}"
    );
    let audit = world.queue.well(&["audit"]);
    assert!(audit.contains("went-on-without"), "{audit}");
    let before = world.commit("ubuntu/noble");
    world.debian(&package("aa", "1.1-1").below(&["1.0-1"]));
    world.queue.well(&["poll"]);
    world.queue.well(&["run"]);
    assert_eq!(branch(&world.queue, "debian/sid"), ["1.1-1", "1.0-1"]);
    assert_eq!(world.commit("ubuntu/noble"), before);
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM job"), 0);
}

#[test]
fn what_the_base_has_passed_over_is_not_waited_for() {
    let world = Derivative::new(Queue::sqlite());
    world.debian(&package("aa", "1.2-1").below(&["1.1-1", "1.0-1"]));
    world.ubuntu(&package("aa", "1.1-1ubuntu1").below(&["1.1-1", "1.0-1"]));
    world.queue.well(&["run", "--poll"]);
    assert_eq!(branch(&world.queue, "ubuntu/noble"), ["1.1-1ubuntu1"]);
    assert_eq!(world.queue.number("SELECT COUNT(*) FROM wait"), 0);
}
