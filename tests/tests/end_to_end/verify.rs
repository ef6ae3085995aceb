//! `verify` finds what somebody has damaged.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::package;

/// Two versions, the second with a patch, without anything wrong.
fn sound() -> Installation {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).patch("p", "line 7", "seven").write(&files);
    it.import_well("debian", "sid", &[&first, &second]);
    it
}

fn verify(it: &Installation) -> (i32, String) {
    let mut command = Command::new(package_import_tests::installation::binary());
    let Output { status, stdout, stderr } =
        command.args(["verify", "a0", "--root"]).arg(it.root()).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn assert_finds(it: &Installation, words: &[&str]) {
    let (code, said) = verify(it);
    assert_eq!(code, 1, "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{words:?} in: {said}");
}

fn set(it: &Installation, name: &str, value: &str) {
    it.git("a0", &["update-ref", name, value]);
}

#[test]
fn nothing_is_wrong_with_what_was_imported() {
    let it = sound();
    assert_eq!(verify(&it).0, 0, "{}", verify(&it).1);
    it.git("a0", &["repack", "-q", "-a", "-d"]);
    assert_eq!(verify(&it).0, 0);
}

#[test]
fn a_branch_that_was_moved_elsewhere() {
    let it = sound();
    set(&it, "refs/heads/debian/sid", "upstream/1.0^{commit}");
    assert_finds(&it, &["refs/heads/debian/sid", "no commit of an import"]);
}

#[test]
fn a_foreign_commit_on_a_branch() {
    let it = sound();
    let tree = it.git("a0", &["rev-parse", "debian/1.0-1^{tree}"]);
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
    let commit = ["commit-tree", "-m", "pushed", "-p", "debian/sid", tree.trim()];
    let pushed = it.git("a0", &[&who[..], &commit].concat());
    set(&it, "refs/heads/debian/sid", pushed.trim());
    assert_finds(&it, &["refs/heads/debian/sid", "somebody else"]);
}

#[test]
fn an_applied_branch_that_shows_the_unapplied_tree() {
    let it = sound();
    set(&it, "refs/heads/applied/debian/sid", "refs/heads/debian/sid");
    assert_finds(&it, &["refs/heads/applied/debian/sid"]);
}

#[test]
fn a_dsc_that_was_replaced() {
    let it = sound();
    set(&it, "refs/dsc/debian/1.0-1", "refs/dsc/debian/1.0-2");
    assert_finds(&it, &["refs/tags/debian/1.0-1", "another SHA-256"]);
}

#[test]
fn a_dsc_that_is_gone() {
    let it = sound();
    it.git("a0", &["update-ref", "-d", "refs/dsc/debian/1.0-1"]);
    assert_finds(&it, &["refs/tags/debian/1.0-1", "missing"]);
}

#[test]
fn a_tag_that_was_replaced_by_that_of_another_version() {
    let it = sound();
    set(&it, "refs/tags/debian/1.0-1", "refs/tags/debian/1.0-2");
    assert_finds(&it, &["refs/tags/debian/1.0-1"]);
}

/// Also in the middle of a history, where no branch shows it.
#[test]
fn a_tag_that_was_replaced_by_a_commit() {
    let it = sound();
    set(&it, "refs/tags/debian/1.0-1", "debian/1.0-1^{commit}");
    assert_finds(&it, &["refs/tags/debian/1.0-1"]);
    let it = sound();
    set(&it, "refs/tags/applied/debian/1.0-1", "debian/1.0-1^{commit}");
    assert_finds(&it, &["refs/tags/applied/debian/1.0-1"]);
}

#[test]
fn a_tag_that_is_gone() {
    let it = sound();
    it.git("a0", &["update-ref", "-d", "refs/tags/debian/1.0-1"]);
    assert_finds(&it, &["refs/dsc/debian/1.0-1"]);
}

/// Git itself misses nothing then; the state remembers.
#[test]
fn a_ref_that_is_gone() {
    for name in [
        "refs/heads/debian/sid",
        "refs/heads/applied/debian/sid",
        "refs/tags/applied/debian/1.0-1",
        "refs/tags/upstream/1.0",
    ] {
        let it = sound();
        it.git("a0", &["update-ref", "-d", name]);
        let subject = if name.contains("tags") { "refs/tags/debian/1.0-1" } else { name };
        assert_finds(&it, &[subject]);
    }
    let it = sound();
    it.git("a0", &["update-ref", "-d", "refs/tags/debian/1.0-1"]);
    it.git("a0", &["update-ref", "-d", "refs/dsc/debian/1.0-1"]);
    assert_finds(&it, &["refs/tags/debian/1.0-1", "is gone"]);
    let it = sound();
    fs::remove_file(it.repository("a0").join("packed-refs")).unwrap();
    assert_finds(&it, &["refs/tags/debian/1.0-1", "refs/heads/debian/sid", "is gone"]);
    let it = sound();
    fs::remove_dir_all(it.repository("a0")).unwrap();
    assert_finds(&it, &["there is no repository"]);
}

#[test]
fn a_branch_that_was_set_back() {
    for applied in ["", "applied/"] {
        let it = sound();
        let branch = format!("refs/heads/{applied}debian/sid");
        set(&it, &branch, &format!("{applied}debian/1.0-1^{{commit}}"));
        assert_finds(&it, &[&branch, "set back to 1.0-1"]);
    }
}

#[test]
fn an_applied_or_upstream_tag_of_another_version() {
    let it = sound();
    set(&it, "refs/tags/applied/debian/1.0-1", "refs/tags/applied/debian/1.0-2");
    assert_finds(&it, &["refs/tags/applied/debian/1.0-1", "another version"]);
    let it = sound();
    let other = package("a0", "2.0-1").below(&["1.0-2"]).upstream("README", "2\n").write(&it.files());
    it.import_well("debian", "sid", &[&other]);
    assert_eq!(verify(&it).0, 0, "{}", verify(&it).1);
    set(&it, "refs/tags/upstream/1.0", "refs/tags/upstream/2.0");
    assert_finds(&it, &["refs/tags/upstream/1.0", "another version"]);
}

#[test]
fn a_head_without_its_branch_and_a_wrong_line_in_packed_refs() {
    let it = sound();
    fs::write(it.repository("a0").join("HEAD"), "ref: refs/heads/none\n").unwrap();
    assert_finds(&it, &["HEAD", "no branch"]);
    let it = sound();
    let packed = it.repository("a0").join("packed-refs");
    let commit = |tag: &str| it.git("a0", &["rev-parse", &format!("{tag}^{{commit}}")]).trim().to_owned();
    let (right, wrong) = (commit("debian/1.0-2"), commit("debian/1.0-1"));
    let text = fs::read_to_string(&packed).unwrap().replace(&format!("^{right}"), &format!("^{wrong}"));
    fs::write(&packed, text).unwrap();
    assert_finds(&it, &["refs/tags/debian/1.0-2", "packed-refs"]);
}

#[test]
fn an_object_that_is_missing_or_damaged() {
    let it = sound();
    let packs = it.repository("a0").join("objects/pack");
    let pack: PathBuf = fs::read_dir(&packs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().unwrap() == "pack")
        .unwrap();
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, bytes).unwrap();
    assert_finds(&it, &["objects"]);
    let it = sound();
    let blob = it.git("a0", &["rev-parse", "debian/sid:README"]);
    let packs = it.repository("a0").join("objects/pack");
    let loose =
        |it: &Installation| it.repository("a0").join("objects").join(&blob[..2]).join(blob[2..].trim());
    let pack = fs::read_dir(&packs).unwrap().map(|entry| entry.unwrap().path());
    let pack: Vec<PathBuf> = pack.collect();
    let kept = it.files().join("moved.pack");
    let source = pack.iter().find(|path| path.extension().unwrap() == "pack").unwrap();
    fs::rename(source, &kept).unwrap();
    fs::remove_file(source.with_extension("idx")).unwrap();
    let mut unpack = Command::new("git");
    unpack.arg("--git-dir").arg(it.repository("a0")).args(["unpack-objects", "-q"]);
    unpack
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*");
    assert!(unpack.stdin(fs::File::open(&kept).unwrap()).status().unwrap().success());
    assert_eq!(verify(&it).0, 0);
    fs::remove_file(loose(&it)).unwrap();
    assert_finds(&it, &["objects", "missing"]);
}

/// A pushed commit is never lost: the next version joins it.
#[test]
fn a_foreign_commit_stays_in_the_history() {
    let it = sound();
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
    let commit = ["commit-tree", "-m", "pushed", "-p", "debian/sid", "debian/sid^{tree}"];
    let pushed = it.git("a0", &[&who[..], &commit].concat());
    set(&it, "refs/heads/debian/sid", pushed.trim());
    let third = package("a0", "1.0-3").below(&["1.0-2", "1.0-1"]).write(&it.files());
    it.import_well("debian", "sid", &[&third]);
    let titles = it.git("a0", &["log", "--first-parent", "--format=%s", "debian/sid"]);
    let expected = ["Publish 1.0-3 in debian/sid", "pushed", "Import a0 1.0-2", "Import a0 1.0-1"];
    assert_eq!(titles.lines().take(4).collect::<Vec<_>>(), expected);
    assert_eq!(it.git("a0", &["diff", "debian/sid", "debian/1.0-3"]), "");
    it.assert_clean("a0");
}
