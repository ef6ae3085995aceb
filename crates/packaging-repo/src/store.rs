//! The objects of a repository: those that it has, and those that are being added to it.

use std::io::{self, Read};
use std::path::Path;

use gix_object::{Exists, Find, FindHeader, Kind};
use source_package::path::Name;
use source_package::store::{ContentId, ContentStore, FolderId};
use source_package::tree::Node;

use crate::escape;
use crate::hash;
use crate::object::{TreeEntry, encode_tree};
use crate::pack::PackWriter;
use crate::{Error, ObjectId};

/// Reads from a repository and writes into one new pack.
pub struct RepoStore {
    /// `None` for a repository without any object, which need not be searched.
    odb: Option<gix_odb::Handle>,
    /// Objects of another repository, which are read only.
    beside: Option<gix_odb::Handle>,
    pack: PackWriter,
    reads: u64,
}

impl RepoStore {
    /// Opens the objects below `objects`; `threads` is the number of threads that compress new ones.
    ///
    /// # Errors
    /// The folder of the objects cannot be read.
    pub fn open(objects: &Path, threads: usize) -> Result<RepoStore, Error> {
        let odb = if is_empty(objects) { None } else { Some(open(objects)?) };
        Ok(RepoStore { odb, beside: None, pack: PackWriter::new(&objects.join("pack"), threads), reads: 0 })
    }

    /// Reads also from the objects of another repository, `objects`: what this one lacks, or cannot read.
    ///
    /// # Errors
    /// They cannot be opened.
    pub fn read_also(&mut self, objects: &Path) -> Result<(), Error> {
        self.beside = if is_empty(objects) { None } else { Some(open(objects)?) };
        Ok(())
    }

    /// Makes everything that was added durable and visible to Git.
    ///
    /// # Errors
    /// [`Error::Pack`] when the disk fails or is full: no object of the pack counts as written then.
    pub fn finish(self) -> Result<(), Error> {
        self.pack.finish().map(drop)
    }

    /// Tells whether patches will change the next content. It only matters for speed.
    pub fn expect_changes(&mut self, expected: bool) {
        self.pack.expect_changes(expected);
    }

    /// Keeps a number of bytes of the disk free: it counts as full before.
    pub fn keep_free(&mut self, bytes: u64) {
        self.pack.keep_free(bytes);
    }

    /// Allows a number of further bytes: the cost of one version, before anything is compressed.
    pub fn allow(&mut self, bytes: u64) {
        self.pack.allow(bytes);
    }

    /// Bytes added so far, uncompressed.
    pub fn added(&self) -> u64 {
        self.pack.added()
    }

    /// Number of reads of objects so far.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// True when there is an object.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.pack.contains(id) || exists(self.odb.as_ref(), id) || exists(self.beside.as_ref(), id)
    }

    /// Adds an object that is in memory.
    ///
    /// # Errors
    /// The pack cannot be written.
    pub fn add(&mut self, kind: Kind, content: &[u8]) -> Result<ObjectId, Error> {
        let id = hash::object(kind, content)?;
        if !self.contains(&id) {
            self.pack.add(id, kind, content)?;
        }
        Ok(id)
    }

    /// Adds a tree of files in one folder.
    ///
    /// # Errors
    /// The pack cannot be written.
    pub fn add_flat_tree(&mut self, files: &[(String, Vec<u8>)]) -> Result<ObjectId, Error> {
        let mut entries = Vec::new();
        for (name, content) in files {
            let id = self.add(Kind::Blob, content)?;
            entries.push(TreeEntry { mode: "100644", name: name.as_bytes().into(), id });
        }
        self.add(Kind::Tree, &encode_tree(entries))
    }

    /// Reads a tree of files in one folder.
    ///
    /// # Errors
    /// The tree or one of its files cannot be read.
    pub fn read_flat_tree(&mut self, id: ObjectId) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let tree = self.read_kind(id, Kind::Tree)?;
        let mut files = Vec::new();
        for entry in crate::tree::decode(id, &tree).collect::<Result<Vec<_>, Error>>()? {
            if let (name, Node::File { content, .. }) = entry {
                let content = self.read(ObjectId::Sha1(content.0))?;
                files.push((String::from_utf8_lossy(&name).into_owned(), content));
            }
        }
        Ok(files)
    }

    /// The kind of an object.
    ///
    /// # Errors
    /// The object is missing, or cannot be read.
    pub fn kind(&self, id: ObjectId) -> Result<Kind, Error> {
        Ok(self.header(id)?.0)
    }

    /// The content of an object.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such object, [`Error::Odb`] when it cannot be read.
    pub fn read(&mut self, id: ObjectId) -> Result<Vec<u8>, Error> {
        self.reads += 1;
        if self.pack.contains(&id) {
            return self.pack.read(&id);
        }
        let mut content = Vec::new();
        let found = first_of([&self.odb, &self.beside], |odb| {
            content.clear();
            let found = odb.try_find(&id, &mut content).map_err(|error| Error::odb(id, &error))?;
            Ok(found.map(drop))
        });
        found?.map(|()| content).ok_or(Error::Missing(id))
    }

    /// The content of an object that has to be of a certain kind.
    ///
    /// # Errors
    /// [`Error::WrongKind`] when it is of another kind; else as [`RepoStore::read`].
    pub fn read_kind(&mut self, id: ObjectId, kind: Kind) -> Result<Vec<u8>, Error> {
        if self.kind(id)? == kind { self.read(id) } else { Err(Error::WrongKind { id, wanted: kind }) }
    }

    fn header(&self, id: ObjectId) -> Result<(Kind, u64), Error> {
        if let Some(known) = self.pack.kind_and_size(&id) {
            return Ok(known);
        }
        let header = first_of([&self.odb, &self.beside], |odb| {
            odb.try_header(&id).map_err(|error| Error::odb(id, &error))
        });
        header?.map(|header| (header.kind, header.size)).ok_or(Error::Missing(id))
    }

    /// Reads content into the batch of the pack, and removes it again if the object is known.
    fn put_small(&mut self, size: u64, content: &mut dyn Read) -> Result<ObjectId, Error> {
        let tail = self.pack.tail();
        let start = tail.len();
        // Larger content is streamed, so this fits.
        tail.resize(start + usize::try_from(size).unwrap_or(usize::MAX), 0);
        let complete = content.read_exact(&mut tail[start..]).map_err(Error::Content);
        let id = complete.and_then(|()| hash::object(Kind::Blob, &self.pack.tail()[start..]));
        match id {
            Ok(id) if !self.contains(&id) => self.pack.commit_tail(start, id, Kind::Blob).map(|()| id),
            other => {
                self.pack.tail().truncate(start);
                other
            }
        }
    }
}

fn open(objects: &Path) -> Result<gix_odb::Handle, Error> {
    check_all_kinds(objects)?;
    let mut odb = gix_odb::at(objects, gix_hash::Kind::Sha1)
        .map_err(|error| Error::file("open the objects in", objects, error))?;
    // The repository is locked: an object that a lookup does not find does not exist.
    odb.refresh_never();
    Ok(odb)
}

/// Refuses an entry that is no file, among packs and among loose objects of others: a named pipe would be waited for.
fn check_all_kinds(objects: &Path) -> Result<(), Error> {
    check_kinds(objects)?;
    for entry in std::fs::read_dir(objects).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| !it.is_file()) {
            check_kinds(&entry.path())?;
        }
    }
    Ok(())
}

fn check_kinds(folder: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_plain = entry.file_type().is_ok_and(|it| it.is_file() || it.is_dir());
        // A link may point to one.
        if !is_plain
            && let Some(what) =
                bounded::file::what_else(&entry.path()).filter(|it| *it != bounded::file::FOLDER)
        {
            let error = io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a file"));
            return Err(Error::file("open", &entry.path(), error));
        }
    }
    Ok(())
}

/// The answer of the first that has one; an error only if none has.
fn first_of<T>(
    stores: [&Option<gix_odb::Handle>; 2],
    mut ask: impl FnMut(&gix_odb::Handle) -> Result<Option<T>, Error>,
) -> Result<Option<T>, Error> {
    let mut answer = Ok(None);
    for odb in stores.into_iter().flatten() {
        match ask(odb) {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            Err(error) => answer = Err(error),
        }
    }
    answer
}

fn exists(odb: Option<&gix_odb::Handle>, id: &ObjectId) -> bool {
    odb.is_some_and(|odb| odb.exists(id))
}

/// True when a repository has neither packs nor loose objects nor borrowed ones.
fn is_empty(objects: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(objects) else { return false };
    let nothing_in = |name: &str| match std::fs::read_dir(objects.join(name)) {
        Ok(mut entries) => entries
            .all(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("tmp_"))),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    let mut plain = true;
    for entry in entries {
        plain &= entry.is_ok_and(|entry| matches!(entry.file_name().to_str(), Some("info" | "pack")));
    }
    plain && nothing_in("info") && nothing_in("pack")
}

/// The store's errors inside of `io::Error`, as the trait requires, so that they can be extracted again. A full disk
/// stays one.
fn wrap(error: Error) -> io::Error {
    match error {
        Error::Content(error) => error,
        Error::File { error, .. } => error,
        other => io::Error::new(other.disk_error().map_or(io::ErrorKind::Other, io::Error::kind), other),
    }
}

impl ContentStore for RepoStore {
    fn put(&mut self, size: u64, content: &mut dyn Read) -> io::Result<ContentId> {
        let id = if PackWriter::is_large(size) {
            let odb = self.odb.as_ref();
            self.pack.stream(size, content, |id| exists(odb, id))
        } else {
            self.put_small(size, content)
        };
        id.map(|id| ContentId(crate::raw_id(id))).map_err(wrap)
    }

    fn put_changed(&mut self, content: &[u8], before: ContentId) -> io::Result<ContentId> {
        let add = |store: &mut RepoStore| {
            let id = hash::object(Kind::Blob, content)?;
            if !store.contains(&id) {
                store.pack.add_changed(id, content, ObjectId::Sha1(before.0))?;
            }
            Ok(id)
        };
        add(self).map(|id| ContentId(crate::raw_id(id))).map_err(wrap)
    }

    fn size(&mut self, id: ContentId) -> io::Result<u64> {
        self.header(ObjectId::Sha1(id.0)).map(|(_, size)| size).map_err(wrap)
    }

    fn get(&mut self, id: ContentId) -> io::Result<Vec<u8>> {
        self.read_kind(ObjectId::Sha1(id.0), Kind::Blob).map_err(wrap)
    }

    fn folder(&mut self, id: FolderId) -> io::Result<Vec<(Name, Node)>> {
        let id = ObjectId::Sha1(id.0);
        let content = self.read_kind(id, Kind::Tree).map_err(wrap)?;
        crate::tree::decode(id, &content)
            .map(|entry| entry.map(|(name, node)| (escape::unescape(&name).into(), node)))
            .collect::<Result<_, Error>>()
            .map_err(wrap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_errors() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(wrap(Error::Pack(full())).kind(), io::ErrorKind::StorageFull);
        assert_eq!(wrap(Error::Content(full())).kind(), io::ErrorKind::StorageFull);
        assert_eq!(wrap(Error::Locked("packed-refs".into())).kind(), io::ErrorKind::Other);
    }
}
