//! What a source package may cost. Input is hostile: every limit ends in a clear error.

/// Limits of one import. The defaults leave room for the largest packages of Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files after decompression, holes of sparse files included.
    pub unpacked_bytes: u64,
    /// Entries of all tarballs together.
    pub entries: u64,
    /// Bytes in one path. Linux takes 4095.
    pub path_length: usize,
    /// Bytes unpacked for each byte of a compressed file; looked at once a file has given 64 MiB.
    pub expansion_ratio: u64,
    /// Bytes of memory that a decompressor may take (its dictionary, in the main).
    pub decoder_memory: u64,
    /// Bytes of one patch, one patched file, one changelog: what has to be in memory as a whole.
    pub text_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            unpacked_bytes: 32 << 30,
            entries: 2_000_000,
            path_length: 4095,
            expansion_ratio: 1500,
            decoder_memory: 192 << 20,
            text_bytes: 256 << 20,
        }
    }
}

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverLimit {
    /// See [`Limits::unpacked_bytes`].
    #[error("more than {0} bytes when unpacked (limits.unpacked_bytes)")]
    UnpackedBytes(u64),
    /// See [`Limits::entries`].
    #[error("more than {0} entries (limits.entries)")]
    Entries(u64),
    /// See [`Limits::path_length`].
    #[error("a path of more than {0} bytes (limits.path_length)")]
    PathLength(usize),
    /// See [`Limits::expansion_ratio`].
    #[error("expands to more than {0} times its size (limits.expansion_ratio)")]
    ExpansionRatio(u64),
}

/// What has been used so far.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    bytes: u64,
    entries: u64,
}

impl Budget {
    /// Nothing used yet.
    pub fn new(limits: Limits) -> Self {
        Budget { limits, bytes: 0, entries: 0 }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes one entry with a path and content of these sizes.
    pub fn take(&mut self, path: usize, size: u64) -> Result<(), OverLimit> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.entries > self.limits.entries {
            return Err(OverLimit::Entries(self.limits.entries));
        }
        if self.bytes > self.limits.unpacked_bytes {
            return Err(OverLimit::UnpackedBytes(self.limits.unpacked_bytes));
        }
        if path > self.limits.path_length {
            return Err(OverLimit::PathLength(self.limits.path_length));
        }
        Ok(())
    }
}
