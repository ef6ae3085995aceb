//! Ancestry of commits within one distro.

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::package;

#[test]
fn a_linear_history() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).patch("p", "line 7", "seven").write(&files);
    let third = package("a0", "2.0-1").below(&["1.0-2", "1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&third, &first, &second]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    *   Import a0 2.0-1 (HEAD -> debian/sid, tag: debian/2.0-1)
    |\
    | * Import upstream a0 2.0 (tag: upstream/2.0)
    * Import a0 1.0-2 (tag: debian/1.0-2)
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    insta::assert_snapshot!(it.graph("a0", &["applied/debian/sid"]), @r"
    *   Apply the patches of a0 2.0-1 (tag: applied/debian/2.0-1, applied/debian/sid)
    |\
    | *   Import a0 2.0-1 (HEAD -> debian/sid, tag: debian/2.0-1)
    | |\
    | | * Import upstream a0 2.0 (tag: upstream/2.0)
    * | p (tag: applied/debian/1.0-2)
    * | Apply the patches of a0 1.0-2
    |\|
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    * | Apply the patches of a0 1.0-1 (tag: applied/debian/1.0-1)
    |/
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    it.assert_clean("a0");
}

/// A version whose changelog does not know the branch's tip does not descend from it: the branch joins both.
#[test]
fn a_version_that_does_not_know_the_tip_is_joined() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    it.import_well("debian", "sid", &[&first]);
    let nmu = package("a0", "1.0-1.1").below(&["1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&nmu]);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&second]);
    let third = package("a0", "1.0-3").below(&["1.0-2", "1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&third]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    *   Publish 1.0-3 in debian/sid (HEAD -> debian/sid)
    |\
    | * Import a0 1.0-3 (tag: debian/1.0-3)
    * | Publish 1.0-2 in debian/sid
    |\|
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    * | Import a0 1.0-1.1 (tag: debian/1.0-1.1)
    |/
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    insta::assert_snapshot!(it.git("a0", &["log", "--first-parent", "--format=%s", "debian/sid"]), @r"
    Publish 1.0-3 in debian/sid
    Publish 1.0-2 in debian/sid
    Import a0 1.0-1.1
    Import a0 1.0-1
    Import upstream a0 1.0
    ");
    assert_eq!(it.git("a0", &["diff", "debian/sid", "debian/1.0-3"]), "");
    it.assert_clean("a0");
}

/// Nothing is rewritten: it gets its commit and tag and becomes nobody's ancestor.
#[test]
fn a_version_that_comes_after_its_successor_is_late() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let third = package("a0", "1.0-3").below(&["1.0-2", "1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&first, &third]);
    let before = it.git("a0", &["rev-parse", "debian/sid", "applied/debian/sid"]);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&second]);
    assert_eq!(it.git("a0", &["rev-parse", "debian/sid", "applied/debian/sid"]), before);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid", "debian/1.0-2"]), @r"
    * Import a0 1.0-3 (HEAD -> debian/sid, tag: debian/1.0-3)
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    |/
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    it.assert_clean("a0");
}

#[test]
fn an_epoch_is_higher_than_any_version_without() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "20240101-1").write(&files);
    let second = package("a0", "1:1.0~rc1-1").below(&["20240101-1"]).write(&files);
    it.import_well("debian", "sid", &[&second, &first]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    *   Import a0 1:1.0~rc1-1 (HEAD -> debian/sid, tag: debian/1%1.0_rc1-1)
    |\
    | * Import upstream a0 1.0~rc1 (tag: upstream/1.0_rc1)
    * Import a0 20240101-1 (tag: debian/20240101-1)
    * Import upstream a0 20240101 (tag: upstream/20240101)
    ");
    it.assert_clean("a0");
}

/// A hole in the unapplied history would move the parents of all that follow.
#[test]
fn a_version_whose_patches_fail_has_its_place_in_the_history() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").patch("p", "line 7", "seven").write(&files);
    let broken = package("a0", "1.0-2").below(&["1.0-1"]).patch("bad", "line 900", "x").write(&files);
    let third = package("a0", "1.0-3").below(&["1.0-2", "1.0-1"]).patch("p", "line 7", "7").write(&files);
    let (code, reports) = it.import("debian", "sid", &[&first, &broken, &third]);
    assert_eq!(code, 1);
    let outcomes: Vec<_> = reports.iter().map(|report| report["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["imported", "unapplied-only", "imported"]);
    assert_eq!((&reports[1]["stage"], &reports[1]["applied_commit"]), (&"patch".into(), &None::<()>.into()));
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    * Import a0 1.0-3 (HEAD -> debian/sid, tag: debian/1.0-3)
    * Import a0 1.0-2 (tag: debian/1.0-2)
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    insta::assert_snapshot!(it.git("a0", &["log", "--first-parent", "--format=%s", "applied/debian/sid"]), @r"
    p
    Apply the patches of a0 1.0-3
    p
    Apply the patches of a0 1.0-1
    Import a0 1.0-1
    Import upstream a0 1.0
    ");
    let (code, reports) = it.import("debian", "sid", &[&broken]);
    assert_eq!((code, &reports[0]["outcome"]), (1, &"unapplied-only".into()));
    it.assert_clean("a0");
}

#[test]
fn a_native_package_has_no_upstream() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0").write(&files);
    let second = package("a0", "1.1").below(&["1.0"]).write(&files);
    it.import_well("debian", "sid", &[&first, &second]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    * Import a0 1.1 (HEAD -> debian/sid, tag: debian/1.1)
    * Import a0 1.0 (tag: debian/1.0)
    ");
    insta::assert_snapshot!(it.git("a0", &["ls-tree", "-r", "--name-only", "debian/sid"]), @r"
    README
    debian/changelog
    debian/control
    debian/source/format
    ");
}
