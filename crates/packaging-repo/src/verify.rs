//! Checks a repository: objects by `git fsck`, tags against their manifests, `.dsc` blobs and commits.

use source_package::checksum::sha256_hex;
use source_package::dsc::Dsc;
use source_package::version::Version;

use crate::catalog::{Catalog, split_tag};
use crate::object::{self, Kind};
use crate::refname;
use crate::repack::git;
use crate::repository::Repository;
use crate::view::VersionTag;
use crate::{Error, ObjectId};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The ref, or `objects`.
    pub subject: String,
    /// What is wrong with it.
    pub message: String,
}

/// Checks everything and goes on after problems. An error means that the check itself could not be done.
pub fn verify(repository: &Repository) -> Result<Vec<Problem>, Error> {
    let mut problems = Vec::new();
    if let Err(Error::Git { cause, .. }) =
        git(repository, "fsck", &["--strict", "--full", "--no-dangling", "--no-progress"])
    {
        problems.push(Problem { subject: "objects".into(), message: format!("git fsck: {cause}") });
    }
    let checked = Catalog::open(repository).and_then(|mut catalog| check_refs(&mut catalog, &mut problems));
    if let Err(error) = checked {
        problems.push(Problem { subject: "refs".into(), message: error.to_string() });
    }
    Ok(problems)
}

fn check_refs(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    for tag in catalog.version_tags()? {
        check(&tag.name, check_version(&tag, catalog), problems);
        check_applied(&tag, catalog, problems)?;
    }
    check_tags_exist(catalog, problems)?;
    check_upstreams(catalog, problems)?;
    check_branches(catalog, problems)
}

/// A tag that is gone, or was replaced by something else, is no tag of a version: its `.dsc` still tells of it. Tags
/// of others have none.
fn check_tags_exist(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut complain = |subject: String, message: &str| {
        problems.push(Problem { subject, message: message.to_owned() });
    };
    for name in catalog.view.below("refs/dsc/").into_iter().filter(|name| !name.ends_with("@asc")) {
        let tag = name.replacen("refs/dsc/", "refs/tags/", 1);
        if catalog.view.version_tag(&tag, &mut catalog.store)?.is_none() {
            complain(name, &format!("{tag} is gone, or is no tag of a version"));
        }
    }
    let mut applied = catalog.view.below("refs/tags/applied/");
    applied.extend(catalog.view.below("refs/tags/reimport/applied/"));
    for name in applied {
        if catalog.view.version_tag(&name, &mut catalog.store)?.is_none() {
            complain(name, "is no tag of a version");
        }
    }
    Ok(())
}

/// What a single check found, or why it could not be made: both are problems of its subject.
fn check(subject: &str, found: Result<Vec<String>, Error>, problems: &mut Vec<Problem>) {
    let messages = found.unwrap_or_else(|error| vec![error.to_string()]);
    problems.extend(messages.into_iter().map(|message| Problem { subject: subject.to_owned(), message }));
}

fn check_version(tag: &VersionTag, catalog: &mut Catalog) -> Result<Vec<String>, Error> {
    let mut wrong = Vec::new();
    let mut expect = |holds: bool, message: &str| {
        if !holds {
            wrong.push(message.to_owned());
        }
    };
    let manifest = &tag.manifest;
    let commit = object::read_commit(tag.commit, &mut catalog.store)?;
    expect(commit.trailer("Version") == Some(&manifest.version), "the commit is of another version");
    expect(commit.trailer("Dsc-Sha256") == manifest.fact("Dsc-Sha256"), "the commit is of another .dsc");
    let plain = refname::version_tag(split_tag(&tag.name).0, &manifest.version);
    expect(
        tag.name == plain || tag.name.starts_with("refs/tags/reimport/"),
        "the manifest is of another version than the tag's name",
    );
    let Some(id) = catalog.view.get(&refname::dsc_of_tag(&tag.name)) else {
        expect(false, "its .dsc is missing");
        return Ok(wrong);
    };
    let text = catalog.store.read_kind(id, Kind::Blob)?;
    expect(manifest.fact("Dsc-Sha256") == Some(&sha256_hex(&text)), "its .dsc has another SHA-256");
    match Dsc::parse(signed_part(&text)) {
        Ok(dsc) => {
            expect(dsc.version.as_str() == manifest.version, "its .dsc is of another version");
            expect(dsc.source.as_str() == manifest.source, "its .dsc is of another package");
            expect(dsc.files == manifest.files, "its .dsc lists other files than the manifest");
        }
        Err(error) => expect(false, &format!("its .dsc cannot be read: {error}")),
    }
    Ok(wrong)
}

/// Text in front of a signature was never part of what was imported.
fn signed_part(text: &[u8]) -> &[u8] {
    let begin = b"-----BEGIN PGP SIGNED MESSAGE-----";
    let at = text.windows(begin.len()).position(|window| window == begin);
    at.map_or(text, |at| &text[at..])
}

/// An applied tag leads to its version's commit, as the second parent of the commit under its patches.
fn check_applied(tag: &VersionTag, catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let Ok(version) = Version::new(&tag.manifest.version) else { return Ok(()) };
    let (distro, _) = split_tag(&tag.name);
    for applied in catalog.view.applied_tags_of(distro, &version, &mut catalog.store)? {
        if applied.manifest.fact("Dsc-Sha256") == tag.manifest.fact("Dsc-Sha256") {
            check(&applied.name, leads_to(&applied, tag.commit, catalog), problems);
        }
    }
    Ok(())
}

fn leads_to(applied: &VersionTag, unapplied: ObjectId, catalog: &mut Catalog) -> Result<Vec<String>, Error> {
    let patches: usize = applied.manifest.fact("Patches").and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut commit = object::read_commit(applied.commit, &mut catalog.store)?;
    for _ in 0..patches {
        let Some(&parent) = commit.parents.first() else { break };
        commit = object::read_commit(parent, &mut catalog.store)?;
    }
    let leads = commit.parents.last() == Some(&unapplied);
    Ok(if leads { Vec::new() } else { vec!["does not lead to the unapplied commit of its version".into()] })
}

fn check_upstreams(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut names = catalog.view.below("refs/tags/upstream/");
    names.extend(catalog.view.below("refs/tags/reimport/upstream/"));
    for name in names {
        let Some(tag) = catalog.view.version_tag(&name, &mut catalog.store)? else {
            problems.push(Problem { subject: name, message: "is no tag of an upstream version".into() });
            continue;
        };
        check(&name, check_upstream(&tag, catalog), problems);
    }
    Ok(())
}

fn check_upstream(tag: &VersionTag, catalog: &mut Catalog) -> Result<Vec<String>, Error> {
    let commit = object::read_commit(tag.commit, &mut catalog.store)?;
    let right =
        commit.trailer("Upstream-Version") == Some(&tag.manifest.version) && !tag.manifest.files.is_empty();
    Ok(if right { Vec::new() } else { vec!["the commit is of another upstream version".into()] })
}

/// A branch shows a version that is tagged.
fn check_branches(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    for name in catalog.view.below("refs/heads/") {
        check(&name, check_branch(&name, catalog), problems);
    }
    Ok(())
}

fn check_branch(name: &str, catalog: &mut Catalog) -> Result<Vec<String>, Error> {
    let Some(tip) = catalog.view.get(name) else { return Ok(Vec::new()) };
    let commit = object::read_commit(tip, &mut catalog.store)?;
    let short = name.trim_start_matches("refs/heads/");
    let (applied, rest) = short.strip_prefix("applied/").map_or((false, short), |rest| (true, rest));
    let distro = rest.split('/').next().unwrap_or_default();
    let version = commit.trailer("Version").and_then(|text| Version::new(text).ok());
    let Some(version) = version else {
        return Ok(vec!["its tip is no commit of an import: somebody else pushed there".into()]);
    };
    let tags = if applied {
        catalog.view.applied_tags_of(distro, &version, &mut catalog.store)?
    } else {
        catalog.view.tags_of(distro, &version, &mut catalog.store)?
    };
    let Some(tag) = tags.iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == commit.trailer("Dsc-Sha256"))
    else {
        return Ok(vec![format!("shows {version}, which has no tag in {distro}")]);
    };
    let tree = object::read_commit(tag.commit, &mut catalog.store)?.tree;
    Ok(if tree == commit.tree { Vec::new() } else { vec![format!("its tree is not that of {version}")] })
}
