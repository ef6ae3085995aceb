//! Polling web servers: conditional requests, lists by their hashes, mirrors in the middle of an update.

use std::fs;

use crate::common::{Poller, names};
use archive::poll::Outcome;
use package_import_tests::archive::{Suite, TestArchive, suite};
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};

const IN_RELEASE: &str = "/dists/sid/InRelease";
const SOURCES: &str = "/dists/sid/main/source/Sources.xz";

fn archive_with(edit: impl FnOnce(&mut Suite)) -> TestArchive {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    let mut sid = suite("sid");
    edit(&mut sid);
    archive.publish(&sid);
    archive
}

fn poller(archive: &TestArchive, servers: &[&Server]) -> Poller {
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    Poller::new(&urls, &archive.signer.keyring, "sid")
}

#[test]
fn an_unchanged_index_is_one_conditional_request() {
    let archive = archive_with(|_| {});
    let server = Server::new(archive.root());
    let poller = poller(&archive, &[&server]);
    let first = poller.good(None);
    assert_eq!(server.paths(), [IN_RELEASE, SOURCES]);
    let again = poller.good(Some(&first.remember));
    assert!(matches!(again.outcome, Outcome::Unchanged));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].headers.contains_key("if-none-match"));
    assert!(seen[0].headers["user-agent"].starts_with("package-import/"));

    let elsewhere = Server::new(archive.root());
    let other = Poller::new(&[&elsewhere.url()], &archive.signer.keyring, "sid");
    let polled = other.good(Some(&first.remember));
    assert!(matches!(polled.outcome, Outcome::Unchanged));
    let seen = elsewhere.seen();
    assert_eq!(seen.len(), 1);
    assert!(!seen[0].headers.contains_key("if-none-match"), "another mirror's tags mean nothing");
    assert_eq!(polled.remember.mirrors.len(), 2, "from now on both are known");
    other.good(Some(&polled.remember));
    assert!(elsewhere.seen()[0].headers.contains_key("if-none-match"));
    assert_eq!(names(first), ["aa 1.0-1 main"]);
}

#[test]
fn a_server_without_tags_is_asked_by_date() {
    let archive = archive_with(|sid| sid.inline = false);
    let server = Server::new(archive.root());
    let text = fs::read(archive.root().join("dists/sid/Release")).unwrap();
    let date = "Last-Modified: Sat, 06 Sep 2025 09:33:48 GMT".to_owned();
    server.on_each(
        "/dists/sid/Release",
        &[Answer::Status(200, vec![date], text), Answer::Status(304, vec![], vec![])],
    );
    let poller = poller(&archive, &[&server]);
    let first = poller.good(None).remember;
    server.seen();
    assert!(matches!(poller.good(Some(&first)).outcome, Outcome::Unchanged));
    let seen = server.seen();
    assert_eq!(
        seen.iter().map(|seen| seen.path.as_str()).collect::<Vec<_>>(),
        [IN_RELEASE, "/dists/sid/Release"]
    );
    assert_eq!(seen[1].headers["if-modified-since"], "Sat, 06 Sep 2025 09:33:48 GMT");
}

#[test]
fn lists_are_taken_by_hash_where_that_is_offered() {
    let archive = archive_with(|sid| sid.by_hash = true);
    let server = Server::new(archive.root());
    // The named one is of another time already.
    server.on(SOURCES, Answer::Status(200, vec![], b"newer".to_vec()));
    let polled = poller(&archive, &[&server]).good(None);
    assert_eq!(names(polled), ["aa 1.0-1 main"]);
    assert!(server.paths()[1].starts_with("/dists/sid/main/source/by-hash/SHA256/"));

    fs::remove_dir_all(archive.root().join("dists/sid/main/source/by-hash")).unwrap();
    let plain = Server::new(archive.root());
    assert_eq!(names(poller(&archive, &[&plain]).good(None)), ["aa 1.0-1 main"]);
}

#[test]
fn the_next_form_is_taken_if_the_first_is_missing() {
    let archive = archive_with(|_| {});
    let server = Server::new(archive.root());
    server.on(SOURCES, Answer::Status(404, vec![], vec![]));
    assert_eq!(names(poller(&archive, &[&server]).good(None)), ["aa 1.0-1 main"]);
    assert!(server.paths().contains(&"/dists/sid/main/source/Sources.gz".to_owned()));
}

#[test]
fn a_mirror_in_the_middle_of_an_update_is_asked_again() {
    let archive = archive_with(|sid| sid.endings = vec![".xz".into()]);
    let old = fs::read(archive.root().join(&IN_RELEASE[1..])).unwrap();
    archive.add("main", "aa", &package("aa", "1.0-2"));
    let mut sid = suite("sid");
    sid.endings = vec![".xz".into()];
    archive.publish(&sid);
    let server = Server::new(archive.root());
    server.on_each(IN_RELEASE, &[Answer::Status(200, vec![], old.clone()), Answer::File]);
    let polled = poller(&archive, &[&server]).good(None);
    assert_eq!(names(polled), ["aa 1.0-1 main", "aa 1.0-2 main"]);

    // One that stays so is passed over.
    let stuck = Server::new(archive.root());
    stuck.on(IN_RELEASE, Answer::Status(200, vec![], old));
    let polled = poller(&archive, &[&stuck, &server]).good(None);
    assert_eq!(polled.skipped[0].code().as_str(), "index-mismatch");
    assert_eq!(polled.mirror, server.url());
}

#[test]
fn broken_mirrors_are_passed_over() {
    let archive = archive_with(|_| {});
    let servers: Vec<Server> = (0..4).map(|_| Server::new(archive.root())).collect();
    servers[0].on(IN_RELEASE, Answer::Status(502, vec![], vec![]));
    servers[1].on(IN_RELEASE, Answer::Status(200, vec![], b"<html>login</html>".to_vec()));
    servers[2].on("/dists/sid/main/source/Sources.xz", Answer::Cut(30));
    let polled = poller(&archive, &servers.iter().collect::<Vec<_>>()).good(None);
    let codes: Vec<&str> = polled.skipped.iter().map(|error| error.code().as_str()).collect();
    assert_eq!(codes, ["server-error", "web-page", "truncated"]);
    let hosts: Vec<String> = polled.skipped.iter().filter_map(|error| error.dependency.clone()).collect();
    assert_eq!(hosts, servers[..3].iter().map(Server::host).collect::<Vec<_>>());
    assert_eq!(names(polled), ["aa 1.0-1 main"]);
}

#[test]
fn redirects_are_followed() {
    let archive = archive_with(|_| {});
    let (server, elsewhere) = (Server::new(archive.root()), Server::new(archive.root()));
    server.on(IN_RELEASE, Answer::Redirect(format!("{}{IN_RELEASE}", elsewhere.url())));
    server.on(SOURCES, Answer::Redirect("Sources.gz/../Sources.xz?x=1#y".into()));
    server.on(
        "/dists/sid/main/source/Sources.gz/../Sources.xz?x=1",
        Answer::Redirect(format!("{}{SOURCES}", elsewhere.url())),
    );
    assert_eq!(names(poller(&archive, &[&server]).good(None)), ["aa 1.0-1 main"]);
}
