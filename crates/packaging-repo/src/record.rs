//! Record of the refs and objects that the importer has written into a repository. It is a list in the repository's own
//! folder, out of reach of any push, sealed with the installation's key.
//!
//! A tag proves nothing by itself: anybody who can push can make one with any manifest. Only refs on record were
//! verified and written here; all others are foreign. An object's name is the hash of all that it leads to, so the pair
//! of ref and object proves the tree, and the manifest with the hashes of the files.
//!
//! The record is durable before refs move, and marks the entries that are about to be written. A marked entry that no
//! ref confirms has no meaning: the importer was killed in between. After refs have moved, a line behind the seal says
//! so.

pub mod unsealed;
pub mod vouched;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use crate::durable::room;
use crate::refs::Refs;
use crate::seal::PackageKey;
use crate::{Error, ObjectId};

/// The file, in the repository's folder.
pub const FILE: &str = "package-import-record";
const HEADER: &str = "# package-import record 1\n";
/// No record is larger: it would have two million refs.
const LARGEST: u64 = 256 << 20;
const SEAL: &str = "seal ";
const MOVED: &str = "moved\n";

/// One ref: where the importer has put it, and where it was about to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    written: Option<ObjectId>,
    begun: Option<ObjectId>,
    /// Foreign object with the content of ours, which may stay in place. Its author and message are not trusted.
    adopted: Option<ObjectId>,
}

/// Record of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Record {
    entries: BTreeMap<String, Entry>,
    /// There is no record yet: every ref is trusted. For reading only; no import uses it.
    believes_all: bool,
}

impl Record {
    /// Record for a repository without one, which trusts every ref; for reading only.
    pub fn believing_all() -> Record {
        Record { entries: BTreeMap::new(), believes_all: true }
    }

    /// Reads the record; `None` if there is none. Without a key nobody can tell whether it is genuine.
    ///
    /// # Errors
    /// [`Error::BrokenRecord`] if it is not sealed with this key, or cannot be understood.
    pub fn read(repository: &Path, key: Option<&PackageKey>) -> Result<Option<Record>, Error> {
        let path = repository.join(FILE);
        let text = match bounded::file::read(&path, LARGEST) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("read", &path, error)),
        };
        parse(&text, key).map(Some).ok_or(Error::BrokenRecord(path))
    }

    /// True when a ref was put there by the importer.
    pub fn knows(&self, name: &str, id: ObjectId) -> bool {
        self.believes_all
            || self.entries.get(name).is_some_and(|it| it.written == Some(id) || it.begun == Some(id))
    }

    /// Whether a ref is published: the importer has put it there, or it is adopted. An adopted branch leads to where ours was
    /// before, so no remote stays behind for it.
    pub fn publishes(&self, name: &str, id: ObjectId) -> bool {
        self.knows(name, id) || self.adopted(name) == Some(id)
    }

    /// Object that the importer has put a ref to last, as far as is known.
    pub fn last(&self, name: &str) -> Option<ObjectId> {
        self.entries.get(name).and_then(|it| it.begun.or(it.written))
    }

    /// Object that the importer was about to put a ref to, if the move is not confirmed.
    pub(crate) fn begun(&self, name: &str) -> Option<ObjectId> {
        self.entries.get(name)?.begun
    }

    /// Object that the importer had put the ref to before, if its last move is not confirmed.
    pub fn before_last(&self, name: &str) -> Option<ObjectId> {
        self.entries.get(name).filter(|it| it.begun.is_some()).and_then(|it| it.written)
    }

    /// True when the importer has certainly written a ref.
    pub(crate) fn was_written(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|it| it.written.is_some())
    }

    /// Foreign object that may stay in place of a ref of ours: it has the content of ours.
    pub fn adopted(&self, name: &str) -> Option<ObjectId> {
        self.entries.get(name)?.adopted
    }

    /// Notes that somebody else's object stays in the place of ours.
    pub(crate) fn adopt(&mut self, name: &str, ours: ObjectId, theirs: ObjectId) {
        let entry = self.entries.entry(name.to_owned()).or_default();
        let written = if entry.written == Some(ours) { Some(ours) } else { entry.written };
        let begun = (written != Some(ours)).then_some(ours);
        *entry = Entry { written, begun, adopted: Some(theirs) };
    }

    /// Forgets a ref that a person had removed.
    pub(crate) fn forget(&mut self, name: &str) {
        self.entries.remove(name);
    }

    /// Forgets what was written and is not to be kept.
    pub(crate) fn retain(&mut self, mut is_kept: impl FnMut(&str, ObjectId) -> bool) {
        self.entries.retain(|name, it| it.written.is_none_or(|id| is_kept(name, id)));
    }

    /// Everything that was written for certain, sorted by name.
    pub fn written(&self) -> impl Iterator<Item = (&String, ObjectId)> {
        self.entries.iter().filter_map(|(name, entry)| Some((name, entry.written?)))
    }

    /// Puts a ref on record that was verified where it is.
    pub fn confirm(&mut self, name: String, id: ObjectId) {
        self.entries.insert(name, Entry { written: Some(id), ..Entry::default() });
    }

    /// The record of a transaction that puts refs (`new`) where they are not yet. An earlier move that was begun and
    /// is not in `refs` is dropped.
    pub fn with<'a>(&self, refs: &Refs, new: impl Iterator<Item = (&'a String, ObjectId)>) -> Record {
        let is = |name: &str, id: ObjectId| refs.get(name).is_some_and(|value| value.id == id);
        let mut after = Record::default();
        for (name, entry) in &self.entries {
            let adopted = entry.adopted.filter(|id| is(name, *id));
            let moved = entry.begun.filter(|id| is(name, *id) || adopted.is_some());
            let written = moved.or(entry.written);
            if written.is_some() {
                after.entries.insert(name.clone(), Entry { written, begun: None, adopted });
            }
        }
        for (name, id) in new {
            let entry = after.entries.entry(name.clone()).or_default();
            if is(name, id) {
                *entry = Entry { written: Some(id), ..Entry::default() };
            } else {
                entry.begun = Some(id);
                entry.adopted = None;
            }
        }
        after
    }

    /// Content of the file.
    pub(crate) fn encode(&self, key: &PackageKey) -> Vec<u8> {
        let mut text = Vec::with_capacity(HEADER.len() + self.entries.len() * 90 + 80);
        text.extend_from_slice(HEADER.as_bytes());
        for (name, entry) in &self.entries {
            for (mark, id) in [('=', entry.written), ('+', entry.begun), ('~', entry.adopted)] {
                if let Some(id) = id {
                    text.extend_from_slice(format!("{mark} {id} {name}\n").as_bytes());
                }
            }
        }
        let seal = key.seal(&text);
        text.extend_from_slice(format!("{SEAL}{seal}\n").as_bytes());
        text
    }
}

/// Notes that the refs of the newest record have moved. Not a word is lost if this is: a ref that is where the record has
/// it confirms as much.
pub(crate) fn note_moved(repository: &Path) {
    let file = bounded::file::append(&repository.join(FILE));
    let _ = file.and_then(|mut file| room().and_then(|()| file.write_all(MOVED.as_bytes())));
}

fn parse(text: &[u8], key: Option<&PackageKey>) -> Option<Record> {
    let text = std::str::from_utf8(text).ok()?;
    let end = text.rfind(&format!("\n{SEAL}"))? + 1;
    let (body, rest) = text.split_at_checked(end)?;
    let (seal, rest) = rest.strip_prefix(SEAL)?.split_once('\n')?;
    if key.is_some_and(|key| !key.is_sealed(body.as_bytes(), seal)) {
        return None;
    }
    let moved = rest == MOVED;
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for line in body.strip_prefix(HEADER)?.lines() {
        let (mark, line) = line.split_once(' ')?;
        let (id, name) = line.split_once(' ')?;
        let id = ObjectId::from_hex(id.as_bytes()).ok()?;
        let entry = entries.entry(name.to_owned()).or_default();
        match mark {
            "=" => entry.written = Some(id),
            "+" if moved => entry.written = Some(id),
            "+" => entry.begun = Some(id),
            "~" => entry.adopted = Some(id),
            _ => return None,
        }
    }
    Some(Record { entries, believes_all: false })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use source_package::version::PackageName;

    use super::*;
    use crate::refs::Value;
    use crate::seal::Key;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    fn refs(all: &[(&str, char)]) -> Refs {
        all.iter().map(|(name, it)| ((*name).to_owned(), Value { id: id(*it), peeled: None })).collect()
    }

    #[test]
    fn what_was_begun_counts_once_a_ref_confirms_it() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::open_or_make(&folder.path().join("repos"))
            .unwrap()
            .of_package(&PackageName::new("a0").unwrap());
        let other = Key::open_or_make(&folder.path().join("repos"))
            .unwrap()
            .of_package(&PackageName::new("b0").unwrap());
        let (a, b) = ("refs/tags/a".to_owned(), "refs/heads/b".to_owned());
        let first = Record::default().with(&Refs::new(), [(&a, id('1')), (&b, id('2'))].into_iter());
        let write = |record: &Record| std::fs::write(folder.path().join(FILE), record.encode(&key)).unwrap();
        let read = || Record::read(folder.path(), Some(&key)).unwrap().unwrap();
        write(&first);
        assert_eq!(read(), first);
        assert_eq!(read().written().count(), 0, "nobody has said that they were moved");
        assert!(read().knows(&a, id('1')) && !read().knows(&a, id('2')) && !read().knows(&b, id('1')));
        let killed = read().with(&Refs::new(), std::iter::empty());
        assert_eq!(killed, Record::default());
        let gone_on = read().with(&refs(&[("refs/tags/a", '1')]), [(&b, id('3'))].into_iter());
        assert_eq!((gone_on.last(&b), gone_on.before_last(&b)), (Some(id('3')), None));
        note_moved(folder.path());
        assert_eq!(read().written().count(), 2);
        let next = read().with(&refs(&[("refs/heads/b", '2')]), [(&b, id('3'))].into_iter());
        assert_eq!((next.last(&b), next.before_last(&b)), (Some(id('3')), Some(id('2'))));
        assert!(matches!(Record::read(folder.path(), Some(&other)), Err(Error::BrokenRecord(_))));
    }

    #[test]
    fn a_record_that_was_touched_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::open_or_make(&folder.path().join("repos"))
            .unwrap()
            .of_package(&PackageName::new("a0").unwrap());
        let a = "refs/tags/a".to_owned();
        let record = Record::default().with(&Refs::new(), [(&a, id('1'))].into_iter());
        let text = record.encode(&key);
        for place in 0..text.len() {
            let mut changed = text.clone();
            changed[place] ^= 1;
            let read = parse(&changed, Some(&key));
            assert!(read.is_none() || place == text.len() - 1, "byte {place}");
            assert!(parse(&text[..place], Some(&key)).is_none());
        }
    }
}
