//! The list of crash points is complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use packaging_repo::failpoints::{DISK, FAILPOINTS, OF_CACHES, OF_MIRRORS};

#[test]
fn every_crash_point_of_the_source_is_listed_once() {
    let mut found = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let all = FAILPOINTS.iter().chain(OF_MIRRORS).chain(OF_CACHES).chain([&DISK]);
    let listed: BTreeSet<String> = all.map(|name| (*name).to_owned()).collect();
    assert_eq!(listed, found);
    assert_eq!(listed.len(), FAILPOINTS.len() + OF_MIRRORS.len() + OF_CACHES.len() + 1);
}

/// The names of all crash points below a folder.
fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let names = text.split("fail_point!(\"").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(names.map(str::to_owned));
    }
}
