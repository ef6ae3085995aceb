//! A version whose files have been read and whose trees are stored: what history is made of.

use source_package::date::Date;
use source_package::dsc::Dsc;

use crate::ObjectId;
use crate::manifest::Manifest;
use source_package::ident::Ident;
use source_package::version::Version;

/// One version, ready to become a commit.
#[derive(Clone, Debug)]
pub struct StagedVersion {
    /// Content of its `.dsc`.
    pub dsc: Dsc,
    /// The `.dsc` as it was published, signature included.
    pub dsc_text: Vec<u8>,
    /// SHA-256 of its `.dsc`.
    pub dsc_sha256: String,
    /// Signatures of upstream tarballs by file name.
    pub signatures: Vec<(String, Vec<u8>)>,
    /// The tree, patches not applied.
    pub tree: StagedTree,
    /// The upstream tarballs; a native package has none.
    pub upstream: Option<StagedUpstream>,
    /// Facts from its changelog.
    pub changelog: ChangelogFacts,
    /// The patches; `None` if they do not apply.
    pub applied: Option<StagedPatches>,
}

/// A stored tree, and the entries that Git could not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedTree {
    /// Id of the tree.
    pub id: ObjectId,
    /// Escaped paths; see [`Manifest::escaped`].
    pub escaped: Vec<Vec<u8>>,
    /// Named pipes; see [`Manifest::fifos`].
    pub fifos: Vec<(Vec<u8>, bool)>,
}

/// The upstream tarballs of a version as one tree.
#[derive(Clone, Debug)]
pub struct StagedUpstream {
    /// Upstream version.
    pub version: String,
    /// Id of the commit.
    pub commit: ObjectId,
    /// Tree, tarballs and unpack rule.
    pub manifest: Manifest,
    /// The tree of the commit.
    pub tree: ObjectId,
}

/// Facts that a version's commit takes from its changelog.
#[derive(Clone, Debug)]
pub struct ChangelogFacts {
    /// Author of the newest entry.
    pub author: Ident,
    /// Date of the newest entry.
    pub date: Date,
    /// The versions below the newest entry, newest first.
    pub below: Vec<Version>,
    /// Versions below by the first import rules, where these differ.
    pub by_position: Option<Vec<Version>>,
    /// The places of the entries that count, where they are not those of the file.
    pub order: Option<Vec<usize>>,
    /// The stored file, for the text of the entries.
    pub content: Option<ObjectId>,
}

/// The trees of the applied branch.
#[derive(Clone, Debug)]
pub struct StagedPatches {
    /// The series that was used: `series`, `ubuntu.series`, or none.
    pub series: Option<String>,
    /// The tree before the first patch.
    pub base: ObjectId,
    /// Results of the patches, one after the other.
    pub patches: Vec<StagedPatch>,
    /// Escaped paths of the last tree.
    pub escaped: Vec<Vec<u8>>,
    /// Named pipes in the last tree.
    pub fifos: Vec<(Vec<u8>, bool)>,
}

/// One applied patch.
#[derive(Clone, Debug)]
pub struct StagedPatch {
    /// Its name in the series.
    pub name: String,
    /// The tree with it applied.
    pub tree: ObjectId,
    /// Author, if its header gives one.
    pub author: Option<Ident>,
    /// Date, if its header gives one.
    pub date: Option<Date>,
    /// Subject and description.
    pub message: String,
}
