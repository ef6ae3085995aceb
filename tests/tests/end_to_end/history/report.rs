//! Report of an import about each version, and its behaviour when one cannot be imported.

use std::fs;

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::package;

#[test]
fn a_report_says_what_became_of_a_version() {
    let it = Installation::new();
    let first = package("a0", "1:1.0~rc1-1").write(&it.files());
    let report = it.import_well("debian", "sid", &[&first]).remove(0);
    for (field, expected) in [
        ("package", "a0"),
        ("version", "1:1.0~rc1-1"),
        ("distro", "debian"),
        ("suite", "sid"),
        ("outcome", "imported"),
        ("tag", "debian/1%1.0_rc1-1"),
    ] {
        assert_eq!(report[field], expected);
    }
    for (field, name) in
        [("commit", "debian/sid"), ("tree", "debian/sid^{tree}"), ("applied_commit", "applied/debian/sid")]
    {
        assert_eq!(it.git("a0", &["rev-parse", name]).trim(), report[field]);
    }
    for field in ["cpu_ms", "wall_ms", "peak_rss"] {
        assert!(report[field].is_u64(), "{field}");
    }
    for field in ["stage", "code", "message"] {
        assert!(report[field].is_null(), "{field}");
    }
}

/// The one that fails is told, and keeps nobody back; a large file that breaks off does no harm to the others.
#[test]
fn one_bad_version_keeps_nobody_back() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let large: Vec<u8> =
        (0..3_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let cut = package("a0", "1.1-1").below(&["1.0-1"]).upstream("large", large).write(&files);
    let path = files.join("a0_1.1.orig.tar.gz");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..bytes.len() / 2], &vec![0; bytes.len() - bytes.len() / 2]].concat()).unwrap();
    let third = package("a0", "1.2-1").below(&["1.1-1", "1.0-1"]).write(&files);
    let missing = files.join("a0_1.3-1.dsc");
    fs::copy(&third, &missing).unwrap();
    let other = package("other", "1.0").write(&files);
    let (code, reports) = it.import("debian", "sid", &[&cut, &first, &third, &other]);
    assert_eq!(code, 1, "{reports:#?}");
    let outcome = |version: &str| {
        let report = reports.iter().find(|report| report["version"] == version && report["package"] == "a0");
        report.unwrap()["outcome"].as_str().unwrap()
    };
    assert_eq!(["1.0-1", "1.1-1", "1.2-1"].map(outcome), ["imported", "failed", "imported"]);
    insta::assert_snapshot!(it.git("a0", &["log", "--first-parent", "--format=%s", "debian/sid"]), @r"
    Import a0 1.2-1
    Import a0 1.0-1
    Import upstream a0 1.0
    ");
    it.assert_clean("a0");
    it.assert_clean("other");
}

#[test]
fn a_command_line_that_cannot_be_used_is_another_exit_code() {
    let it = Installation::new();
    let first = package("a0", "1.0-1").write(&it.files());
    assert_eq!(it.import("applied", "sid", &[&first]).0, 2);
    assert_eq!(it.import("debian", "a..b", &[&first]).0, 2);
    it.configure("[limits]\nmemry = 1\n");
    assert_eq!(it.import("debian", "sid", &[&first]).0, 2);
    assert!(!it.root().join("repos").exists());
}
