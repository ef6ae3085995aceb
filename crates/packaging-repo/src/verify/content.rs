//! Content of a repository against what its tags say: versions, applied versions, upstream versions.

use source_package::checksum::{Hasher, ListedFile, sha256_hex};
use source_package::dsc::{Dsc, Family};
use source_package::finding::Finding;
use source_package::version::Version;

use super::{Problem, Wrong, check, wrong};
use crate::catalog::{Catalog, split_tag};
use crate::history::Descents;
use crate::object::{self, Kind};
use crate::record::unsealed::signed_part;
use crate::refs::refname;
use crate::view::VersionTag;
use crate::{Error, ObjectId};

pub(super) fn check_version(
    tag: &VersionTag,
    catalog: &mut Catalog,
    descents: &mut Descents,
) -> Result<Vec<Wrong>, Error> {
    let mut found = Vec::new();
    let mut expect = |holds: bool, code: Finding, message: &str| {
        if !holds {
            found.push(wrong(code, message));
        }
    };
    let manifest = &tag.manifest;
    let commit = object::read_commit(tag.commit, &mut catalog.store)?;
    expect(
        commit.trailer("Version") == Some(&manifest.version),
        Finding::TagDiffers,
        "the commit is of another version",
    );
    expect(
        commit.trailer("Dsc-Sha256") == manifest.fact("Dsc-Sha256"),
        Finding::TagDiffers,
        "the commit is of another .dsc",
    );
    let (distro, _) = split_tag(&tag.name);
    let sha256 = manifest.fact("Dsc-Sha256").unwrap_or_default();
    expect(
        tag.name == refname::version_tag(distro, &manifest.version)
            || refname::by_hash(&refname::reimport_folder(distro, &manifest.version), sha256)
                .any(|name| name == tag.name),
        Finding::TagDiffers,
        "the manifest is of another version than the tag's name",
    );
    let Some(id) = catalog.view.taken(&refname::dsc_of_tag(&tag.name)) else {
        expect(false, Finding::DscGone, "its .dsc is missing");
        return Ok(found);
    };
    let text = catalog.store.read_kind(id, Kind::Blob)?;
    expect(
        manifest.fact("Dsc-Sha256") == Some(&sha256_hex(&text)),
        Finding::DscDiffers,
        "its .dsc has another SHA-256",
    );
    match Dsc::parse(signed_part(&text)) {
        Ok(dsc) => {
            expect(
                dsc.version.as_str() == manifest.version,
                Finding::DscDiffers,
                "its .dsc is of another version",
            );
            expect(
                dsc.source.as_str() == manifest.source,
                Finding::DscDiffers,
                "its .dsc is of another package",
            );
            expect(
                dsc.files == manifest.files,
                Finding::DscDiffers,
                "its .dsc lists other files than the manifest",
            );
            found.extend(check_signatures(tag, &dsc, catalog)?);
            found.extend(check_tarballs(tag, &dsc, catalog, descents)?);
        }
        Err(error) => expect(false, Finding::DscDiffers, &format!("its .dsc cannot be read: {error}")),
    }
    Ok(found)
}

/// Every signature that the `.dsc` lists is stored, with the listed checksum.
fn check_signatures(tag: &VersionTag, dsc: &Dsc, catalog: &mut Catalog) -> Result<Vec<Wrong>, Error> {
    let mut found = Vec::new();
    let kept = match catalog.view.get(&refname::signatures_of_tag(&tag.name)) {
        Some(id) => catalog.store.read_flat_tree(id)?,
        None => Vec::new(),
    };
    for listed in dsc.files.iter().filter(|file| file.name.ends_with(".asc")) {
        let Some((name, content)) = kept.iter().find(|(name, _)| *name == listed.name) else {
            found.push(wrong(Finding::SignatureGone, format!("{} is missing", listed.name)));
            continue;
        };
        let mut hasher = Hasher::default();
        hasher.update(content);
        let mismatch = listed.check(&hasher.finish(name)).err();
        found.extend(mismatch.map(|mismatch| wrong(Finding::SignatureGone, mismatch.to_string())));
    }
    Ok(found)
}

/// The upstream tarballs that the `.dsc` lists are in the history, under a tag that names them.
fn check_tarballs(
    tag: &VersionTag,
    dsc: &Dsc,
    catalog: &mut Catalog,
    descents: &mut Descents,
) -> Result<Vec<Wrong>, Error> {
    let is_orig =
        |name: &str| !name.ends_with(".asc") && (name.contains(".orig.tar.") || name.contains(".orig-"));
    let tarballs: Vec<&ListedFile> = dsc.files.iter().filter(|file| is_orig(&file.name)).collect();
    if dsc.format.family == Family::Native || tarballs.is_empty() {
        return Ok(Vec::new());
    }
    let version = dsc.version.upstream();
    let mut names = vec![refname::upstream_tag(version)];
    names.extend(catalog.view.below(&refname::upstream_reimport_folder(version)));
    let mut is_tagged = false;
    for name in names {
        let Some(upstream) = catalog.view.version_tag(&name, &mut catalog.store)? else { continue };
        is_tagged = true;
        let known = &upstream.manifest.files;
        let is_known =
            |file: &&ListedFile| known.iter().any(|it| it.name == file.name && file.check(it).is_ok());
        if known.len() == tarballs.len()
            && tarballs.iter().all(is_known)
            && descents.descends(Some(tag.commit), upstream.commit, &mut catalog.store)?
        {
            return Ok(Vec::new());
        }
    }
    // A tag that was rewritten before tags were guarded: the commit in its history still names its tarballs.
    if is_tagged && descends_from_tarballs(tag.commit, &tarballs, catalog)? {
        return Ok(Vec::new());
    }
    let message = "no tag of an upstream version in its history is that of its tarballs";
    Ok(vec![wrong(Finding::UpstreamGone, message)])
}

/// True when an upstream commit of these tarballs is among the ancestors of a version.
fn descends_from_tarballs(
    from: ObjectId,
    tarballs: &[&ListedFile],
    catalog: &mut Catalog,
) -> Result<bool, Error> {
    let mut wanted: Vec<String> = (tarballs.iter())
        .filter_map(|file| Some(format!("{} {}", file.checksums.sha256.as_deref()?, file.name)))
        .collect();
    wanted.sort();
    let mut at = Some(from);
    while let Some(id) = at {
        let commit = object::read_commit(id, &mut catalog.store)?;
        for parent in &commit.parents {
            let parent = object::read_commit(*parent, &mut catalog.store)?;
            let mut known = parent.trailers("Tarball");
            known.sort();
            if !known.is_empty() && known == wanted {
                return Ok(true);
            }
        }
        at = commit.parents.first().copied();
    }
    Ok(false)
}

/// An applied tag leads to its version's commit, as the second parent of the commit under its patches.
pub(super) fn check_applied(applied: &VersionTag, catalog: &mut Catalog) -> Result<Vec<Wrong>, Error> {
    let short = applied.name.trim_start_matches("refs/tags/").trim_start_matches("reimport/");
    let distro = short.split('/').nth(1).unwrap_or_default();
    let (manifest, sha256) = (&applied.manifest, applied.manifest.fact("Dsc-Sha256").unwrap_or_default());
    if applied.name != refname::applied_tag(distro, &manifest.version)
        && !refname::by_hash(&refname::applied_reimport_folder(distro, &manifest.version), sha256)
            .any(|name| name == applied.name)
    {
        return Ok(vec![wrong(
            Finding::AppliedDiffers,
            "the manifest is of another version than the tag's name",
        )]);
    }
    let tags = match Version::new(&manifest.version) {
        Ok(version) => catalog.view.tags_of(distro, &version, &mut catalog.store)?,
        Err(_) => Vec::new(),
    };
    match tags.iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == Some(sha256)) {
        Some(tag) => leads_to(applied, tag.commit, catalog),
        None => Ok(vec![wrong(Finding::TagGone, "its version has no tag")]),
    }
}

fn leads_to(applied: &VersionTag, unapplied: ObjectId, catalog: &mut Catalog) -> Result<Vec<Wrong>, Error> {
    let patches: usize = applied.manifest.fact("Patches").and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut commit = object::read_commit(applied.commit, &mut catalog.store)?;
    for _ in 0..patches {
        let Some(&parent) = commit.parents.first() else { break };
        commit = object::read_commit(parent, &mut catalog.store)?;
    }
    let leads = commit.parents.last() == Some(&unapplied);
    Ok(if leads {
        Vec::new()
    } else {
        vec![wrong(Finding::AppliedDiffers, "does not lead to the unapplied commit of its version")]
    })
}

pub(super) fn check_upstreams(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut names = catalog.view.below("refs/tags/upstream/");
    names.extend(catalog.view.below("refs/tags/reimport/upstream/"));
    for name in names {
        let Some(tag) = catalog.view.version_tag(&name, &mut catalog.store)? else {
            problems.push(Problem::new(Finding::UpstreamGone, name, "is no tag of an upstream version"));
            continue;
        };
        check(&name, check_upstream(&tag, catalog), problems);
    }
    Ok(())
}

fn check_upstream(tag: &VersionTag, catalog: &mut Catalog) -> Result<Vec<Wrong>, Error> {
    let commit = object::read_commit(tag.commit, &mut catalog.store)?;
    let version = &tag.manifest.version;
    let mut found = Vec::new();
    if tag.name != refname::upstream_tag(version)
        && !tag.name.starts_with(&refname::upstream_reimport_folder(version))
    {
        found.push(wrong(Finding::UpstreamGone, "the manifest is of another version than the tag's name"));
    }
    if commit.trailer("Upstream-Version") != Some(version) || tag.manifest.files.is_empty() {
        found.push(wrong(Finding::UpstreamGone, "the commit is of another upstream version"));
    }
    Ok(found)
}
