//! Alerts of publishing, each caused for real, seen through NRPE, and ended as docs/publishing.md says.

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;

use package_import_tests::daemons::users::User;

use super::watched::{OK, WARNING, Watched};

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
