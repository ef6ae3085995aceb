//! The difference between two trees as text for a person.

use gix_object::tree::EntryKind;
use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};
use source_package::store::{ContentId, ContentStore};

use super::ancestry::{common, peel};
use super::lines::is_binary;
use super::tree::{Change, Entry, differences};
use super::triage::{Content, merged_tree};
use super::{Kind, Standing, branches, judge};
use crate::catalog::Catalog;
use crate::object;
use crate::store::RepoStore;
use crate::{Error, ObjectId, raw_id};

/// Larger files are not compared line by line.
const LARGEST: u64 = 2 << 20;
/// The most bytes of differences that are written.
const MOST: usize = 4 << 20;

/// Description of one of the two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Description for people.
    pub what: String,
    /// Id of the tree.
    pub tree: Option<ObjectId>,
}

/// Difference between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The first tree: ours.
    pub from: Side,
    /// The second: with theirs.
    pub to: Side,
    /// Changed files.
    pub files: Vec<File>,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path of the file.
    pub path: Vec<u8>,
    /// Kind of the change: `added`, `removed`, `changed`.
    pub what: &'static str,
    /// The lines that differ, in the format of `diff -u`; empty where a line comparison has no use.
    pub lines: Vec<u8>,
    /// Remark in place of the lines, or beside them.
    pub remark: Option<String>,
}

/// Changes that would be lost with the foreign commit: the difference between the published version without and with
/// them; where they conflict, the difference between their starting point and their commit.
///
/// # Errors
/// [`Error`] when the repository cannot be read or written.
pub fn of_collision(catalog: &mut Catalog, it: &Standing) -> Result<Difference, Error> {
    let theirs = it.theirs.ok_or_else(|| Error::NotOnRecord(it.name.clone()))?;
    let (view, store) = (&mut catalog.view, &mut catalog.store);
    let Some((tree, commit)) = peel(theirs, store)? else {
        return Err(Error::WrongKind { id: theirs, wanted: object::Kind::Commit });
    };
    let their_side = Side { what: format!("what was pushed ({theirs})"), tree: Some(tree) };
    if it.kind == Kind::TagDiffers {
        let ours = judge::same_name(&it.name, view, store)?.into_iter().next();
        let from = match ours {
            Some(tag) => Side {
                what: tag.name.trim_start_matches("refs/tags/").to_owned(),
                tree: Some(object::read_commit(tag.commit, store)?.tree),
            },
            None => Side { what: "nothing: this version is not imported".into(), tree: None },
        };
        return compared(from, their_side, store);
    }
    let (Some(tip), Some(commit)) = (view.get(&it.name), commit) else {
        return compared(
            Side { what: "nothing: no suite has this branch".into(), tree: None },
            their_side,
            store,
        );
    };
    let version = branches::shown_version(tip, store)?;
    let read = object::read_commit(version, store)?;
    let name = read.trailer("Version").unwrap_or("the version").to_owned();
    let from = Side { what: format!("{name}, as it is published"), tree: Some(read.tree) };
    match branches::judged_from(&it.name, version, commit, it.ours, view, store)? {
        Content::Unmerged(edits) => {
            let merged = merged_tree(read.tree, &edits, store)?;
            compared(from, Side { what: format!("{name} with their changes"), tree: Some(merged) }, store)
        }
        Content::Conflict(_) => {
            let started = it.ours.into_iter().chain(common(commit, version, store)?).next();
            let from = match started {
                Some(id) => Side {
                    what: format!("what they started from ({id})"),
                    tree: Some(super::ancestry::links(id, store)?.tree),
                },
                None => from,
            };
            compared(from, their_side, store)
        }
        _ => compared(
            from.clone(),
            Side { what: format!("{name} with their changes: the same"), ..from },
            store,
        ),
    }
}

fn compared(from: Side, to: Side, store: &mut RepoStore) -> Result<Difference, Error> {
    let changes = differences(from.tree, to.tree, store)?;
    let (mut files, mut size) = (Vec::with_capacity(changes.len()), 0);
    for change in changes {
        let file = file(change, size < MOST, store)?;
        size += file.lines.len();
        files.push(file);
    }
    Ok(Difference { from, to, files })
}

fn file(change: Change, with_lines: bool, store: &mut RepoStore) -> Result<File, Error> {
    let what = match (change.before, change.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let mut file = File { path: change.path, what, lines: Vec::new(), remark: None };
    if let (Some(before), Some(after)) = (change.before, change.after)
        && before.kind != after.kind
    {
        file.remark = Some(format!("{}, was {}", kind(after), kind(before)));
    }
    if !with_lines {
        file.remark = Some("left out: the difference is too large".into());
        return Ok(file);
    }
    let both = (text(change.before, store)?, text(change.after, store)?);
    match both {
        (Some(before), Some(after)) => file.lines = unified(&before, &after),
        _ => file.remark = Some("no text, or too large to be shown".into()),
    }
    Ok(file)
}

fn kind(entry: Entry) -> &'static str {
    match entry.kind {
        EntryKind::Blob => "a file",
        EntryKind::BlobExecutable => "an executable file",
        EntryKind::Link => "a symbolic link",
        EntryKind::Commit => "a submodule",
        EntryKind::Tree => "a folder",
    }
}

fn text(entry: Option<Entry>, store: &mut RepoStore) -> Result<Option<Vec<u8>>, Error> {
    let Some(entry) = entry else { return Ok(Some(Vec::new())) };
    if entry.kind == EntryKind::Commit {
        return Ok(Some(format!("submodule {}\n", entry.id).into_bytes()));
    }
    let id = ContentId(raw_id(entry.id));
    if store.size(id).map_err(Error::Content)? > LARGEST {
        return Ok(None);
    }
    let text = store.get(id).map_err(Error::Content)?;
    Ok((!is_binary(&text)).then_some(text))
}

fn unified(before: &[u8], after: &[u8]) -> Vec<u8> {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let input = InternedInput::new(&*before, &*after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let printer = BasicLineDiffPrinter(&input.interner);
    diff.unified_diff(&printer, UnifiedDiffConfig::default(), &input).to_string().into_bytes()
}
