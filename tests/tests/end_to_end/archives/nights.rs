//! Bad nights of archives that nobody has specified. What was ever in an accepted index is imported in the end, nothing else is,
//! and what is not done is said meanwhile.

use std::fs;

use package_import_tests::archive::{Suite, suite};
use package_import_tests::build::Compression;
use package_import_tests::web::{Answer, Server};

use super::world::{World, pool};

const INDEX: &str = "/dists/sid/InRelease";
const LIST: &str = "/dists/sid/main/source/Sources";

/// An archive whose index is of an hour ago: dates have seconds, and a later one has to be newer.
fn with_aa() -> World {
    let mut world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.suite.date = date("1 hour ago");
    world.publish();
    world.suite.date = None;
    world
}

fn date(when: &str) -> Option<String> {
    let output = std::process::Command::new("date").args(["-u", "-R", "-d", when]).output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap().trim().replace("+0000", "UTC"))
}

fn bytes(world: &World, path: &str) -> Vec<u8> {
    fs::read(world.archive.root().join(&path[1..])).unwrap()
}

/// What waits for its time gets it, and everything is asked again.
fn later(world: &World) {
    world.queue.let_waits_pass(86_400_000);
    for sql in
        ["UPDATE suite SET not_before = NULL", "UPDATE dependency SET next_probe = 0 WHERE state = 'open'"]
    {
        world.queue.store().write(|tx| tx.execute(sql, &[])).unwrap();
    }
    world.queue.run_until_parked(world.queue.command(&["run", "--poll"]));
}

/// The check tells that something is wrong, and so does `archives`.
fn is_said(world: &World) {
    let (code, line) = world.check("archive");
    let verdict = world.verdict();
    assert_ne!(verdict["verdict"], "ok", "{verdict}");
    assert!(code != 0 || line.contains("polls failed") || line.contains("remark"), "{line}");
}

#[test]
fn an_index_that_is_replaced_while_its_lists_are_read() {
    let world = with_aa();
    let old = bytes(&world, INDEX);
    world.add("main", "aa", "1.0-2");
    world.publish();
    world.server.on_each(INDEX, &[Answer::Status(200, vec![], old), Answer::File]);
    assert!(world.poll(&[]).contains("2 new"));
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), ["aa 1.0-1", "aa 1.0-2"]);
}

#[test]
fn one_address_with_an_old_and_a_new_host_behind_it() {
    let world = with_aa();
    world.queue.well(&["run", "--poll"]);
    let (old, lists) = (bytes(&world, INDEX), [".xz", ".gz"].map(|it| bytes(&world, &format!("{LIST}{it}"))));
    world.add("main", "aa", "1.0-2");
    world.add("main", "bb", "1.0-1");
    world.publish();
    let body = |bytes: &[u8]| Answer::Status(200, vec![], bytes.to_vec());
    for _ in 0..3 {
        world.server.on(INDEX, Answer::File);
        [".xz", ".gz"].iter().for_each(|it| world.server.on(&format!("{LIST}{it}"), Answer::File));
        later(&world);
        assert_eq!(world.imported(), ["aa 1.0-1", "aa 1.0-2", "bb 1.0-1"]);
        assert_eq!(world.listed(), ["aa 1.0-1 main", "aa 1.0-2 main", "bb 1.0-1 main"]);
        world.server.on(INDEX, body(&old));
        for (ending, list) in [".xz", ".gz"].iter().zip(&lists) {
            world.server.on(&format!("{LIST}{ending}"), body(list));
        }
        later(&world);
        assert_eq!(
            world.listed(),
            ["aa 1.0-1 main", "aa 1.0-2 main", "bb 1.0-1 main"],
            "an old index takes nothing back"
        );
        is_said(&world);
    }
}

#[test]
fn a_package_moves_to_another_component_in_the_middle_of_a_push() {
    let mut world = World::new(&["main", "contrib"]);
    world.add("main", "aa", "1.0-1");
    world.add("contrib", "zz", "1.0-1");
    world.publish();
    world.poll(&[]);
    // The files have moved, and the index is the old one.
    let root = world.archive.root();
    fs::create_dir_all(root.join("pool/contrib/a")).unwrap();
    fs::rename(root.join("pool/main/a/aa"), root.join("pool/contrib/a/aa")).unwrap();
    world.queue.run_until_parked(world.queue.command(&["run"]));
    assert_eq!(world.imported(), ["zz 1.0-1"]);
    assert_eq!(world.freshness("aa")["why"], "waiting");
    world.suite = Suite { components: vec!["main".into(), "contrib".into()], ..suite("sid") };
    world.publish();
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1", "zz 1.0-1"]);
    assert_eq!(world.listed(), ["aa 1.0-1 contrib", "zz 1.0-1 contrib"]);
}

#[test]
fn lists_by_hash_of_which_some_are_not_there_yet() {
    let mut world = World::new(&["main"]);
    world.suite = Suite { by_hash: true, ..suite("sid") };
    world.add("main", "aa", "1.0-1");
    world.publish();
    let folder = "dists/sid/main/source/by-hash/SHA256";
    let names: Vec<String> = fs::read_dir(world.archive.root().join(folder))
        .unwrap()
        .map(|entry| format!("/{folder}/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    // None of them, and a list by its name that is a moment older.
    names.iter().for_each(|path| world.server.on(path, Answer::Status(404, vec![], vec![])));
    let older = Compression::Xz.pack(b"Package: zz\n");
    world.server.on(&format!("{LIST}.xz"), Answer::Status(200, vec![], older));
    assert!(world.poll(&[]).contains("1 new"), "the other form is right");
    // Some of them.
    world.add("main", "bb", "1.0-1");
    world.publish();
    world.server.on(&format!("{LIST}.gz"), Answer::Status(404, vec![], vec![]));
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1", "bb 1.0-1"]);
}

#[test]
fn an_index_of_tomorrow_and_one_of_today() {
    let mut world = with_aa();
    world.queue.well(&["run", "--poll"]);
    world.add("main", "bb", "1.0-1");
    world.suite.date = date("tomorrow");
    world.publish();
    later(&world);
    assert!(world.verdict()["error"].as_str().unwrap().contains("poll/from-future"), "{}", world.verdict());
    is_said(&world);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
    world.suite.date = date("now");
    world.publish();
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1", "bb 1.0-1"]);
    assert_eq!(world.verdict()["verdict"], "ok");
}

#[test]
fn redirects_in_a_circle_for_a_list_and_for_a_file() {
    let world = with_aa();
    for ending in [".xz", ".gz", ""] {
        let path = format!("{LIST}{ending}");
        world.server.on(&path, Answer::Redirect(path.clone()));
    }
    assert!(world.poll(&[]).contains("redirect-loop"));
    is_said(&world);
    for ending in [".xz", ".gz", ""] {
        world.server.on(&format!("{LIST}{ending}"), Answer::File);
    }
    let file = pool(&world, ".orig.tar.gz");
    world.server.on(&file, Answer::Redirect(file.clone()));
    later(&world);
    assert!(world.imported().is_empty());
    assert!(
        world.freshness("aa")["reason"].as_str().unwrap().contains("redirect"),
        "{}",
        world.freshness("aa")
    );
    world.server.on(&file, Answer::File);
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
}

#[test]
fn a_package_that_vanishes_before_it_was_imported_and_comes_back() {
    let world = with_aa();
    world.add("main", "zz", "1.0-1");
    world.publish();
    let files: Vec<String> = world.archive.pool().into_iter().filter(|path| path.contains("/aa_")).collect();
    files.iter().for_each(|path| world.server.on(path, Answer::Status(404, vec![], vec![])));
    world.queue.run_until_parked(world.queue.command(&["run", "--poll"]));
    let (aa, away) = (world.archive.root().join("pool/main/a/aa"), world.archive.extra("away").join("aa"));
    fs::rename(&aa, &away).unwrap();
    world.publish();
    later(&world);
    assert_eq!(world.imported(), ["zz 1.0-1"]);
    // It was listed no more, and no mirror had it: gone. Now it is there again, as it was.
    fs::rename(&away, &aa).unwrap();
    world.publish();
    files.iter().for_each(|path| world.server.on(path, Answer::File));
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1", "zz 1.0-1"]);
}

#[test]
fn sizes_that_lie_fail_that_package_alone() {
    let world = with_aa();
    world.add("main", "bb", "1.0-1");
    world.publish();
    let of_bb = |line: &str| match line.rsplit_once(' ') {
        Some((front, name)) if name.starts_with("bb_") && line.starts_with(' ') => {
            let (hash, size) = front.rsplit_once(' ').unwrap();
            format!("{hash} {} {name}\n", size.parse::<u64>().unwrap() + 1)
        }
        _ => format!("{line}\n"),
    };
    world.edit(|text| text.lines().map(of_bb).collect(), |index| index);
    world.queue.run_until_parked(world.queue.command(&["run", "--poll"]));
    assert_eq!(world.imported(), ["aa 1.0-1"]);
    let why = world.freshness("bb");
    assert!(["failing", "retrying"].contains(&why["why"].as_str().unwrap()), "{why}");
    assert!(why["reason"].as_str().unwrap().contains("bb_1.0-1"), "the file is named: {why}");
    world.publish();
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1", "bb 1.0-1"]);
}

#[test]
fn two_epochs_with_files_of_one_name() {
    let world = World::new(&["main", "contrib"]);
    world.add("main", "aa", "1.0-1");
    world.add("contrib", "aa", "1:1.0-1");
    world.publish();
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported(), ["aa 1.0-1", "aa 1:1.0-1"]);
    assert_eq!(world.tags("aa"), ["debian/1%1.0-1", "debian/1.0-1"]);
}

#[test]
fn a_list_that_is_empty_all_at_once() {
    let world = with_aa();
    let names: Vec<String> = (0..12).map(|number| format!("p{number:02}")).collect();
    names.iter().for_each(|name| world.add("main", name, "1.0-1"));
    world.publish();
    world.queue.well(&["run", "--poll"]);
    let all = world.listed();
    world.edit(|_| String::new(), |index| index);
    later(&world);
    assert_eq!(world.listed(), all, "nothing is taken for removed at once");
    is_said(&world);
    world.publish();
    later(&world);
    assert_eq!(world.listed(), all);
    assert_eq!(world.verdict()["verdict"], "ok");
}

#[test]
fn a_component_whose_list_is_an_empty_file() {
    let world = World::new(&["main", "contrib"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    assert!(!bytes(&world, "/dists/sid/contrib/source/Sources.gz").is_empty());
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
    assert_eq!(world.verdict()["verdict"], "ok");
}

#[test]
fn a_file_of_the_pool_that_is_another_one_of_the_same_size() {
    let world = with_aa();
    let path = pool(&world, ".debian.tar.gz");
    let (place, good) = (world.archive.root().join(&path[1..]), bytes(&world, &path));
    let mut other = good.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    fs::write(&place, &other).unwrap();
    world.queue.run_until_parked(world.queue.command(&["run", "--poll"]));
    assert!(world.imported().is_empty());
    assert!(world.freshness("aa")["reason"].as_str().unwrap().contains("debian.tar.gz"));
    fs::write(&place, &good).unwrap();
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
}

#[test]
fn an_index_with_nothing_in_it_and_one_that_is_packed_unasked() {
    let world = with_aa();
    let release = bytes(&world, INDEX);
    for path in [INDEX, "/dists/sid/Release", "/dists/sid/Release.gpg"] {
        world.server.on(path, Answer::Status(200, vec![], vec![]));
    }
    let said = world.poll(&[]);
    assert!(said.contains("poll/truncated") || said.contains("poll/unsigned"), "{said}");
    is_said(&world);
    let packed = Compression::Gz.pack(&release);
    world.server.on(INDEX, Answer::Status(200, vec!["Content-Encoding: gzip".into()], packed));
    let said = world.poll(&[]);
    assert!(said.contains("1 new") || said.contains("gzip"), "{said}");
}

#[test]
fn a_first_mirror_that_is_behind_and_has_lost_its_lists() {
    let world = with_aa();
    let frozen = world.archive.extra("frozen");
    let copied = std::process::Command::new("cp").arg("-a").arg(world.archive.root()).arg(&frozen).status();
    assert!(copied.unwrap().success());
    let first = Server::new(frozen.join("mirror"));
    let mirrors = format!("mirrors = ['{}', '{}']", first.url(), world.server.url());
    world.configure(&mirrors, "[[archives.suites]]\nname = 'sid'");
    world.queue.well(&["run", "--poll"]);
    world.add("main", "aa", "1.0-2");
    world.publish();
    [".xz", ".gz", ""]
        .iter()
        .for_each(|it| first.on(&format!("{LIST}{it}"), Answer::Status(404, vec![], vec![])));
    world.poll(&[]);
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1", "aa 1.0-2"]);
}

#[test]
fn files_that_come_a_little_at_a_time_and_break_off() {
    let world = with_aa();
    let files = world.archive.pool();
    for path in &files {
        let size = bytes(&world, path).len();
        world.server.on_each(path, &[Answer::Cut(size / 3), Answer::Cut(size / 2), Answer::WithoutRange]);
    }
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
}

#[test]
fn an_old_signature_file_beside_a_new_index() {
    let mut world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.suite.inline = false;
    world.publish();
    world.queue.well(&["run", "--poll"]);
    let old = bytes(&world, "/dists/sid/Release.gpg");
    world.add("main", "bb", "1.0-1");
    world.publish();
    world.server.on_each("/dists/sid/Release.gpg", &[Answer::Status(200, vec![], old), Answer::File]);
    later(&world);
    if world.imported() != ["aa 1.0-1", "bb 1.0-1"] {
        is_said(&world);
        later(&world);
    }
    assert_eq!(world.imported(), ["aa 1.0-1", "bb 1.0-1"]);
}

#[test]
fn a_version_that_is_set_back() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "2.0-1");
    world.publish();
    world.queue.well(&["run", "--poll"]);
    // An upload was withdrawn: the suite has the version before it.
    fs::remove_dir_all(world.archive.root().join("pool/main/a/aa")).unwrap();
    world.add("main", "aa", "1.0-1");
    world.publish();
    later(&world);
    assert_eq!(world.imported(), ["aa 1.0-1", "aa 2.0-1"]);
    assert_eq!(world.listed(), ["aa 1.0-1 main"]);
    assert_eq!(world.tags("aa"), ["debian/1.0-1", "debian/2.0-1"], "nothing that was published goes");
    world.queue.well(&["verify", "aa"]);
}

#[test]
fn forty_versions_of_one_package_in_one_list() {
    let world = World::new(&["main"]);
    for number in 0..40 {
        world.add("main", "aa", &format!("1.{number}-1"));
    }
    world.publish();
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported().len(), 40);
    assert_eq!(world.verdict()["verdict"], "ok");
}

#[test]
fn a_name_whose_letters_are_of_another_case_than_those_of_its_file() {
    let world = with_aa();
    world.edit(|text| text.clone() + "\n" + &text.replace("Package: aa", "Package: AA"), |index| index);
    world.queue.run_until_parked(world.queue.command(&["run", "--poll"]));
    assert_eq!(world.imported(), ["aa 1.0-1"]);
    if world.listed().contains(&"AA 1.0-1 main".to_owned()) {
        let why = world.freshness("AA");
        assert!(["failing", "retrying"].contains(&why["why"].as_str().unwrap()), "{why}");
        assert!(why["reason"].as_str().unwrap().contains("AA"), "{why}");
    } else {
        is_said(&world);
    }
}
