//! `apt = true`, with an archive in trouble: apt goes on with its old lists and calls that a success; a poll does not. And
//! the real apt beside a poll: what differs stands in `docs/archives.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use package_import_tests::archive::{Suite, TestArchive, suite};
use package_import_tests::queue::{Queue, text};
use package_import_tests::signer::Signer;
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};
use serde_json::Value;

use super::world::World;

/// A configuration of apt's that has nothing of the machine's.
pub struct Apt(PathBuf);

impl Apt {
    pub fn new(folder: PathBuf, source: &str) -> Apt {
        let made = [
            "state/lists/partial",
            "cache/archives/partial",
            "etc/apt.conf.d",
            "etc/preferences.d",
            "etc/sources.list.d",
            "etc/trusted.gpg.d",
            "etc/auth.conf.d",
        ];
        made.iter().for_each(|part| fs::create_dir_all(folder.join(part)).unwrap());
        fs::write(folder.join("status"), "").unwrap();
        fs::write(folder.join("etc/sources.list"), source).unwrap();
        let place = folder.display();
        let config = format!(
            "Dir::State \"{place}/state\";\nDir::State::status \"{place}/status\";\nDir::Cache \"{place}/cache\";\n\
             Dir::Etc \"{place}/etc\";\nAPT::Sandbox::User \"root\";\nAcquire::Retries \"0\";\nAcquire::Languages \"none\";\n"
        );
        fs::write(folder.join("apt.conf"), config).unwrap();
        Apt(folder)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program).args(arguments).env("APT_CONFIG", self.0.join("apt.conf")).output().unwrap()
    }

    /// True when apt accepts the index, and has the package.
    pub fn takes(&self, name: &str) -> bool {
        self.run("apt-get", &["update"]);
        text(&self.run("apt-cache", &["showsrc", name])).to_lowercase().contains("package:")
    }
}

/// An installation whose archive is the machine's apt.
struct Machine {
    archive: TestArchive,
    server: Server,
    queue: Queue,
    apt: Apt,
    suite: Suite,
}

impl Machine {
    fn new() -> Machine {
        let archive = TestArchive::new();
        archive.add("main", "aa", &package("aa", "1.0-1"));
        let suite = Suite { origin: Some("Test".into()), ..suite("sid") };
        archive.publish(&suite);
        let server = Server::new(archive.root());
        let (url, keyring) = (server.url(), archive.signer.keyring.display().to_string());
        let apt = Apt::new(archive.extra("apt"), &format!("deb [signed-by={keyring}] {url} sid main\n"));
        let queue = Queue::sqlite();
        queue.installation.configure("[[archives]]\nname = 'a'\ndistro = 'test'\napt = true\n");
        Machine { archive, server, queue, apt, suite }
    }

    fn poll(&self) -> Output {
        let config = self.apt.0.join("apt.conf");
        self.queue.command(&["poll"]).env("APT_CONFIG", config).output().unwrap()
    }

    fn polled(&self) -> i64 {
        self.queue.number("SELECT polled FROM suite WHERE suite = 'sid'")
    }

    /// The poll fails, is not taken for one that worked, and says this.
    fn fails(&self, word: &str) {
        let before = self.polled();
        let output = self.poll();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{word}: {said}");
        assert!(said.contains("poll/apt-failed") && said.contains(word), "{word}: {said}");
        assert_eq!(self.polled(), before, "{word}: never polled with success");
        let answer: Value = serde_json::from_str(&self.queue.well(&["archives", "--json"])).unwrap();
        assert_eq!(answer["suites"][0]["verdict"], "failing", "{word}");
    }
}

#[test]
fn what_apt_calls_a_success_is_none() {
    let machine = Machine::new();
    assert!(text(&machine.poll()).contains("1 new"));
    assert!(text(&machine.poll()).contains("unchanged"));
    machine.server.refuse(true);
    machine.fails("onnect");
    machine.server.refuse(false);
    let index = ["/dists/sid/InRelease", "/dists/sid/Release", "/dists/sid/Release.gpg"];
    for code in [404, 503, 401] {
        index.iter().for_each(|path| machine.server.on(path, Answer::Status(code, vec![], vec![])));
        machine.fails(if code == 404 { "Release file" } else { "Failed to fetch" });
    }
    index.iter().for_each(|path| machine.server.on(path, Answer::File));
    // The list is away, and the index is not.
    machine.archive.add("main", "bb", &package("bb", "1.0-1"));
    machine.archive.publish(&machine.suite);
    for ending in [".xz", ".gz", ""] {
        let path = format!("/dists/sid/main/source/Sources{ending}");
        machine.server.on(&path, Answer::Status(500, vec![], vec![]));
    }
    machine.fails("Sources");
    for ending in [".xz", ".gz", ""] {
        machine.server.on(&format!("/dists/sid/main/source/Sources{ending}"), Answer::File);
    }
    assert!(text(&machine.poll()).contains("1 new"));
    // Signed by somebody else, expired, of another release.
    let folder = machine.archive.root().join("dists/sid");
    let good = fs::read(folder.join("InRelease")).unwrap();
    let other = Signer::new(&machine.archive.extra("other"), "other");
    resign(&folder, &other);
    machine.fails("sid InRelease");
    let past = Some("Sat, 06 Sep 2025 09:33:48 UTC".to_owned());
    machine.archive.publish(&Suite { valid_until: past, ..again(&machine.suite) });
    machine.fails("expired");
    machine.archive.publish(&Suite { codename: "trixie".into(), ..again(&machine.suite) });
    machine.fails("changed its 'Codename'");
    fs::write(folder.join("InRelease"), good).unwrap();
    assert!(text(&machine.poll()).contains("unchanged"));
}

/// An error of apt's that is about no index, as another program that holds its lock.
#[test]
fn an_update_that_could_not_start_is_no_success() {
    let machine = Machine::new();
    assert!(text(&machine.poll()).contains("1 new"));
    let lists = machine.queue.installation.root().join("cache/apt/lists/lock");
    let lock = fs::OpenOptions::new().write(true).open(lists).unwrap();
    rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    machine.fails("Could not get lock");
    drop(lock);
    assert!(text(&machine.poll()).contains("unchanged"));
}

/// apt does not wait for its own lock; those who share an installation wait for each other.
#[test]
fn several_commands_use_apt_at_the_same_time() {
    let machine = Machine::new();
    for name in ["bb", "cc", "dd"] {
        machine.archive.add("main", name, &package(name, "1.0-1"));
    }
    machine.archive.publish(&machine.suite);
    let start = |name: &&str| {
        let config = machine.apt.0.join("apt.conf");
        let mut command = machine.queue.command(&["import", "--from", "apt", name]);
        command.env("APT_CONFIG", config).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<_> = ["aa", "bb", "cc", "dd"].iter().map(start).collect();
    for child in started {
        let output = child.wait_with_output().unwrap();
        let said = text(&output);
        assert!(output.status.success() && !said.contains("lock"), "{said}");
    }
}

fn again(suite: &Suite) -> Suite {
    Suite { origin: suite.origin.clone(), ..package_import_tests::archive::suite(&suite.name) }
}

/// Signs an index anew, by another key.
pub fn resign(folder: &Path, by: &Signer) {
    let signed = fs::read_to_string(folder.join("InRelease")).unwrap();
    let text = signed.split_once("\n\n").unwrap().1.split("-----BEGIN PGP SIGNATURE").next().unwrap();
    fs::write(folder.join("Release"), text).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    by.gpg(&["--output", &path("InRelease"), "--clearsign", &path("Release")]);
    fs::remove_file(folder.join("Release")).unwrap();
}

/// Variant of an archive: `None` where apt and the poll accept it, else the message of the poll.
struct Case {
    what: &'static str,
    index: fn(String) -> String,
    list: fn(String) -> String,
    apt: bool,
    poll: &'static str,
}

const SAME: fn(String) -> String = |text| text;

fn without(text: String, field: &str) -> String {
    text.lines().filter(|line| !line.starts_with(field)).map(|line| format!("{line}\n")).collect()
}

fn dated(text: String, date: &str) -> String {
    format!("{}Date: {date}\n", without(text, "Date:")).replace("\n\n", "\n")
}

/// The sums of one algorithm alone.
fn only(text: String, wanted: &str) -> String {
    let mut keep = true;
    let line = |line: &str| {
        if !line.starts_with(' ') {
            keep =
                !["MD5Sum:", "SHA1:", "SHA256:", "SHA512:"].contains(&line.trim()) || line.trim() == wanted;
        }
        keep.then(|| format!("{line}\n"))
    };
    text.lines().filter_map(line).collect()
}

/// A list without the sums that count.
fn weak(text: String) -> String {
    let mut keep = true;
    let line = |line: &str| {
        keep = if line.starts_with(' ') { keep } else { !line.starts_with("Checksums-") };
        keep.then(|| format!("{line}\n"))
    };
    text.lines().filter_map(line).collect()
}

const CASES: &[Case] = &[
    Case { what: "SHA512 alone", index: |t| only(t, "SHA512:"), list: SAME, apt: true, poll: "1 new" },
    Case {
        what: "MD5 alone",
        index: |t| only(t, "MD5Sum:"),
        list: SAME,
        apt: false,
        poll: "poll/bad-release",
    },
    Case {
        what: "an hour of one digit",
        index: |t| dated(t, "Tue, 5 Nov 2024 9:03:43 UTC"),
        list: SAME,
        apt: true,
        poll: "1 new",
    },
    Case {
        what: "asctime",
        index: |t| dated(t, "Tue Nov  5 09:03:43 2024"),
        list: SAME,
        apt: true,
        poll: "1 new",
    },
    Case {
        what: "another zone",
        index: |t| dated(t, "Tue, 05 Nov 2024 10:03:43 +0100"),
        list: SAME,
        apt: true,
        poll: "1 new",
    },
    Case {
        what: "a date that nobody reads",
        index: |t| dated(t, "Thu., 09 May 2024 06:03:43 GMT"),
        list: SAME,
        apt: true,
        poll: "cannot be read",
    },
    Case { what: "no date", index: |t| without(t, "Date:"), list: SAME, apt: true, poll: "has no Date" },
    Case {
        what: "another name",
        index: |t| t.replace("Codename: sid", "Codename: trixie"),
        list: SAME,
        apt: true,
        poll: "poll/wrong-suite",
    },
    Case {
        what: "no name",
        index: |t| without(without(t, "Codename:"), "Suite:"),
        list: SAME,
        apt: true,
        poll: "poll/wrong-suite",
    },
    Case {
        what: "a field twice, the same",
        index: |t| format!("Label: x\nLabel: x\n{t}"),
        list: SAME,
        apt: true,
        poll: "1 new",
    },
    Case {
        what: "Valid-Until that nobody reads",
        index: |t| format!("Valid-Until: soon\n{t}"),
        list: SAME,
        apt: false,
        poll: "poll/bad-release",
    },
    Case {
        what: "expired",
        index: |t| format!("Valid-Until: Sat, 06 Sep 2025 09:33:48 UTC\n{t}"),
        list: SAME,
        apt: false,
        poll: "poll/expired",
    },
    Case {
        what: "a name twice",
        index: |t| format!("Codename: trixie\n{t}"),
        list: SAME,
        apt: true,
        poll: "poll/bad-release",
    },
    Case { what: "files with MD5 alone", index: SAME, list: weak, apt: true, poll: "has no SHA-256" },
];

#[test]
fn apt_beside_a_poll() {
    for case in CASES {
        let world = World::new(&["main"]);
        world.add("main", "aa", "1.0-1");
        world.publish();
        world.edit(case.list, case.index);
        let (url, keyring) = (world.server.url(), world.archive.signer.keyring.display().to_string());
        let apt =
            Apt::new(world.archive.extra("apt"), &format!("deb-src [signed-by={keyring}] {url} sid main\n"));
        assert_eq!(apt.takes("aa"), case.apt, "{}: apt", case.what);
        let said = world.poll(&[]);
        assert!(said.contains(case.poll), "{}: {said}", case.what);
        // A package that both accept is imported.
        if case.apt && !case.poll.starts_with("poll/") && case.poll != "has no SHA-256" {
            world.queue.well(&["run"]);
            assert_eq!(world.imported(), ["aa 1.0-1"], "{}", case.what);
        }
    }
}
