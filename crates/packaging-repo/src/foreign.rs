//! Foreign refs: refs that are not where the importer has put them, because somebody with the right to push made, moved
//! or removed them. They are never trusted and never overwritten; here they are listed.

use std::collections::BTreeSet;
use std::fmt;

use crate::manifest::Manifest;
use crate::object;
use crate::refs::refname;
use crate::store::RepoStore;
use crate::view::View;
use crate::{Error, ObjectId};

/// Namespaces that only the importer writes, whatever the distros are called.
const FOLDERS: [&str; 3] = ["refs/dsc/", "refs/notes/", "refs/replace/"];

/// Kind of a foreign ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A branch of the importer, or one beside it, that was moved or created by somebody else.
    Branch,
    /// A tag under one of the importer's names, or one that claims to be of an import.
    Tag,
    /// Any other ref in the importer's namespaces: a `.dsc`, notes, replacements.
    Other,
    /// A ref that was written and has since been removed.
    Gone,
    /// A ref at a path where a folder of the importer's refs has to be: nothing can be written below it.
    Blocked,
    /// A name without meaning for the importer; harmless.
    Outside,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 6] =
        [Kind::Branch, Kind::Tag, Kind::Other, Kind::Gone, Kind::Blocked, Kind::Outside];

    /// The kind as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Branch => "branch",
            Kind::Tag => "tag",
            Kind::Other => "other",
            Kind::Gone => "gone",
            Kind::Blocked => "blocked",
            Kind::Outside => "outside",
        }
    }

    /// Message for operators.
    pub fn message(self) -> &'static str {
        match self {
            Kind::Branch => "its tip is no commit of an import: somebody else pushed there",
            Kind::Tag => {
                "somebody else made it: it is no tag of an import, and nothing that it says is believed"
            }
            Kind::Other => "somebody else made it: no import has written it, and nothing in it is believed",
            Kind::Gone => "is gone: an import has written it, and somebody removed it",
            Kind::Blocked => {
                "somebody else made it where a folder of the importer's refs has to be; remove it"
            }
            Kind::Outside => "is none of the importer's names",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A ref that is not where the importer put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Full name of the ref.
    pub name: String,
    /// Kind of the foreign ref.
    pub kind: Kind,
    /// Object that the importer has put the ref to, if it has.
    pub ours: Option<ObjectId>,
    /// Object that the ref points to, if it exists.
    pub theirs: Option<ObjectId>,
}

/// All refs that are foreign once the changes of a view are made, sorted by name. `distros` are those of the
/// installation, in addition to those of the repository.
///
/// # Errors
/// An object cannot be read.
pub fn find(view: &View, distros: &[String], store: &mut RepoStore) -> Result<Vec<Foreign>, Error> {
    let mut known: BTreeSet<String> = view.distros().into_iter().collect();
    known.extend(distros.iter().cloned());
    let mut found = Vec::new();
    for (name, value) in &view.before {
        if view.get(name) == Some(value.id) || view.pending.contains_key(name) || view.is_removed(name) {
            continue;
        }
        let kind = match kind(name, &known) {
            Kind::Outside if says_to_be_ours(name, value.id, store) => Kind::Tag,
            kind => kind,
        };
        let ours = view.record.last(name);
        found.push(Foreign { name: name.clone(), kind, ours, theirs: Some(value.id) });
    }
    let gone = view.record.written().filter(|(name, _)| view.taken(name).is_none());
    found.extend(gone.map(|(name, id)| Foreign {
        name: name.clone(),
        kind: Kind::Gone,
        ours: Some(id),
        theirs: None,
    }));
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// True if a ref lies in a namespace of the importer, or blocks one. `distros` are those of the installation.
pub fn is_of_importer(name: &str, distros: &BTreeSet<String>) -> bool {
    kind(name, distros) != Kind::Outside
}

fn kind(name: &str, distros: &BTreeSet<String>) -> Kind {
    if FOLDERS.iter().any(|folder| name.starts_with(folder)) {
        return Kind::Other;
    }
    if matches!(name, "refs/dsc" | "refs/tags" | "refs/heads") {
        return Kind::Blocked;
    }
    for (folder, kind) in [("refs/heads/", Kind::Branch), ("refs/tags/", Kind::Tag)] {
        let Some(rest) = name.strip_prefix(folder) else { continue };
        let is_ours = |part: &str| refname::is_reserved(part) || distros.contains(part);
        return match rest.split_once('/') {
            Some((first, _)) if is_ours(first) => kind,
            None if is_ours(rest) => Kind::Blocked,
            _ => Kind::Outside,
        };
    }
    Kind::Outside
}

/// A tag whose message contains a manifest, under any name.
fn says_to_be_ours(name: &str, id: ObjectId, store: &mut RepoStore) -> bool {
    let is_tag = name.starts_with("refs/tags/");
    let message = if is_tag { object::read_tag(id, store).ok().flatten() } else { None };
    message.is_some_and(|tag| Manifest::parse(&tag.message).is_ok())
}
