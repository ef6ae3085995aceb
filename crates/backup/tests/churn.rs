//! Others push, repack and drop loose refs while a repository is copied: a copy has all objects that its refs name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use backup::check;
use packaging_repo::repository::Repository;
use source_package::version::PackageName;
use state::open::Location;

fn git(repository: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(arguments)
        .output()
        .expect("git is missing: scripts/install-tools build installs it");
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn well(repository: &Path, arguments: &[&str]) -> String {
    let (good, said) = git(repository, arguments);
    assert!(good, "git {arguments:?}: {said}");
    said.trim().to_owned()
}

/// Commits that hang on each other, under loose and packed refs, repacked now and then.
fn churn(repository: &Path, stop: &AtomicBool) {
    let tree = well(repository, &["mktree", "--missing"]);
    let mut parent: Option<String> = None;
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let message = format!("change {number}");
        let below: Vec<&str> = parent.iter().flat_map(|parent| ["-p", parent.as_str()]).collect();
        let commit = well(repository, &[&["commit-tree", "-m", &message, &tree], &below[..]].concat());
        well(repository, &["update-ref", "refs/heads/debian/sid", &commit]);
        well(repository, &["update-ref", &format!("refs/tags/debian/{number}"), &commit]);
        match number % 5 {
            2 => drop(well(repository, &["pack-refs", "--all"])),
            4 => drop(well(repository, &["repack", "-q", "-a", "-d"])),
            _ => {}
        }
        parent = Some(commit);
    }
}

#[test]
fn a_copy_is_whole_whatever_others_do() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let destination = folder.path().join("backups");
    let repository =
        Repository::open_or_init(&root.join("repos"), &PackageName::new("hello").unwrap()).unwrap();
    repository.publish(&repository.lock(bounded::Deadline::now()).unwrap(), &[], None, None).unwrap();
    let store = Location::new(&root, None, None).open_or_make().unwrap();
    let stop = AtomicBool::new(false);
    let wanted = backup::take::TakeOptions {
        store: &store,
        root: &root,
        config: None,
        destination: &destination,
        keep: 0,
        logs: false,
        program: "0.1",
        host: "a",
        actor: "me",
    };
    let taken = thread::scope(|scope| {
        scope.spawn(|| churn(repository.path(), &stop));
        let taken: Result<Vec<_>, _> = (0..12).map(|_| backup::take::take(&wanted, |_, _| ())).collect();
        // Before anything is judged: otherwise nobody would stop the other thread.
        stop.store(true, Ordering::SeqCst);
        taken
    });
    taken.unwrap();
    let mut tags = Vec::new();
    for backup in check::all(&destination).unwrap() {
        assert!(check::problems(&backup, |_, _| ()).unwrap().lines().is_empty());
        let copy = backup.join("repos/h/hello.git");
        well(&copy, &["fsck", "--full", "--strict", "--no-dangling"]);
        // Branch and tags are of one moment: the branch is the newest tag, or the one that comes next.
        let count = well(&copy, &["for-each-ref", "--format=%(refname)", "refs/tags"]).lines().count();
        if count > 0 {
            let commits: usize = well(&copy, &["rev-list", "--count", "debian/sid"]).parse().unwrap();
            assert!(commits == count || commits == count + 1, "{commits} commits, {count} tags");
        }
        tags.push(count);
    }
    assert!(tags.windows(2).all(|pair| pair[0] <= pair[1]), "{tags:?}");
    assert!(tags.last().unwrap() > &0, "nothing happened meanwhile");
}
