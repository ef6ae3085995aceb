//! The refs of a version that never move: its tags, whose messages are manifests, and its `.dsc`.

use source_package::date::Date;

use super::{Added, History};
use crate::identity::importer;
use crate::manifest::{IMPORT_RULES, Manifest};
use crate::object::{self, Kind, Tag};
use crate::refname;
use crate::upstream::upstream_tag;
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
        let name = self.free_tag(refname::version_tag(distro, &manifest.version), || {
            refname::reimport_tag(distro, &manifest.version, &version.dsc_sha256)
        });
        self.tag(&name, commit, version.changelog.date, &manifest)?;
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
        let name = self.applied_tag(distro, tag, &manifest.version, &version.dsc_sha256);
        self.tag(&name, commit, version.changelog.date, &manifest)
    }

    /// The plain name goes with the plain tag of the version, so that both are of the same content.
    fn applied_tag(&self, distro: &str, tag: &str, version: &str, dsc_sha256: &str) -> String {
        let other = || refname::applied_reimport_tag(distro, version, dsc_sha256);
        if tag == refname::version_tag(distro, version) {
            self.free_tag(refname::applied_tag(distro, version), other)
        } else {
            other()
        }
    }

    /// Tags the upstream part of a version, unless it has its tag.
    pub(super) fn keep_upstream(&mut self, upstream: &StagedUpstream) -> Result<(), Error> {
        let Some(name) = upstream_tag(upstream, &mut self.view, self.store)? else { return Ok(()) };
        self.new_upstreams.insert(upstream.commit);
        let date = object::read_commit(upstream.commit, self.store)?.committed;
        let title = format!("{} upstream {}", upstream.manifest.source, upstream.version);
        let tag = Tag {
            target: upstream.commit,
            name: name.trim_start_matches("refs/tags/").to_owned(),
            tagger: importer(),
            date,
            message: upstream.manifest.to_message(&title),
        };
        let id = self.store.add(Kind::Tag, &tag.encode())?;
        self.view.set_tag(name, id, upstream.commit);
        Ok(())
    }

    /// The `.dsc` itself, and the signatures of upstream tarballs beside it: anyone can verify again.
    pub(super) fn keep_dsc(&mut self, tag: &str, version: &StagedVersion) -> Result<(), Error> {
        let id = self.store.add(Kind::Blob, &version.dsc_text)?;
        self.view.set(refname::dsc_of_tag(tag), id);
        if !version.signatures.is_empty() {
            let signatures = self.store.add_flat_tree(&version.signatures)?;
            self.view.set(refname::signatures_of_tag(tag), signatures);
        }
        Ok(())
    }

    /// Takes a version over that another distro has: the same commits, tags and `.dsc` under names of this one.
    pub fn adopt(
        &mut self,
        distro: &str,
        known: &VersionTag,
        applied: Option<&VersionTag>,
    ) -> Result<Added, Error> {
        let date = object::read_commit(known.commit, self.store)?.committed;
        let (version, sha256) =
            (&known.manifest.version, known.manifest.fact("Dsc-Sha256").unwrap_or_default());
        let tag = self.free_tag(refname::version_tag(distro, version), || {
            refname::reimport_tag(distro, version, sha256)
        });
        self.tag(&tag, known.commit, date, &known.manifest)?;
        for of in [refname::dsc_of_tag, refname::signatures_of_tag] {
            if let Some(id) = self.view.get(&of(&known.name)) {
                self.view.set(of(&tag), id);
            }
        }
        if let Some(applied) = applied {
            let name = self.applied_tag(distro, &tag, version, sha256);
            self.tag(&name, applied.commit, date, &applied.manifest)?;
        }
        Ok(Added { commit: known.commit, applied: applied.map(|tag| tag.commit), tag })
    }

    /// The plain name, if nobody has it; the first content of a version keeps it.
    fn free_tag(&self, plain: String, other: impl FnOnce() -> String) -> String {
        if self.view.get(&plain).is_none() { plain } else { other() }
    }

    fn tag(&mut self, name: &str, commit: ObjectId, date: Date, manifest: &Manifest) -> Result<(), Error> {
        let tag = Tag {
            target: commit,
            name: name.trim_start_matches("refs/tags/").to_owned(),
            tagger: importer(),
            date,
            message: manifest.to_message(&format!("{} {}", manifest.source, manifest.version)),
        };
        let id = self.store.add(Kind::Tag, &tag.encode())?;
        self.view.set_tag(name.to_owned(), id, commit);
        Ok(())
    }
}
