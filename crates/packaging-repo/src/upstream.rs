//! Upstream tarballs that the repository has already are found by their hashes, and never read again.

use source_package::checksum::{ListedFile, sha256_hex};
use source_package::date::Date;

use crate::identity::importer;
use crate::manifest::Manifest;
use crate::message;
use crate::object::{self, Commit, Kind};
use crate::refname;
use crate::repository::Repository;
use crate::store::RepoStore;
use crate::version::{StagedTree, StagedUpstream};
use crate::view::{VersionTag, View};
use crate::{Error, ObjectId};

/// The rule by which tarballs were unpacked, where it makes a difference.
pub const RULE_ANY: &str = "any";

/// The latest date that a tarball can claim (2106-02-07): beyond it, other tools overflow.
const LATEST: i64 = u32::MAX as i64;

/// Finds the upstream commit of tarballs: same rule, and every listed hash as it was recorded. Else that of as many of
/// them, from the first one on, as were known before: the others go over its tree.
pub fn find(
    version: &str,
    rule: &str,
    tarballs: &[&ListedFile],
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Option<StagedUpstream>, Error> {
    // A tarball's name has its version in it: only tags of this version can match.
    let mut names = vec![refname::upstream_tag(version)];
    names.extend(view.below(&refname::upstream_reimport_folder(version)));
    let mut known = Vec::new();
    for name in names {
        let Some(tag) = view.version_tag(&name, store)? else { continue };
        if begins(&tag.manifest, rule, tarballs) {
            known.push(opened(version, tag, store)?);
        }
    }
    Ok(longest(&known, rule, tarballs).cloned())
}

/// The one of several that has the most of these tarballs, from the first one on.
pub fn longest<'u>(
    known: &'u [StagedUpstream],
    rule: &str,
    tarballs: &[&ListedFile],
) -> Option<&'u StagedUpstream> {
    let fits = known.iter().filter(|known| begins(&known.manifest, rule, tarballs));
    // Of two with as many the first, which has the plain tag.
    fits.rev().max_by_key(|known| known.manifest.files.len())
}

/// The newest time of change in tarballs that are known.
pub fn newest(known: &StagedUpstream, store: &mut RepoStore) -> Result<i64, Error> {
    Ok(object::read_commit(known.commit, store)?.committed.seconds)
}

/// Whether a manifest has the first ones of these tarballs and no others.
fn begins(manifest: &Manifest, rule: &str, tarballs: &[&ListedFile]) -> bool {
    let known_rule = manifest.fact("Unpack-Rule").is_some_and(|known| known == RULE_ANY || known == rule);
    let same = |(known, listed): (&ListedFile, &&ListedFile)| {
        known.name == listed.name && listed.checksums.sha256.is_some() && listed.check(known).is_ok()
    };
    let count = manifest.files.len();
    known_rule && (1..=tarballs.len()).contains(&count) && manifest.files.iter().zip(tarballs).all(same)
}

fn opened(version: &str, tag: VersionTag, store: &mut RepoStore) -> Result<StagedUpstream, Error> {
    let tree = object::read_commit(tag.commit, store)?.tree;
    Ok(StagedUpstream { version: version.to_owned(), commit: tag.commit, manifest: tag.manifest, tree })
}

/// Makes the commit of tarballs that were read: a function of them alone.
pub fn stage(
    source: &str,
    version: &str,
    rule: &str,
    tree: StagedTree,
    newest: i64,
    tarballs: Vec<ListedFile>,
    store: &mut RepoStore,
) -> Result<StagedUpstream, Error> {
    let date = Date { seconds: newest.clamp(0, LATEST), offset_minutes: 0 };
    let sums: Vec<(String, String)> = tarballs
        .iter()
        .map(|file| (file.name.clone(), file.checksums.sha256.clone().unwrap_or_default()))
        .collect();
    let commit = Commit {
        tree: tree.id,
        parents: Vec::new(),
        author: importer(),
        authored: date,
        committer: importer(),
        committed: date,
        message: message::upstream(source, version, &sums),
    };
    let id = store.add(Kind::Commit, &commit.encode())?;
    let manifest = Manifest {
        source: source.to_owned(),
        version: version.to_owned(),
        facts: vec![("Unpack-Rule".into(), rule.to_owned())],
        files: tarballs,
        raised: None,
        escaped: tree.escaped,
        fifos: tree.fifos,
    };
    Ok(StagedUpstream { version: version.to_owned(), commit: id, manifest, tree: tree.id })
}

/// The name under which an upstream commit is still to be tagged; `None` if it is tagged already.
pub(crate) fn upstream_tag(
    upstream: &StagedUpstream,
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Option<String>, Error> {
    let plain = refname::upstream_tag(&upstream.version);
    if view.get(&plain).is_none() {
        return Ok(Some(plain));
    }
    let other = refname::upstream_reimport_tag(&upstream.version, &content_hash(upstream));
    for name in [plain, other.clone()] {
        if is_tag_of(&name, upstream.commit, view, store)? {
            return Ok(None);
        }
    }
    Ok(Some(other))
}

fn is_tag_of(name: &str, commit: ObjectId, view: &mut View, store: &mut RepoStore) -> Result<bool, Error> {
    Ok(view.version_tag(name, store)?.is_some_and(|tag| tag.commit == commit))
}

/// The SHA-256 of the only tarball; of several, that of all their sums.
fn content_hash(upstream: &StagedUpstream) -> String {
    let sums: Vec<&str> =
        upstream.manifest.files.iter().filter_map(|file| file.checksums.sha256.as_deref()).collect();
    match sums.as_slice() {
        [only] => (*only).to_owned(),
        several => sha256_hex(several.join("\n").as_bytes()),
    }
}

/// The tarballs that the repository knows for an upstream version: they need not be fetched again.
pub fn known_files(repository: &Repository, version: &str) -> Result<Vec<ListedFile>, Error> {
    let mut store = repository.store(1)?;
    let mut view = View::new(repository.refs()?);
    let mut names = vec![refname::upstream_tag(version)];
    names.extend(view.below(&refname::upstream_reimport_folder(version)));
    let mut known = Vec::new();
    for name in names {
        if let Some(tag) = view.version_tag(&name, &mut store)? {
            known.extend(tag.manifest.files);
        }
    }
    Ok(known)
}
