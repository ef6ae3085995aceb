//! Parsers of what uploaders write: `.dsc` files, archives, patches, changelogs, versions.

use source_package::changelog;
use source_package::compression::decompress;
use source_package::control::Stanza;
use source_package::date::Date;
use source_package::dsc::Dsc;
use source_package::ident::Ident;
use source_package::layout::Layout;
use source_package::limits::{Budget, Limits};
use source_package::memory::MemoryStore;
use source_package::patch::{self, Rules};
use source_package::patch_header::PatchHeader;
use source_package::store::ContentStore;
use source_package::tree::{Node, Tree};
use source_package::unpack::{Exclude, unpack};
use source_package::version::{PackageName, Version};

use crate::build::package::{CHANGELOG, LINES, debian, upstream};
use crate::build::{Compression, Sparse};

fn small() -> Limits {
    Limits { unpacked_bytes: 16 << 20, entries: 10_000, decoder_memory: 64 << 20, ..Limits::default() }
}

pub(super) fn dsc(input: &[u8]) {
    if let Ok(dsc) = Dsc::parse(input) {
        let _ = Layout::of(&dsc);
    }
    if let Ok(stanza) = Stanza::parse(input) {
        assert!(
            stanza.fields().all(|(name, _)| stanza.get(name).is_some()),
            "a field that is listed is found"
        );
    }
}

pub(super) fn dsc_seeds() -> Vec<Vec<u8>> {
    let lists = " 00000000000000000000000000000000 5 a_1.orig.tar.gz\n 00000000000000000000000000000000 6 a_1-1.debian.tar.xz\n";
    let plain = format!("Format: 3.0 (quilt)\nSource: a\nVersion: 1-1\nFiles:\n{lists}");
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{plain}\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"
    );
    vec![plain.into_bytes(), signed.into_bytes()]
}

pub(super) fn tar(input: &[u8]) {
    let limits = small();
    let mut store = MemoryStore::default();
    let _ = unpack(input, Exclude::QuiltFolder, &mut Budget::new(limits), &mut store);
    if let Ok(decoded) = decompress(input, input.len() as u64, &limits) {
        let _ = unpack(decoded, Exclude::Nothing, &mut Budget::new(limits), &mut store);
    }
}

pub(super) fn tar_seeds() -> Vec<Vec<u8>> {
    let sparse = Sparse::new(70_000, &[(0, &[b's'; 512]), (69_632, &[b'e'; 368])]);
    let tars = [
        upstream().finish(),
        sparse.old_gnu(upstream(), "t/s").finish(),
        sparse.pax01(upstream(), "t/s").finish(),
        sparse.pax10(upstream(), "t/s").finish(),
        upstream()
            .long(b'L', &[b'n'; 300])
            .file("x", "x")
            .hard("case-1.0/h", "case-1.0/a.txt")
            .fifo("p")
            .finish(),
    ];
    let packed = [Compression::Gz, Compression::Bz2, Compression::Xz, Compression::Lzma, Compression::Zst];
    let packed: Vec<Vec<u8>> = packed.iter().map(|with| with.pack(&debian().finish())).collect();
    tars.into_iter().chain(packed).collect()
}

pub(super) fn apply(input: &[u8]) {
    let mut store = MemoryStore::default();
    let mut tree = Tree::new();
    for (path, content) in [("a.txt", LINES), ("sub/b.txt", "b\n"), ("e", "")] {
        let content = store.put_bytes(content.as_bytes()).unwrap();
        tree.put(path.as_bytes(), Node::File { content, executable: false }, &mut store).unwrap();
    }
    for rules in [Rules::Quilt, Rules::Version2, Rules::Version1] {
        let _ = patch::apply(input, rules, &mut tree.clone(), &mut store);
    }
    let _ = PatchHeader::parse(input);
    let text = String::from_utf8_lossy(input);
    for line in text.lines().take(64) {
        let _ = (Ident::parse(line), Date::parse(line));
    }
}

pub(super) fn patch_seeds() -> Vec<Vec<u8>> {
    [
        "From: A <a@b.c>\nSubject: [PATCH 1/2] x\n\n--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n",
        "diff --git a/a.txt b/moved.txt\nold mode 100644\nnew mode 100755\nrename from a.txt\nrename to moved.txt\n--- a/a.txt\n+++ b/moved.txt\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n",
        "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n--- a/sub/b.txt\t1970-01-01 00:00:00.000000000 +0000\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(super) fn read_changelog(input: &[u8]) {
    let _ = changelog::author(input);
    let own = Version::new("1.0-1").unwrap();
    let below = changelog::versions_below(input, &own);
    let _ = changelog::text_since(input, below.first());
}

pub(super) fn changelog_seeds() -> Vec<Vec<u8>> {
    let older = CHANGELOG.replace("1.0-1", "0.9-1").replace("2020", "19120");
    vec![CHANGELOG.into(), format!("{CHANGELOG}\n{older}\nLocal variables:\nmode: x\n").into_bytes()]
}

pub(super) fn version(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.split('\n');
    if let (Ok(a), Ok(b)) =
        (Version::new(parts.next().unwrap_or("")), Version::new(parts.next().unwrap_or("")))
    {
        assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    }
    let _ = PackageName::new(&text);
}

pub(super) fn version_seeds() -> Vec<Vec<u8>> {
    ["1:2.0~rc1-3\n1:2.0-3", "0.9+ds0-3\n0.9+ds-4", "1.0\n1.00", "00000000000000000000000000000001\n2"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}
