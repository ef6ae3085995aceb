//! Checks a repository: objects by `git fsck`, tags against their manifests, `.dsc` blobs and commits.

use std::process::Stdio;
use std::time::Duration;

use bounded::Deadline;
use serde::{Deserialize, Serialize};
use source_package::finding::Finding;
use source_package::version::Version;

use crate::catalog::Catalog;
use crate::collision;
use crate::collision::Kind::{Adopted, Contained, Noise};
use crate::damage;
use crate::foreign;
use crate::history::Descents;
use crate::manifest::Manifest;
use crate::mend;
use crate::object;
use crate::refs::refname;
use crate::repack::git;
use crate::repository::Repository;
use crate::{Error, ObjectId};

mod content;

use content::{check_applied, check_upstreams, check_version};

/// A defect of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind of finding.
    pub code: Finding,
    /// The ref, or `objects`.
    pub subject: String,
    /// Description of the problem.
    pub message: String,
}

/// The time limit of `git fsck`. The largest repositories of an archive take minutes.
pub const LONGEST: Duration = Duration::from_secs(4 * 3600);

impl Problem {
    /// A problem of a subject.
    pub fn new(code: Finding, subject: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { code, subject: subject.into(), message: message.into() }
    }

    /// True when it could block readers of the repository for ever.
    pub fn keeps_waiting(&self) -> bool {
        self.code == Finding::FileStrange
    }

    /// True for a foreign ref, and for one of ours that somebody removed or moved: these have rows of their own.
    pub fn is_foreign(&self) -> bool {
        foreign::Kind::ALL.iter().any(|kind| self.message.starts_with(kind.message()))
    }
}

/// The finding of a single check: its kind and its text.
type Wrong = (Finding, String);

fn wrong(code: Finding, message: impl Into<String>) -> Wrong {
    (code, message.into())
}

/// The findings with which Git does not recognise the folder as a repository, or its refs.
const UNREADABLE: [Finding; 5] = [
    Finding::HeadMissing,
    Finding::FolderGone,
    Finding::PackedRefsBroken,
    Finding::RefUnreadable,
    Finding::ModeWrong,
];

/// Checks everything and goes on after problems. An error means that the check itself could not be done.
///
/// # Errors
/// [`Error`] when Git is missing, or the repository cannot be read at all.
pub fn verify(repository: &Repository) -> Result<Vec<Problem>, Error> {
    let mut problems = match damage::find(repository) {
        Ok(problems) => problems,
        // Git would wait, and so would this check.
        Err(strange) => return Ok(strange),
    };
    problems.extend(unreadable_refs(repository));
    let is_readable = !problems.iter().any(|it| UNREADABLE.contains(&it.code));
    check_objects(repository, is_readable, &mut problems)?;
    let are_refs_broken = problems.iter().any(|it| it.code == Finding::PackedRefsBroken);
    let checked = match are_refs_broken {
        true => Ok(()),
        false => check_names(repository, &mut problems),
    };
    if let Err(error) = checked {
        problems.push(of_error("refs", &error));
    }
    // Other programs advise this.
    for problem in &mut problems {
        problem.message = problem.message.replace("; run `package-import verify`", "");
    }
    Ok(problems)
}

/// Refs that cannot be read, and a `HEAD` that is missing or invalid.
fn unreadable_refs(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    match mend::refs(repository) {
        Ok(readable) => {
            problems.extend(readable.packed.first().map(|first| {
                let more = readable.packed.len() - 1;
                let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                Problem::new(Finding::PackedRefsBroken, "packed-refs", format!("{first}{more}"))
            }));
            let message = "names no object: Git stops at it";
            problems.extend(
                readable.loose.into_iter().map(|name| Problem::new(Finding::RefUnreadable, name, message)),
            );
        }
        Err(error) => problems.push(of_error("refs", &error)),
    }
    let head = repository.head();
    if head.as_ref().map_or(true, |head| !head.starts_with("refs/heads/")) {
        let message = "is gone, or names no branch: Git takes the folder for no repository without it";
        problems.push(Problem::new(Finding::HeadMissing, "HEAD", message));
    }
    problems
}

/// By Git, or pack by pack where Git does not take the folder for a repository.
fn check_objects(repository: &Repository, by_git: bool, problems: &mut Vec<Problem>) -> Result<(), Error> {
    if !by_git {
        add_broken_packs(repository, problems);
        return Ok(());
    }
    let arguments = ["--strict", "--full", "--no-dangling", "--no-progress"];
    match git(repository, "fsck", &arguments, Stdio::null(), Deadline::after(LONGEST)) {
        Ok(()) => {}
        Err(Error::Git { cause, .. }) => {
            problems.push(Problem::new(Finding::ObjectsMissing, "objects", format!("git fsck: {cause}")));
            add_broken_packs(repository, problems);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn add_broken_packs(repository: &Repository, problems: &mut Vec<Problem>) {
    for (pack, cause) in mend::broken_packs(repository).unwrap_or_default() {
        let subject = format!("objects/pack/{pack}");
        if !problems.iter().any(|it| it.code == Finding::PackTorn && it.subject == subject) {
            problems.push(Problem::new(Finding::PackTorn, subject, format!("git verify-pack: {cause}")));
        }
    }
}

fn check_names(repository: &Repository, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut catalog = Catalog::open(repository)?;
    if !problems.iter().any(|it| it.code == Finding::HeadMissing) {
        check("HEAD", check_head(repository, &catalog), problems);
    }
    check_peeled(repository, &mut catalog, problems)?;
    check_refs(&mut catalog, problems)?;
    check_foreign(repository, &mut catalog, problems)
}

/// A clone needs a branch to check out.
fn check_head(repository: &Repository, catalog: &Catalog) -> Result<Vec<Wrong>, Error> {
    let head = repository.head()?;
    let leads = catalog.view.taken(&head).is_some() || catalog.view.below("refs/heads/").is_empty();
    Ok(if leads {
        Vec::new()
    } else {
        vec![wrong(Finding::HeadWrong, format!("leads to {head:?}, which is no branch"))]
    })
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
            Some(tag) if tag.target != peeled => {
                vec![wrong(Finding::PeeledWrong, format!("packed-refs says that {peeled} is behind it"))]
            }
            _ => Vec::new(),
        });
        check(&name, behind, problems);
    }
    Ok(())
}

/// All refs that are not where the importer put them. Without a record they cannot be told apart.
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
        // With the importer's content, or with differences that are noise, it is harmless.
        if judged.as_ref().is_some_and(|it| matches!(it.kind, Adopted | Contained | Noise)) {
            continue;
        }
        // Branches under any name are checked: a clone has them all.
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
        let code = code_of(kind, it.ours.is_some(), &it.name);
        problems.push(Problem::new(code, it.name, format!("{}{was}{other}", kind.message())));
    }
    Ok(())
}

/// The kind of finding that a ref of others is.
fn code_of(kind: foreign::Kind, is_ours: bool, name: &str) -> Finding {
    match kind {
        foreign::Kind::Branch if is_ours => Finding::BranchMoved,
        foreign::Kind::Branch => Finding::BranchForeign,
        foreign::Kind::Tag if is_ours => Finding::RefReplaced,
        foreign::Kind::Other if is_ours && name.starts_with("refs/dsc/") => Finding::RefReplaced,
        foreign::Kind::Tag => Finding::TagForeign,
        foreign::Kind::Other | foreign::Kind::Outside => Finding::RefForeign,
        foreign::Kind::Gone => Finding::RefGone,
        foreign::Kind::Blocked => Finding::RefBlocked,
    }
}

/// The finding for an error.
pub fn of_error(subject: &str, error: &Error) -> Problem {
    let code = match error {
        Error::BadLine { .. } => Finding::PackedRefsBroken,
        Error::BrokenRecord(_) => Finding::RecordBroken,
        Error::NoRepository(_) => Finding::RepositoryGone,
        Error::Missing(_) | Error::Malformed { .. } | Error::WrongKind { .. } | Error::Odb { .. } => {
            Finding::ObjectsMissing
        }
        _ => Finding::Unreadable,
    };
    Problem::new(code, subject, error.to_string())
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

/// A removed or replaced tag is not a tag of a version any more: its `.dsc` still proves the version. Foreign tags
/// have none.
fn check_tags_exist(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    for name in catalog.view.below("refs/dsc/") {
        let tag = name.trim_end_matches("@asc").replacen("refs/dsc/", "refs/tags/", 1);
        if catalog.view.version_tag(&tag, &mut catalog.store)?.is_none() && !has_other_tag(&name, catalog)? {
            let message = format!("{tag} is gone, or is no tag of a version");
            problems.push(Problem::new(Finding::TagGone, name, message));
        }
    }
    Ok(())
}

/// Somebody else has taken the name of a tag: ours has a name below `reimport/`, and so has its `.dsc`.
fn has_other_tag(dsc: &str, catalog: &mut Catalog) -> Result<bool, Error> {
    let id = catalog.view.get(dsc);
    for other in catalog.view.below("refs/dsc/reimport/") {
        let tag = other.trim_end_matches("@asc").replacen("refs/dsc/", "refs/tags/", 1);
        if other != dsc
            && catalog.view.get(&other) == id
            && catalog.view.version_tag(&tag, &mut catalog.store)?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn check_applied_tags(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut applied = catalog.view.below("refs/tags/applied/");
    applied.extend(catalog.view.below("refs/tags/reimport/applied/"));
    for name in applied {
        let found = match catalog.view.version_tag(&name, &mut catalog.store) {
            Ok(Some(tag)) => check_applied(&tag, catalog),
            Ok(None) => Ok(vec![wrong(Finding::AppliedDiffers, "is no tag of a version")]),
            Err(error) => Err(error),
        };
        check(&name, found, problems);
    }
    Ok(())
}

/// Adds the findings of a single check, or the error that prevented it, as problems of its subject.
fn check(subject: &str, found: Result<Vec<Wrong>, Error>, problems: &mut Vec<Problem>) {
    match found {
        Ok(found) => problems.extend(found.into_iter().map(|(code, said)| Problem::new(code, subject, said))),
        Err(error) => problems.push(of_error(subject, &error)),
    }
}

/// A branch shows a version that is tagged.
fn check_branches(catalog: &mut Catalog, problems: &mut Vec<Problem>) -> Result<(), Error> {
    for name in catalog.view.below("refs/heads/").into_iter().filter(|name| !name.starts_with(refname::ASIDE))
    {
        check(&name, check_branch(&name, catalog), problems);
    }
    Ok(())
}

fn check_branch(name: &str, catalog: &mut Catalog) -> Result<Vec<Wrong>, Error> {
    let Some(tip) = catalog.view.get(name) else { return Ok(Vec::new()) };
    let commit = object::read_commit(tip, &mut catalog.store)?;
    let short = name.trim_start_matches("refs/heads/");
    let (applied, rest) = short.strip_prefix("applied/").map_or((false, short), |rest| (true, rest));
    let distro = rest.split('/').next().unwrap_or_default();
    let version = commit.trailer("Version").and_then(|text| Version::new(text).ok());
    let Some(version) = version else {
        return Ok(vec![wrong(Finding::BranchMoved, foreign::Kind::Branch.message())]);
    };
    let tags = if applied {
        catalog.view.applied_tags_of(distro, &version, &mut catalog.store)?
    } else {
        catalog.view.tags_of(distro, &version, &mut catalog.store)?
    };
    let Some(tag) = tags.iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == commit.trailer("Dsc-Sha256"))
    else {
        return Ok(vec![wrong(Finding::TagGone, format!("shows {version}, which has no tag in {distro}"))]);
    };
    let tree = object::read_commit(tag.commit, &mut catalog.store)?.tree;
    Ok(if tree == commit.tree {
        Vec::new()
    } else {
        vec![wrong(Finding::BranchDiffers, format!("its tree is not that of {version}"))]
    })
}
