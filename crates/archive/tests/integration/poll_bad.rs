//! Bad archives: each has a code of its own, and nothing of it is used.

use std::fs;
use std::path::Path;

use crate::common::{Poller, folder_url, names};
use archive::poll::{Outcome, Remembered};
use package_import_tests::archive::{Suite, TestArchive, suite};
use package_import_tests::build::Compression;
use package_import_tests::signer::Signer;
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};

const IN_RELEASE: &str = "/dists/sid/InRelease";
const SOURCES: &str = "/dists/sid/main/source/Sources.xz";

/// An archive with a package in sid.
fn archive_with(edit: impl FnOnce(&mut Suite)) -> TestArchive {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    let mut sid = suite("sid");
    sid.endings = vec![".xz".into()];
    edit(&mut sid);
    archive.publish(&sid);
    archive
}

fn poller(archive: &TestArchive, locations: &[&str]) -> Poller {
    Poller::new(locations, &archive.signer.keyring, "sid")
}

/// The code of a poll through a server that gives this answer.
fn code_with(archive: &TestArchive, path: &str, answer: Answer) -> String {
    let server = Server::new(archive.root());
    server.on(path, answer);
    poller(archive, &[&server.url()]).code()
}

#[test]
fn a_key_that_nobody_allowed() {
    let archive = archive_with(|_| {});
    let other = Signer::new(&archive.extra("other"), "other");
    let mut poller = poller(&archive, &[&folder_url(&archive.root())]);
    poller.keyrings = vec![other.keyring.clone()];
    assert_eq!(poller.code(), "poll/unknown-key");
    poller.keyrings.push(archive.signer.keyring.clone());
    assert_eq!(names(poller.good(None)), ["aa 1.0-1 main"]);
    poller.keyrings.clear();
    assert_eq!(poller.code(), "poll/no-keyring");
}

#[test]
fn a_changed_index() {
    let archive = archive_with(|_| {});
    let path = archive.root().join("dists/sid/InRelease");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("Codename: sid", "Codename: six")).unwrap();
    assert_eq!(poller(&archive, &[&folder_url(&archive.root())]).code(), "poll/bad-signature");
}

#[test]
fn no_signature_or_text_around_it() {
    let archive = archive_with(|_| {});
    let path = archive.root().join("dists/sid/InRelease");
    let text = fs::read_to_string(&path).unwrap();
    let poller = poller(&archive, &[&folder_url(&archive.root())]);
    for around in [format!("Suite: evil\n\n{text}"), format!("{text}\nSuite: evil\n")] {
        fs::write(&path, around).unwrap();
        assert_eq!(poller.code(), "poll/text-around-signature");
    }
    fs::write(&path, "Suite: sid\nCodename: sid\n").unwrap();
    assert_eq!(poller.code(), "poll/unsigned");
    fs::rename(&path, path.with_file_name("Release")).unwrap();
    assert_eq!(poller.code(), "poll/unsigned");
}

#[test]
fn a_detached_signature_of_something_else() {
    let archive = archive_with(|sid| sid.inline = false);
    let poller = poller(&archive, &[&folder_url(&archive.root())]);
    assert_eq!(names(poller.good(None)), ["aa 1.0-1 main"]);
    let path = archive.root().join("dists/sid/Release");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "Label: evil\n").unwrap();
    assert_eq!(poller.code(), "poll/bad-signature");
}

#[test]
fn too_old_or_too_new() {
    let archive = archive_with(|sid| {
        sid.date = Some("Sat, 06 Sep 2025 09:33:48 UTC".into());
        sid.valid_until = Some("Sat, 13 Sep 2025 09:33:48 UTC".into());
    });
    let mut poller = poller(&archive, &[&folder_url(&archive.root())]);
    assert_eq!(poller.code(), "poll/expired");
    poller.end_of_life = true;
    let remembered = poller.good(None).remember;
    poller.end_of_life = false;
    let unchanged = poller.poll(Some(&remembered)).unwrap_err();
    assert_eq!(unchanged.error.code().as_str(), "expired", "an index that stays the same expires as well");
    poller.now = remembered.date - 7200;
    assert_eq!(poller.code(), "poll/from-future");
}

#[test]
fn another_suite_under_this_name() {
    let archive = archive_with(|sid| sid.codename = "trixie".into());
    assert_eq!(poller(&archive, &[&folder_url(&archive.root())]).code(), "poll/wrong-suite");
}

#[test]
fn an_index_that_goes_back_is_passed_over() {
    let archive = archive_with(|sid| sid.date = Some("Sat, 06 Sep 2025 09:33:48 UTC".into()));
    let behind = archive.extra("behind");
    copy(&archive.root(), &behind);
    archive.add("main", "aa", &package("aa", "1.0-2"));
    archive.publish(&suite("sid"));
    let (new, old) = (folder_url(&archive.root()), folder_url(&behind));
    let remembered = poller(&archive, &[&new]).good(None).remember;

    let alone = poller(&archive, &[&old]).poll(Some(&remembered)).unwrap_err();
    assert_eq!(alone.error.code().as_str(), "rolled-back");
    assert_eq!(alone.error.class(), archive::error::Class::Transient);

    let both = poller(&archive, &[&old, &new]).good(Some(&remembered));
    assert!(matches!(both.outcome, Outcome::Unchanged));
    assert_eq!(both.skipped.iter().map(|error| error.code().as_str()).collect::<Vec<_>>(), ["rolled-back"]);

    // Going on from the mirror that is behind is fine.
    let first = poller(&archive, &[&old]).good(None).remember;
    assert_eq!(names(poller(&archive, &[&new]).good(Some(&first))).len(), 2);
}

fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(status.success());
}

#[test]
fn components_and_suites_that_are_not_there() {
    let archive = archive_with(|_| {});
    let mut poller = poller(&archive, &[&folder_url(&archive.root())]);
    poller.components = vec!["main".into(), "contrib".into()];
    let polled = poller.good(None);
    assert!(
        polled.remarks[0].starts_with("component contrib: the index has no list"),
        "{:?}",
        polled.remarks
    );
    poller.components = vec!["contrib".into()];
    assert_eq!(poller.code(), "poll/no-component");
    poller.suite = "trixie".into();
    assert_eq!(poller.code(), "poll/no-suite");
    let gone = archive.root().join("no-such-mount");
    let poller = Poller::new(&[&folder_url(&gone)], &archive.signer.keyring, "sid");
    assert_eq!(poller.code(), "poll/unreadable", "a mount that is missing is no missing suite");
}

#[test]
fn a_list_with_another_hash() {
    let archive = archive_with(|_| {});
    let list = archive.root().join(&SOURCES[1..]);
    let mut bytes = fs::read(&list).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&list, &bytes).unwrap();
    let poller = poller(&archive, &[&folder_url(&archive.root())]);
    assert_eq!(poller.code(), "poll/index-mismatch");
    fs::remove_file(&list).unwrap();
    assert_eq!(poller.code(), "poll/index-mismatch");
}

#[test]
fn a_list_that_expands_without_end() {
    let archive = archive_with(|_| {});
    let folder = archive.root().join("dists/sid");
    let zeros = vec![b'\n'; 200 << 20];
    fs::write(folder.join("main/source/Sources.xz"), Compression::Xz.pack(&zeros)).unwrap();
    archive.sign(&folder, &suite("sid"), |text| text);
    let poller = poller(&archive, &[&folder_url(&archive.root())]);
    assert_eq!(poller.code(), "poll/expands-too-much");
}

#[test]
fn a_list_that_is_longer_than_the_index_says() {
    let archive = archive_with(|_| {});
    let folder = archive.root().join("dists/sid");
    let text = "Package: aa\n".repeat(100);
    let sid = suite("sid");
    archive.lists(&folder.join("main/source"), text.as_bytes(), &sid);
    fs::write(folder.join("main/source/Sources"), "short\n").unwrap();
    archive.sign(&folder, &sid, |text| text);
    assert_eq!(poller(&archive, &[&folder_url(&archive.root())]).code(), "poll/expands-too-much");
}

#[test]
fn damaged_data_with_the_right_hash() {
    let archive = archive_with(|_| {});
    let folder = archive.root().join("dists/sid");
    fs::write(folder.join("main/source/Sources.xz"), b"\xfd7zXZ\0 and then nothing good").unwrap();
    archive.sign(&folder, &suite("sid"), |text| text);
    assert_eq!(poller(&archive, &[&folder_url(&archive.root())]).code(), "poll/bad-compression");
}

#[test]
fn pipes_and_folders_in_place_of_files() {
    let archive = archive_with(|_| {});
    let path = archive.root().join("dists/sid/InRelease");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let poller = poller(&archive, &[&folder_url(&archive.root())]);
    assert_eq!(poller.code(), "poll/not-a-file");
    fs::remove_dir(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert_eq!(poller.code(), "poll/not-a-file");
}

#[test]
fn what_servers_do() {
    let archive = archive_with(|_| {});
    let page = b"<!DOCTYPE html><html><title>Welcome to our hotel</title></html>".to_vec();
    let listing = b"<html><head><title>Index of /dists</title></head></html>".to_vec();
    for path in [IN_RELEASE, SOURCES] {
        for (answer, code) in [
            (Answer::Status(200, vec![], page.clone()), "web-page"),
            (Answer::Status(200, vec![], listing.clone()), "folder-listing"),
            (Answer::Status(500, vec![], vec![]), "server-error"),
            (Answer::Status(403, vec![], vec![]), "refused"),
            (Answer::Status(429, vec!["Retry-After: 7".into()], vec![]), "busy"),
            (Answer::Redirect(path.into()), "redirect-loop"),
            (Answer::Redirect("ftp://example.org/".into()), "bad-redirect"),
            (Answer::Cut(20), "truncated"),
            (Answer::Endless, "endless-file"),
            (Answer::Drip, "too-slow"),
        ] {
            // Without an announced length, the frame of the content is checked, not its length.
            assert_eq!(
                code_with(&archive, path, answer.clone()),
                format!("poll/{code}"),
                "{path} {answer:?}"
            );
        }
    }
}

#[test]
fn long_chains_of_redirects_end() {
    let archive = archive_with(|_| {});
    let server = Server::new(archive.root());
    for step in 0..20 {
        let from = if step == 0 { IN_RELEASE.to_owned() } else { format!("/step/{step}") };
        server.on(&from, Answer::Redirect(format!("/step/{}", step + 1)));
    }
    assert_eq!(poller(&archive, &[&server.url()]).code(), "poll/redirect-loop");
    assert!(server.seen().len() < 15);
}

#[test]
fn when_to_come_back_and_whom_to_blame() {
    let archive = archive_with(|_| {});
    let (server, elsewhere) = (Server::new(archive.root()), Server::new(archive.root()));
    server.on(IN_RELEASE, Answer::Redirect(format!("{}/x", elsewhere.url())));
    elsewhere.on("/x", Answer::Status(503, vec!["Retry-After: 120".into()], vec![]));
    let failed = poller(&archive, &[&server.url()]).poll(None).unwrap_err();
    assert_eq!(failed.error.code().as_str(), "busy");
    assert_eq!(failed.error.retry_after, Some(std::time::Duration::from_secs(120)));
    assert_eq!(failed.error.dependency, Some(elsewhere.host()), "the one that answered, not the one asked");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = closed.local_addr().unwrap().to_string();
    drop(closed);
    let failed = poller(&archive, &[&format!("http://{host}")]).poll(None).unwrap_err();
    assert_eq!((failed.error.code().as_str(), failed.error.dependency), ("connect", Some(host)));
}

#[test]
fn what_is_remembered_survives_storing() {
    let archive = archive_with(|_| {});
    let remembered = poller(&archive, &[&folder_url(&archive.root())]).good(None).remember;
    let text = serde_json::to_string(&remembered).unwrap();
    assert_eq!(serde_json::from_str::<Remembered>(&text).unwrap(), remembered);
}
