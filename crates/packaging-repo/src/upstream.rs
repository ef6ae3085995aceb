//! Upstream tarballs that the repository has already are found by their hashes, and never read again.

use source_package::checksum::{ListedFile, sha256_hex};
use source_package::date::Date;

use crate::Error;
use crate::hash;
use crate::identity::importer;
use crate::manifest::Manifest;
use crate::message;
use crate::object::{self, Commit, Kind, Tag};
use crate::refs::refname;
use crate::repository::Repository;
use crate::store::RepoStore;
use crate::version::{StagedTree, StagedUpstream};
use crate::view::{VersionTag, View};

/// The rule by which tarballs were unpacked, where it makes a difference.
pub const RULE_ANY: &str = "any";

/// The latest date that a tarball can claim (2106-02-07): later dates overflow in other tools.
const LATEST: i64 = u32::MAX as i64;

/// Finds the upstream commit of tarballs: same rule, and every listed hash as recorded. Else the commit of as many of
/// them, from the first one on, as were known before: the others are unpacked over its tree.
///
/// # Errors
/// An object cannot be read.
pub fn find(
    version: &str,
    rule: &str,
    tarballs: &[&ListedFile],
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Option<StagedUpstream>, Error> {
    // A tarball's name contains its version: only tags of this version can match.
    let mut known = Vec::new();
    for name in names(version, view) {
        let Some(tag) = view.version_tag(&name, store)? else { continue };
        if begins(&tag.manifest, rule, tarballs) {
            known.push(opened(version, tag, store)?);
        }
    }
    Ok(longest(&known, rule, tarballs).cloned())
}

/// The candidate with the most of these tarballs, from the first one on.
pub fn longest<'u>(
    known: &'u [StagedUpstream],
    rule: &str,
    tarballs: &[&ListedFile],
) -> Option<&'u StagedUpstream> {
    let fits = known.iter().filter(|known| begins(&known.manifest, rule, tarballs));
    // Of two with equally many the first, which has the plain tag.
    fits.rev().max_by_key(|known| known.manifest.files.len())
}

/// The newest modification time in known tarballs.
///
/// # Errors
/// An object cannot be read.
pub fn newest(known: &StagedUpstream, store: &mut RepoStore) -> Result<i64, Error> {
    Ok(object::read_commit(known.commit, store)?.committed.seconds)
}

/// True when a manifest has the first ones of these tarballs and no others.
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

/// Makes the commit of tarballs that were read: it depends on nothing else.
///
/// # Errors
/// An object cannot be read or written.
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

/// The name under which an upstream commit is still to be tagged; `None` if it is tagged already. The first commit gets
/// the plain name, unless a foreign tag uses it.
pub(crate) fn upstream_tag(
    upstream: &StagedUpstream,
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Option<String>, Error> {
    for name in names(&upstream.version, view) {
        if view.version_tag(&name, store)?.is_some_and(|tag| tag.commit == upstream.commit) {
            return Ok(None);
        }
    }
    let folder = refname::upstream_reimport_folder(&upstream.version);
    let plain = std::iter::once(refname::upstream_tag(&upstream.version));
    let mut taken = None;
    for name in plain.chain(refname::by_hash(&folder, &identity(&upstream.manifest))) {
        let id = hash::object(Kind::Tag, &tag_of(upstream, &name, store)?.encode())?;
        if view.is_free_for(&name, id) {
            return Ok(Some(name));
        }
        taken = Some(Error::TagExists { found: view.taken(&name).unwrap_or(id), name, ours: id });
    }
    taken.map_or(Ok(None), Err)
}

/// The tag of an upstream commit, under a name.
pub(crate) fn tag_of(upstream: &StagedUpstream, name: &str, store: &mut RepoStore) -> Result<Tag, Error> {
    let title = format!("{} upstream {}", upstream.manifest.source, upstream.version);
    Ok(Tag {
        target: upstream.commit,
        name: name.trim_start_matches("refs/tags/").to_owned(),
        tagger: importer(),
        date: object::read_commit(upstream.commit, store)?.committed,
        message: upstream.manifest.to_message(&title),
    })
}

/// The hash of everything that the object of a tag depends on: the rule by which the tarballs were unpacked, their
/// names, which tell the component of each, and their contents.
pub(crate) fn identity(manifest: &Manifest) -> String {
    let mut text = format!("{}\n", manifest.fact("Unpack-Rule").unwrap_or_default());
    for file in &manifest.files {
        let sha256 = file.checksums.sha256.as_deref().unwrap_or_default();
        text.push_str(&format!("{sha256} {} {}\n", file.size, file.name));
    }
    sha256_hex(text.as_bytes())
}

/// The tag names of an upstream version: the plain one, and those of other content.
fn names(version: &str, view: &View) -> Vec<String> {
    let mut names = vec![refname::upstream_tag(version)];
    names.extend(view.below(&refname::upstream_reimport_folder(version)));
    names
}

/// The tarballs that the repository knows for an upstream version: they need not be fetched again.
///
/// # Errors
/// The refs or a manifest cannot be read.
pub fn known_files(repository: &Repository, version: &str) -> Result<Vec<ListedFile>, Error> {
    // Without a record nothing is confirmed.
    let Some(record) = repository.record()? else { return Ok(Vec::new()) };
    let mut store = repository.store(1)?;
    let mut view = View::new(repository.refs()?, record);
    let mut known = Vec::new();
    for name in names(version, &view) {
        if let Some(tag) = view.version_tag(&name, &mut store)? {
            known.extend(tag.manifest.files);
        }
    }
    Ok(known)
}
