//! Archives as they are: what is listed ends as imported, failing, waiting or held, and every poll has a verdict.

use std::fs;
use std::path::Path;

use package_import_tests::archive::{Suite, suite};
use package_import_tests::web::{Answer, Server};
use serde_json::Value;

use crate::archives::world::{World, pool};

#[test]
fn a_file_that_is_listed_and_not_there_is_waited_for() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    let tarball = pool(&world, ".debian.tar.gz");
    world.server.on(&tarball, Answer::Status(404, vec![], vec![]));
    world.queue.well(&["run", "--poll"]);
    let found = world.freshness("aa");
    assert_eq!(
        (found["state"].as_str(), found["why"].as_str()),
        (Some("behind"), Some("waiting")),
        "{found}"
    );
    assert!(world.queue.well(&["archives"]).contains("1 package waits for a file that is listed"));
    assert!(world.queue.well(&["status"]).contains("1 package waits for a file that is listed"));
    assert!(world.imported().is_empty());
    // The file comes later, and the index stays as it is.
    world.server.on(&tarball, Answer::File);
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
    assert_eq!(world.freshness("aa")["state"], "current");
}

#[test]
fn gone_needs_a_newer_index() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    let tarball = pool(&world, ".debian.tar.gz");
    world.server.on(&tarball, Answer::Status(404, vec![], vec![]));
    world.queue.well(&["run", "--poll"]);
    // Superseded: the index lists another version, and the pool has lost the old one for good.
    fs::remove_dir_all(world.archive.root().join("pool/main/a")).unwrap();
    world.add("main", "aa", "1.0-2");
    world.publish();
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported(), ["aa 1.0-2"]);
    assert_eq!(world.freshness("aa")["state"], "current");
}

#[test]
fn what_is_superseded_before_its_import_comes_as_long_as_its_files_are_there() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    world.poll(&[]);
    let old = pool(&world, "aa_1.0-1.dsc");
    let kept = fs::read(world.archive.root().join(&old[1..])).unwrap();
    fs::remove_file(world.archive.root().join(&old[1..])).unwrap();
    world.add("main", "aa", "1.0-2");
    world.publish();
    fs::write(world.archive.root().join(&old[1..]), kept).unwrap();
    world.poll(&[]);
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), ["aa 1.0-1", "aa 1.0-2"], "it was in an accepted index");
}

#[test]
fn packages_move_between_components() {
    let mut world = World::new(&["main", "contrib"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    world.poll(&[]);
    let from = world.archive.root().join("pool/main/a");
    let to = world.archive.root().join("pool/contrib/a");
    fs::rename(&from, &to).unwrap();
    world.publish();
    assert!(world.poll(&[]).contains("1 moved"));
    assert_eq!(world.listed(), ["aa 1.0-1 contrib"]);
    // The list that it has left changes alone.
    world.add("main", "bb", "1.0-1");
    world.publish();
    world.poll(&[]);
    assert_eq!(world.listed(), ["aa 1.0-1 contrib", "bb 1.0-1 main"]);
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), ["aa 1.0-1", "bb 1.0-1"]);
    // A component that the index has no more ends.
    world.suite.components = vec!["main".into()];
    fs::remove_dir_all(world.archive.root().join("dists/sid/contrib")).unwrap();
    world.publish();
    world.poll(&[]);
    assert_eq!(world.listed(), ["bb 1.0-1 main"]);
}

#[test]
fn listed_in_two_components_it_stays_with_one_of_them() {
    let world = World::new(&["main", "contrib"]);
    world.add("main", "aa", "1.0-1");
    world.add("contrib", "aa", "1.0-1");
    world.publish();
    world.poll(&[]);
    assert_eq!(world.listed().len(), 1, "one content");
    fs::remove_dir_all(world.archive.root().join("pool/main/a")).unwrap();
    world.publish();
    world.poll(&[]);
    assert_eq!(world.listed(), ["aa 1.0-1 contrib"]);
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
}

#[test]
fn an_empty_mount_point_is_an_outage() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    let (root, aside) = (world.archive.root(), world.archive.root().with_extension("aside"));
    world.configure(&format!("mirrors = ['file://{}']", root.display()), "[[archives.suites]]\nname = 'sid'");
    world.poll(&[]);
    fs::rename(&root, &aside).unwrap();
    fs::create_dir(&root).unwrap();
    fs::create_dir(root.join("lost+found")).unwrap();
    assert!(world.poll(&[]).contains("poll/unmounted"));
    world.queue.well(&["run", "--max-duration", "2s"]);
    assert_eq!(world.freshness("aa")["why"], "parked");
    fs::remove_dir_all(&root).unwrap();
    fs::rename(&aside, &root).unwrap();
    world.poll(&[]);
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), ["aa 1.0-1"]);
}

#[test]
fn many_removals_at_once_need_a_second_index() {
    let world = World::new(&["main"]);
    for number in 0..12 {
        world.add("main", &format!("p{number:02}"), "1.0-1");
    }
    world.publish();
    world.poll(&[]);
    let pool = world.archive.root().join("pool/main/p");
    let aside = world.archive.extra("aside").join("p");
    fs::rename(&pool, &aside).unwrap();
    world.publish();
    assert!(world.poll(&[]).contains("12 withheld"));
    assert_eq!(world.listed().len(), 12);
    assert_eq!(world.verdict()["verdict"], "withheld");
    // They are back: nothing has happened.
    fs::rename(&aside, &pool).unwrap();
    world.publish();
    world.poll(&[]);
    assert_eq!((world.listed().len(), world.verdict()["verdict"].as_str()), (12, Some("ok")));
    // Two indices in a row say it; or an operator does.
    fs::remove_dir_all(&pool).unwrap();
    world.publish();
    world.poll(&[]);
    assert!(world.poll(&[]).contains("unchanged"), "the same index says nothing new");
    assert_eq!(world.listed().len(), 12);
    world.poll(&["a", "--accept-removals"]);
    assert!(world.listed().is_empty());
    assert!(world.queue.well(&["audit"]).contains("accept-removals"));
}

#[test]
fn another_branch_in_the_configuration_is_no_unchanged_index() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    world.queue.well(&["run", "--poll"]);
    world.configure(
        &format!("mirrors = ['{}']", world.server.url()),
        "[[archives.suites]]\nname = 'sid'\nbranch = 'unstable'",
    );
    world.queue.well(&["run", "--poll"]);
    let refs = world.queue.refs();
    assert!(refs["aa.git"].contains("refs/heads/debian/unstable"), "{refs:?}");
}

#[test]
fn an_alias_that_is_of_another_release_takes_all_lists_along() {
    let mut world = World::new(&["main", "contrib"]);
    world.suite =
        Suite { name: "stable".into(), suite: "stable".into(), codename: "bookworm".into(), ..world.suite };
    world.configure(&format!("mirrors = ['{}']", world.server.url()), "[[archives.suites]]\nname = 'stable'");
    world.add("main", "aa", "1.0-1");
    world.add("contrib", "qq", "1.0-1");
    world.publish();
    world.queue.well(&["run", "--poll"]);
    world.suite.codename = "trixie".into();
    world.add("main", "aa", "2.0-1");
    world.publish();
    world.queue.well(&["run", "--poll"]);
    let refs = world.queue.refs();
    assert!(refs["qq.git"].contains("refs/heads/debian/trixie"), "{refs:?}");
}

#[test]
fn two_suites_cannot_have_one_branch() {
    let mut world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    for name in ["stable", "stable-updates"] {
        world.suite = Suite { name: name.into(), suite: name.into(), codename: "acme".into(), ..suite("x") };
        world.publish();
    }
    world.configure(
        &format!("mirrors = ['{}']", world.server.url()),
        "[[archives.suites]]\nname = 'stable'\n[[archives.suites]]\nname = 'stable-updates'",
    );
    let said = world.poll(&[]);
    assert!(said.contains("a stable: 1 new") && said.contains("poll/same-branch"), "{said}");
}

#[test]
fn patterns_say_what_they_find() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    let mirrors = format!("mirrors = ['{}']", world.server.url());
    world.configure(&mirrors, "[[archives.suites]]\nname = 'si*'\n[[archives.suites]]\nname = 'nobel*'");
    let said = world.poll(&[]);
    assert!(said.contains("a nobel*: poll/no-match"), "{said}");
    // A login page in place of the list of suites un-follows nothing.
    for page in ["<html><body>Please log in</body></html>", "<html><a href=\"login/\">log in</a></html>"] {
        world.server.on("/dists/", Answer::Status(200, vec![], page.as_bytes().to_vec()));
        let said = world.poll(&[]);
        assert!(said.contains("a sid: unchanged"), "{page}: {said}");
    }
}

#[test]
fn a_stanza_that_goes_bad_keeps_its_package_and_is_said() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    world.poll(&[]);
    let folder = world.archive.root().join("dists/sid");
    let list = folder.join("main/source/Sources.xz");
    let output = std::process::Command::new("xz").arg("-dc").arg(list).output().unwrap();
    let good = String::from_utf8(output.stdout).unwrap();
    let bad = good.replace("Directory: pool/main/a/aa", "Directory: ../pool/main/a/aa");
    assert_ne!(good, bad);
    world.archive.lists(&folder.join("main/source"), bad.as_bytes(), &world.suite);
    world.archive.sign(&folder, &world.suite, |text| text);
    assert!(world.poll(&[]).contains("leads out of the archive"));
    assert_eq!(world.listed(), ["aa 1.0-1 main"]);
    assert_eq!(world.verdict()["verdict"], "remarks");
}

#[test]
fn the_newest_signed_index_wins() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    let sid = Suite { date: Some("Tue, 05 Nov 2024 09:03:43 UTC".into()), ..suite("sid") };
    world.archive.publish(&sid);
    let frozen = world.archive.extra("frozen");
    copy(&world.archive.root(), &frozen);
    let old = Server::new(&frozen);
    let mirrors = format!("mirrors = ['{}', '{}']", old.url(), world.server.url());
    world.configure(&mirrors, "[[archives.suites]]\nname = 'sid'");
    world.poll(&[]);
    world.add("main", "aa", "2.0-1");
    world.publish();
    let said = world.poll(&[]);
    assert!(said.contains("1 new") && said.contains("is behind"), "{said}");
    // Only the one that is behind is left.
    world.configure(&format!("mirrors = ['{}']", old.url()), "[[archives.suites]]\nname = 'sid'");
    assert!(world.poll(&[]).contains("poll/rolled-back"));
    assert!(world.poll(&["a", "--accept-older"]).contains("a sid:"));
    assert_eq!(world.verdict()["error"], Value::Null);
}

fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").args(["-a", "."]).arg(to).current_dir(from).status();
    assert!(status.unwrap().success());
}
