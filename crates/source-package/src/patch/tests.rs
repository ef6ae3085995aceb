//! Tests that cannot be comparisons with the real programs: hostile patches do no harm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::series::{ApplyAllError, Format, apply_all};
use super::*;
use crate::memory::MemoryStore;
use crate::tree::Node;

fn file(store: &mut MemoryStore, content: &[u8]) -> Node {
    Node::File { content: store.put_bytes(content).unwrap(), executable: false }
}

fn small_tree(store: &mut MemoryStore) -> Tree {
    let mut tree = Tree::new();
    for (path, content) in [("f", "1\n2\n3\n"), ("d/g", "a\n"), ("e", "")] {
        let node = file(store, content.as_bytes());
        tree.put(path.as_bytes(), node, store).unwrap();
    }
    let target = store.put_bytes(b"d").unwrap();
    tree.put(b"l", Node::Link(target), store).unwrap();
    tree
}

/// The tree as text, the ids of stored folders aside.
fn shown(tree: &mut Tree, store: &mut MemoryStore) -> Vec<String> {
    fn walk(folder: &mut crate::tree::Folder, path: &str, store: &mut MemoryStore, lines: &mut Vec<String>) {
        for (name, mut node) in folder.entries(store).unwrap().clone() {
            let path = format!("{path}/{}", String::from_utf8_lossy(&name));
            if let Node::Folder(below) = &mut node {
                lines.push(path.clone());
                walk(below, &path, store, lines);
            } else {
                lines.push(format!("{path} {node:?}"));
            }
        }
    }
    let mut lines = Vec::new();
    walk(&mut tree.root, "", store, &mut lines);
    lines
}

/// Applies a patch by all rules; one that fails must leave the tree alone.
fn apply_all_ways(patch: &[u8]) {
    for rules in [Rules::Quilt, Rules::Version2, Rules::Version1] {
        let mut store = MemoryStore::default();
        let mut tree = small_tree(&mut store);
        let before = shown(&mut tree, &mut store);
        if apply(patch, rules, &mut tree, &mut store).is_err() {
            assert_eq!(shown(&mut tree, &mut store), before);
        }
    }
}

/// A line as it could stand in a patch.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "--- a/f",
        "+++ b/f",
        "--- a/d/g\t1970-01-01",
        "+++ b/x/y",
        "--- /dev/null",
        "+++ /dev/null",
        "--- a/l/g",
        "--- a/../f",
        "@@ -1 +1 @@",
        "@@ -1,3 +1,2 @@",
        "@@ -0,0 +1 @@",
        "@@ -9223372036854775806,1 +1 @@",
        "@@ -1 +1,9223372036854775806 @@",
        "@@ -9223372036854775807,0 +9223372036854775807,0 @@",
        "-1",
        "+x",
        " 2",
        "",
        "\\ No newline at end of file",
        "diff --git a/f b/x",
        "diff --git a/l b/l",
        "diff --git \"a/\\",
        "rename from f",
        "rename to x",
        "copy from f",
        "copy to x",
        "old mode 100644",
        "new mode 120000",
        "new file mode 100755",
        "new file mode 120000",
        "deleted file mode 100644",
        "index 0000000..e69de29",
        "Index: a/f",
        "Prereq: 1",
        " - --- a/f\t2020-01-01",
        "*** a/f",
        "***************",
        "*** 1 ****",
        "1c1",
        "< 1",
        ".",
        "#",
    ]);
    prop_oneof![
        8 => words.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_survived(patch in prop::collection::vec(any::<u8>(), 0..200)) {
        apply_all_ways(&patch);
    }

    #[test]
    fn any_lines_are_survived(lines in prop::collection::vec(line(), 0..16), ended in any::<bool>()) {
        let mut patch = lines.join(&b'\n');
        if ended {
            patch.push(b'\n');
        }
        apply_all_ways(&patch);
    }

    #[test]
    fn a_diff_with_any_hunk_is_survived(lines in prop::collection::vec(line(), 0..12)) {
        let mut patch = b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+x\n".to_vec();
        patch.extend(lines.join(&b'\n'));
        apply_all_ways(&patch);
    }
}

#[test]
fn files_and_patches_are_limited() {
    let mut store = MemoryStore::default();
    let mut tree = small_tree(&mut store);
    let limits = Limits { max_file: 5, ..Limits::default() };
    let patch = b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+x\n";
    let error = apply_within(patch, Rules::Quilt, limits, &mut tree, &mut store).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the diff at line 3 of the patch works on f, which exceeds 5 bytes (limits.text_bytes)"
    );
    let patch = b"--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+123456\n";
    let error = apply_within(patch, Rules::Quilt, limits, &mut tree, &mut store).unwrap_err();
    assert!(matches!(error, PatchError::TooLarge { .. }));
    let limits = Limits { max_work: 20, ..Limits::default() };
    let patch = b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+x\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+1\n";
    let error = apply_within(patch, Rules::Quilt, limits, &mut tree, &mut store).unwrap_err();
    assert!(matches!(error, PatchError::TooMuch { line: 8, .. }), "{error}");
}

#[test]
fn errors_name_line_file_and_cause() {
    let mut store = MemoryStore::default();
    let mut tree = small_tree(&mut store);
    let mut error =
        |patch: &str| apply(patch.as_bytes(), Rules::Quilt, &mut tree, &mut store).unwrap_err().to_string();
    assert_eq!(
        error("x\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-9\n+x\n"),
        "the hunk at line 4 of the patch does not fit f: its lines are not in the file"
    );
    assert_eq!(
        error("--- a/l/g\n+++ b/l/g\n@@ -1 +1 @@\n-9\n+x\n"),
        "line 2 of the patch changes l/g through the symbolic link l"
    );
    assert_eq!(
        error("--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n"),
        "the diff at line 3 of the patch is reversed or applied already: f exists already"
    );
    assert_eq!(error("text\n"), "the patch is not empty and holds no diff");
}

/// Each patch is within its limit; all of them together are not.
#[test]
fn a_series_is_limited() {
    let within = |max_series: u64, patches: usize| {
        let mut store = MemoryStore::default();
        let mut tree = small_tree(&mut store);
        let mut series = String::new();
        for number in 0..patches {
            let name = format!("p{number}");
            let (old, new) = if number % 2 == 0 { ("1", "x") } else { ("x", "1") };
            let patch = format!("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-{old}\n+{new}\n");
            let node = file(&mut store, patch.as_bytes());
            tree.put(format!("debian/patches/{name}").as_bytes(), node, &mut store).unwrap();
            series.push_str(&format!("{name}\n"));
        }
        let node = file(&mut store, series.as_bytes());
        tree.put(b"debian/patches/series", node, &mut store).unwrap();
        let limits = Limits { max_series, ..Limits::default() };
        let format = Format::Quilt { distro: "debian" };
        apply_all::<_, std::io::Error>(format, limits, &mut tree, &mut store, |_, _, _, _| Ok(()))
    };
    assert!(within(1 << 20, 100).is_ok());
    let refused = within(1 << 20, 1000).unwrap_err();
    assert!(matches!(refused, ApplyAllError::Work(_)), "{refused}");
    assert!(refused.to_string().contains("limits.series_work"), "{refused}");
}

#[test]
fn the_caller_sees_the_tree_after_each_patch() {
    let mut store = MemoryStore::default();
    let mut tree = small_tree(&mut store);
    for (name, content) in [
        ("series", "1\n2\n3\n"),
        ("1", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+x\n"),
        ("2", "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n"),
        ("3", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+x\n"),
    ] {
        let node = file(&mut store, content.as_bytes());
        tree.put(format!("debian/patches/{name}").as_bytes(), node, &mut store).unwrap();
    }
    let mut seen = Vec::new();
    let result = apply_all::<_, std::io::Error>(
        Format::Quilt { distro: "Debian" },
        Limits::default(),
        &mut tree,
        &mut store,
        |patch, tree, store, _| {
            let made = tree.kind(b"n", store)? != Kind::Missing;
            seen.push((patch.name.clone(), patch.summary.files.clone(), made));
            Ok(())
        },
    );
    assert!(matches!(result, Err(ApplyAllError::Patch { name, .. }) if name == b"3"));
    let expected = [(b"1", b"f", false), (b"2", b"n", true)];
    let expected = expected.map(|(name, file, made)| (name.to_vec(), vec![file.to_vec()], made));
    assert_eq!(seen, expected);
}
