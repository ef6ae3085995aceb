//! Polling archives that are as they should be, in a folder.

use std::fs;

use crate::common::{Poller, entries, folder_url, names};
use archive::poll::Outcome;
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::synthetic::package;

fn poller(archive: &TestArchive, suite: &str) -> Poller {
    Poller::new(&[&folder_url(&archive.root())], &archive.signer.keyring, suite)
}

#[test]
fn finds_everything_that_is_published() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    archive.add("main", "aa", &package("aa", "1.0-2"));
    archive.add("contrib", "bb", &package("bb", "2:1.0"));
    let mut sid = suite("sid");
    sid.components.push("contrib".into());
    archive.publish(&sid);
    let mut poller = poller(&archive, "sid");
    let polled = poller.good(None);
    assert_eq!(polled.remember.codename.as_deref(), Some("sid"));
    assert_eq!(names(polled), ["aa 1.0-1 main", "aa 1.0-2 main", "bb 2:1.0 contrib"]);
    poller.components = vec!["contrib".into()];
    assert_eq!(names(poller.good(None)), ["bb 2:1.0 contrib"]);
    poller.suite = "unstable".into();
    assert_eq!(poller.code(), "poll/no-suite");
}

#[test]
fn reads_all_forms() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    for ending in [".xz", ".gz", ".bz2", ""] {
        let mut sid = suite("sid");
        sid.endings = vec![ending.into()];
        sid.inline = ending != ".gz";
        archive.publish(&sid);
        assert_eq!(names(poller(&archive, "sid").good(None)), ["aa 1.0-1 main"], "{ending:?}");
    }
}

#[test]
fn what_did_not_change_is_not_read_again() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    archive.add("contrib", "bb", &package("bb", "1.0"));
    let mut sid = suite("sid");
    sid.components.push("contrib".into());
    archive.publish(&sid);
    let poller = poller(&archive, "sid");
    let first = poller.good(None).remember;
    let again = poller.good(Some(&first));
    assert!(matches!(again.outcome, Outcome::Unchanged));
    assert_eq!(again.remember, first);

    archive.add("main", "aa", &package("aa", "1.0-2"));
    archive.publish(&sid);
    let third = poller.good(Some(&first));
    let Outcome::Changed(listing) = &third.outcome else { panic!("it changed") };
    let changed: Vec<bool> = listing.components.iter().map(|list| list.is_changed()).collect();
    assert_eq!(changed, [false, true], "contrib, main");
    let remembered = third.remember.clone();
    assert_eq!(names(third), ["aa 1.0-1 main", "aa 1.0-2 main"]);

    // Signed anew, with the same lists: nothing to read, but another index to remember.
    sid.valid_until = Some("Fri, 01 Jan 2100 00:00:00 UTC".into());
    archive.publish(&sid);
    let fourth = poller.good(Some(&remembered));
    assert!(matches!(fourth.outcome, Outcome::Unchanged));
    assert_ne!(fourth.remember.sha256, remembered.sha256);
}

#[test]
fn another_component_is_found_though_the_index_is_the_same() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    archive.add("contrib", "bb", &package("bb", "1.0"));
    let mut sid = suite("sid");
    sid.components.push("contrib".into());
    archive.publish(&sid);
    let mut poller = poller(&archive, "sid");
    poller.components = vec!["main".into()];
    let first = poller.good(None).remember;
    poller.components.push("contrib".into());
    assert_eq!(names(poller.good(Some(&first))), ["bb 1.0 contrib"]);
}

#[test]
fn flat_archives() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    archive.publish(&suite("sid"));
    // The list lies beside the pool, as `apt-ftparchive sources .` makes it.
    let list = fs::read(archive.root().join("dists/sid/main/source/Sources.gz")).unwrap();
    let mut flat = suite("flat");
    flat.components.clear();
    fs::remove_dir_all(archive.root().join("dists")).unwrap();
    fs::write(archive.root().join("Sources.gz"), list).unwrap();
    archive.sign(&archive.root(), &flat, |text| {
        text.replace("Codename: flat\n", "").replace("Suite: unstable\n", "")
    });
    assert_eq!(names(poller(&archive, "./").good(None)), ["aa 1.0-1 "]);
}

#[test]
fn bad_stanzas_are_told_and_the_others_used() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    let sid = suite("sid");
    archive.publish(&sid);
    let folder = archive.root().join("dists/sid");
    let good = String::from_utf8(
        std::process::Command::new("xz")
            .arg("-dc")
            .arg(folder.join("main/source/Sources.xz"))
            .output()
            .unwrap()
            .stdout,
    )
    .unwrap();
    let evil = good.replace("Package: aa", "Package: ../../etc/aa");
    let extra = format!("{}Extra-Source-Only: yes\n", good.trim_end().to_owned() + "\n");
    archive.lists(&folder.join("main/source"), format!("{evil}\n{extra}\n{good}").as_bytes(), &sid);
    archive.sign(&folder, &sid, |text| text);
    let entries: Vec<String> = entries(poller(&archive, "sid").good(None))
        .unwrap()
        .iter()
        .map(|entry| format!("{entry:?}").chars().take(11).collect())
        .collect();
    assert_eq!(entries, ["Bad(BadStan", "ExtraOnly", "Publication"]);
}
