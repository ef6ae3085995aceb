//! Archives that others have met: each is polled, imported and said as it should be.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use package_import_tests::archive::{Suite, suite};
use package_import_tests::queue::text;
use package_import_tests::signer::Signer;
use package_import_tests::synthetic::package;
use package_import_tests::web::Answer;

use super::world::{World, pool};

fn with_aa() -> World {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    world
}

/// Lines of a list without the sums of one algorithm.
fn without_sums(text: &str, field: &str) -> String {
    let mut keep = true;
    let line = |line: &str| {
        keep = if line.starts_with(' ') { keep } else { line != field };
        keep.then(|| format!("{line}\n"))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn files_with_weak_sums_alone() {
    let world = with_aa();
    world.edit(|text| without_sums(&text, "Checksums-Sha256:"), |index| index);
    assert!(world.poll(&[]).contains("has no SHA-256; `allow_weak_checksums = true`"));
    assert!(world.listed().is_empty());
    assert_eq!(world.verdict()["verdict"], "remarks");
    assert!(world.check("archive").1.contains("has no SHA-256") || world.check("archive").0 == 3);
    world.with("allow_weak_checksums = true");
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported(), ["aa 1.0-1"], "another option is no unchanged index");
    // It is not allowed any more: what is on record stays, and that is said.
    world.with("");
    assert!(world.poll(&[]).contains("has no SHA-256"));
    assert_eq!(world.listed(), ["aa 1.0-1 main"]);
}

#[test]
fn servers_that_refuse_what_is_not_there() {
    // A bucket that may not be listed answers 403 for what it does not have.
    let mut world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.suite.inline = false;
    world.publish();
    world.server.on("/dists/sid/InRelease", Answer::Status(403, vec![], b"<Error/>".to_vec()));
    assert!(world.poll(&[]).contains("1 new"));
    world.suite = Suite { by_hash: true, ..suite("sid") };
    world.add("main", "bb", "1.0-1");
    world.publish();
    world.server.on("/dists/sid/InRelease", Answer::File);
    let hashes = world.archive.root().join("dists/sid/main/source/by-hash/SHA256");
    for entry in fs::read_dir(&hashes).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("/dists/sid/main/source/by-hash/SHA256/{name}");
        world.server.on(&path, Answer::Status(403, vec![], vec![]));
    }
    assert!(world.poll(&[]).contains("1 new"));
    // A file of the pool that is refused is no file that is gone.
    let tarball = pool(&world, "bb_1.0-1.debian.tar.gz");
    world.server.on(&tarball, Answer::Status(403, vec![], vec![]));
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
    assert!(world.queue.well(&["failures"]).contains("fetch/refused"));
    world.server.on(&tarball, Answer::File);
    world.queue.well(&["retry", "bb"]);
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), ["aa 1.0-1", "bb 1.0-1"]);
}

#[test]
fn one_version_with_two_contents() {
    let world = with_aa();
    world.queue.well(&["run", "--poll"]);
    world.archive.add("main", "aa", &package("aa", "1.0-1").remark("Other."));
    world.publish();
    assert!(world.poll(&[]).contains("1 new"));
    world.queue.well(&["run"]);
    let tags = world.tags("aa");
    assert!(tags.iter().any(|tag| tag == "debian/1.0-1"), "{tags:?}");
    assert!(tags.iter().any(|tag| tag.starts_with("reimport/debian/1.0-1/")), "{tags:?}");
    assert_eq!(world.freshness("aa")["state"], "current");
}

#[test]
fn a_list_of_suites_that_cannot_be_had() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    for name in ["trixie", "trixie-updates"] {
        world.archive.publish(&suite(name));
    }
    let mirrors = format!("mirrors = ['{}']", world.server.url());
    world.configure(&mirrors, "[[archives.suites]]\nname = 'trixie*'");
    world.queue.well(&["run", "--poll"]);
    for code in [404, 403, 503] {
        world.server.on("/dists/", Answer::Status(code, vec![], b"nope".to_vec()));
        let said = world.poll(&[]);
        assert!(
            said.contains("a trixie: unchanged") && said.contains("a trixie-updates: unchanged"),
            "{code}: {said}"
        );
        assert!(said.contains("are followed on"), "{code}: {said}");
        assert!(world.queue.well(&["archives"]).contains("are followed on"), "{code}");
    }
    world.server.on("/dists/", Answer::File);
    world.configure(&mirrors, "[[archives.suites]]\nname = 'trixy*'");
    world.queue.well(&["run", "--poll"]);
    let (state, line) = world.check("archive");
    assert!(state == 1 && line.contains("a/trixy*: no-match"), "{line}");
    assert!(world.queue.well(&["status"]).contains("no suite fits"));
}

#[test]
fn names_that_are_not_those_asked_for() {
    for (name, codename, own_suite, expect) in [
        ("bionic/snapshots/5.12", "bionic", "bionic", "bionic"),
        ("devel", "resolute", "resolute", "resolute"),
    ] {
        let world = World::new(&["main"]);
        world.add("main", "aa", "1.0-1");
        let suite = Suite { codename: codename.into(), suite: own_suite.into(), ..suite(name) };
        world.archive.publish(&suite);
        let mirrors = format!("mirrors = ['{}']", world.server.url());
        let follow = |more: &str| {
            world.configure(&mirrors, &format!("[[archives.suites]]\nname = '{name}'\nbranch = 'x'\n{more}"));
        };
        follow("");
        let said = world.poll(&[]);
        assert!(
            said.contains("poll/wrong-suite") && said.contains(&format!("expect = \"{expect}\"")),
            "{said}"
        );
        follow(&format!("expect = '{expect}'"));
        world.queue.well(&["run", "--poll"]);
        assert_eq!(world.imported(), ["aa 1.0-1"], "{name}");
        follow("expect = 'other'");
        assert!(world.poll(&[]).contains("poll/wrong-suite"));
    }
}

#[test]
fn flat_archives() {
    for (folder, name) in [("", "./"), ("", "/"), ("repo", "repo/")] {
        let world = World::new(&["main"]);
        let place = world.archive.root().join(folder);
        fs::create_dir_all(&place).unwrap();
        package("aa", "1.0-1").write(&place);
        let output = std::process::Command::new("apt-ftparchive")
            .args(["sources", if folder.is_empty() { "." } else { folder }])
            .current_dir(world.archive.root())
            .output()
            .unwrap();
        assert!(output.status.success());
        fs::write(place.join("Sources"), &output.stdout).unwrap();
        let flat = Suite { components: vec![], codename: "x".into(), ..suite("x") };
        world.archive.sign(&place, &flat, |index| index);
        let mirrors = format!("mirrors = ['{}']", world.server.url());
        let more = "branch = 'main'\nexpect = 'x'";
        world.configure(&mirrors, &format!("[[archives.suites]]\nname = '{name}'\n{more}"));
        world.queue.well(&["run", "--poll"]);
        assert_eq!(world.imported(), ["aa 1.0-1"], "{name}: {}", world.poll(&[]));
    }
}

#[test]
fn folders_with_odd_names() {
    for folder in ["pool/a b", "pool/@scope/a", "pool/.hidden", "pool/a(1)", "pool/ä+ö", "pool/100%25"] {
        let world = World::new(&["main"]);
        let place = world.archive.root().join(folder);
        fs::create_dir_all(&place).unwrap();
        package("aa", "1.0-1").write(&place);
        world.add("main", "aa", "1.0-1");
        world.publish();
        world.edit(
            |text| text.replace("Directory: pool/main/a/aa", &format!("Directory: {folder}")),
            |index| index,
        );
        fs::remove_dir_all(world.archive.root().join("pool/main/a")).unwrap();
        world.queue.well(&["run", "--poll"]);
        assert_eq!(world.imported(), ["aa 1.0-1"], "{folder}: {}", world.poll(&[]));
    }
}

#[test]
fn a_server_that_knows_no_parts() {
    let world = World::new(&["main"]);
    let noise: Vec<u8> = (0..50_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    world.archive.add("main", "aa", &package("aa", "1.0-1").upstream("noise", noise));
    world.publish();
    let tarball = pool(&world, ".orig.tar.gz");
    let refused = Answer::Status(416, vec![], vec![]);
    world.server.on_each(&tarball, &[Answer::Cut(5000), refused, Answer::File]);
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
    assert!(world.queue.texts("SELECT message FROM attempt WHERE outcome = 'failed'").is_empty());
}

#[test]
fn a_first_mirror_that_is_dead_is_said_and_does_no_harm() {
    let world = with_aa();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mirrors = format!("mirrors = ['http://{closed}', '{}']", world.server.url());
    world.configure(&mirrors, "[[archives.suites]]\nname = 'sid'");
    let said = world.queue.well(&["run", "--poll"]);
    assert!(said.contains("passed over") && said.contains("Connection refused"), "{said}");
    assert_eq!(world.imported(), ["aa 1.0-1"]);
    assert_eq!(world.verdict()["verdict"], "remarks");
    for said in [world.queue.well(&["archives"]), world.check("archive").1] {
        assert!(said.contains(&format!("passed over: http://{closed}/dists/sid/InRelease")), "{said}");
    }
}

#[test]
fn polls_that_fail_are_told_once_and_then_by_the_checks() {
    let world = with_aa();
    world.with("poll_interval = '1s'");
    world.queue.well(&["run", "--poll"]);
    for path in ["/dists/sid/InRelease", "/dists/sid/Release"] {
        world.server.on(path, Answer::Status(404, vec![], vec![]));
    }
    let long_ago = "UPDATE suite SET polled = polled - 60000, failed = failed - 60000";
    let mut told = Vec::new();
    for _ in 0..3 {
        world.queue.store().write(|tx| tx.execute(long_ago, &[])).unwrap();
        told.push(world.queue.well(&["run", "--poll"]).contains("poll/no-suite"));
    }
    assert_eq!(told, [true, false, false], "no mail every five minutes");
    let (state, line) = world.check("archive");
    assert!(state == 2 && line.contains("a/sid not polled since"), "{line}");
    assert!(world.queue.well(&["status"]).contains("poll/no-suite"));
    assert_eq!(world.verdict()["verdict"], "failing");
}

#[test]
fn an_archive_whose_clock_was_wrong() {
    let world = with_aa();
    let ahead = format!("Date: {}", date_of("50 minutes"));
    world.edit(|text| text, |index| replaced(&index, "Date:", &ahead));
    assert!(world.poll(&[]).contains("1 new"));
    world.add("main", "bb", "1.0-1");
    world.publish();
    let said = world.poll(&[]);
    assert!(said.contains("poll/rolled-back") && said.contains("poll ARCHIVE --accept-older"), "{said}");
    assert!(world.poll(&["a", "--accept-older"]).contains("1 new"));
    assert!(world.poll(&[]).contains("unchanged"), "from here on the right date counts");
}

fn replaced(text: &str, field: &str, with: &str) -> String {
    let line = |line: &str| if line.starts_with(field) { format!("{with}\n") } else { format!("{line}\n") };
    text.lines().map(line).collect()
}

/// A time from now as an index has it.
fn date_of(ahead: &str) -> String {
    let output = std::process::Command::new("date").args(["-u", "-R", "-d", ahead]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().replace("+0000", "UTC")
}

#[test]
fn an_index_and_its_signature_of_two_moments() {
    let mut world = World::new(&["main"]);
    world.suite.inline = false;
    world.add("main", "aa", "1.0-1");
    world.publish();
    let folder = world.archive.root().join("dists/sid");
    let old = fs::read(folder.join("Release.gpg")).unwrap();
    world.add("main", "bb", "1.0-1");
    world.publish();
    let new = fs::read(folder.join("Release.gpg")).unwrap();
    fs::write(folder.join("Release.gpg"), old).unwrap();
    assert!(world.poll(&[]).contains("poll/bad-signature"));
    assert!(world.listed().is_empty());
    fs::write(folder.join("Release.gpg"), new).unwrap();
    assert!(world.poll(&[]).contains("2 new"));
}

#[test]
fn keyrings_as_apt_reads_them() {
    let world = with_aa();
    let other = Signer::new(&world.archive.extra("other"), "other");
    let armored = world.archive.extra("keys").join("archive.asc");
    let home_export = |signer: &Signer, to: &std::path::Path| {
        signer.gpg(&["--output", to.to_str().unwrap(), "--armor", "--export"]);
    };
    home_export(&world.archive.signer, &armored);
    let folder = armored.parent().unwrap().to_owned();
    fs::copy(&other.keyring, folder.join("other.gpg")).unwrap();
    let own = world.archive.signer.keyring.display().to_string();
    let missing = folder.join("no-such.gpg");
    let configure = |keyrings: &str| {
        let url = world.server.url();
        world.queue.installation.configure(&format!(
            "[import]\nrepack = false\n[[archives]]\nname = 'a'\ndistro = 'debian'\nmirrors = ['{url}']\n\
             keyrings = [{keyrings}]\n[[archives.suites]]\nname = 'sid'\n"
        ));
        let _ = fs::remove_file(world.queue.installation.root().join("state.db"));
        world.poll(&[])
    };
    for good in [armored.display().to_string(), folder.display().to_string(), own.clone()] {
        assert!(configure(&format!("'{good}'")).contains("1 new"), "{good}");
    }
    // One that is missing is named, beside one that is right and alone.
    let said = configure(&format!("'{}', '{own}'", missing.display()));
    assert!(said.contains("1 new") && said.contains("no-such.gpg"), "{said}");
    let said = configure(&format!("'{}'", missing.display()));
    assert!(said.contains("poll/no-keyring") && said.contains("no-such.gpg"), "{said}");
    let said = configure(&format!("'{}'", other.keyring.display()));
    assert!(said.contains("poll/unknown-key"), "{said}");
    let empty = folder.join("empty.gpg");
    fs::write(&empty, "").unwrap();
    let said = configure(&format!("'{}'", empty.display()));
    assert!(said.contains("empty.gpg"), "{said}");
}

#[test]
fn components_of_one_suite() {
    let world = World::new(&["main", "contrib"]);
    world.add("main", "aa", "1.0-1");
    world.add("contrib", "bb", "1.0-1");
    world.publish();
    let mirrors = format!("mirrors = ['{}']\ncomponents = ['main', 'contrib']", world.server.url());
    world.configure(&mirrors, "[[archives.suites]]\nname = 'sid'\ncomponents = ['contrib']");
    world.poll(&[]);
    assert_eq!(world.listed(), ["bb 1.0-1 contrib"]);
    world.configure(&mirrors, "[[archives.suites]]\nname = 'sid'");
    world.poll(&[]);
    assert_eq!(world.listed(), ["aa 1.0-1 main", "bb 1.0-1 contrib"]);
    world.configure(&mirrors, "[[archives.suites]]\nname = 'sid'\ncomponents = ['main', 'non-free']");
    assert!(world.poll(&[]).contains("component non-free: the index has no list"));
    assert_eq!(world.listed(), ["aa 1.0-1 main"]);
}

/// A SOCKS5 server that connects to whatever it is asked for. Counts its connections.
fn socks() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = count.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            thread::spawn(move || tunnel(client));
        }
    });
    (host, count)
}

fn tunnel(mut client: TcpStream) -> std::io::Result<()> {
    let mut head = [0; 2];
    client.read_exact(&mut head)?;
    client.read_exact(&mut vec![0; head[1].into()])?;
    client.write_all(&[5, 0])?;
    let mut request = [0; 4];
    client.read_exact(&mut request)?;
    let host = match request[3] {
        1 => {
            let mut address = [0; 4];
            client.read_exact(&mut address)?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        _ => {
            let mut length = [0];
            client.read_exact(&mut length)?;
            let mut name = vec![0; length[0].into()];
            client.read_exact(&mut name)?;
            String::from_utf8(name).unwrap()
        }
    };
    let mut port = [0; 2];
    client.read_exact(&mut port)?;
    // The name is one that only the proxy knows.
    let host = if host == "archive.invalid" { "127.0.0.1".to_owned() } else { host };
    let mut server = TcpStream::connect((host.as_str(), u16::from_be_bytes(port)))?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut server, &mut client).map(drop)
}

#[test]
fn proxies_of_the_environment() {
    let world = with_aa();
    let through = |variables: &[(&str, &str)]| {
        let mut command = world.queue.command(&["poll"]);
        for name in
            ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "ALL_PROXY", "HTTPS_PROXY", "NO_PROXY"]
        {
            command.env_remove(name);
        }
        text(&command.envs(variables.iter().copied()).output().unwrap())
    };
    let (host, count) = socks();
    // The name is looked up by the proxy.
    let port = world.server.url().rsplit(':').next().unwrap().to_owned();
    world.configure(
        &format!("mirrors = ['http://archive.invalid:{port}']"),
        "[[archives.suites]]\nname = 'sid'",
    );
    let said = through(&[("all_proxy", &format!("socks5h://{host}"))]);
    assert!(said.contains("1 new"), "{said}");
    assert!(count.load(std::sync::atomic::Ordering::SeqCst) > 0);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for proxy in
        [format!("socks5h://{closed}"), format!("http://{closed}"), format!("http://user:pa%40ss@{closed}")]
    {
        let said = through(&[("http_proxy", &proxy)]);
        assert!(said.contains("poll/connect"), "{proxy}: {said}");
    }
    for bad in ["::bad", "gopher://x:1", "http://"] {
        let said = through(&[("http_proxy", bad)]);
        assert!(said.contains("http_proxy") && said.contains("no address of a proxy"), "{bad}: {said}");
    }
    // A server that asks for a password says so.
    world.with("");
    for path in ["/dists/sid/InRelease", "/dists/sid/Release"] {
        world.server.on(path, Answer::Status(401, vec!["WWW-Authenticate: Basic realm=x".into()], vec![]));
    }
    let said = through(&[]);
    assert!(said.contains("poll/refused") && said.contains("apt = true"), "{said}");
}

#[test]
fn an_outage_with_nothing_parked_keeps_no_run_waiting() {
    let world = with_aa();
    world.queue.well(&["run", "--poll"]);
    world.server.refuse(true);
    let sql = "UPDATE suite SET polled = polled - 3600000, failed = NULL";
    for _ in 0..6 {
        world.queue.store().write(|tx| tx.execute(sql, &[])).unwrap();
        world.queue.well(&["run", "--poll"]);
    }
    assert!(world.queue.well(&["status"]).contains("out of reach"), "the breaker is open");
    let probes = "SELECT probes FROM dependency WHERE state = 'open'";
    assert_eq!(world.queue.number(probes), 0, "no run has waited for the first probe");
}

#[test]
fn a_series_that_is_released() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    let publish = |name: &str, codename: &str| {
        let own = Suite { codename: codename.into(), suite: name.into(), ..suite(name) };
        world.archive.publish(&own);
    };
    publish("stable", "trixie");
    publish("testing", "forky");
    let mirrors = format!("mirrors = ['{}']", world.server.url());
    world.configure(&mirrors, "[[archives.suites]]\nname = 'stable'\n[[archives.suites]]\nname = 'testing'");
    world.queue.well(&["run", "--poll"]);
    // The former testing is stable now; a new series is testing.
    world.add("main", "aa", "2.0-1");
    publish("stable", "forky");
    publish("testing", "duke");
    let said = world.poll(&[]);
    assert!(
        !said.contains("same-branch") && said.contains("a stable:") && said.contains("a testing:"),
        "{said}"
    );
    world.queue.well(&["run"]);
    let refs = world.queue.refs();
    for branch in ["trixie", "forky", "duke"] {
        assert!(refs["aa.git"].contains(&format!("refs/heads/debian/{branch}\n")), "{branch}: {refs:?}");
    }
    let verdicts = world.queue.well(&["archives"]);
    assert!(!verdicts.contains("failing"), "{verdicts}");
}
