//! Checks whether all objects reachable from refs exist.

use std::collections::{HashMap, HashSet};

use gix_object::{Kind, TreeRefIter};

use crate::ObjectId;
use crate::refs::Refs;
use crate::store::RepoStore;

/// Refs that lead to objects which are not there, or cannot be read: each with the first of them. Content of files is not read.
pub fn incomplete(refs: &Refs, store: &mut RepoStore) -> Vec<(String, ObjectId)> {
    let mut walk = Walk { store, whole: HashSet::new(), lost: HashMap::new() };
    let mut found = Vec::new();
    for (name, value) in refs {
        if let Some(missing) = walk.missing(value.id) {
            found.push((name.clone(), missing));
        }
    }
    found
}

struct Walk<'a> {
    store: &'a mut RepoStore,
    whole: HashSet<ObjectId>,
    /// Objects from which a missing object is reachable, and the missing object.
    lost: HashMap<ObjectId, ObjectId>,
}

impl Walk<'_> {
    /// The first object below one that is not there.
    fn missing(&mut self, start: ObjectId) -> Option<ObjectId> {
        let mut path: Vec<(ObjectId, Vec<ObjectId>)> = Vec::new();
        let mut next = Some(start);
        loop {
            if let Some(id) = next.take().filter(|id| !self.whole.contains(id)) {
                let below = match self.lost.get(&id) {
                    Some(missing) => Err(*missing),
                    None => self.below(id).ok_or(id),
                };
                match below {
                    Ok(below) => path.push((id, below)),
                    Err(missing) => {
                        self.lost.insert(id, missing);
                        self.lost.extend(path.iter().map(|(id, _)| (*id, missing)));
                        return Some(missing);
                    }
                }
            }
            let (id, below) = path.last_mut()?;
            match below.pop() {
                Some(child) => next = Some(child),
                None => {
                    self.whole.insert(*id);
                    path.pop();
                }
            }
        }
    }

    /// The objects that an object names; `None` if it is missing.
    fn below(&mut self, id: ObjectId) -> Option<Vec<ObjectId>> {
        let kind = self.store.kind(id).ok()?;
        if kind == Kind::Blob {
            return Some(Vec::new());
        }
        let content = self.store.read(id).ok()?;
        if kind == Kind::Tree {
            let entries: Result<Vec<_>, _> =
                TreeRefIter::from_bytes(&content, gix_hash::Kind::Sha1).collect();
            let entries = entries.ok()?.into_iter().filter(|entry| !entry.mode.is_commit());
            return Some(entries.map(|entry| entry.oid.to_owned()).collect());
        }
        let head = content.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
        let words: [&[u8]; 3] = [b"tree ", b"parent ", b"object "];
        head.filter_map(|line| words.iter().find_map(|word| line.strip_prefix(*word)))
            .map(|hex| ObjectId::from_hex(hex).ok())
            .collect()
    }
}
