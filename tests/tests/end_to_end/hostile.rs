//! A package that asks for more than its limits fails with a code of its own, and takes nobody with it.

use std::process::Command;

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::{Package, lines, package};

/// Imports a package that is over a limit between two that are not.
fn assert_fails_alone(limits: &str, hostile: Package, stage: &str, code: &str) {
    let it = Installation::new();
    it.configure(&format!("[limits]\n{limits}\n"));
    let files = it.files();
    let before = package("a0", "1.0-1").write(&files);
    let after = package("z0", "1.0-1").write(&files);
    let hostile = hostile.write(&files);
    let (exit, reports) = it.import("debian", "sid", &[&before, &hostile, &after]);
    assert_eq!(exit, 1, "{reports:#?}");
    for report in &reports {
        if report["package"] == "hostile" {
            assert_eq!((&report["stage"], &report["code"]), (&stage.into(), &code.into()), "{report:#?}");
            assert!(!report["message"].as_str().unwrap().is_empty());
            assert_eq!(report["version"], "1.0-1", "{report:#?}");
        } else {
            assert_eq!(report["outcome"], "imported", "{report:#?}");
        }
    }
    assert_eq!(reports.len(), 3);
    assert_eq!(it.git("hostile", &["for-each-ref"]), "");
    // With limits that suffice, the same files are imported: nothing stands in the way.
    it.configure("[limits]\nexpansion_ratio = 1000000\n");
    it.import_well("debian", "sid", &[&hostile]);
    ["a0", "hostile", "z0"].iter().for_each(|package| it.assert_clean(package));
}

#[test]
fn more_bytes_than_allowed() {
    let hostile = package("hostile", "1.0-1").upstream("large", lines(300_000));
    assert_fails_alone("unpacked_bytes = 1000000", hostile, "unpack", "too-many-bytes");
}

#[test]
fn more_entries_than_allowed() {
    let many = |package: Package, number: u32| package.upstream(&format!("d/{number}"), "x");
    let hostile = (0..100).fold(package("hostile", "1.0-1"), many);
    assert_fails_alone("entries = 50", hostile, "unpack", "too-many-entries");
}

#[test]
fn a_bomb() {
    let hostile = package("hostile", "1.0-1").upstream("zeros", vec![0; 64 << 20]);
    assert_fails_alone("expansion_ratio = 50", hostile, "unpack", "expands-too-much");
}

/// Each patch is within its limit. A package over a limit is not imported without its patches.
#[test]
fn more_patches_than_allowed() {
    let patched = || {
        let hostile = package("hostile", "1.0-1").upstream("README", lines(2000));
        (1..30).fold(hostile, |package, number| {
            package.patch(&format!("p{number}"), &format!("line {}", 3 * number), "changed")
        })
    };
    assert_fails_alone("series_work = 300000", patched(), "patch", "too-much-work");
    assert_fails_alone("patch_work = 10000", patched(), "patch", "too-much-work");
    assert_fails_alone("text_bytes = 10000", patched(), "patch", "too-much-work");
    assert_fails_alone("written_bytes = 20000", patched(), "commit", "writes-too-much");
}

/// A patched file is held in memory, several times over.
#[test]
fn more_memory_than_allowed() {
    let hostile = package("hostile", "1.0-1").upstream("README", lines(2_500_000)).patch("p", "line 7", "x");
    assert_fails_alone("memory = 41943040", hostile, "worker", "out-of-memory");
}

#[test]
fn more_time_than_allowed() {
    let zeros = |package: Package, name: &str| package.upstream(name, vec![0; 1 << 30]);
    let hostile = zeros(package("hostile", "1.0-1"), "a");
    assert_fails_alone("time = \"1s\"\nexpansion_ratio = 1000000", hostile, "worker", "out-of-time");
}

/// Neither a pipe into which nobody writes nor a folder in the place of a tarball stops anything.
#[test]
fn what_is_no_file_is_not_read() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "0.9-1").write(&files);
    // With content of its own: the same would be found in the other version's tarball.
    let hostile = package("a0", "1.0-1").below(&["0.9-1"]).upstream("new", "only here").write(&files);
    let orig = files.join("a0_1.0.orig.tar.gz");
    for make in ["mkfifo", "mkdir"] {
        let _ = std::fs::remove_file(&orig);
        assert!(Command::new(make).arg(&orig).status().unwrap().success());
        let (code, reports) = it.import("debian", "sid", &[&first, &hostile]);
        let codes: Vec<_> = reports.iter().filter_map(|report| report["code"].as_str()).collect();
        assert_eq!((code, &codes[..]), (1, &["unreadable-file"][..]), "{reports:#?}");
    }
    it.assert_clean("a0");
}

#[test]
fn a_larger_file_than_allowed() {
    let noise: Vec<u8> =
        (0..4_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let noise: Vec<u8> = noise
        .iter()
        .scan(1_u32, |state, byte| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 + u32::from(*byte));
            Some((*state >> 24) as u8)
        })
        .collect();
    let hostile = package("hostile", "1.0-1").upstream("noise", noise);
    assert_fails_alone("file_size = 1000000", hostile, "worker", "file-too-large");
}

/// A child that dies takes the version with it that it was reading, and no other.
#[test]
fn a_version_that_kills_its_child_takes_no_other_with_it() {
    let it = Installation::new();
    it.configure("[limits]\nmemory = 41943040\n");
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let deadly = package("a0", "1.1-1").below(&["1.0-1"]).upstream("README", lines(2_500_000));
    let deadly = deadly.patch("p", "line 7", "x").write(&files);
    let third = package("a0", "1.2-1").below(&["1.1-1", "1.0-1"]).write(&files);
    let (code, reports) = it.import("debian", "sid", &[&first, &deadly, &third]);
    assert_eq!(code, 1);
    let failed: Vec<_> = reports.iter().filter(|report| report["outcome"] == "failed").collect();
    assert_eq!((reports.len(), failed.len()), (3, 1), "{reports:#?}");
    assert_eq!(failed[0]["code"], "out-of-memory");
    let tags = it.git("a0", &["for-each-ref", "--format=%(refname)", "refs/tags/debian"]);
    assert_eq!(tags, "refs/tags/debian/1.0-1\nrefs/tags/debian/1.2-1\n");
    it.assert_clean("a0");
}
