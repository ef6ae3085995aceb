//! The refs of a version that never move: its tags, whose messages are manifests, and its `.dsc`.

use source_package::date::Date;

use super::{Added, History};
use crate::hash;
use crate::identity::importer;
use crate::manifest::{IMPORT_RULES, Manifest};
use crate::object::{self, Kind, Tag};
use crate::refs::refname;
use crate::upstream::{identity, tag_of, upstream_tag};
use crate::version::{StagedPatches, StagedUpstream, StagedVersion};
use crate::view::VersionTag;
use crate::{Error, ObjectId};

impl History<'_> {
    /// Tags a version as it was uploaded.
    pub(super) fn tag_version(
        &mut self,
        distro: &str,
        version: &StagedVersion,
        commit: ObjectId,
        rules: u32,
    ) -> Result<String, Error> {
        let manifest = Manifest {
            source: version.dsc.source.to_string(),
            version: version.dsc.version.to_string(),
            facts: vec![
                ("Format".into(), version.dsc.format.text.clone()),
                ("Dsc-Sha256".into(), version.dsc_sha256.clone()),
                ("Dsc-Size".into(), version.dsc_text.len().to_string()),
            ],
            files: version.dsc.files.clone(),
            raised: Some(rules).filter(|rules| *rules != IMPORT_RULES),
            escaped: version.tree.escaped.clone(),
            fifos: version.tree.fifos.clone(),
        };
        let dsc = self.dsc_objects(version)?;
        self.version_tag(distro, commit, version.changelog.date, &manifest, dsc)
    }

    /// The tag of a version and its `.dsc`, under the first name that nobody has for something else. The first content of
    /// a version has the plain name.
    fn version_tag(
        &mut self,
        distro: &str,
        commit: ObjectId,
        date: Date,
        manifest: &Manifest,
        dsc: DscObjects,
    ) -> Result<String, Error> {
        let (version, sha256) = (&manifest.version, manifest.fact("Dsc-Sha256").unwrap_or_default());
        let folder = refname::reimport_folder(distro, version);
        let names = std::iter::once(refname::version_tag(distro, version));
        let name = self.free_tag(
            names.chain(refname::by_hash(&folder, sha256)),
            commit,
            date,
            manifest,
            Some(&dsc),
        )?;
        self.tag(&name, commit, date, manifest)?;
        self.view.set(refname::dsc_of_tag(&name), dsc.text);
        if let Some(signatures) = dsc.signatures {
            self.view.set(refname::signatures_of_tag(&name), signatures);
        }
        Ok(name)
    }

    /// Tags a version with its patches applied. `tag` is that of the version as it was uploaded.
    pub(super) fn tag_applied(
        &mut self,
        distro: &str,
        tag: &str,
        version: &StagedVersion,
        patches: &StagedPatches,
        commit: ObjectId,
        rules: u32,
    ) -> Result<(), Error> {
        let manifest = Manifest {
            source: version.dsc.source.to_string(),
            version: version.dsc.version.to_string(),
            facts: vec![
                ("Dsc-Sha256".into(), version.dsc_sha256.clone()),
                ("Series".into(), patches.series.clone().unwrap_or_else(|| "none".into())),
                ("Patches".into(), patches.patches.len().to_string()),
            ],
            files: Vec::new(),
            raised: Some(rules).filter(|rules| *rules != IMPORT_RULES),
            escaped: patches.escaped.clone(),
            fifos: patches.fifos.clone(),
        };
        self.applied_tag(distro, tag, commit, version.changelog.date, &manifest)
    }

    /// The plain name goes with the plain tag of the version, so that both are of the same content.
    fn applied_tag(
        &mut self,
        distro: &str,
        tag: &str,
        commit: ObjectId,
        date: Date,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        let (version, sha256) = (&manifest.version, manifest.fact("Dsc-Sha256").unwrap_or_default());
        let plain =
            (tag == refname::version_tag(distro, version)).then(|| refname::applied_tag(distro, version));
        let folder = refname::applied_reimport_folder(distro, version);
        let names = plain.into_iter().chain(refname::by_hash(&folder, sha256));
        let name = self.free_tag(names, commit, date, manifest, None)?;
        self.tag(&name, commit, date, manifest)
    }

    /// Tags the upstream part of a version, unless it has its tag.
    pub(super) fn keep_upstream(&mut self, upstream: &StagedUpstream) -> Result<(), Error> {
        let Some(name) = upstream_tag(upstream, &mut self.view, self.store)? else { return Ok(()) };
        self.new_upstreams.insert(upstream.commit);
        let tag = tag_of(upstream, &name, self.store)?;
        let id = self.store.add(Kind::Tag, &tag.encode())?;
        self.view.set_tag(name, id, upstream.commit);
        Ok(())
    }

    /// The `.dsc` itself, and the signatures of upstream tarballs beside it: anyone can verify again.
    fn dsc_objects(&mut self, version: &StagedVersion) -> Result<DscObjects, Error> {
        let text = self.store.add(Kind::Blob, &version.dsc_text)?;
        let signatures = match version.signatures.as_slice() {
            [] => None,
            some => Some(self.store.add_flat_tree(some)?),
        };
        Ok(DscObjects { text, signatures })
    }

    /// Takes a version over that another distro has: the same commits, tags and `.dsc` under names of this one.
    ///
    /// # Errors
    /// [`Error::NotOnRecord`] when the known version has no recorded `.dsc`.
    pub fn adopt(
        &mut self,
        distro: &str,
        known: &VersionTag,
        applied: Option<&VersionTag>,
    ) -> Result<Added, Error> {
        let date = object::read_commit(known.commit, self.store)?.committed;
        let dsc = self.view.get(&refname::dsc_of_tag(&known.name));
        let dsc = dsc.ok_or_else(|| Error::NotOnRecord(refname::dsc_of_tag(&known.name)))?;
        let signatures = self.view.get(&refname::signatures_of_tag(&known.name));
        let dsc = DscObjects { text: dsc, signatures };
        let tag = self.version_tag(distro, known.commit, date, &known.manifest, dsc)?;
        if let Some(applied) = applied {
            self.applied_tag(distro, &tag, applied.commit, date, &applied.manifest)?;
        }
        Ok(Added { commit: known.commit, applied: applied.map(|tag| tag.commit), tag })
    }

    /// The first of some names under which nobody has another tag, nor another `.dsc`.
    fn free_tag(
        &self,
        names: impl Iterator<Item = String>,
        commit: ObjectId,
        date: Date,
        manifest: &Manifest,
        dsc: Option<&DscObjects>,
    ) -> Result<String, Error> {
        let mut taken = None;
        for name in names {
            let id = hash::object(Kind::Tag, &tag_object(&name, commit, date, manifest).encode())?;
            let is_free = self.view.is_free_for(&name, id)
                && dsc.is_none_or(|dsc| {
                    let signatures = refname::signatures_of_tag(&name);
                    self.view.is_free_for(&refname::dsc_of_tag(&name), dsc.text)
                        && match dsc.signatures {
                            Some(id) => self.view.is_free_for(&signatures, id),
                            None => self.view.taken(&signatures).is_none(),
                        }
                });
            if is_free {
                return Ok(name);
            }
            let found = self.view.taken(&name).unwrap_or(id);
            taken = Some(Error::TagExists { name, found, ours: id });
        }
        Err(taken.unwrap_or_else(|| Error::NotOnRecord(manifest.version.clone())))
    }

    /// A tag of ours under another name: the same commit and manifest.
    pub(crate) fn put_tag(&mut self, name: &str, known: &VersionTag) -> Result<(), Error> {
        let date = object::read_commit(known.commit, self.store)?.committed;
        self.tag(name, known.commit, date, &known.manifest)
    }

    /// Gives a tag that somebody else has replaced another name, and with it the `.dsc`, unless it has one already.
    pub(crate) fn keep_beside(&mut self, name: &str, id: ObjectId) -> Result<(), Error> {
        let Some(tag) = object::read_tag(id, self.store)? else { return Ok(()) };
        let Ok(manifest) = Manifest::parse(&tag.message) else { return Ok(()) };
        let sha256 = manifest.fact("Dsc-Sha256").unwrap_or_default().to_owned();
        let short = name.trim_start_matches("refs/tags/").trim_start_matches("reimport/");
        let version = &manifest.version;
        let (folder, hash) = match short.split('/').collect::<Vec<_>>().as_slice() {
            ["upstream", ..] => (refname::upstream_reimport_folder(version), identity(&manifest)),
            ["applied", distro, ..] => (refname::applied_reimport_folder(distro, version), sha256),
            [distro, _, ..] => (refname::reimport_folder(distro, version), sha256),
            _ => return Ok(()),
        };
        if self.view.below(&folder).iter().any(|other| self.view.get(other) == Some(id)) {
            return Ok(());
        }
        let Some(free) = refname::by_hash(&folder, &hash).find(|free| self.view.is_free_for(free, id)) else {
            return Ok(());
        };
        for place in [refname::dsc_of_tag, refname::signatures_of_tag] {
            let (old, new) = (place(name), place(&free));
            if let Some(kept) = self.view.record().last(&old)
                && self.store.contains(&kept)
                && self.view.is_free_for(&new, kept)
            {
                self.view.set(new, kept);
            }
        }
        self.view.set_tag(free, id, tag.target);
        Ok(())
    }

    fn tag(&mut self, name: &str, commit: ObjectId, date: Date, manifest: &Manifest) -> Result<(), Error> {
        let tag = tag_object(name, commit, date, manifest);
        let id = self.store.add(Kind::Tag, &tag.encode())?;
        self.view.set_tag(name.to_owned(), id, commit);
        Ok(())
    }
}

/// The objects of a `.dsc`.
pub(super) struct DscObjects {
    text: ObjectId,
    signatures: Option<ObjectId>,
}

fn tag_object(name: &str, commit: ObjectId, date: Date, manifest: &Manifest) -> Tag {
    Tag {
        target: commit,
        name: name.trim_start_matches("refs/tags/").to_owned(),
        tagger: importer(),
        date,
        message: manifest.to_message(&format!("{} {}", manifest.source, manifest.version)),
    }
}
