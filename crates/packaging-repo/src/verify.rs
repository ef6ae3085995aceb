//! Checks a repository: objects by `git fsck`, tags against their manifests, `.dsc` blobs and commits.

use std::process::Stdio;
use std::time::Duration;

use bounded::Deadline;
use serde::{Deserialize, Serialize};
use source_package::checksum::{Hasher, ListedFile, sha256_hex};
use source_package::dsc::{Dsc, Family};
use source_package::version::Version;

use crate::catalog::{Catalog, split_tag};
use crate::collision;
use crate::collision::Kind::{Adopted, Contained, Noise};
use crate::damage;
use crate::foreign;
use crate::history::Descents;
use crate::manifest::Manifest;
use crate::object::{self, Kind};
use crate::record::unsealed::signed_part;
use crate::refs::refname;
use crate::repack::git;
use crate::repository::Repository;
use crate::view::VersionTag;
use crate::{Error, ObjectId};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The ref, or `objects`.
    pub subject: String,
    /// Description of the problem.
    pub message: String,
}

/// The longest that `git fsck` may take. The largest repositories of an archive take minutes.
pub const LONGEST: Duration = Duration::from_secs(4 * 3600);

impl Problem {
    /// True when it could block readers of the repository for ever.
    pub fn keeps_waiting(&self) -> bool {
        self.message.starts_with(damage::STRANGE)
    }

    /// True for a foreign ref, which harms nothing of the importer's.
    pub fn is_foreign(&self) -> bool {
        foreign::Kind::ALL.iter().any(|kind| self.message.starts_with(kind.message()))
    }
}

/// Checks everything and goes on after problems. An error means that the check itself could not be done.
///
/// # Errors
/// [`Error`] when Git is missing, or the repository cannot be read at all.
pub fn verify(repository: &Repository) -> Result<Vec<Problem>, Error> {
    let mut problems = match damage::find(repository) {
        Ok(problems) => problems,
        // Git would wait, and so would we.
        Err(strange) => return Ok(strange),
    };
    let arguments = ["--strict", "--full", "--no-dangling", "--no-progress"];
    match git(repository, "fsck", &arguments, Stdio::null(), None, Deadline::after(LONGEST)) {
        Ok(()) => {}
        Err(Error::Git { cause, .. }) => {
            problems.push(Problem { subject: "objects".into(), message: format!("git fsck: {cause}") });
        }
        Err(error) => return Err(error),
    }
    let checked = Catalog::open(repository).and_then(|mut catalog| {
        check("HEAD", check_head(repository, &catalog), &mut problems);
        check_peeled(repository, &mut catalog, &mut problems)?;
        check_refs(&mut catalog, &mut problems)?;
        check_foreign(repository, &mut catalog, &mut problems)
    });
    if let Err(error) = checked {
        problems.push(Problem { subject: "refs".into(), message: error.to_string() });
    }
    // Other programs advise this.
    for problem in &mut problems {
        problem.message = problem.message.replace("; run `package-import verify`", "");
    }
    Ok(problems)
}

/// A clone has to check something out.
fn check_head(repository: &Repository, catalog: &Catalog) -> Result<Vec<String>, Error> {
    let head = repository.head()?;
    let leads = catalog.view.taken(&head).is_some() || catalog.view.below("refs/heads/").is_empty();
    Ok(if leads { Vec::new() } else { vec![format!("leads to {head:?}, which is no branch")] })
}

/// Checks the objects that `packed-refs` gives as those behind tags, which Git shows to those who fetch.
fn check_peeled(
    repository: &Repository,
    catalog: &mut Catalog,
    problems: &mut Vec<Problem>,
) -> Result<(), Error> {
    for (name, value) in repository.refs()? {
        let Some(peeled) = value.peeled else { continue };
        let behind = object::read_tag(value.id, &mut catalog.store).map(|tag| match tag {
            Some(tag) if tag.target != peeled => vec![format!("packed-refs says that {peeled} is behind it")],
            _ => Vec::new(),
        });
        check(&name, behind, problems);
    }
    Ok(())
}

/// Whatever is not where the importer has put it. Without a record, nobody can tell.
fn check_foreign(
    repository: &Repository,
    catalog: &mut Catalog,
    problems: &mut Vec<Problem>,
) -> Result<(), Error> {
    if !repository.has_record() {
        return Ok(());
    }
    let found = foreign::find(&catalog.view, &[], &mut catalog.store)?;
    let judged = collision::judge(&found, &mut catalog.view, &mut catalog.store)?;
    for (it, judged) in found.into_iter().zip(judged) {
        // With our content, or with differences that mean nothing, it is in nobody's way.
        if judged.as_ref().is_some_and(|it| matches!(it.kind, Adopted | Contained | Noise)) {
            continue;
        }
        // Branches of any name are looked at: a clone has them all.
        if it.kind == foreign::Kind::Outside && !it.name.starts_with("refs/heads/") {
            continue;
        }
        let kind = if it.name.starts_with("refs/heads/") && it.kind == foreign::Kind::Outside {
            foreign::Kind::Branch
        } else {
            it.kind
        };
        let was = it.ours.filter(|_| it.theirs.is_some());
        let was = was.map_or(String::new(), |ours| format!("; an import had put it to {ours}"));
        let other = it.theirs.and_then(|id| other_version(&it.name, id, catalog)).unwrap_or_default();
        problems.push(Problem { subject: it.name, message: format!("{}{was}{other}", kind.message()) });
    }
    Ok(())
}

/// Remark about a manifest that is of another version than the tag's name.
fn other_version(name: &str, id: ObjectId, catalog: &mut Catalog) -> Option<String> {
    let tag = object::read_tag(id, &mut catalog.store).ok()??;
    let manifest = Manifest::parse(&tag.message).ok()?;
    let part = format!("/{}", refname::mangle(&manifest.version));
    let is_named = name.ends_with(&part) || name.contains(&format!("{part}/"));
    (!is_named).then(|| format!("; its manifest is of another version, {}", manifest.version))
}

fn check_refs(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut descents = Descents::default();
    for tag in catalog.version_tags()? {
        check(&tag.name, check_version(&tag, catalog, &mut descents), problems);
    }
    check_tags_exist(catalog, problems)?;
    check_applied_tags(catalog, problems)?;
    check_upstreams(catalog, problems)?;
    check_branches(catalog, problems)
}

/// A tag that is gone, or was replaced by something else, is no tag of a version: its `.dsc` still tells of it. Tags
/// of others have none.
fn check_tags_exist(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    for name in catalog.view.below("refs/dsc/") {
        let tag = name.trim_end_matches("@asc").replacen("refs/dsc/", "refs/tags/", 1);
        if catalog.view.version_tag(&tag, &mut catalog.store)?.is_none() {
            let message = format!("{tag} is gone, or is no tag of a version");
            problems.push(Problem { subject: name, message });
        }
    }
    Ok(())
}

fn check_applied_tags(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut applied = catalog.view.below("refs/tags/applied/");
    applied.extend(catalog.view.below("refs/tags/reimport/applied/"));
    for name in applied {
        let found = match catalog.view.version_tag(&name, &mut catalog.store) {
            Ok(Some(tag)) => check_applied(&tag, catalog),
            Ok(None) => Ok(vec!["is no tag of a version".to_owned()]),
            Err(error) => Err(error),
        };
        check(&name, found, problems);
    }
    Ok(())
}

/// Adds the findings of a single check, or the error that prevented it, as problems of its subject.
fn check(subject: &str, found: Result<Vec<String>, Error>, problems: &mut Vec<Problem>) {
    let messages = found.unwrap_or_else(|error| vec![error.to_string()]);
    problems.extend(messages.into_iter().map(|message| Problem { subject: subject.to_owned(), message }));
}

fn check_version(
    tag: &VersionTag,
    catalog: &mut Catalog,
    descents: &mut Descents,
) -> Result<Vec<String>, Error> {
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
    let (distro, _) = split_tag(&tag.name);
    let sha256 = manifest.fact("Dsc-Sha256").unwrap_or_default();
    expect(
        tag.name == refname::version_tag(distro, &manifest.version)
            || refname::by_hash(&refname::reimport_folder(distro, &manifest.version), sha256)
                .any(|name| name == tag.name),
        "the manifest is of another version than the tag's name",
    );
    let Some(id) = catalog.view.taken(&refname::dsc_of_tag(&tag.name)) else {
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
            wrong.extend(check_signatures(tag, &dsc, catalog)?);
            wrong.extend(check_tarballs(tag, &dsc, catalog, descents)?);
        }
        Err(error) => expect(false, &format!("its .dsc cannot be read: {error}")),
    }
    Ok(wrong)
}

/// Every signature that the `.dsc` lists is kept, and is the one that it lists.
fn check_signatures(tag: &VersionTag, dsc: &Dsc, catalog: &mut Catalog) -> Result<Vec<String>, Error> {
    let mut wrong = Vec::new();
    let kept = match catalog.view.get(&refname::signatures_of_tag(&tag.name)) {
        Some(id) => catalog.store.read_flat_tree(id)?,
        None => Vec::new(),
    };
    for listed in dsc.files.iter().filter(|file| file.name.ends_with(".asc")) {
        let Some((name, content)) = kept.iter().find(|(name, _)| *name == listed.name) else {
            wrong.push(format!("{} is missing", listed.name));
            continue;
        };
        let mut hasher = Hasher::default();
        hasher.update(content);
        wrong.extend(listed.check(&hasher.finish(name)).err().map(|mismatch| mismatch.to_string()));
    }
    Ok(wrong)
}

/// The upstream tarballs that the `.dsc` lists are in the history, under a tag that tells of them.
fn check_tarballs(
    tag: &VersionTag,
    dsc: &Dsc,
    catalog: &mut Catalog,
    descents: &mut Descents,
) -> Result<Vec<String>, Error> {
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
    Ok(vec!["no tag of an upstream version in its history is that of its tarballs".into()])
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
fn check_applied(applied: &VersionTag, catalog: &mut Catalog) -> Result<Vec<String>, Error> {
    let short = applied.name.trim_start_matches("refs/tags/").trim_start_matches("reimport/");
    let distro = short.split('/').nth(1).unwrap_or_default();
    let (manifest, sha256) = (&applied.manifest, applied.manifest.fact("Dsc-Sha256").unwrap_or_default());
    if applied.name != refname::applied_tag(distro, &manifest.version)
        && !refname::by_hash(&refname::applied_reimport_folder(distro, &manifest.version), sha256)
            .any(|name| name == applied.name)
    {
        return Ok(vec!["the manifest is of another version than the tag's name".into()]);
    }
    let tags = match Version::new(&manifest.version) {
        Ok(version) => catalog.view.tags_of(distro, &version, &mut catalog.store)?,
        Err(_) => Vec::new(),
    };
    match tags.iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == Some(sha256)) {
        Some(tag) => leads_to(applied, tag.commit, catalog),
        None => Ok(vec!["its version has no tag".into()]),
    }
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
    let version = &tag.manifest.version;
    let mut wrong = Vec::new();
    if tag.name != refname::upstream_tag(version)
        && !tag.name.starts_with(&refname::upstream_reimport_folder(version))
    {
        wrong.push("the manifest is of another version than the tag's name".into());
    }
    if commit.trailer("Upstream-Version") != Some(version) || tag.manifest.files.is_empty() {
        wrong.push("the commit is of another upstream version".into());
    }
    Ok(wrong)
}

/// A branch shows a version that is tagged.
fn check_branches(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    for name in catalog.view.below("refs/heads/").into_iter().filter(|name| !name.starts_with(refname::ASIDE))
    {
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
