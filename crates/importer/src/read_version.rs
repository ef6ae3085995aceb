//! Reads one version: trust, files, trees. Nothing becomes visible here; objects that no ref names are garbage.

use std::collections::HashMap;

use packaging_repo::ObjectId;
use packaging_repo::history::{Added, History};
use packaging_repo::store::RepoStore;
use packaging_repo::version::{ChangelogFacts, StagedUpstream, StagedVersion};
use packaging_repo::view::VersionTag;
use source_package::changelog;
use source_package::checksum::sha256_hex;
use source_package::date::Date;
use source_package::dsc::{Dsc, DscError, Family};
use source_package::finish::finish;
use source_package::ident::Ident;
use source_package::layout::Layout;
use source_package::limits::Budget;
use source_package::links::{Target, resolve};
use source_package::source::Reading;
use source_package::store::ContentStore;
use source_package::tree::{Kind, Tree};
use source_package::version::{PackageName, Version};

use crate::dsc_arguments::read_dsc;
use crate::failure::{Code, Failure, Stage};
use crate::files::{Files, Places};
use crate::order::OrderKey;
use crate::protocol::{Request, Trust, VersionRequest};
use crate::trees::store_tree;
use crate::{patches, signature};

mod upstream_of;

pub(crate) use upstream_of::upstream_tarballs;

/// A version that was read.
pub enum Read {
    /// The repository has it in this distro.
    Known(Known),
    /// The repository has it in another distro: it needs a tag and a branch, no commit.
    Elsewhere(Known),
    /// It is new. The failure says why its patches do not apply, if they do not.
    New(Box<StagedVersion>, Option<Failure>),
}

/// A version that the repository has.
pub struct Known {
    /// Version of the source package.
    pub version: Version,
    /// SHA-256 of its `.dsc`.
    pub dsc_sha256: String,
    /// Its tag.
    pub tag: VersionTag,
    /// Its applied tag, if it has one.
    pub applied: Option<VersionTag>,
}

impl Known {
    /// Its commits and its tag.
    pub fn added(&self) -> Added {
        Added {
            commit: self.tag.commit,
            applied: self.applied.as_ref().map(|tag| tag.commit),
            tag: self.tag.name.clone(),
        }
    }
}

impl Read {
    /// Reason why the patches are not applied; `None` if they are.
    pub fn patch_failure(&self) -> Option<Failure> {
        match self {
            Read::New(_, failure) => failure.clone(),
            Read::Known(Known { applied: None, .. }) => Some(Failure::new(
                Stage::Patch,
                Code::PatchDoesNotApply,
                "was imported before, without its patches, because they do not apply",
            )),
            Read::Known(_) | Read::Elsewhere(_) => None,
        }
    }

    /// Version of the source package.
    pub fn version(&self) -> &Version {
        match self {
            Read::Known(known) | Read::Elsewhere(known) => &known.version,
            Read::New(staged, _) => &staged.dsc.version,
        }
    }

    /// Facts that its place in the order of commits depends on.
    pub fn place(&self) -> OrderKey<'_> {
        match self {
            Read::Known(known) | Read::Elsewhere(known) => {
                OrderKey { version: &known.version, dsc_sha256: &known.dsc_sha256, below: &[] }
            }
            Read::New(staged, _) => OrderKey {
                version: &staged.dsc.version,
                dsc_sha256: &staged.dsc_sha256,
                below: &staged.changelog.below,
            },
        }
    }
}

/// Reads versions of one package.
pub struct Stager<'a> {
    package: &'a PackageName,
    request: &'a Request,
    /// Upstream tarballs that were read for a version before this one, by the SHA-256 of the main one.
    upstreams: HashMap<String, Vec<StagedUpstream>>,
    places: Places,
}

impl<'a> Stager<'a> {
    /// Reader of the versions of one request.
    pub fn new(package: &'a PackageName, request: &'a Request) -> Stager<'a> {
        let plan = request.versions.iter().map(|version| version.dsc.clone()).collect();
        let places = Places::new(plan, request.limits.dsc());
        Stager { package, request, upstreams: HashMap::new(), places }
    }

    /// Reads one version. `version` is set as soon as it is known.
    ///
    /// # Errors
    /// [`Failure`] with stage and code: the file, its trust, or its content.
    pub fn read(
        &mut self,
        wanted: &VersionRequest,
        history: &mut History<'_>,
        version: &mut Option<String>,
    ) -> Result<Read, Failure> {
        let dsc_limits = self.request.limits.dsc();
        let text = read_dsc(&wanted.dsc, &dsc_limits)?;
        let sha256 = sha256_hex(&text);
        let claimed = Dsc::parse_within(&text, &dsc_limits);
        if let Ok(claimed) = &claimed {
            *version = Some(claimed.version.to_string());
            index_has(&wanted.trust, &sha256)?;
            // The same bytes were trusted before: that they were imported is on record, where nobody else can write.
            if let Some(tag) = history.find_dsc(&wanted.distro, &claimed.version, &sha256)? {
                let applied = history.find_applied(&wanted.distro, &claimed.version, &sha256)?;
                let version = claimed.version.clone();
                return Ok(Read::Known(Known { version, dsc_sha256: sha256, tag, applied }));
            }
        }
        let dsc = self.trusted(&text, &sha256, claimed, wanted)?;
        *version = Some(dsc.version.to_string());
        if let Some(tag) = history.find_dsc_elsewhere(&wanted.distro, &dsc.version, &sha256)?
            && let Some(applied) = history.find_applied_elsewhere(&wanted.distro, &dsc.version, &sha256)?
            && patches::same_series(&wanted.distro, &tag, &applied, history)?
        {
            return Ok(Read::Elsewhere(Known {
                version: dsc.version,
                dsc_sha256: sha256,
                tag,
                applied: Some(applied),
            }));
        }
        self.stage(wanted, dsc, text, sha256, history)
    }

    /// Checks that the `.dsc` may be trusted, then uses the part that the check covers and nothing else: the signed
    /// part, or all of it as it was `claimed`.
    fn trusted(
        &self,
        text: &[u8],
        sha256: &str,
        claimed: Result<Dsc, DscError>,
        wanted: &VersionRequest,
    ) -> Result<Dsc, Failure> {
        let dsc = match &wanted.trust {
            Trust::Keyrings(keyrings) => {
                Dsc::parse_within(&signature::verify(text, keyrings)?, &self.request.limits.dsc())?
            }
            Trust::Index(_) | Trust::Unsigned => {
                index_has(&wanted.trust, sha256)?;
                claimed?
            }
        };
        if dsc.source != *self.package {
            let message = format!("the signed .dsc is one of {}, not of {}", dsc.source, self.package);
            return Err(Failure::new(Stage::Verify, Code::OtherPackage, message));
        }
        if !(self.request.allow_weak_checksums || wanted.allow_weak_checksums) {
            dsc.require_strong_checksums()?;
        }
        Ok(dsc)
    }

    fn stage(
        &mut self,
        wanted: &VersionRequest,
        dsc: Dsc,
        dsc_text: Vec<u8>,
        dsc_sha256: String,
        history: &mut History<'_>,
    ) -> Result<Read, Failure> {
        // A file that is not beside the `.dsc` may be beside another one of the plan.
        let mut places = std::mem::take(&mut self.places);
        let read = self.stage_from(places.of(&wanted.dsc), wanted, dsc, dsc_text, dsc_sha256, history);
        self.places = places;
        read
    }

    fn stage_from(
        &mut self,
        mut files: Files<'_>,
        wanted: &VersionRequest,
        dsc: Dsc,
        dsc_text: Vec<u8>,
        dsc_sha256: String,
        history: &mut History<'_>,
    ) -> Result<Read, Failure> {
        let layout = Layout::of(&dsc)?;
        history.store.allow(self.request.limits.written_bytes);
        // Other formats have no series of patches.
        history.store.expect_changes(matches!(dsc.format.family, Family::Quilt | Family::V2));
        let mut budget = Budget::new(self.request.limits.reading());
        let mut reading = Reading {
            dsc: &dsc,
            layout: &layout,
            files: &mut files,
            budget: &mut budget,
            threads: self.request.threads,
        };
        let (upstream, upstream_tree) = self.upstream(&mut reading, history)?;
        let signatures = signatures(&mut reading, upstream.is_some(), history)?;
        let mut tree = reading.unapplied(upstream_tree, history.store)?;
        let finished = finish(&mut tree, &dsc.format, history.store)?;
        let inherited =
            upstream.as_ref().map(|upstream| upstream.manifest.escaped.clone()).unwrap_or_default();
        let staged_tree = store_tree(&mut tree, &inherited, history.store)?;
        let changelog = self.changelog(&dsc.version, &mut tree, history.store)?;
        finished
            .undo(&mut tree, history.store)
            .map_err(|error| Failure::new(Stage::Commit, Code::Store, error))?;
        let limits = self.request.limits.patching();
        let patched =
            patches::stage(&wanted.distro, &dsc, tree, &staged_tree, &inherited, limits, history.store)?;
        let (applied, failure) = match patched {
            Ok(patches) => (Some(patches), None),
            Err(failure) => (None, Some(failure)),
        };
        let staged = StagedVersion {
            dsc,
            dsc_text,
            dsc_sha256,
            signatures,
            tree: staged_tree,
            upstream,
            changelog,
            applied,
        };
        Ok(Read::New(Box::new(staged), failure))
    }
}

impl Stager<'_> {
    /// Facts of the commit from `debian/changelog`; without one, the package's name is used as the author.
    fn changelog(
        &self,
        version: &Version,
        tree: &mut Tree,
        store: &mut RepoStore,
    ) -> Result<ChangelogFacts, Failure> {
        let mut facts = ChangelogFacts {
            author: Ident::new(self.package.as_str(), ""),
            date: Date { seconds: 0, offset_minutes: 0 },
            below: Vec::new(),
            by_position: None,
            order: None,
            content: None,
        };
        let Some(content) = self.changelog_file(tree, store)? else { return Ok(facts) };
        let text = store.get(content)?;
        let lineage = changelog::lineage(&text, self.package.as_str(), version);
        let newest = match &lineage.order {
            Some(order) => changelog::author_in(&text, order),
            None => changelog::author(&text),
        };
        facts.author = newest.ident.unwrap_or(facts.author);
        facts.date = newest.date.unwrap_or(facts.date);
        facts.below = lineage.below;
        facts.by_position = lineage.by_position;
        facts.order = lineage.order;
        facts.content = Some(ObjectId::Sha1(content.0));
        Ok(facts)
    }

    fn changelog_file(
        &self,
        tree: &mut Tree,
        store: &mut RepoStore,
    ) -> Result<Option<source_package::store::ContentId>, Failure> {
        let Target::Inside(path) = resolve(b"debian/changelog", tree, store)? else { return Ok(None) };
        let Kind::File { content, .. } = tree.kind(&path, store)? else { return Ok(None) };
        let readable = store.size(content)? <= self.request.limits.text_bytes;
        Ok(readable.then_some(content))
    }
}

/// Checks that a `.dsc` has the hash that the signed index lists.
fn index_has(trust: &Trust, sha256: &str) -> Result<(), Failure> {
    let Trust::Index(expected) = trust else { return Ok(()) };
    if expected == sha256 {
        return Ok(());
    }
    let message = format!("the .dsc has SHA-256 {sha256}, the signed index says {expected}");
    Err(Failure::new(Stage::Verify, Code::ChecksumMismatch, message))
}

/// The signatures of upstream tarballs. One that is missing is of no consequence if the tarball itself is not read.
fn signatures(
    reading: &mut Reading<'_>,
    upstream_known: bool,
    history: &mut History<'_>,
) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut signatures = Vec::new();
    for (index, file) in reading.dsc.files.iter().enumerate() {
        if !file.name.ends_with(".asc") {
            continue;
        }
        let bytes = match reading.small_file(index) {
            Ok(bytes) => bytes,
            Err(error) if upstream_known && error.is_about_file() => match history.find_signature(file)? {
                Some(bytes) => bytes,
                None => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        };
        signatures.push((file.name.clone(), bytes));
    }
    Ok(signatures)
}
