//! Repositories go to remotes: to a folder, by ssh and by HTTP, beside imports and by hand.

mod hosts;
mod in_caches;
mod kills;
mod outages;
mod secrets;
pub mod world;

use std::fs;

use package_import_tests::queue::text;
use throwaway_git_servers::{Recorder, git};
use world::*;

#[test]
fn a_run_publishes_what_it_imports() {
    for site in sites() {
        site.import("hello", 1);
        site.queue.well(&["run"]);
        let place = site.kind.as_str();
        assert_eq!(site.there("hello"), site.here("hello"), "{place}");
        assert_eq!(site.head("hello").as_deref(), Some("refs/heads/debian/sid"), "{place}");
        // A clone checks something out, and has the version.
        let clone = tempfile::tempdir().unwrap();
        git(&["clone", "-q", &site.path("hello").to_string_lossy(), &clone.path().to_string_lossy()]);
        assert!(clone.path().join("debian/changelog").exists(), "{place}");
        site.import("hello", 2);
        site.queue.well(&["run"]);
        assert_eq!(site.there("hello"), site.here("hello"), "{place}");
        let said = site.queue.well(&["remotes"]);
        assert!(said.contains("all is published"), "{said}");
        let said = site.queue.well(&["show", "hello"]);
        assert!(said.contains("on git: all is published"), "{said}");
        let log = site.queue.well(&["log", "--published", "hello"]);
        assert_eq!(log.lines().count(), 2, "{place}: {log}");
        assert!(log.contains(" git hello ") && log.contains("refs/tags/debian/1.0-2"), "{place}: {log}");
        assert!(site.queue.well(&["remotes"]).contains("2 packages published, 0 failures"), "{place}");
        assert_eq!(site.forced("hello"), Vec::<String>::new());
        git(&["--git-dir", &site.path("hello").to_string_lossy(), "fsck", "--strict"]);
    }
}

#[test]
fn what_has_nothing_to_do_asks_nobody() {
    let site = Site::new(Kind::Ssh);
    site.import("hello", 1);
    site.queue.well(&["run"]);
    let sessions = || site.server_log().matches("Starting session").count();
    let before = sessions();
    // It is imported again, and nothing moves.
    site.queue.well(&["requeue", "hello"]);
    site.queue.well(&["run"]);
    assert_eq!(sessions(), before, "the fingerprint says so");
    // An operator who publishes by hand is told about the remote.
    site.queue.well(&["publish", "hello"]);
    assert!(sessions() > before);
}

#[test]
fn a_remote_that_is_new_gets_all_packages() {
    let site = Site::new(Kind::Folder);
    site.configure("");
    for name in ["a0", "b0", "c0"] {
        site.import(name, 1);
    }
    site.queue.well(&["run"]);
    assert!(site.queue.well(&["remotes"]).contains("not published anywhere"));
    site.configure(&site.remote());
    let said = site.queue.well(&["publish", "--dry-run", "a0"]);
    assert!(said.contains("create refs/heads/debian/sid"), "{said}");
    assert!(!site.path("a0").exists());
    let said = site.queue.well(&["publish"]);
    assert!(said.contains("git: 0 packages unpublished"), "{said}");
    for name in ["a0", "b0", "c0"] {
        assert_eq!(site.there(name), site.here(name));
    }
    assert!(site.queue.well(&["publish", "--dry-run", "a0"]).contains("all is published"));
}

#[test]
fn a_branch_that_others_have_moved_is_judged_and_joined_as_a_local_one() {
    for site in sites() {
        let place = site.kind.as_str();
        site.import("hello", 1);
        site.queue.well(&["run"]);
        let theirs = site.somebody_pushes("hello", "debian/sid", "theirs");
        site.import("hello", 2);
        site.queue.well(&["run"]);
        let server = site.server("hello");
        // The archive wins by a join; the foreign change is set aside, and offered.
        assert_eq!(site.there("hello"), site.here("hello"), "{place}");
        server.git(&["merge-base", "--is-ancestor", &theirs, "refs/heads/debian/sid"]);
        assert!(server.git(&["ls-tree", "refs/heads/debian/sid", "theirs"]).is_empty(), "{place}");
        let aside = format!("refs/heads/collisions/debian/sid/{}", &theirs[..12]);
        assert_eq!(server.at(&aside), Some(theirs), "{place}");
        assert!(server.at(&format!("{aside}-merged")).is_some(), "{place}");
        let kinds = site.queue.texts("SELECT kind FROM collision WHERE ended IS NULL");
        assert_eq!(kinds, ["unmerged"], "{place}");
        assert!(site.queue.well(&["remotes", "git"]).contains("all is published"), "{place}");
        assert_eq!(site.forced("hello"), Vec::<String>::new(), "{place}");
        // By hand, at once.
        let again = site.somebody_pushes("hello", "debian/sid", "again");
        let said = site.queue.well(&["publish", "hello"]);
        assert!(said.contains("published"), "{said}");
        server.git(&["merge-base", "--is-ancestor", &again, "refs/heads/debian/sid"]);
        assert_eq!(site.there("hello"), site.here("hello"), "{place}");
    }
}

#[test]
fn a_commit_of_others_with_the_content_of_the_upload_is_adopted_and_published() {
    let site = Site::new(Kind::Folder);
    site.import("hello", 1);
    site.queue.well(&["run"]);
    // The maintainer pushes exactly the content of the later upload.
    let elsewhere = Site::new(Kind::Folder);
    elsewhere.import("hello", 1);
    elsewhere.import("hello", 2);
    let upload = elsewhere.own("hello").path.to_string_lossy().into_owned();
    let clone = tempfile::tempdir().unwrap();
    let path = clone.path().to_string_lossy().into_owned();
    git(&["clone", "-q", "-b", "debian/sid", &site.path("hello").to_string_lossy(), &path]);
    git(&["-C", &path, "fetch", "-q", &upload, "refs/heads/debian/sid"]);
    let theirs = git(&["-C", &path, "commit-tree", "-p", "HEAD", "-m", "mine", "FETCH_HEAD^{tree}"]);
    git(&["-C", &path, "push", "-q", "origin", &format!("{theirs}:refs/heads/debian/sid")]);
    site.queue.well(&["publish", "hello"]);
    site.import("hello", 2);
    site.queue.well(&["run"]);
    let show = site.queue.well(&["show", "hello"]);
    assert_eq!(site.there("hello"), site.here("hello"), "{show}");
    assert_eq!(site.queue.number("SELECT COUNT(*) FROM publish WHERE foreign_refs > 0"), 0, "{show}");
    site.server("hello").git(&["merge-base", "--is-ancestor", &theirs, "refs/heads/debian/sid"]);
    // A remote that is added later gets the same.
    let other = tempfile::tempdir().unwrap();
    let more = format!(
        "{}[[remotes]]\nname = 'other'\nurl = '{}/{{package}}.git'\n",
        site.remote(),
        other.path().display()
    );
    site.configure(&more);
    site.queue.well(&["publish"]);
    let there = Recorder { path: other.path().join("hello.git") };
    assert_eq!(there.at("refs/heads/debian/sid"), site.server("hello").at("refs/heads/debian/sid"));
}

#[test]
fn a_tag_of_others_stays_and_is_kept_here() {
    let site = Site::new(Kind::Ssh);
    site.import("hello", 1);
    site.queue.well(&["run"]);
    let server = site.server("hello");
    let theirs = server.at("refs/heads/debian/sid").unwrap();
    server.git(&["update-ref", "refs/tags/debian/1.0-2", &theirs]);
    site.import("hello", 2);
    site.queue.well(&["run"]);
    assert_eq!(server.at("refs/tags/debian/1.0-2"), Some(theirs.clone()));
    let aside = format!("refs/heads/collisions/tags/debian/1.0-2/{}", &theirs[..12]);
    let kept = site.here("hello").into_iter().any(|(name, id)| name.contains("collisions") && id == theirs);
    assert!(kept, "{aside}: {:?}", site.here("hello"));
    let said = site.queue.well(&["remotes", "git"]);
    assert!(said.contains("refs/tags/debian/1.0-2 was moved there by somebody else"), "{said}");
    let shown = site.queue.well(&["show", "hello"]);
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("was moved there by somebody else"), "{shown}");
    assert!(site.queue.well(&["status"]).contains("package-import remotes git"));
    assert_eq!(site.forced("hello"), Vec::<String>::new());
    // A check by hand reports that not all refs are published.
    let output = site.queue.command(&["publish", "hello"]).output().unwrap();
    assert!(text(&output).contains("1 ref of somebody else left alone"), "{}", text(&output));
}

#[test]
fn a_ref_that_somebody_removed_comes_back_with_the_next_look() {
    let site = Site::new(Kind::Folder);
    site.import("hello", 1);
    site.queue.well(&["run"]);
    site.server("hello").git(&["update-ref", "-d", "refs/tags/debian/1.0-1"]);
    site.queue.well(&["run"]);
    assert_ne!(site.there("hello"), site.here("hello"), "nobody has looked");
    let sql = "UPDATE publish SET due = 1";
    site.queue.store().write(|tx| tx.execute(sql, &[])).unwrap();
    site.queue.well(&["run"]);
    assert_eq!(site.there("hello"), site.here("hello"));
}

#[test]
fn a_package_that_cannot_be_published_keeps_no_other_back() {
    let site = Site::new(Kind::Ssh);
    let server = Recorder::make(&site.path("bad0"));
    server.hook("pre-receive", "#!/bin/sh\necho we do not want this >&2\nexit 1\n");
    site.import("bad0", 1);
    site.import("good0", 1);
    site.queue.well(&["run"]);
    assert_eq!(site.there("good0"), site.here("good0"));
    let said = site.queue.well(&["remotes", "git"]);
    assert!(said.contains("bad0") && said.contains("is refused"), "{said}");
    // The import has succeeded all the same.
    assert_eq!(site.queue.number("SELECT COUNT(*) FROM failure"), 0);
    assert_eq!(site.queue.number("SELECT COUNT(*) FROM attempt WHERE outcome = 'imported'"), 2);
}

#[test]
fn a_lock_that_was_left_is_named_and_not_tried_in_a_loop() {
    let site = Site::new(Kind::Ssh);
    site.import("hello", 1);
    site.queue.well(&["run"]);
    let lock = site.path("hello").join("refs/heads/applied/debian/sid.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    site.import("hello", 2);
    site.queue.well(&["run"]);
    let said = site.queue.well(&["remotes", "git"]);
    assert!(said.contains("publish/stale-lock") && said.contains("sid.lock"), "{said}");
    let pushes = site.server("hello").pushes().len();
    site.queue.well(&["run"]);
    assert_eq!(site.server("hello").pushes().len(), pushes);
    fs::remove_file(&lock).unwrap();
    site.queue.well(&["publish", "hello"]);
    assert_eq!(site.there("hello"), site.here("hello"));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let site = Site::new(Kind::Folder);
    site.configure("");
    site.import("hello", 1);
    for (more, says) in [
        ("[[remotes]]\nname = 'a'\nurl = '/srv/git'\n", "no {package}"),
        ("[[remotes]]\nname = 'a'\nurl = 'ssh://git@h/{package}'\n", "`key` is missing"),
        ("[[remotes]]\nname = 'a'\nurl = 'git@h:{package}'\n", "ssh://git@h/{package}"),
        ("[[remotes]]\nname = 'a'\nurl = 'https://me:x@h/{package}'\n", "password_file"),
        ("[[remotes]]\nname = 'a'\nurl = '/x/{package}'\nkey = '/k'\n", "does not go with"),
        ("[[remotes]]\nname = 'a'\nurl = '/x/{package}'\npassword = 'x'\n", "unknown field `password`"),
        ("[[remotes]]\nname = 'a b'\nurl = '/x/{package}'\n", "a name has letters"),
        (
            "[[remotes]]\nname = 'a'\nurl = '/x/{package}'\n[[remotes]]\nname = 'a'\nurl = '/y/{package}'\n",
            "two remotes",
        ),
    ] {
        site.configure(more);
        let output = site.queue.command(&["status"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{more}: {}", text(&output));
        assert!(text(&output).contains(says), "{more}: {}", text(&output));
    }
    site.configure(&site.remote());
    let output = site.queue.command(&["publish", "--remote", "nosuch"]).output().unwrap();
    assert!(output.status.code() == Some(2) && text(&output).contains("(git)"), "{}", text(&output));
    assert_eq!(site.queue.command(&["publish", "nosuch"]).output().unwrap().status.code(), Some(1));
}
