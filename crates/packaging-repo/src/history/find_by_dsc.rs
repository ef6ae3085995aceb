//! Finds existing objects of a version by the hash of its `.dsc`, in any distro.

use source_package::checksum::{ListedFile, sha256_hex};
use source_package::version::Version;

use std::collections::HashMap;

use super::History;
use crate::hash;
use crate::object::{self, Kind};
use crate::view::VersionTag;
use crate::{Error, ObjectId};

impl History<'_> {
    /// The tag of a `.dsc` in a distro, if it was imported there before.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn find_dsc(
        &mut self,
        distro: &str,
        version: &Version,
        sha256: &str,
    ) -> Result<Option<VersionTag>, Error> {
        let tags = self.view.tags_of(distro, version, self.store)?;
        Ok(tags.into_iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == Some(sha256)))
    }

    /// The tag of a `.dsc` in any distro but this one.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn find_dsc_elsewhere(
        &mut self,
        distro: &str,
        version: &Version,
        sha256: &str,
    ) -> Result<Option<VersionTag>, Error> {
        for other in self.others(distro) {
            if let Some(tag) = self.find_dsc(&other, version, sha256)? {
                return Ok(Some(tag));
            }
        }
        Ok(None)
    }

    /// The applied tag of a `.dsc` in a distro.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn find_applied(
        &mut self,
        distro: &str,
        version: &Version,
        sha256: &str,
    ) -> Result<Option<VersionTag>, Error> {
        let tags = self.view.applied_tags_of(distro, version, self.store)?;
        Ok(tags.into_iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == Some(sha256)))
    }

    /// The applied tag of a `.dsc` in any distro but this one.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn find_applied_elsewhere(
        &mut self,
        distro: &str,
        version: &Version,
        sha256: &str,
    ) -> Result<Option<VersionTag>, Error> {
        for other in self.others(distro) {
            if let Some(tag) = self.find_applied(&other, version, sha256)? {
                return Ok(Some(tag));
            }
        }
        Ok(None)
    }

    /// All distros but this one.
    fn others(&self, distro: &str) -> Vec<String> {
        self.view.distros().into_iter().filter(|other| other != distro).collect()
    }

    /// All distros, this one first.
    pub(super) fn distros_from(&self, distro: &str) -> Vec<String> {
        std::iter::once(distro.to_owned()).chain(self.others(distro)).collect()
    }

    /// Looks for the signature of an upstream tarball beside the `.dsc` of another version.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn find_signature(&mut self, listed: &ListedFile) -> Result<Option<Vec<u8>>, Error> {
        let Some(sha256) = listed.checksums.sha256.clone() else { return Ok(None) };
        let known = match self.signatures.take() {
            Some(known) => known,
            None => self.all_signatures()?,
        };
        let found = known.get(&(listed.name.clone(), sha256)).copied();
        self.signatures = Some(known);
        found.map(|id| self.store.read(id)).transpose()
    }

    fn all_signatures(&mut self) -> Result<HashMap<(String, String), ObjectId>, Error> {
        let mut known = HashMap::new();
        for name in self.view.below("refs/dsc/").into_iter().filter(|name| name.ends_with("@asc")) {
            let Some(id) = self.view.get(&name) else { continue };
            for (file, content) in self.store.read_flat_tree(id)? {
                known.insert((file, sha256_hex(&content)), hash::object(Kind::Blob, &content)?);
            }
        }
        Ok(known)
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// The commit cannot be read.
    pub fn tree_of(&mut self, commit: ObjectId) -> Result<ObjectId, Error> {
        Ok(object::read_commit(commit, self.store)?.tree)
    }
}
