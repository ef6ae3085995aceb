//! A source tree and its patches, for both sides.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use source_package::memory::MemoryStore;
use source_package::patch::series::{self, apply_all};
use source_package::patch::{Limits, Rules, apply};
use source_package::store::ContentStore;
use source_package::tree::{Folder, Node, Tree};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    File(Vec<u8>, bool),
    Link(Vec<u8>),
    Fifo,
    Folder,
}

pub type Snapshot = BTreeMap<Vec<u8>, What>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Quilt,
    Version2,
    Version1,
}

#[derive(Clone, Debug)]
pub struct World {
    pub format: Format,
    pub vendor: &'static str,
    pub entries: Snapshot,
    /// The patch of 1.0.
    pub diff: Vec<u8>,
}

pub fn file(content: impl AsRef<[u8]>) -> What {
    What::File(content.as_ref().to_vec(), false)
}

pub fn executable(content: &str) -> What {
    What::File(content.as_bytes().to_vec(), true)
}

pub fn link(target: &str) -> What {
    What::Link(target.as_bytes().to_vec())
}

impl World {
    /// A tree with one patch.
    pub fn new(format: Format, entries: &Snapshot, patch: &[u8]) -> Self {
        let mut world = World { format, vendor: "debian", entries: entries.clone(), diff: patch.to_vec() };
        match format {
            Format::Quilt => {
                world.add("debian/patches/series", file("p.patch\n"));
                world.add("debian/patches/p.patch", file(patch));
            }
            Format::Version2 => world.add("debian/patches/p", file(patch)),
            Format::Version1 => {}
        }
        world
    }

    pub fn add(&mut self, path: &str, what: What) {
        self.entries.insert(path.as_bytes().to_vec(), what);
    }

    pub fn write(&self, top: &Path) {
        fs::create_dir_all(top).expect("a folder");
        for (path, what) in &self.entries {
            let place = top.join(OsStr::from_bytes(path));
            fs::create_dir_all(place.parent().expect("a parent")).expect("a folder");
            match what {
                What::File(content, executable) => {
                    fs::write(&place, content).expect("a file");
                    let mode = if *executable { 0o755 } else { 0o644 };
                    fs::set_permissions(&place, PermissionsExt::from_mode(mode)).expect("a mode");
                }
                What::Link(target) => symlink(OsStr::from_bytes(target), &place).expect("a link"),
                What::Fifo => assert!(Command::new("mkfifo").arg(&place).status().expect("mkfifo").success()),
                What::Folder => fs::create_dir_all(&place).expect("a folder"),
            }
        }
    }

    /// Patches the tree with the engine under test.
    pub fn patch(&self) -> Result<Snapshot, String> {
        let mut store = MemoryStore::default();
        let mut tree = self.tree(&mut store);
        let before = read_tree(&mut tree, &mut store);
        let result = match self.format {
            Format::Version1 => {
                apply(&self.diff, Rules::Version1, &mut tree, &mut store).map(drop).map_err(|e| e.to_string())
            }
            Format::Quilt => all(series::Format::Quilt { distro: self.vendor }, &mut tree, &mut store),
            Format::Version2 => all(series::Format::Version2, &mut tree, &mut store),
        };
        let after = read_tree(&mut tree, &mut store);
        if self.format == Format::Version1 && result.is_err() {
            assert_eq!(before, after, "a patch that failed has changed the tree");
        }
        result.map(|()| after)
    }

    fn tree(&self, store: &mut MemoryStore) -> Tree {
        let mut tree = Tree::new();
        for (path, what) in &self.entries {
            let node = match what {
                What::File(content, executable) => {
                    Node::File { content: store.put_bytes(content).expect("kept"), executable: *executable }
                }
                What::Link(target) => Node::Link(store.put_bytes(target).expect("kept")),
                What::Fifo => Node::Fifo { executable: false },
                What::Folder => Node::Folder(Folder::new()),
            };
            tree.put(path, node, store).expect("put");
        }
        tree
    }
}

fn all(format: series::Format<'_>, tree: &mut Tree, store: &mut MemoryStore) -> Result<(), String> {
    apply_all::<_, String>(format, Limits::default(), tree, store, |_, _, _, _| Ok(()))
        .map(drop)
        .map_err(|error| error.to_string())
}

pub fn read_folder(top: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    walk_folder(top, &mut Vec::new(), &mut found);
    found
}

fn walk_folder(folder: &Path, path: &mut Vec<u8>, found: &mut Snapshot) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let length = path.len();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(entry.file_name().as_bytes());
        let meta = entry.metadata().expect("metadata");
        if path != b".pc" {
            let what = if meta.is_dir() {
                walk_folder(&entry.path(), path, found);
                What::Folder
            } else if meta.is_symlink() {
                What::Link(fs::read_link(entry.path()).expect("a link").as_os_str().as_bytes().to_vec())
            } else if meta.is_file() {
                let content = fs::read(entry.path()).expect("a file");
                What::File(content, meta.permissions().mode() & 0o111 != 0)
            } else {
                What::Fifo
            };
            found.insert(path.clone(), what);
        }
        path.truncate(length);
    }
}

fn read_tree(tree: &mut Tree, store: &mut MemoryStore) -> Snapshot {
    let mut found = Snapshot::new();
    walk_tree(&mut tree.root, &mut Vec::new(), store, &mut found);
    found
}

fn walk_tree(folder: &mut Folder, path: &mut Vec<u8>, store: &mut MemoryStore, found: &mut Snapshot) {
    let entries = folder.entries(store).expect("entries").clone();
    for (name, mut node) in entries {
        let length = path.len();
        source_package::tree::push_name(path, &name);
        if path != b".pc" {
            let what = match &mut node {
                Node::File { content, executable } => {
                    What::File(store.get(*content).expect("kept"), *executable)
                }
                Node::Link(target) => What::Link(store.get(*target).expect("kept")),
                Node::Fifo { .. } => What::Fifo,
                Node::Folder(below) => {
                    walk_tree(below, path, store, found);
                    What::Folder
                }
            };
            found.insert(path.clone(), what);
        }
        path.truncate(length);
    }
}

/// Shows in what two trees differ.
pub fn difference(ours: &Snapshot, real: &Snapshot) -> String {
    let show = |what: Option<&What>| match what {
        None => "nothing".to_owned(),
        Some(What::File(content, executable)) => {
            format!(
                "{}file {:?}",
                if *executable { "executable " } else { "" },
                String::from_utf8_lossy(content)
            )
        }
        Some(other) => format!("{other:?}"),
    };
    let mut text = String::new();
    for path in ours.keys().chain(real.keys().filter(|path| !ours.contains_key(*path))) {
        if ours.get(path) != real.get(path) {
            let name = String::from_utf8_lossy(path);
            text += &format!("  {name}: ours {}, real {}\n", show(ours.get(path)), show(real.get(path)));
        }
    }
    text
}
