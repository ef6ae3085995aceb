//! Finds what the repository has of a version already, by the hash of its `.dsc`, in whichever distro.

use source_package::checksum::{ListedFile, sha256_hex};
use source_package::version::Version;

use super::History;
use crate::object;
use crate::view::VersionTag;
use crate::{Error, ObjectId};

impl History<'_> {
    /// The tag of a `.dsc` in a distro, if it was imported there before.
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
    pub fn find_signature(&mut self, listed: &ListedFile) -> Result<Option<Vec<u8>>, Error> {
        for name in self.view.below("refs/dsc/").into_iter().filter(|name| name.ends_with("@asc")) {
            let Some(id) = self.view.get(&name) else { continue };
            for (file, content) in self.store.read_flat_tree(id)? {
                if file == listed.name && listed.checksums.sha256.as_deref() == Some(&sha256_hex(&content)) {
                    return Ok(Some(content));
                }
            }
        }
        Ok(None)
    }

    /// The tree of a commit.
    pub fn tree_of(&mut self, commit: ObjectId) -> Result<ObjectId, Error> {
        Ok(object::read_commit(commit, self.store)?.tree)
    }
}
