//! Sparse files in the four formats that GNU tar has had.

use super::tar::{Entry, Magic, Tar, put_octal};

/// A file with holes: pieces of data at offsets, and the size with the holes.
#[derive(Clone, Debug)]
pub struct Sparse {
    /// Pieces of data with their offsets, in order. Every piece but the last is whole blocks, as tar writes them.
    pub pieces: Vec<(u64, Vec<u8>)>,
    /// The size of the file.
    pub size: u64,
}

impl Sparse {
    /// A file of `size` bytes that is empty but for the given pieces.
    pub fn new(size: u64, pieces: &[(u64, &[u8])]) -> Self {
        let pieces = pieces.iter().map(|(offset, data)| (*offset, data.to_vec())).collect();
        Sparse { pieces, size }
    }

    fn data(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|(_, data)| data.iter().copied()).collect()
    }

    fn map(&self) -> Vec<(u64, u64)> {
        self.pieces.iter().map(|(offset, data)| (*offset, data.len() as u64)).collect()
    }

    /// The old GNU format: type `S`, a map in the header and in extension blocks.
    pub fn old_gnu(&self, tar: Tar, name: &str) -> Tar {
        let map = self.map();
        let inline = map.len().min(4);
        let mut entry = Entry::file(name, self.data()).kind(b'S').at(386, table(&map[..inline], 4));
        entry = entry.at(482, [u8::from(map.len() > 4)]).at(483, octal12(self.size));
        if map.len() <= 4 {
            return tar.entry(entry);
        }
        // The extension blocks stand between the header and the data, so the data follows by hand.
        let data = self.data();
        let tar = tar.entry(entry.content([]).claims_size(data.len() as u64));
        let mut blocks = Vec::new();
        let rest: Vec<_> = map[4..].chunks(21).collect();
        for (index, chunk) in rest.iter().enumerate() {
            let mut block = table(chunk, 21);
            block.push(u8::from(index + 1 < rest.len()));
            block.resize(512, 0);
            blocks.extend(block);
        }
        blocks.extend(data);
        blocks.resize(blocks.len().next_multiple_of(512), 0);
        tar.raw(&blocks)
    }

    /// Pax 0.0: one pair of records for each piece.
    pub fn pax00(&self, tar: Tar, name: &str) -> Tar {
        let mut records = vec![
            ("GNU.sparse.size", self.size.to_string()),
            ("GNU.sparse.numblocks", self.pieces.len().to_string()),
        ];
        for (offset, length) in self.map() {
            records.push(("GNU.sparse.offset", offset.to_string()));
            records.push(("GNU.sparse.numbytes", length.to_string()));
        }
        with_records(tar, &records).entry(posix(name, self.data()))
    }

    /// Pax 0.1: one record with the whole map, the name in another.
    pub fn pax01(&self, tar: Tar, name: &str) -> Tar {
        let map: Vec<String> =
            self.map().iter().map(|(offset, length)| format!("{offset},{length}")).collect();
        let records = [
            ("GNU.sparse.size", self.size.to_string()),
            ("GNU.sparse.numblocks", self.pieces.len().to_string()),
            ("GNU.sparse.name", name.to_owned()),
            ("GNU.sparse.map", map.join(",")),
        ];
        with_records(tar, &records).entry(posix(&stand_in(name), self.data()))
    }

    /// Pax 1.0: the map stands before the data, padded to a block.
    pub fn pax10(&self, tar: Tar, name: &str) -> Tar {
        let records = [
            ("GNU.sparse.major", "1".to_owned()),
            ("GNU.sparse.minor", "0".to_owned()),
            ("GNU.sparse.name", name.to_owned()),
            ("GNU.sparse.realsize", self.size.to_string()),
        ];
        let mut content = format!("{}\n", self.pieces.len()).into_bytes();
        for (offset, length) in self.map() {
            content.extend(format!("{offset}\n{length}\n").into_bytes());
        }
        content.resize(content.len().next_multiple_of(512), 0);
        content.extend(self.data());
        with_records(tar, &records).entry(posix(&stand_in(name), content))
    }
}

/// A file whose header is a POSIX one: tar reads pax sparse records only before such headers.
fn posix(name: &str, content: Vec<u8>) -> Entry {
    Entry::file(name, content).magic(Magic::Ustar)
}

/// Name in the header where the true name is in a record.
fn stand_in(name: &str) -> String {
    let (folder, last) = name.rsplit_once('/').unwrap_or((".", name));
    format!("{folder}/GNUSparseFile.0/{last}")
}

fn with_records(tar: Tar, records: &[(&str, String)]) -> Tar {
    let records: Vec<(&str, &[u8])> = records.iter().map(|(key, value)| (*key, value.as_bytes())).collect();
    tar.pax(&records)
}

fn table(map: &[(u64, u64)], slots: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (offset, length) in map {
        bytes.extend(octal12(*offset));
        bytes.extend(octal12(*length));
    }
    bytes.resize(slots * 24, 0);
    bytes
}

fn octal12(number: u64) -> [u8; 12] {
    let mut field = [0; 12];
    put_octal(&mut field, number);
    field
}
