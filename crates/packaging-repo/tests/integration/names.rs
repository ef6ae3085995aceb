//! Names of refs as Git checks them, and the messages of tags.

use std::process::Command;

use crate::common::{git, scratch};
use packaging_repo::manifest::Manifest;
use packaging_repo::object::Kind;
use packaging_repo::refs::refname;
use packaging_repo::refs::{Edit, Value};
use proptest::prelude::*;
use source_package::checksum::{Checksums, ListedFile};

fn git_accepts(name: &str) -> bool {
    Command::new("git").args(["check-ref-format", name]).status().unwrap().success()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// All characters that a version can have (Debian policy 5.6.12).
    #[test]
    fn every_version_is_a_name_that_git_accepts_and_comes_back(
        version in "([0-9]{1,3}:)?[0-9]([A-Za-z0-9.+~-]|\\.\\.|\\.lock|~~){0,12}"
    ) {
        for name in [
            refname::version_tag("debian", &version),
            refname::applied_tag("debian", &version),
            refname::upstream_tag(&version),
            refname::reimport_tag("debian", &version, &"a".repeat(64)),
            refname::dsc_of_tag(&refname::version_tag("debian", &version)),
            refname::signatures_of_tag(&refname::version_tag("debian", &version)),
        ] {
            prop_assert!(git_accepts(&name), "{}", name);
        }
        prop_assert_eq!(refname::unmangle(&refname::mangle(&version)), version);
    }

    #[test]
    fn what_is_taken_for_a_suite_git_takes_for_a_branch(suite in "([a-z@{.*~^:?\\[\\\\ \u{7f}\u{e9}/-]|lock|\\.\\.){1,8}") {
        if refname::check_suite(&suite).is_ok() {
            prop_assert!(git_accepts(&refname::branch("debian", &suite)), "{:?}", suite);
        }
        if refname::check_distro(&suite).is_ok() {
            prop_assert!(git_accepts(&refname::branch(&suite, "sid")), "{:?}", suite);
        }
    }

    #[test]
    fn a_manifest_comes_back_whatever_paths_it_names(
        escaped in prop::collection::vec(path(), 0..5),
        fifos in prop::collection::vec((path(), any::<bool>()), 0..5),
        files in prop::collection::vec(("[a-z0-9._+~-]{1,20}", any::<u64>(), "[0-9a-f]{64}", prop::option::of("[0-9a-f]{32}")), 0..4),
        format in "[!-9;-~]([ -~]{0,10}[!-~])?",
    ) {
        let mut files: Vec<ListedFile> = files.into_iter().map(|(name, size, sha256, md5)| ListedFile {
            name,
            size,
            checksums: Checksums { md5, sha1: None, sha256: Some(sha256) },
        }).collect();
        files.sort_by(|a, b| (a.checksums.md5.is_none(), &a.name).cmp(&(b.checksums.md5.is_none(), &b.name)));
        files.dedup_by(|a, b| a.name == b.name);
        let mut names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        prop_assume!(names.len() == files.len());
        let manifest = Manifest {
            source: "a0".into(),
            version: "1:1.0~rc1-1".into(),
            facts: vec![("Format".into(), format), ("Dsc-Sha256".into(), "a".repeat(64))],
            files,
            raised: None,
            escaped,
            fifos,
        };
        let message = manifest.to_message("a0 1:1.0~rc1-1");
        prop_assert_eq!(Manifest::parse(message.as_bytes()).unwrap(), manifest);
    }

    #[test]
    fn no_message_makes_the_reader_fall_over(message in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Manifest::parse(&message);
    }
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..30)
}

/// The wanted branch if there is one, else the one it points to, else the first.
#[test]
fn head_points_to_what_a_clone_should_check_out() {
    let scratch = scratch();
    let point = |wanted: Option<&str>| {
        let guard =
            scratch.repository.lock(bounded::Deadline::after(std::time::Duration::from_secs(600))).unwrap();
        scratch.repository.point_head(&guard, wanted).unwrap();
        let output = git(scratch.path()).args(["symbolic-ref", "HEAD"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(point(Some("debian/sid")), "refs/heads/main");
    let mut store = scratch.repository.store(1).unwrap();
    let tree = store.add_flat_tree(&[]).unwrap();
    let who = "A <a@example.org> 1 +0000";
    let text = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n");
    let id = store.add(Kind::Commit, text.as_bytes()).unwrap();
    store.finish().unwrap();
    let make = |name: &str| {
        let guard =
            scratch.repository.lock(bounded::Deadline::after(std::time::Duration::from_secs(600))).unwrap();
        let edit = Edit { name: name.into(), expected: None, new: Value { id, peeled: None } };
        scratch.repository.transact(&guard, &[edit]).unwrap();
    };
    make("refs/heads/applied/debian/bookworm");
    make("refs/heads/debian/bookworm");
    assert_eq!(point(Some("debian/sid")), "refs/heads/debian/bookworm");
    make("refs/heads/debian/a");
    assert_eq!(point(None), "refs/heads/debian/bookworm");
    make("refs/heads/debian/sid");
    assert_eq!(point(Some("debian/sid")), "refs/heads/debian/sid");
    assert_eq!(point(None), "refs/heads/debian/sid");
    assert_eq!(scratch.repository.head().unwrap(), "refs/heads/debian/sid");
}
