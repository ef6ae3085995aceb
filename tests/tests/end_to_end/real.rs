//! Real source packages: both trees, as Git has them and as they are exported, are those of dpkg-source. `STORM=long`
//! compares the large ones, too.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use package_import_tests::check::Imported;
use package_import_tests::oracle::{Question, ask, open_temp_dir};
use package_import_tests::{real, run};

/// Size of a version, in bytes, up to which it is compared each time.
const LARGEST: u64 = 2 << 20;

#[test]
fn real_packages_are_as_dpkg_source_has_them() {
    let mut packages = real::fetch();
    let versions: usize = packages.iter().map(|(_, files)| files.len()).sum();
    let several = packages.iter().filter(|(_, files)| files.len() > 1).count();
    assert!(packages.len() >= 25, "apt delivered only {} packages; 25 are needed", packages.len());
    assert!(several >= 3, "apt delivered only {several} packages in several versions; 3 are needed");
    if !real::is_long() {
        packages.retain(|(_, files)| files.iter().all(|dsc| real::size(dsc) <= LARGEST));
        assert!(packages.len() >= 12, "apt delivered only {} small packages; 12 are needed", packages.len());
    }
    let queue = Mutex::new(packages.into_iter());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some((package, files)) = queue.lock().unwrap().next() else { break };
                    wrong.lock().unwrap().extend(check(&package, &files));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "of {versions} versions:\n{}", wrong.join("\n"));
}

/// All versions of a package in one plan, then each compared.
fn check(package: &str, files: &[PathBuf]) -> Vec<String> {
    let folder = open_temp_dir();
    let root = folder.path().join("root");
    let output = run::import(&root, "debian", "bookworm", files);
    let mut wrong = Vec::new();
    if output.status.code() != Some(0) {
        wrong.push(format!("{package}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    for report in run::reports(&output) {
        let version = report["version"].as_str().unwrap();
        let dsc = dsc_of(files, version);
        let truth = ask(&Question { dsc, distro: "debian", no_check: false });
        let imported = Imported { root: &root, package, version, distro: "debian", escaped: false };
        let differences =
            imported.differences(&truth).into_iter().chain(truth.unapplied.err()).chain(truth.applied.err());
        wrong.extend(differences.map(|line| format!("{package} {version}: {line}")));
    }
    wrong
}

fn dsc_of<'a>(files: &'a [PathBuf], version: &str) -> &'a Path {
    let bare = version.split_once(':').map_or(version, |(_, rest)| rest);
    files.iter().find(|path| path.to_string_lossy().ends_with(&format!("_{bare}.dsc"))).unwrap()
}
