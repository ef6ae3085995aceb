//! Makes the record of a repository that is older than records: not from its refs' claims, but from the imports that
//! the state confirms, and from objects that follow by hashes. All other refs are foreign; if one is genuine, the
//! import that derives it again finds it in place.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use source_package::checksum::sha256_hex;
use source_package::dsc::Dsc;

use super::Record;
use crate::expected::Imported;
use crate::manifest::Manifest;
use crate::object::{self, Kind, TagObject};
use crate::refs::Refs;
use crate::refs::refname;
use crate::store::RepoStore;
use crate::{Error, ObjectId};

/// Content of a repository according to the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The versions that were imported.
    pub versions: Vec<Imported>,
    /// Branches to which versions were published, by full names.
    pub branches: Vec<String>,
}

/// Record of the refs that the state confirms. Objects that cannot be read are not confirmed.
///
/// # Errors
/// An object cannot be read.
pub fn seal(refs: &Refs, word: &Word, store: &mut RepoStore) -> Result<Record, Error> {
    let mut sealing = Sealing {
        refs,
        store,
        record: Record::default(),
        shown: BTreeSet::new(),
        upstreams: BTreeSet::new(),
    };
    for version in &word.versions {
        sealing.version(version);
    }
    sealing.upstream_tags();
    for branch in &word.branches {
        sealing.branch(branch);
    }
    Ok(sealing.record)
}

struct Sealing<'a> {
    refs: &'a Refs,
    store: &'a mut RepoStore,
    record: Record,
    /// Commits that branches may show.
    shown: BTreeSet<ObjectId>,
    upstreams: BTreeSet<ObjectId>,
}

impl Sealing<'_> {
    fn tag(&mut self, name: &str) -> Option<(ObjectId, TagObject, Manifest)> {
        let id = self.refs.get(name)?.id;
        let tag = object::read_tag(id, self.store).ok()??;
        let manifest = Manifest::parse(&tag.message).ok()?;
        Some((id, tag, manifest))
    }

    /// The tag points to the imported commit, the commit names the `.dsc`, and the manifest has its facts.
    fn version(&mut self, version: &Imported) -> Option<()> {
        let commit = ObjectId::from_hex(version.commit.as_bytes()).ok()?;
        let name = format!("refs/tags/{}", version.tag);
        let (id, tag, manifest) = self.tag(&name)?;
        if tag.target != commit {
            return None;
        }
        let read = object::read_commit(commit, self.store).ok()?;
        let sha256 = read.trailer("Dsc-Sha256")?.to_owned();
        let place = refname::dsc_of_tag(&name);
        let dsc_id = self.refs.get(&place)?.id;
        let text = self.store.read_kind(dsc_id, Kind::Blob).ok()?;
        let dsc = Dsc::parse(signed_part(&text)).ok()?;
        let is_same = sha256_hex(&text) == sha256
            && manifest.fact("Dsc-Sha256") == Some(&sha256)
            && manifest.files == dsc.files
            && manifest.version == dsc.version.as_str()
            && manifest.source == dsc.source.as_str()
            && read.trailer("Version") == Some(&manifest.version);
        if !is_same {
            return None;
        }
        self.record.confirm(name.clone(), id);
        self.record.confirm(place, dsc_id);
        self.signatures(&name, &dsc);
        self.shown.insert(commit);
        for parent in read.parents {
            let is_upstream = object::read_commit(parent, self.store)
                .is_ok_and(|it| it.trailer("Upstream-Version").is_some());
            if is_upstream {
                self.upstreams.insert(parent);
            }
        }
        self.applied(version, &name, &sha256)
    }

    fn signatures(&mut self, tag: &str, dsc: &Dsc) -> Option<()> {
        let name = refname::signatures_of_tag(tag);
        let id = self.refs.get(&name)?.id;
        let kept = self.store.read_flat_tree(id).ok()?;
        let is_listed = |(file, content): &(String, Vec<u8>)| {
            let sha256 = sha256_hex(content);
            dsc.files.iter().any(|it| it.name == *file && it.checksums.sha256.as_deref() == Some(&sha256))
        };
        if kept.iter().all(is_listed) {
            self.record.confirm(name, id);
        }
        Some(())
    }

    fn applied(&mut self, version: &Imported, tag: &str, sha256: &str) -> Option<()> {
        let commit = ObjectId::from_hex(version.applied.as_ref()?.as_bytes()).ok()?;
        self.shown.insert(commit);
        let rest = tag.strip_prefix("refs/tags/")?;
        let (folder, rest) = match rest.strip_prefix("reimport/") {
            Some(rest) => ("refs/tags/reimport/applied/", rest),
            None => ("refs/tags/applied/", rest),
        };
        let reimport = format!("refs/tags/reimport/applied/{rest}/{}", sha256.get(..12)?);
        for name in [format!("{folder}{rest}"), reimport] {
            let Some((id, tag, manifest)) = self.tag(&name) else { continue };
            if tag.target == commit && manifest.fact("Dsc-Sha256") == Some(sha256) {
                self.record.confirm(name, id);
            }
        }
        Some(())
    }

    /// Tags of upstream commits from which imported versions descend: the commit names its tarballs.
    fn upstream_tags(&mut self) {
        for folder in ["refs/tags/upstream/", "refs/tags/reimport/upstream/"] {
            let names: Vec<String> =
                crate::view::below(self.refs, folder).map(|(name, _)| name.clone()).collect();
            for name in names {
                if let Some(id) = self.upstream(&name) {
                    self.record.confirm(name, id);
                }
            }
        }
    }

    fn upstream(&mut self, name: &str) -> Option<ObjectId> {
        let (id, tag, manifest) = self.tag(name)?;
        if !self.upstreams.contains(&tag.target) {
            return None;
        }
        let commit = object::read_commit(tag.target, self.store).ok()?;
        let listed: Vec<String> = (manifest.files.iter())
            .filter_map(|file| Some(format!("{} {}", file.checksums.sha256.as_deref()?, file.name)))
            .collect();
        let version = &manifest.version;
        let is_its_name = name == refname::upstream_tag(version)
            || name.starts_with(&refname::upstream_reimport_folder(version));
        let is_same = is_its_name
            && commit.trailer("Upstream-Version") == Some(version)
            && !listed.is_empty()
            && commit.trailers("Tarball") == listed;
        is_same.then_some(id)
    }

    /// A branch whose tip is an imported commit, or a join that shows one, with its tree.
    fn branch(&mut self, name: &str) -> Option<()> {
        let tip = self.refs.get(name)?.id;
        let tree = object::read_commit(tip, self.store).ok()?.tree;
        let mut at = tip;
        while !self.shown.contains(&at) {
            let commit = object::read_commit(at, self.store).ok()?;
            commit.trailer("Join")?;
            at = *commit.parents.get(1)?;
        }
        if object::read_commit(at, self.store).ok()?.tree == tree {
            self.record.confirm(name.to_owned(), tip);
        }
        Some(())
    }
}

/// Text in front of a signature was never part of an import.
pub fn signed_part(text: &[u8]) -> &[u8] {
    let begin = b"-----BEGIN PGP SIGNED MESSAGE-----";
    let at = text.windows(begin.len()).position(|window| window == begin);
    at.map_or(text, |at| &text[at..])
}
