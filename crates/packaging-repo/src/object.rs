//! Git objects as bytes: how they are written and, for those that history needs, read.

use gix_object::bstr::ByteSlice;
use source_package::date::Date;
use source_package::ident::Ident;
use source_package::printable::{escaped, is_refused_in_history};

use crate::store::RepoStore;
use crate::{Error, ObjectId};

pub use gix_object::Kind;

/// A commit to write.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Id of the tree.
    pub tree: ObjectId,
    /// Ids of the parents.
    pub parents: Vec<ObjectId>,
    /// Author of the change.
    pub author: Ident,
    /// Time of the change.
    pub authored: Date,
    /// Committer.
    pub committer: Ident,
    /// Time of the commit.
    pub committed: Date,
    /// Message of the commit.
    pub message: String,
}

impl Commit {
    /// Content of the object.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("tree {}\n", self.tree);
        for parent in &self.parents {
            text.push_str(&format!("parent {parent}\n"));
        }
        text.push_str(&format!("author {}\n", signature(&self.author, self.authored)));
        text.push_str(&format!("committer {}\n\n", signature(&self.committer, self.committed)));
        text.push_str(&without_nul(&self.message));
        text.into_bytes()
    }
}

/// An annotated tag to write.
#[derive(Clone, Debug)]
pub struct Tag {
    /// The commit that it names.
    pub target: ObjectId,
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// Tagger.
    pub tagger: Ident,
    /// Time of the tag.
    pub date: Date,
    /// Message of the tag.
    pub message: String,
}

impl Tag {
    /// Content of the object.
    pub fn encode(&self) -> Vec<u8> {
        let tagger = signature(&self.tagger, self.date);
        let head = format!("object {}\ntype commit\ntag {}\ntagger {tagger}\n\n", self.target, self.name);
        (head + &without_nul(&self.message)).into_bytes()
    }
}

/// A NUL ends a message for Git.
fn without_nul(message: &str) -> String {
    message.replace('\0', "")
}

/// `Name <address> seconds zone`. Git takes no negative dates and no brackets in names.
fn signature(person: &Ident, date: Date) -> String {
    let clean = |text: &str| {
        let text: String = text.chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\0')).collect();
        escaped(text.trim(), is_refused_in_history).into_owned()
    };
    let name = Some(clean(person.name())).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".into());
    let offset = date.offset_minutes.clamp(-14 * 60, 14 * 60);
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
    format!("{name} <{}> {} {sign}{hours:02}{minutes:02}", clean(person.email()), date.seconds.max(0))
}

/// A commit that was read.
#[derive(Clone, Debug)]
pub struct CommitObject {
    /// Id of the tree.
    pub tree: ObjectId,
    /// Ids of the parents.
    pub parents: Vec<ObjectId>,
    /// Author of the change.
    pub author: Ident,
    /// Time of the change.
    pub authored: Date,
    /// Committer.
    pub committer: Ident,
    /// Time of the commit.
    pub committed: Date,
    message: String,
}

impl CommitObject {
    /// The value of a trailer: a line `Key: value` of the last paragraph.
    pub fn trailer(&self, key: &str) -> Option<&str> {
        let body = self.message.trim_end_matches('\n');
        let paragraph = body.rsplit("\n\n").next().unwrap_or_default();
        paragraph.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
    }

    /// All values of a trailer that stands more than once.
    pub fn trailers(&self, key: &str) -> Vec<&str> {
        let body = self.message.trim_end_matches('\n');
        let paragraph = body.rsplit("\n\n").next().unwrap_or_default();
        paragraph.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).collect()
    }

    /// The first line of the message.
    pub fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// Reads a commit.
///
/// # Errors
/// [`Error::WrongKind`] when the object is no commit, [`Error::Malformed`] when it cannot be parsed.
pub fn read_commit(id: ObjectId, store: &mut RepoStore) -> Result<CommitObject, Error> {
    let data = store.read_kind(id, Kind::Commit)?;
    let malformed = || Error::Malformed { id, what: "commit" };
    let commit = gix_object::CommitRef::from_bytes(&data, id.kind()).map_err(|_| malformed())?;
    let person = |raw: &gix_object::bstr::BStr| parse_signature(raw).ok_or_else(malformed);
    let (author, authored) = person(commit.author)?;
    let (committer, committed) = person(commit.committer)?;
    Ok(CommitObject {
        tree: commit.tree(),
        parents: commit.parents().collect(),
        author,
        authored,
        committer,
        committed,
        message: commit.message.to_str_lossy().into_owned(),
    })
}

fn parse_signature(raw: &[u8]) -> Option<(Ident, Date)> {
    let text = String::from_utf8_lossy(raw);
    let (name, rest) = text.split_once('<')?;
    let (email, rest) = rest.split_once('>')?;
    let mut words = rest.split_whitespace();
    let seconds = words.next()?.parse().ok()?;
    let zone: i32 = words.next()?.parse().ok()?;
    let offset_minutes = zone / 100 * 60 + zone % 100;
    Some((Ident::new(name.trim(), email), Date { seconds, offset_minutes }))
}

/// An annotated tag that was read.
#[derive(Clone, Debug)]
pub struct TagObject {
    /// The commit that it names.
    pub target: ObjectId,
    /// Message of the tag.
    pub message: Vec<u8>,
}

/// Opens an annotated tag of a commit; anything else that a ref may point to is `None`.
///
/// # Errors
/// [`Error::Malformed`] when the tag cannot be parsed.
pub fn read_tag(id: ObjectId, store: &mut RepoStore) -> Result<Option<TagObject>, Error> {
    if store.kind(id)? != Kind::Tag {
        return Ok(None);
    }
    let data = store.read(id)?;
    let malformed = |_| Error::Malformed { id, what: "tag" };
    let tag = gix_object::TagRef::from_bytes(&data, id.kind()).map_err(malformed)?;
    if tag.target_kind != Kind::Commit {
        return Ok(None);
    }
    Ok(Some(TagObject { target: tag.target(), message: tag.message.to_vec() }))
}

/// Object that a tag names, of any kind; `None` if `id` is no tag.
pub(crate) fn tag_target(id: ObjectId, store: &mut RepoStore) -> Result<Option<ObjectId>, Error> {
    if store.kind(id)? != Kind::Tag {
        return Ok(None);
    }
    let data = store.read(id)?;
    let tag = gix_object::TagRef::from_bytes(&data, id.kind());
    tag.map(|tag| Some(tag.target())).map_err(|_| Error::Malformed { id, what: "tag" })
}

/// One entry of a tree to write; the name as it is stored.
pub struct TreeEntry<'a> {
    /// `40000`, `100644`, `100755` or `120000`.
    pub mode: &'static str,
    /// Name as Git stores it.
    pub name: std::borrow::Cow<'a, [u8]>,
    /// Id of the object.
    pub id: ObjectId,
}

/// The content of a tree object. Git sorts folders as if their names ended in a slash.
pub fn encode_tree(mut entries: Vec<TreeEntry<'_>>) -> Vec<u8> {
    entries.sort_by(|a, b| sort_key(a).cmp(sort_key(b)));
    let mut bytes = Vec::with_capacity(entries.iter().map(|entry| entry.name.len() + 28).sum());
    for entry in &entries {
        bytes.extend_from_slice(entry.mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(&entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.id.as_bytes());
    }
    bytes
}

fn sort_key<'a>(entry: &'a TreeEntry<'_>) -> impl Iterator<Item = &'a u8> {
    let slash: &[u8] = if entry.mode == "40000" { b"/" } else { b"" };
    entry.name.iter().chain(slash)
}
