//! Real source packages, fetched through the machine's own apt by the importer itself, and kept between runs.

use std::env;
use std::path::{Path, PathBuf};

use source_package::dsc::Dsc;

use crate::run;

/// Packages to fetch: every format, components, several versions of some. Archives do not always carry everything,
/// so there are more than are needed.
pub const PACKAGES: [&str; 31] = [
    "bash",
    "bc",
    "busybox",
    "curl",
    "dash",
    "debhelper",
    "dpkg",
    "git",
    "glib2.0",
    "glibc",
    "gnupg2",
    "hello",
    "hostname",
    "jq",
    "openssh",
    "openssl",
    "perl",
    "python3.11",
    "tzdata",
    "wayland",
    "zlib",
    "grep",
    "sed",
    "gzip",
    "tar",
    "patch",
    "which",
    "base-files",
    "libpng1.6",
    "fonts-liberation",
    "netbase",
];

/// The folder of fetched packages: `$PACKAGE_IMPORT_TEST_CACHE`, else one beside the build.
pub fn cache() -> PathBuf {
    match env::var_os("PACKAGE_IMPORT_TEST_CACHE") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/real-packages"),
    }
}

/// True for the long version of tests.
pub fn is_long() -> bool {
    env::var_os("STORM").is_some_and(|value| value == "long")
}

/// Bytes of the files that a `.dsc` lists.
pub fn size(dsc: &Path) -> u64 {
    let parsed = Dsc::parse(&std::fs::read(dsc).unwrap()).unwrap();
    parsed.files.iter().map(|file| file.size).sum()
}

/// Fetches what is not there yet; returns the `.dsc` files by package. Versions of a package are all that apt knows.
pub fn fetch() -> Vec<(String, Vec<PathBuf>)> {
    let root = cache();
    let missing: Vec<&str> = PACKAGES.into_iter().filter(|name| dscs(&root, name).is_empty()).collect();
    if !missing.is_empty() {
        let output = run::command(&root).args(["import", "--from", "apt"]).args(&missing).output().unwrap();
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    fetch_older(&root);
    let found = PACKAGES.into_iter().map(|name| (name.to_owned(), dscs(&root, name)));
    found.filter(|(_, files)| !files.is_empty()).collect()
}

/// Second versions, where the archive has them: the error of a version that is not there lists those that are.
fn fetch_older(root: &Path) {
    for name in ["curl", "openssh", "openssl", "glib2.0"] {
        if dscs(root, name).len() > 1 || dscs(root, name).is_empty() {
            continue;
        }
        for version in known_versions(root, name) {
            let wanted = format!("{name}={version}");
            let _ = run::command(root).args(["import", "--from", "apt", &wanted]).output().unwrap();
        }
    }
}

fn known_versions(root: &Path, name: &str) -> Vec<String> {
    let output = run::command(root).args(["import", "--from", "apt", &format!("{name}=0")]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let Some((_, listed)) = said.split_once("it has: ") else { return Vec::new() };
    listed.trim().split(", ").filter_map(|item| item.split(' ').next()).map(str::to_owned).collect()
}

fn dscs(root: &Path, name: &str) -> Vec<PathBuf> {
    let folder = root.join("cache/apt/packages").join(name);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_complete(path)).collect();
    found.sort();
    found
}

/// A `.dsc` with all its files: where a mirror lacks one, apt leaves the others.
fn is_complete(path: &Path) -> bool {
    if path.extension().is_none_or(|ending| ending != "dsc") {
        return false;
    }
    let text = std::fs::read(path).unwrap();
    let Ok(dsc) = source_package::dsc::Dsc::parse(&text) else { return false };
    dsc.files.iter().all(|file| path.with_file_name(&file.name).exists())
}
