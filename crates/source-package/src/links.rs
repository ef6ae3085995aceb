//! Where symbolic links lead, without a file system: dpkg refuses a package in which something reachable
//! from `debian/` points outside (`Dpkg::Path`, check_directory_traversal).

use std::collections::{HashSet, VecDeque};
use std::io;

use crate::path::{Name, Shown, names};
use crate::store::{ContentId, ContentStore};
use crate::tree::{Kind, Node, Tree, push_name};

/// As many links as are followed for one path.
const MOST_LINKS: usize = 20;

/// The longest name of a file.
const LONGEST_NAME: usize = 255;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To this place in the tree; the last name may be missing there.
    Inside(Vec<u8>),
    /// Nowhere: a folder on the way is missing.
    Nowhere,
    /// Out of the tree, into a folder that exists on every machine.
    Outside {
        /// Whether what the path names stands there, on every machine.
        exists: bool,
    },
    /// To `/dev/null`, which dpkg lets pass.
    Null,
    /// In circles, through a file, or through a name that is too long.
    Broken,
}

/// A path reachable from `debian/` that dpkg refuses.
#[derive(Debug, thiserror::Error)]
pub enum TraversalError {
    /// A link leads out of the source.
    #[error("{} points outside the source package", Shown(.0))]
    Outside(Vec<u8>),
    /// A link leads in circles, or through a file.
    #[error("{} is a link that cannot be resolved", Shown(.0))]
    Broken(Vec<u8>),
    /// The store failed.
    #[error("cannot read a stored link: {0}")]
    Store(#[from] io::Error),
}

/// Folders that every Debian system has. dpkg looks at the machine it runs on; here the answer must be the same
/// everywhere, so a link out of the source counts as leading somewhere if its last folder is one of these.
const EVERYWHERE: &[&str] = &[
    "",
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "media",
    "mnt",
    "opt",
    "proc",
    "proc/self",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "tmp",
    "usr",
    "usr/bin",
    "usr/include",
    "usr/lib",
    "usr/local",
    "usr/sbin",
    "usr/share",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/perl5",
    "usr/src",
    "var",
    "var/cache",
    "var/lib",
    "var/log",
    "var/tmp",
];

/// Files that every Debian system has, and to which packages have had links.
const FILES_EVERYWHERE: &[&str] = &[
    "bin/bash",
    "bin/sh",
    "bin/true",
    "dev/zero",
    "etc/fstab",
    "etc/group",
    "etc/hostname",
    "etc/hosts",
    "etc/passwd",
    "etc/resolv.conf",
    "usr/bin/env",
    "usr/bin/perl",
];

/// Follows `path` through the tree. Missing last names are inside, as `realpath` of Perl has it.
pub fn resolve(path: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> io::Result<Target> {
    let mut at: Vec<Name> = Vec::new();
    let mut ahead: VecDeque<Name> = names(path).map(Name::from).collect();
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if &*name == b".." {
            if at.pop().is_none() {
                return Ok(leave(&ahead));
            }
            continue;
        }
        // No system looks up such a name, so that nobody knows where it leads.
        if name.len() > LONGEST_NAME {
            return Ok(Target::Broken);
        }
        at.push(name);
        let here = at.join(&b'/');
        match tree.kind(&here, store)? {
            Kind::Folder => {}
            Kind::Missing if ahead.is_empty() => {}
            Kind::Missing => return Ok(Target::Nowhere),
            Kind::File { .. } | Kind::Fifo if ahead.is_empty() => {}
            Kind::File { .. } | Kind::Fifo => return Ok(Target::Broken),
            Kind::Link(content) => {
                links += 1;
                if links > MOST_LINKS {
                    return Ok(Target::Broken);
                }
                at.pop();
                if let Some(target) = follow(content, &mut ahead, store)? {
                    return Ok(target);
                }
            }
        }
    }
    Ok(Target::Inside(at.join(&b'/')))
}

/// Puts a link's target in front of what is left of the path; an absolute one leaves the tree at once.
fn follow(
    link: ContentId,
    ahead: &mut VecDeque<Name>,
    store: &mut dyn ContentStore,
) -> io::Result<Option<Target>> {
    let target = store.get(link)?;
    if target.starts_with(b"/") {
        let path: VecDeque<Name> = names(&target).map(Name::from).chain(ahead.drain(..)).collect();
        return Ok(Some(absolute(&path)));
    }
    for name in names(&target).rev() {
        ahead.push_front(name.into());
    }
    Ok(None)
}

/// A path that climbed out of the top: `ahead` is relative to the folder in which the source was unpacked.
fn leave(ahead: &VecDeque<Name>) -> Target {
    let climbed = ahead.iter().take_while(|name| &***name == b"..").count();
    let rest: VecDeque<Name> = ahead.iter().skip(climbed).cloned().collect();
    if rest.len() <= 1 { Target::Outside { exists: false } } else { absolute(&rest) }
}

fn absolute(path: &VecDeque<Name>) -> Target {
    let mut steps: Vec<&[u8]> = Vec::new();
    for name in path {
        if &**name == b".." {
            steps.pop();
        } else {
            steps.push(name);
        }
    }
    let Some((last, above)) = steps.split_last() else { return Target::Outside { exists: true } };
    let folder = above.join(&b'/');
    let flat = steps.join(&b'/');
    if flat == b"dev/null" {
        return Target::Null;
    }
    let is_known = |path: &[u8]| EVERYWHERE.iter().any(|known| known.as_bytes() == path);
    if !is_known(&folder) {
        return Target::Nowhere;
    }
    if last.len() > LONGEST_NAME {
        return Target::Broken;
    }
    let exists = is_known(&flat) || FILES_EVERYWHERE.iter().any(|known| known.as_bytes() == flat);
    Target::Outside { exists }
}

/// Whether dpkg could set the time of what stands at a path. It tries to after a patch, follows links, and may not do it
/// to a file of the machine; what is not there is fine.
pub fn may_be_touched(path: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> io::Result<bool> {
    let target = resolve(path, tree, store)?;
    Ok(!matches!(target, Target::Broken | Target::Null | Target::Outside { exists: true }))
}

/// Checks everything that can be reached from `debian/`, links included.
pub fn check_debian(tree: &mut Tree, store: &mut dyn ContentStore) -> Result<(), TraversalError> {
    let mut seen = HashSet::new();
    let mut folders = Vec::new();
    visit(b"debian".to_vec(), tree, store, &mut folders)?;
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        let Some(Node::Folder(node)) = tree.find(&folder, store)? else { continue };
        let children: Vec<(Name, bool)> = node
            .entries(store)?
            .iter()
            .filter(|(_, node)| matches!(node, Node::Folder(_) | Node::Link(_)))
            .map(|(name, node)| (name.clone(), matches!(node, Node::Folder(_))))
            .collect();
        for (name, is_folder) in children {
            let mut path = folder.clone();
            push_name(&mut path, &name);
            if is_folder {
                folders.push(path);
            } else {
                visit(path, tree, store, &mut folders)?;
            }
        }
    }
    Ok(())
}

fn visit(
    path: Vec<u8>,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
    folders: &mut Vec<Vec<u8>>,
) -> Result<(), TraversalError> {
    match resolve(&path, tree, store)? {
        Target::Outside { .. } => return Err(TraversalError::Outside(path)),
        Target::Broken => return Err(TraversalError::Broken(path)),
        Target::Nowhere | Target::Null => {}
        Target::Inside(place) if place.is_empty() => folders.push(place),
        Target::Inside(place) => {
            if tree.kind(&place, store)? == Kind::Folder {
                folders.push(place);
            }
        }
    }
    Ok(())
}
