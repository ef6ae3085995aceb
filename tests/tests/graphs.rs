//! Which histories imports make, each as a graph.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::{Package, package};

fn next(version: &str, below: &[&str]) -> Package {
    package("a0", version).below(below)
}

#[test]
fn a_linear_history_whatever_the_order() {
    let it = Installation::new();
    let files = it.files();
    let first = next("1.0-1", &[]).write(&files);
    let second = next("1.0-2", &["1.0-1"]).patch("p", "line 7", "seven").write(&files);
    let third = next("2.0-1", &["1.0-2", "1.0-1"]).upstream("new", "new").write(&files);
    it.import_well("debian", "sid", &[&third, &first, &second]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r#"
    *   Import a0 2.0-1 (HEAD -> debian/sid, tag: debian/2.0-1)
    |\
    | * Import upstream a0 2.0 (tag: upstream/2.0)
    * Import a0 1.0-2 (tag: debian/1.0-2)
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    "#);
    insta::assert_snapshot!(it.graph("a0", &["applied/debian/sid"]), @r#"
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
    "#);
    it.assert_clean("a0");
}

#[test]
fn a_version_that_does_not_know_the_tip_is_joined() {
    let it = Installation::new();
    it.import_well("debian", "sid", &[&next("1.0-1", &[]).write(&it.files())]);
    it.import_well("debian", "sid", &[&next("1.0-2", &[]).remark("from elsewhere").write(&it.files())]);
    it.import_well("debian", "sid", &[&next("1.0-3", &["1.0-2"]).write(&it.files())]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r#"
    *   Publish 1.0-3 in debian/sid (HEAD -> debian/sid)
    |\
    | * Import a0 1.0-3 (tag: debian/1.0-3)
    * | Publish 1.0-2 in debian/sid
    |\|
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    * | Import a0 1.0-1 (tag: debian/1.0-1)
    |/
    * Import upstream a0 1.0 (tag: upstream/1.0)
    "#);
    it.assert_clean("a0");
}

#[test]
fn a_late_version_becomes_nobodys_ancestor() {
    let it = Installation::new();
    it.import_well("debian", "sid", &[&next("1.0-1", &[]).write(&it.files())]);
    it.import_well("debian", "sid", &[&next("1.0-3", &["1.0-2", "1.0-1"]).write(&it.files())]);
    let before = it.git("a0", &["rev-parse", "debian/sid"]);
    it.import_well("debian", "sid", &[&next("1.0-2", &["1.0-1"]).write(&it.files())]);
    assert_eq!(it.git("a0", &["rev-parse", "debian/sid"]), before, "nothing is rewritten");
    insta::assert_snapshot!(it.graph("a0", &["--tags=debian/*"]), @r#"
    * Import a0 1.0-3 (HEAD -> debian/sid, tag: debian/1.0-3)
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    |/
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    "#);
}

#[test]
fn a_reupload_with_other_content_keeps_both() {
    let it = Installation::new();
    it.import_well("debian", "sid", &[&next("1.0-1", &[]).upstream("f", "one").write(&it.files())]);
    it.import_well("debian", "sid", &[&next("1.0-1", &[]).upstream("f", "two").write(&it.files())]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]).replace(|c: char| c.is_ascii_hexdigit() && c.is_ascii_digit(), "0"), @r#"
    *   Publish 0.0-0 in debian/sid (HEAD -> debian/sid)
    |\
    | * Import a0 0.0-0 (tag: reimport/debian/0.0-0/0d00bd00d000)
    | * Import upstream a0 0.0 (tag: reimport/upstream/0.0/000cad0f0db0)
    * Import a0 0.0-0 (tag: debian/0.0-0)
    * Import upstream a0 0.0 (tag: upstream/0.0)
    "#);
    it.assert_clean("a0");
}

#[test]
fn an_epoch_is_in_names_of_refs_alone() {
    let it = Installation::new();
    let old = next("9.0-1", &[]).write(&it.files());
    let new = next("1:1.0~rc1-1", &["9.0-1"]).write(&it.files());
    it.import_well("debian", "sid", &[&new, &old]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r#"
    *   Import a0 1:1.0~rc1-1 (HEAD -> debian/sid, tag: debian/1%1.0_rc1-1)
    |\
    | * Import upstream a0 1.0~rc1 (tag: upstream/1.0_rc1)
    * Import a0 9.0-1 (tag: debian/9.0-1)
    * Import upstream a0 9.0 (tag: upstream/9.0)
    "#);
}

#[test]
fn two_distros_share_a_dsc_and_part() {
    let it = Installation::new();
    let shared = next("1.0-1", &[]).write(&it.files());
    it.import_well("debian", "sid", &[&shared]);
    let reports = it.import_well("ubuntu", "noble", &[&shared]);
    assert_eq!(reports[0]["outcome"], "imported");
    it.import_well("ubuntu", "noble", &[&next("1.0-1ubuntu1", &["1.0-1"]).write(&it.files())]);
    it.import_well("debian", "sid", &[&next("1.0-2", &["1.0-1"]).write(&it.files())]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid", "ubuntu/noble"]), @r#"
    * Import a0 1.0-2 (HEAD -> debian/sid, tag: debian/1.0-2)
    | * Import a0 1.0-1ubuntu1 (tag: ubuntu/1.0-1ubuntu1, ubuntu/noble)
    |/
    * Import a0 1.0-1 (tag: ubuntu/1.0-1, tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    "#);
    it.assert_clean("a0");
}

#[test]
fn patches_that_do_not_apply_leave_a_hole_in_the_applied_history_only() {
    let it = Installation::new();
    let first = next("1.0-1", &[]).write(&it.files());
    let second = next("1.0-2", &["1.0-1"])
        .debian("patches/series", "bad\n")
        .debian("patches/bad", "no patch\n")
        .write(&it.files());
    let third = next("1.0-3", &["1.0-2", "1.0-1"]).write(&it.files());
    let (code, reports) = it.import("debian", "sid", &[&first, &second, &third]);
    assert_eq!(code, 1);
    let outcomes: Vec<&str> = reports.iter().map(|report| report["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["imported", "unapplied-only", "imported"]);
    insta::assert_snapshot!(it.graph("a0", &["applied/debian/sid"]), @r#"
    *   Apply the patches of a0 1.0-3 (tag: applied/debian/1.0-3, applied/debian/sid)
    |\
    | * Import a0 1.0-3 (HEAD -> debian/sid, tag: debian/1.0-3)
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    * | Apply the patches of a0 1.0-1 (tag: applied/debian/1.0-1)
    |/
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    "#);
}

#[test]
fn a_clone_checks_out_the_suite() {
    let it = Installation::new();
    it.import_well("debian", "sid", &[&next("1.0-1", &[]).write(&it.files())]);
    let clone = it.files().join("clone");
    let status = Command::new("git")
        .args(["-c", "safe.directory=*", "clone", "-q"])
        .args([it.repository("a0"), clone.clone()])
        .status()
        .unwrap();
    assert!(status.success());
    assert!(clone.join("debian/changelog").exists());
    assert_eq!(std::fs::read_to_string(clone.join(".git/HEAD")).unwrap(), "ref: refs/heads/debian/sid\n");
}

#[test]
fn a_new_revision_needs_no_upstream_tarball() {
    let with = Installation::new();
    let without = Installation::new();
    for it in [&with, &without] {
        let first = next("1.0-1", &[]).component("doc", "x", "x").write(&it.files());
        it.import_well("debian", "sid", &[&first]);
        let second = next("1.0-2", &["1.0-1"])
            .component("doc", "x", "x")
            .patch("p", "line 7", "seven")
            .write(&it.files());
        if std::ptr::eq(it, &without) {
            for entry in std::fs::read_dir(it.files()).unwrap().flatten() {
                if entry.file_name().to_string_lossy().contains(".orig") {
                    std::fs::remove_file(entry.path()).unwrap();
                }
            }
        }
        it.import_well("debian", "sid", &[&second]);
        it.assert_clean("a0");
    }
    assert_eq!(with.refs("a0"), without.refs("a0"));
}

#[test]
fn what_is_there_already_stays() {
    let it = Installation::new();
    let file = next("1.0-1", &[]).write(&it.files());
    it.import_well("debian", "sid", &[&file]);
    let before = std::fs::read(it.repository("a0").join("packed-refs")).unwrap();
    let reports = it.import_well("debian", "sid", &[&file]);
    assert_eq!(reports[0]["outcome"], "already-there");
    assert_eq!(std::fs::read(it.repository("a0").join("packed-refs")).unwrap(), before);
}

#[test]
fn a_bad_version_does_not_keep_the_others_back() {
    let it = Installation::new();
    let good = next("1.0-1", &[]).write(&it.files());
    let bad = next("1.0-2", &["1.0-1"]).write(&it.files());
    let broken = std::fs::read_to_string(&bad).unwrap().replace("Format: 3.0 (quilt)", "Format: 3.0 (git)");
    std::fs::write(&bad, broken).unwrap();
    let (code, reports) = it.import("debian", "sid", &[&bad, &good]);
    assert_eq!(code, 1);
    let failed = reports.iter().find(|report| report["outcome"] == "failed").unwrap();
    assert_eq!(
        (failed["stage"].as_str(), failed["code"].as_str()),
        (Some("verify"), Some("unsupported-format"))
    );
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r#"
    * Import a0 1.0-1 (HEAD -> debian/sid, tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    "#);
}

#[test]
fn the_same_files_give_the_same_refs_everywhere() {
    let source = Installation::new();
    let versions =
        [next("1.0-1", &[]), next("1.0-2", &["1.0-1"]).patch("p", "line 7", "x"), next("2.0-1", &["1.0-2"])];
    let files: Vec<_> = versions.iter().map(|version| version.write(&source.files())).collect();
    let mut seen = Vec::new();
    for (zone, home, reversed) in [("UTC", "/", false), ("Pacific/Kiritimati", "/nonexistent", true)] {
        let it = Installation::new();
        let mut order: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
        if reversed {
            order.reverse();
        }
        let status = it
            .command("debian", "sid", &order)
            .env("TZ", zone)
            .env("HOME", home)
            .env("GIT_AUTHOR_NAME", home)
            .env("DEB_VENDOR", "ubuntu")
            .output()
            .unwrap()
            .status;
        assert!(status.success());
        seen.push(it.refs("a0"));
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn usage_errors_are_2() {
    let it = Installation::new();
    let file = next("1.0-1", &[]).write(&it.files());
    for distro in ["applied", "a..b", "a/b"] {
        assert_eq!(it.command(distro, "sid", &[&file]).output().unwrap().status.code(), Some(2), "{distro}");
    }
    it.configure("[limits]\nmemroy = 1\n");
    assert_eq!(it.command("debian", "sid", &[&file]).output().unwrap().status.code(), Some(2));
}
