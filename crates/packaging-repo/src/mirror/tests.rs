#![allow(clippy::unwrap_used)]

use std::process::Command;
use std::time::Duration;

use super::*;
use crate::refs::Value;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(folder).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
        command.env(name, "x@example.org");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn source(folder: &Path) -> PathBuf {
    let path = folder.join("source.git");
    git(&path, &["init", "-q", "--bare"]);
    let tree = git(&path, &["mktree"]);
    let mut parent = Vec::new();
    for n in 1..4 {
        let mut arguments = vec!["commit-tree".to_owned(), "-m".into(), format!("v{n}"), tree.clone()];
        arguments.extend(parent);
        let commit = git(&path, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        git(&path, &["update-ref", "refs/heads/debian/sid", &commit]);
        git(&path, &["tag", "-a", "-m", "t", &format!("debian/{n}"), &commit]);
        parent = vec!["-p".into(), commit];
    }
    path
}

fn edits(from: &Path, to: &Mirror) -> Vec<Edit> {
    let there = to.read().map(|(refs, _)| refs).unwrap_or_default();
    let mut refs = crate::refs::read(from).unwrap();
    for (name, value) in &mut refs {
        let behind = format!("{name}^{{}}");
        let peeled = ObjectId::from_hex(git(from, &["rev-parse", &behind]).as_bytes()).unwrap();
        value.peeled = (peeled != value.id).then_some(peeled);
    }
    let edit = |(name, new): (String, Value)| {
        let expected = there.get(&name).map(|it| it.id);
        (expected != Some(new.id)).then_some(Edit { name, expected, new })
    };
    refs.into_iter().filter_map(edit).collect()
}

fn long() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

#[test]
fn a_copy_comes_to_be_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let from = source(folder.path());
    let mirror = Mirror::at(&folder.path().join("a folder: \"odd\"/d/x.git"));
    assert!(matches!(mirror.read(), Err(Error::NoRepository(_))));
    let push = || mirror.push(&from.join("objects"), &edits(&from, &mirror), Some("debian/sid"), long());
    push().unwrap();
    let all = git(&from, &["for-each-ref"]);
    assert_eq!(git(mirror.path(), &["for-each-ref"]), all);
    git(mirror.path(), &["fsck", "--full", "--strict"]);
    assert_eq!(mirror.read().unwrap().1.as_deref(), Some("refs/heads/debian/sid"));
    // Another push of a loose object; then the next version comes.
    git(mirror.path(), &["update-ref", "refs/heads/theirs", "refs/heads/debian/sid"]);
    let tree = git(&from, &["mktree"]);
    let commit = git(&from, &["commit-tree", "-m", "v4", "-p", "refs/heads/debian/sid", &tree]);
    git(&from, &["update-ref", "refs/heads/debian/sid", &commit]);
    push().unwrap();
    assert_eq!(git(mirror.path(), &["rev-parse", "debian/sid"]), commit);
    git(mirror.path(), &["rev-parse", "--verify", "refs/heads/theirs"]);
    git(mirror.path(), &["fsck", "--full"]);
    assert!(!mirror.path().join(INCOMING).exists());
}

#[test]
fn what_somebody_else_has_moved_is_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let from = source(folder.path());
    let mirror = Mirror::at(&folder.path().join("x.git"));
    let first = edits(&from, &mirror);
    mirror.push(&from.join("objects"), &first, None, long()).unwrap();
    let tree = git(mirror.path(), &["mktree"]);
    let theirs = git(mirror.path(), &["commit-tree", "-m", "theirs", "-p", "refs/heads/debian/sid", &tree]);
    let stale = |expected: &str, new: &str| Edit {
        name: "refs/heads/debian/sid".into(),
        expected: Some(ObjectId::from_hex(expected.as_bytes()).unwrap()),
        new: Value { id: ObjectId::from_hex(new.as_bytes()).unwrap(), peeled: None },
    };
    let ours = git(&from, &["rev-parse", "refs/heads/debian/sid"]);
    let next = git(&from, &["commit-tree", "-m", "v4", "-p", "refs/heads/debian/sid", &tree]);
    git(mirror.path(), &["update-ref", "refs/heads/debian/sid", &theirs]);
    let refused = mirror.push(&from.join("objects"), &[stale(&ours, &next)], None, long());
    assert!(matches!(refused, Err(Error::RefMoved { .. })), "{refused:?}");
    assert_eq!(git(mirror.path(), &["rev-parse", "refs/heads/debian/sid"]), theirs);
    // Pushed objects of others can be kept here.
    let id = ObjectId::from_hex(theirs.as_bytes()).unwrap();
    mirror.fetch(&from, &[id], long()).unwrap();
    git(&from, &["cat-file", "-e", &theirs]);
    git(&from, &["fsck", "--full"]);
}

#[test]
fn what_cannot_be_written_by_us_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.git");
    git(&path, &["init", "-q", "--bare", "--object-format=sha256"]);
    assert!(matches!(Mirror::at(&path).read(), Err(Error::Unsuitable { .. })));
}
