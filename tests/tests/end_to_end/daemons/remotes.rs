//! Alerts of publishing, each caused for real, seen through NRPE, and ended as docs/publishing.md says.

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;

use package_import_tests::daemons::users::User;

use super::watched::{CRITICAL, OK, WARNING, Watched};

/// An installation that publishes into a folder, as to a server's disk that is mounted.
fn publishing() -> (Watched, PathBuf, String) {
    let watched = Watched::new(8, 0, "");
    let folder = watched.scene.site.path("remote");
    fs::create_dir(&folder).unwrap();
    chown(&folder, Some(User::importer().uid), None).unwrap();
    let remote = format!("[[remotes]]\nname = \"git\"\nurl = \"{}/{{package}}.git\"\n", folder.display());
    watched.configure(&remote);
    watched.scene.run();
    watched.says("queue", OK, &["0 waiting"]);
    assert!(folder.join("pkg0000.git").exists());
    (watched, folder, remote)
}

/// The disk of the remote is not mounted: one incident, which ends by itself when it is back.
#[test]
fn a_remote_that_is_away() {
    let (mut watched, folder, _) = publishing();
    let away = folder.with_extension("away");
    fs::rename(&folder, &away).unwrap();
    watched.upload(0..8, "1.0-2", true);
    let remotes = watched.well(&["remotes"]);
    assert!(remotes.contains("away since"), "{remotes}");
    watched.says("queue", OK, &["8 unpublished on git", "git away since ", ": "]);
    watched.age(5);
    watched.scene.run();
    watched.says("queue", WARNING, &["8 unpublished on git, oldest 5h", "git away since "]);
    watched.says("freshness", WARNING, &["breaker remote:git open since "]);
    watched.age(20);
    watched.scene.run();
    watched.says("queue", CRITICAL, &["8 unpublished on git, oldest 1d 1h", "git away since "]);
    watched.says("freshness", CRITICAL, &["breaker remote:git open since "]);
    // An outage of a remote keeps nobody from importing, and is no failure.
    watched.says("failures", OK, &["0 failing"]);
    watched.says("archive", OK, &[]);
    fs::rename(&away, &folder).unwrap();
    for _ in 0..2 {
        watched.age(13);
        watched.scene.run();
    }
    watched.says("queue", OK, &["0 waiting"]);
    watched.age(24 * 8);
    watched.scene.run();
    watched.says("freshness", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT QUEUE WARNING - 0 waiting, 8 unpublished on git, oldest 5h, git away since MM-DD hh:mmZ: the server is out of reach: the folder..., package-import remotes
    IMPORT FRESHNESS WARNING - breaker remote:git open since MM-DD hh:mmZ, 95% of 8 within 5h, half within 5h, worst 5h, package-import freshness
    IMPORT QUEUE CRITICAL - 0 waiting, 8 unpublished on git, oldest 1d 1h, git away since MM-DD hh:mmZ: the server is out of reach: the folder..., package-import remotes
    IMPORT FRESHNESS CRITICAL - breaker remote:git open since MM-DD hh:mmZ, 95% of 8 within 1d 1h, half within 1d 1h, worst 1d 1h, package-import freshness
    IMPORT QUEUE OK
    IMPORT FRESHNESS OK
    ");
}

/// The remote does not take a package.
#[test]
fn a_package_that_a_remote_does_not_take() {
    let (mut watched, folder, remote) = publishing();
    let repository = folder.join("pkg0001.git");
    let change = |arguments: &[&str]| {
        assert!(Command::new("chown").args(arguments).arg(&repository).status().unwrap().success());
    };
    watched.configure(&format!("{remote}[checks.queue.publish_failing]\nwarning = 0\n"));
    change(&["-R", "root"]);
    watched.upload(1..2, "1.0-2", true);
    watched.says("queue", WARNING, &["1 not taken by git"]);
    change(&["-R", &User::importer().uid.to_string()]);
    watched.well(&["publish", "pkg0001"]);
    watched.says("queue", OK, &["0 waiting"]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT QUEUE WARNING - 0 waiting, 1 unpublished on git, 1 not taken by git, package-import remotes
    IMPORT QUEUE OK
    ");
}
