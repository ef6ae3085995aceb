//! Trees with names that Git refuses, as Git checks them.

use std::collections::BTreeSet;

use crate::common::{Scratch, scratch};
use packaging_repo::object::{Commit, Kind};
use packaging_repo::raw_id;
use packaging_repo::repository::Repository;
use packaging_repo::store::RepoStore;
use packaging_repo::{ObjectId, identity::importer};
use proptest::prelude::*;
use source_package::date::Date;
use source_package::ident::Ident;
use source_package::store::{ContentStore, FolderId};
use source_package::tree::{Folder, Node, Tree};

fn file(store: &mut RepoStore, content: &[u8]) -> Node {
    let content = store.put(content.len() as u64, &mut &content[..]).unwrap();
    Node::File { content, executable: false }
}

fn commit(store: &mut RepoStore, tree: ObjectId, author: Ident, authored: Date, message: &str) -> ObjectId {
    let commit = Commit {
        tree,
        parents: Vec::new(),
        author,
        authored,
        committer: importer(),
        committed: authored,
        message: message.to_owned(),
    };
    store.add(Kind::Commit, &commit.encode()).unwrap()
}

fn epoch() -> Date {
    Date { seconds: 0, offset_minutes: 0 }
}

/// Writes a tree that has each name as a file, as a folder and as a link, in folders of their own.
fn write(scratch: &Scratch, names: &BTreeSet<Vec<u8>>) -> ObjectId {
    let mut store = scratch.repository.store(1).unwrap();
    let mut tree = Tree::default();
    for name in names {
        let path = |folder: &str| [folder.as_bytes(), b"/", name].concat();
        let content = file(&mut store, b"* text\n");
        tree.put(&path("file"), content, &mut store).unwrap();
        let link = store.put(1, &mut &b"x"[..]).unwrap();
        tree.put(&path("link"), Node::Link(link), &mut store).unwrap();
        let content = file(&mut store, b"x");
        tree.put(&[&path("folder"), &b"/x"[..]].concat(), content, &mut store).unwrap();
        tree.put(&path("empty"), Node::Folder(Folder::new()), &mut store).unwrap();
    }
    let id = store.write_tree(&mut tree).unwrap();
    commit(&mut store, id, importer(), epoch(), "x\n");
    store.finish().unwrap();
    id
}

fn names_in(repository: &Repository, id: ObjectId, folder: &str) -> BTreeSet<Vec<u8>> {
    let mut store = repository.store(1).unwrap();
    let mut tree = Tree::stored(FolderId(raw_id(id)));
    let entries = tree.root.entries(&mut store).unwrap();
    let Some(Node::Folder(below)) = entries.get(folder.as_bytes()) else { return BTreeSet::new() };
    let mut below = below.clone();
    below.entries(&mut store).unwrap();
    below.loaded().unwrap().keys().map(|name| name.to_vec()).collect()
}

fn assert_round_trip(names: &BTreeSet<Vec<u8>>) {
    let scratch = scratch();
    let id = write(&scratch, names);
    scratch.assert_clean();
    for folder in ["file", "link", "folder", "empty"] {
        assert_eq!(&names_in(&scratch.repository, id, folder), names, "{folder}");
    }
}

#[test]
fn every_name_that_git_refuses_is_stored_and_comes_back() {
    let tricky = [
        ".git",
        ".GIT",
        ".gIt",
        "git~1",
        "GIT~1",
        ".git.",
        ".git ",
        ".git . .",
        ".git::$INDEX_ALLOCATION",
        ".git\\x",
        "a\\.git",
        "a\\git~1",
        "a\\.gitmodules",
        "\\",
        "\u{200c}.git",
        ".g\u{200d}it",
        ".git\u{feff}",
        ".gitmodules",
        ".GITMODULES",
        "gitmod~1",
        "GI7EBA~1",
        "gi7eba~9",
        "GI7EB~01",
        "GI7EB~10",
        "g~100000",
        "~1000000",
        "~9999999",
        "~1000000 .",
        "~1000000:x",
        "~0000000",
        "~1",
        "gitmod~4",
        "gitmod~5",
        ".gitmodules ",
        ".gitmodules::$DATA",
        ".\u{200c}gitmodules",
        ".gitattributes",
        "gitatt~1",
        "gi7d29~1",
        ".gitattributes.",
        ".gitignore",
        "gitign~1",
        ".mailmap",
        "..git",
        "...git",
        "..gitmodules",
        "...",
        "....",
        ".% ",
        ".%x",
        ".%a%5C.git",
        "%5C",
        "-x",
        "a:b",
        "con",
        "git~2",
        "git",
        "\u{200c}",
        "\u{fffd}",
        "a\nb",
        "a\tb",
        "\u{1}",
    ];
    let mut names: BTreeSet<Vec<u8>> = tricky.iter().map(|name| name.as_bytes().to_vec()).collect();
    names.insert(b"\xff\xfe".to_vec());
    names.insert(b".git\xff".to_vec());
    names.insert(b".gitmodules\xffx".to_vec());
    names.insert(".git\u{ffff}x".as_bytes().to_vec());
    names.insert(".git\u{1ffff}".as_bytes().to_vec());
    names.insert([b".", &[0xe2, 0x80][..], b"git"].concat());
    names.insert(vec![b'x'; 255]);
    assert_round_trip(&names);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn names_made_of_tricky_pieces_are_stored_and_come_back(names in prop::collection::btree_set(name(), 1..40)) {
        assert_round_trip(&names);
    }

    /// Git sorts folders as if their names ended in a slash.
    #[test]
    fn trees_are_sorted_as_git_sorts_them(names in prop::collection::btree_set("[a.0-]{1,4}", 2..30)) {
        let names: BTreeSet<Vec<u8>> =
            names.into_iter().map(String::into_bytes).filter(|name| name != b"." && name != b"..").collect();
        let scratch = scratch();
        let mut store = scratch.repository.store(1).unwrap();
        let mut tree = Tree::default();
        for (place, name) in names.iter().enumerate() {
            let content = file(&mut store, b"x");
            let path = if place % 2 == 0 { name.clone() } else { [name, &b"/x"[..]].concat() };
            tree.put(&path, content, &mut store).unwrap();
        }
        let id = store.write_tree(&mut tree).unwrap();
        store.finish().unwrap();
        let listed = scratch.git(&["ls-tree", "-z", &id.to_string()]);
        let made = scratch.git_with(&["mktree", "-z"], listed.as_bytes());
        prop_assert_eq!(made.trim(), id.to_string());
        scratch.assert_clean();
    }

    #[test]
    fn commits_by_anybody_at_any_time_satisfy_git(
        name in any::<String>(), email in any::<String>(), message in any::<String>(),
        seconds in any::<i64>(), offset_minutes in any::<i32>(),
    ) {
        let scratch = scratch();
        let mut store = scratch.repository.store(1).unwrap();
        let tree = store.add_flat_tree(&[]).unwrap();
        // Dates are limited to those of a calendar before they come here.
        let date = Date { seconds: seconds.clamp(-1 << 40, 1 << 40), offset_minutes: offset_minutes % 6000 };
        let id = commit(&mut store, tree, Ident::new(&name, &email), date, &message);
        prop_assert!(packaging_repo::object::read_commit(id, &mut store).is_ok());
        store.finish().unwrap();
        scratch.assert_clean();
    }
}

/// `!` stands for a byte that UTF-8 does not have.
fn raw(byte: u8) -> u8 {
    if byte == b'!' { 0xff } else { byte }
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        ".",
        "git",
        ".git",
        "GIT",
        "~1",
        "git~1",
        "\\",
        "%5C",
        "%25",
        ".%",
        "modules",
        "attributes",
        " ",
        ":",
        "x",
        "\u{200c}",
        "\u{2060}",
        ".gitmodules",
        "gitmod~1",
        "gi7eba",
        "~9",
        "~1000000",
        "~9999999",
        "g~100000",
        "\u{feff}",
        "!",
        "\u{ffff}",
    ];
    let name = prop::collection::vec(prop::sample::select(pieces), 1..6);
    let bytes =
        |pieces: Vec<&str>| pieces.iter().flat_map(|piece| piece.bytes()).map(raw).collect::<Vec<u8>>();
    name.prop_map(bytes).prop_filter("no name", |name| name != b"." && name != b"..")
}

/// Names that Git accepts are not changed.
#[test]
fn ordinary_attributes_and_modules_keep_their_names() {
    let scratch = scratch();
    let mut store = scratch.repository.store(1).unwrap();
    let mut tree = Tree::default();
    let modules = b"[submodule \"lib\"]\n\tpath = lib\n\turl = https://example.org/lib.git\n";
    for (path, content) in [
        (&b".gitattributes"[..], &b"* text=auto\n*.c diff=cpp\n"[..]),
        (b".gitmodules", modules),
        (b".gitignore", b"*.o\n"),
        (b"sub/.gitattributes", b"\n"),
        (b"bad/.gitattributes", &[b'x'; 3000]),
        (b"bad/.gitmodules", b"[submodule \"../../x\"]\n\turl = -u./x\n"),
    ] {
        let content = file(&mut store, content);
        tree.put(path, content, &mut store).unwrap();
    }
    let specials = store.specials(&mut tree, &[]).unwrap();
    assert_eq!(specials.escaped, [&b"bad/.gitattributes"[..], b"bad/.gitmodules"]);
    let id = store.write_tree(&mut tree).unwrap();
    commit(&mut store, id, importer(), epoch(), "x\n");
    store.finish().unwrap();
    let listed = scratch.git(&["ls-tree", "-r", "--name-only", &id.to_string()]);
    let expected = ".gitattributes\n.gitignore\n.gitmodules\nbad/..gitattributes\nbad/..gitmodules\nsub/.gitattributes\n";
    assert_eq!(listed, expected);
    scratch.assert_clean();
}
