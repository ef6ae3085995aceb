//! The folders of a plan's files, and the order in which its versions are named, make no difference.

use std::fs;
use std::path::{Path, PathBuf};

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::{Package, package};

/// Three versions of one upstream, the second with a component more, the third of another upstream.
fn versions() -> Vec<Package> {
    vec![
        package("aa", "1.0-1"),
        package("aa", "1.0-2").below(&["1.0-1"]).component("foo", "f", "component\n"),
        package("aa", "1.0-3").below(&["1.0-2", "1.0-1"]).component("foo", "f", "component\n"),
        package("aa", "1.1-1").below(&["1.0-3", "1.0-2", "1.0-1"]).upstream("new", "file\n"),
    ]
}

fn refs_of(order: &[PathBuf]) -> String {
    let it = Installation::new();
    let order: Vec<&Path> = order.iter().map(PathBuf::as_path).collect();
    it.import_well("debian", "sid", &order);
    it.assert_clean("aa");
    it.refs("aa")
}

fn files_of(folder: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

/// A small generator: the same numbers for the same seed.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize
}

#[test]
fn any_distribution_of_the_files_gives_the_same_history() {
    let all = tempfile::tempdir().unwrap();
    let together: Vec<PathBuf> = versions().iter().map(|version| version.write(all.path())).collect();
    let expected = refs_of(&together);
    for seed in 0..6 {
        let mut seed = seed;
        let scattered = tempfile::tempdir().unwrap();
        let folders: Vec<PathBuf> = (0..4).map(|number| scattered.path().join(number.to_string())).collect();
        folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
        // Each file is right in one folder; in others it is missing, or another one of its name and size.
        let mut upload = next(&mut seed);
        for name in files_of(all.path()) {
            // A folder without an upload is none that anybody names.
            let right = if name.ends_with(".dsc") { upload } else { next(&mut seed) } % folders.len();
            upload += usize::from(name.ends_with(".dsc"));
            let content = fs::read(all.path().join(&name)).unwrap();
            fs::write(folders[right].join(&name), &content).unwrap();
            if name.ends_with(".dsc") {
                continue;
            }
            for folder in folders.iter().filter(|folder| !folder.join(&name).exists()) {
                let mut wrong = content.clone();
                match next(&mut seed) % 4 {
                    0 => wrong[20] ^= 1,
                    1 => wrong.truncate(10),
                    _ => continue,
                }
                fs::write(folder.join(&name), wrong).unwrap();
            }
        }
        let mut order: Vec<PathBuf> = (folders.iter())
            .flat_map(|folder| files_of(folder).into_iter().map(|name| folder.join(name)))
            .filter(|path| path.extension().is_some_and(|ending| ending == "dsc"))
            .collect();
        for place in (1..order.len()).rev() {
            order.swap(place, next(&mut seed) % (place + 1));
        }
        assert_eq!(refs_of(&order), expected, "{order:?}");
    }
}

/// Uploads come one by one: a tarball that was imported before is not needed again, though another component is new.
#[test]
fn a_component_that_was_added_needs_no_tarball_that_is_known() {
    let it = Installation::new();
    let all = tempfile::tempdir().unwrap();
    let together: Vec<PathBuf> = versions().iter().map(|version| version.write(all.path())).collect();
    let expected = refs_of(&together);
    for (number, dsc) in together.iter().enumerate() {
        if number == 1 {
            fs::remove_file(all.path().join("aa_1.0.orig.tar.gz")).unwrap();
        }
        it.import_well("debian", "sid", &[dsc]);
    }
    assert_eq!(it.refs("aa"), expected);
    it.assert_clean("aa");
}

/// The error of the first place is reported, in whatever order the versions are named.
#[test]
fn a_file_that_is_nowhere_is_missing_beside_its_dsc() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let a = package("aa", "1.0-1").write(first.path());
    let b = package("aa", "1.0-2").below(&["1.0-1"]).write(second.path());
    fs::remove_file(second.path().join("aa_1.0-2.debian.tar.gz")).unwrap();
    for order in [[a.as_path(), b.as_path()], [b.as_path(), a.as_path()]] {
        let it = Installation::new();
        let (code, reports) = it.import("debian", "sid", &order);
        let failed: Vec<_> = reports.iter().filter(|report| report["outcome"] == "failed").collect();
        assert_eq!((code, failed.len()), (1, 1), "{reports:#?}");
        assert_eq!((&failed[0]["version"], &failed[0]["code"]), (&"1.0-2".into(), &"missing-file".into()));
    }
}

/// The changelogs decide about the order, and between two that name each other their versions.
#[test]
fn two_that_name_each_other_are_in_the_order_of_their_versions() {
    let all = tempfile::tempdir().unwrap();
    let low = package("aa", "1.0-1").below(&["1.0-2"]).write(all.path());
    let high = package("aa", "1.0-2").below(&["1.0-1"]).write(all.path());
    let orders: [&[&[&Path]]; 4] =
        [&[&[&low, &high]], &[&[&high, &low]], &[&[&low], &[&high]], &[&[&high], &[&low]]];
    for (number, commands) in orders.iter().enumerate() {
        let it = Installation::new();
        commands.iter().for_each(|files| drop(it.import_well("debian", "sid", files)));
        let parents = it.git("aa", &["log", "-1", "--format=%P", "debian/1.0-1^{commit}"]);
        let upstream = it.git("aa", &["rev-parse", "upstream/1.0^{commit}"]);
        assert_eq!(parents.trim(), upstream.trim(), "1.0-1 grows out of nothing else ({number})");
        it.assert_clean("aa");
    }
}
