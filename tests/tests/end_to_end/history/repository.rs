//! Content of a repository for those who clone it.

use std::fs;
use std::process::Command;

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::package;

#[test]
fn a_clone_checks_out_the_default_branch() {
    let it = Installation::new();
    it.configure("[import]\ndefault_branch = \"debian/trixie\"\n");
    let first = package("a0", "1.0-1").write(&it.files());
    let head = |it: &Installation| fs::read_to_string(it.repository("a0").join("HEAD")).unwrap();
    it.import_well("debian", "bookworm", &[&first]);
    assert_eq!(head(&it), "ref: refs/heads/debian/bookworm\n");
    it.import_well("debian", "sid", &[&first]);
    assert_eq!(head(&it), "ref: refs/heads/debian/bookworm\n");
    it.import_well("debian", "trixie", &[&first]);
    assert_eq!(head(&it), "ref: refs/heads/debian/trixie\n");
    let clone = it.files().join("clone");
    let status = Command::new("git").args(["clone", "-q"]).arg(it.repository("a0")).arg(&clone).status();
    assert!(status.unwrap().success());
    assert!(clone.join("debian/changelog").is_file());
    assert_eq!(fs::read_to_string(clone.join(".git/HEAD")).unwrap(), "ref: refs/heads/debian/trixie\n");
}

#[test]
fn components_have_their_folders() {
    let it = Installation::new();
    let first = package("a0", "1.0-1").component("x", "f", "x").component("y", "d/g", "y").write(&it.files());
    it.import_well("debian", "sid", &[&first]);
    insta::assert_snapshot!(it.git("a0", &["ls-tree", "-r", "--name-only", "debian/sid"]), @r"
    README
    debian/changelog
    debian/control
    debian/source/format
    x/f
    y/d/g
    ");
    insta::assert_snapshot!(it.git("a0", &["ls-tree", "-r", "--name-only", "upstream/1.0"]), @r"
    README
    x/f
    y/d/g
    ");
}
