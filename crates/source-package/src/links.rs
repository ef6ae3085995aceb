//! Targets of symbolic links, found without a file system: dpkg refuses a package in which something
//! reachable from `debian/` points outside (`Dpkg::Path`, `check_directory_traversal`).

use std::collections::{HashMap, VecDeque};
use std::io;

use crate::path::{Name, names};
use crate::store::{ContentId, ContentStore};
use crate::tree::{Kind, Tree};

mod traversal;

pub use traversal::{TraversalError, check_debian};

/// The most links that are followed for one path.
const MOST_LINKS: usize = 20;

/// The longest name of a file.
const LONGEST_NAME: usize = 255;

/// Largest number of names that are looked up while all links reachable from `debian/` are followed. Chains of links
/// over long paths could need any number; a large package needs thousands.
pub(crate) const MOST_STEPS: u64 = if cfg!(test) { 1 << 20 } else { 1 << 26 };

/// Target of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To this place in the tree; the last name may be missing there.
    Inside(Vec<u8>),
    /// Nowhere: a folder on the way is missing.
    Nowhere,
    /// Out of the tree, into a folder that exists on every machine.
    Outside {
        /// True when the target exists on every machine.
        exists: bool,
    },
    /// To `/dev/null`, which dpkg lets pass.
    Null,
    /// In circles, through a file, or through a name that is too long.
    Broken,
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
///
/// # Errors
/// An object of the tree cannot be read.
pub fn resolve(path: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> io::Result<Target> {
    resolve_within(path, tree, store, &mut MOST_STEPS.clone())
}

/// Same, with the steps taken from a budget for many paths. When it is used up, the path counts as leading nowhere.
fn resolve_within(
    path: &[u8],
    tree: &mut Tree,
    store: &mut dyn ContentStore,
    steps_left: &mut u64,
) -> io::Result<Target> {
    let mut resolver = Resolver::new(tree, store);
    resolver.steps_left = *steps_left;
    let target = resolver.resolve(path)?;
    *steps_left = resolver.steps_left;
    Ok(target.unwrap_or(Target::Broken))
}

/// End of a path, before the names behind it are known.
#[derive(Clone)]
enum End {
    Inside(Vec<Name>),
    Nowhere,
    /// At the top of the machine, with these names ahead.
    Absolute(Vec<Name>),
    /// Above the top of the tree, with these names ahead.
    Climbed(Vec<Name>),
    Broken,
}

/// Follows paths through a tree that does not change meanwhile. Each link is followed once.
pub(crate) struct Resolver<'a> {
    pub(crate) tree: &'a mut Tree,
    pub(crate) store: &'a mut dyn ContentStore,
    /// Targets of links by path, and the number of links that were followed, the link itself included. `None` while the
    /// link is being followed.
    known: HashMap<Vec<u8>, Option<(End, usize)>>,
    steps_left: u64,
    /// Number of links that are being followed, one inside of the other.
    depth: usize,
}

/// Reason why a path is not followed to its end.
enum Stopped {
    Store(io::Error),
    Steps,
    /// Over more links than anybody follows.
    Links,
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Stopped::Store(error)
    }
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(tree: &'a mut Tree, store: &'a mut dyn ContentStore) -> Resolver<'a> {
        Resolver { tree, store, known: HashMap::new(), steps_left: MOST_STEPS, depth: 0 }
    }

    /// `None` if the links take more steps than are left.
    pub(crate) fn resolve(&mut self, path: &[u8]) -> io::Result<Option<Target>> {
        let end = match self.follow(Vec::new(), names(path).map(Name::from).collect()) {
            Ok((end, _)) => end,
            Err(Stopped::Steps) => return Ok(None),
            Err(Stopped::Links) => End::Broken,
            Err(Stopped::Store(error)) => return Err(error),
        };
        Ok(Some(match end {
            End::Inside(place) => Target::Inside(place.join(&b'/')),
            End::Nowhere => Target::Nowhere,
            End::Absolute(ahead) => absolute(&ahead),
            End::Climbed(ahead) => leave(&ahead),
            End::Broken => Target::Broken,
        }))
    }

    /// Target of the names `ahead` from the folder `at`, and the number of links on the way.
    fn follow(&mut self, mut at: Vec<Name>, mut ahead: VecDeque<Name>) -> Result<(End, usize), Stopped> {
        let mut links = 0;
        loop {
            while ahead.front().is_some_and(|name| &**name == b"..") {
                ahead.pop_front();
                if at.pop().is_none() {
                    return Ok((End::Climbed(ahead.into()), links));
                }
            }
            let down = ahead.iter().take_while(|name| &***name != b"..").map(|name| &**name);
            let walked = self.tree.walk(at.iter().map(|name| &**name), down, self.store)?;
            self.spend(at.len() + walked.folders + 1)?;
            at.extend(ahead.drain(..walked.folders));
            let Some(kind) = walked.stop else {
                if ahead.is_empty() {
                    return Ok((End::Inside(at), links));
                }
                continue;
            };
            let Some(name) = ahead.pop_front() else { return Ok((End::Inside(at), links)) };
            // No system looks up such a name, so its target is undefined.
            if name.len() > LONGEST_NAME {
                return Ok((End::Broken, links));
            }
            at.push(name);
            let Kind::Link(content) = kind else {
                let end = match kind {
                    _ if ahead.is_empty() => End::Inside(at),
                    Kind::Missing => End::Nowhere,
                    _ => End::Broken,
                };
                return Ok((end, links));
            };
            let (end, more) = self.link(at, content)?;
            links += more;
            if links > MOST_LINKS {
                return Ok((End::Broken, links));
            }
            match end {
                End::Inside(place) if ahead.is_empty() => return Ok((End::Inside(place), links)),
                End::Inside(place) => {
                    let walked =
                        self.tree.walk(std::iter::empty(), place.iter().map(|name| &**name), self.store)?;
                    self.spend(place.len())?;
                    match walked.stop {
                        None => at = place,
                        Some(Kind::Missing) => return Ok((End::Nowhere, links)),
                        Some(_) => return Ok((End::Broken, links)),
                    }
                }
                End::Absolute(names) => return Ok((End::Absolute(joined(names, ahead)), links)),
                End::Climbed(names) => return Ok((End::Climbed(joined(names, ahead)), links)),
                End::Nowhere | End::Broken => return Ok((end, links)),
            }
        }
    }

    /// Target of the link at a place. A link that leads back to itself has more links than are followed.
    fn link(&mut self, mut place: Vec<Name>, content: ContentId) -> Result<(End, usize), Stopped> {
        let path = place.join(&b'/');
        self.spend(place.len())?;
        if let Some(known) = self.known.get(&path) {
            return Ok(known.clone().unwrap_or((End::Broken, MOST_LINKS + 1)));
        }
        if self.depth >= MOST_LINKS {
            return Err(Stopped::Links);
        }
        let target = self.store.get(content)?;
        if target.starts_with(b"/") {
            return Ok((End::Absolute(names(&target).map(Name::from).collect()), 1));
        }
        place.pop();
        self.known.insert(path.clone(), None);
        self.depth += 1;
        let followed = self.follow(place, names(&target).map(Name::from).collect());
        self.depth -= 1;
        match followed {
            Ok((end, links)) => {
                let found = (end, links + 1);
                self.known.insert(path, Some(found.clone()));
                Ok(found)
            }
            Err(stopped) => {
                self.known.remove(&path);
                Err(stopped)
            }
        }
    }

    fn spend(&mut self, steps: usize) -> Result<(), Stopped> {
        self.steps_left = self.steps_left.checked_sub(steps as u64).ok_or(Stopped::Steps)?;
        Ok(())
    }
}

fn joined(names: Vec<Name>, ahead: VecDeque<Name>) -> Vec<Name> {
    names.into_iter().chain(ahead).collect()
}

/// A path that climbed out of the top: `ahead` is relative to the folder in which the source was unpacked.
fn leave(ahead: &[Name]) -> Target {
    let climbed = ahead.iter().take_while(|name| &***name == b"..").count();
    let rest = &ahead[climbed..];
    if rest.len() <= 1 { Target::Outside { exists: false } } else { absolute(rest) }
}

fn absolute(path: &[Name]) -> Target {
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

/// True when dpkg could set the time of the file at a path. It does so after a patch and follows links; a file of the
/// machine must not be touched, and a missing file is no error. `steps_left` limits the links of all such paths
/// together.
pub(crate) fn may_be_touched(
    path: &[u8],
    tree: &mut Tree,
    store: &mut dyn ContentStore,
    steps_left: &mut u64,
) -> io::Result<bool> {
    let target = resolve_within(path, tree, store, steps_left)?;
    Ok(!matches!(target, Target::Broken | Target::Null | Target::Outside { exists: true }))
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
