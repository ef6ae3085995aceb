//! Sparse files: the old GNU format (type `S`) and pax formats 0.0, 0.1 and 1.0.

use std::io::Read;
use std::rc::Rc;

use super::header::{BLOCK, Header, number};
use super::pax::{Sparse, decimal};
use super::{TarError, TarReader};

/// The most regions of a map: more would fill the memory.
const MOST_REGIONS: usize = 1 << 20;

/// Positions of the stored data of a sparse file.
pub(super) struct Map {
    /// Offset and length, ascending.
    regions: Rc<Vec<(u64, u64)>>,
    region: usize,
    position: u64,
    size: u64,
    /// Bytes that are not stored.
    holes: u64,
}

/// Next part of the file.
pub(super) enum Piece {
    Hole(usize),
    Data(usize),
    End,
}

impl Map {
    /// Checks that the regions ascend and that their data are stored. GNU tar reads whole blocks for each region, so
    /// only the last one may end inside a block; and it makes the file end where the last region ends, whatever size
    /// the header gives, which is why it writes an empty region behind a hole.
    fn new(regions: Rc<Vec<(u64, u64)>>, stored: u64) -> Option<Map> {
        let mut end = 0u64;
        let mut total = 0u64;
        for &(offset, length) in regions.iter() {
            if offset < end || (length > 0 && !total.is_multiple_of(BLOCK as u64)) {
                return None;
            }
            end = offset.checked_add(length)?;
            total = total.checked_add(length)?;
        }
        (total <= stored).then_some(Map { regions, region: 0, position: 0, size: end, holes: end - total })
    }

    /// Bytes of holes, and the number of regions.
    pub(super) fn cost(&self) -> (u64, u64) {
        (self.holes, self.regions.len() as u64)
    }

    pub(super) fn next_piece(&mut self, most: usize) -> Piece {
        let fit = |length: u64| usize::try_from(length).unwrap_or(usize::MAX).min(most);
        while let Some(&(offset, length)) = self.regions.get(self.region) {
            if self.position < offset {
                return Piece::Hole(fit(offset - self.position));
            }
            let end = offset + length;
            if self.position < end {
                return Piece::Data(fit(end - self.position));
            }
            self.region += 1;
        }
        match self.size - self.position {
            0 => Piece::End,
            left => Piece::Hole(fit(left)),
        }
    }

    pub(super) fn advance(&mut self, length: usize) {
        self.position += length as u64;
    }
}

impl<R: Read> TarReader<R> {
    /// The old format: up to four regions in the header, more in blocks behind it.
    pub(super) fn old_sparse(&mut self, header: &Header) -> Result<u64, TarError> {
        let bad = TarError::BadHeader { offset: self.entry_at, what: "sparse map" };
        let mut regions = Vec::new();
        let real = number(&header.0[483..495]).and_then(|size| u64::try_from(size).ok());
        let Some(real) = real else { return Err(bad) };
        let mut more = read_regions(&header.0[386..482], &mut regions) && header.0[482] != 0;
        while more {
            let mut block = [0; BLOCK];
            self.input.read_exact(&mut block).map_err(|_| TarError::Truncated(self.entry_at))?;
            self.offset += BLOCK as u64;
            more = read_regions(&block[..504], &mut regions) && block[504] != 0;
            if regions.len() > MOST_REGIONS {
                return Err(bad);
            }
        }
        let size = self.use_map(Rc::new(regions))?;
        if size > real { Err(bad) } else { Ok(size) }
    }

    /// The pax formats; in 1.0 the map stands in front of the data.
    pub(super) fn pax_sparse(&mut self, sparse: &Sparse) -> Result<u64, TarError> {
        let regions = if sparse.major == 0 { sparse.map.clone() } else { Rc::new(self.stored_map()?) };
        self.use_map(regions)
    }

    fn use_map(&mut self, regions: Rc<Vec<(u64, u64)>>) -> Result<u64, TarError> {
        let map = Map::new(regions, self.data);
        let map = map.ok_or(TarError::BadHeader { offset: self.entry_at, what: "sparse map" })?;
        let size = map.size;
        self.map = Some(map);
        Ok(size)
    }

    fn stored_map(&mut self) -> Result<Vec<(u64, u64)>, TarError> {
        let mut block = Block { bytes: [0; BLOCK], used: BLOCK };
        let count = self.map_number(&mut block)?;
        if count > MOST_REGIONS as u64 {
            return Err(TarError::BadHeader { offset: self.entry_at, what: "sparse map" });
        }
        (0..count).map(|_| Ok((self.map_number(&mut block)?, self.map_number(&mut block)?))).collect()
    }

    /// One line of the map; lines run on from block to block.
    fn map_number(&mut self, block: &mut Block) -> Result<u64, TarError> {
        let mut digits = Vec::new();
        loop {
            if block.used == BLOCK {
                self.read_data_exact(&mut block.bytes)?;
                block.used = 0;
            }
            let byte = block.bytes[block.used];
            block.used += 1;
            if byte == b'\n' {
                break;
            }
            digits.push(byte);
            if digits.len() > 20 {
                break;
            }
        }
        decimal(&digits).ok_or(TarError::BadHeader { offset: self.entry_at, what: "sparse map" })
    }
}

struct Block {
    bytes: [u8; BLOCK],
    used: usize,
}

/// Reads regions up to the first empty one; returns whether the list may continue in another block.
fn read_regions(bytes: &[u8], regions: &mut Vec<(u64, u64)>) -> bool {
    for pair in bytes.as_chunks::<24>().0 {
        if pair[12] == 0 {
            return false;
        }
        match (number(&pair[..12]), number(&pair[12..])) {
            (Some(offset), Some(length)) if offset >= 0 && length >= 0 => {
                regions.push((offset as u64, length as u64));
            }
            _ => return false,
        }
    }
    true
}
