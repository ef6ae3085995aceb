//! Limits of a source package. Input is hostile: passing a limit is an error that names it.

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
    /// Bytes of one patch, one patched file, one changelog, which have to be in memory as a whole.
    pub text_bytes: u64,
    /// Bytes of all holes of sparse files: a tarball of a hundred bytes can make a checkout of any size.
    pub hole_bytes: u64,
    /// Limits of the `.dsc`.
    pub dsc: DscLimits,
}

/// Limits of one `.dsc`. It is read before anything about it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DscLimits {
    /// Bytes of the file. The longest of Debian's is below 200 KiB.
    pub bytes: u64,
    /// Number of fields.
    pub fields: usize,
    /// Files, and lines of each list of files.
    pub files: usize,
}

impl DscLimits {
    /// No limits: the input was within limits before, or only takes time in proportion to its size.
    pub const NONE: DscLimits = DscLimits { bytes: u64::MAX, fields: usize::MAX, files: usize::MAX };
}

impl Default for DscLimits {
    fn default() -> Self {
        DscLimits { bytes: 1 << 20, fields: 500, files: 1000 }
    }
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
            hole_bytes: 1 << 30,
            dsc: DscLimits::default(),
        }
    }
}

/// Limit that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverLimit {
    /// Limit [`Limits::unpacked_bytes`].
    #[error("more than {0} bytes when unpacked (limits.unpacked_bytes)")]
    UnpackedBytes(u64),
    /// Limit [`Limits::entries`].
    #[error("more than {0} entries (limits.entries)")]
    Entries(u64),
    /// Limit [`Limits::path_length`].
    #[error("a path of more than {0} bytes (limits.path_length)")]
    PathLength(usize),
    /// Limit [`Limits::expansion_ratio`].
    #[error("expands to more than {0} times its size (limits.expansion_ratio)")]
    ExpansionRatio(u64),
    /// Limit [`Limits::hole_bytes`].
    #[error("more than {0} bytes of holes in sparse files (limits.hole_bytes)")]
    HoleBytes(u64),
}

/// Resources used so far, and their limits.
#[derive(Clone, Debug)]
pub struct Budget {
    limits: Limits,
    bytes: u64,
    entries: u64,
    holes: u64,
}

impl Budget {
    /// A budget of which nothing is used yet.
    pub fn new(limits: Limits) -> Self {
        Budget { limits, bytes: 0, entries: 0, holes: 0 }
    }

    /// The limits of the budget.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes one entry with a path and content of these sizes.
    ///
    /// # Errors
    /// [`OverLimit`] with the limit that is passed.
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

    /// Bytes that may still be unpacked.
    pub fn bytes_left(&self) -> u64 {
        self.limits.unpacked_bytes.saturating_sub(self.bytes)
    }

    /// Takes bytes that are no content: headers of an archive, and what follows its end.
    ///
    /// # Errors
    /// [`OverLimit::UnpackedBytes`] when the limit is passed.
    pub fn take_bytes(&mut self, bytes: u64) -> Result<(), OverLimit> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.unpacked_bytes {
            return Err(OverLimit::UnpackedBytes(self.limits.unpacked_bytes));
        }
        Ok(())
    }

    /// Takes the holes of a sparse file, and the regions between them: each costs as much as an entry.
    ///
    /// # Errors
    /// [`OverLimit`] with the limit that is passed.
    pub fn take_sparse(&mut self, holes: u64, regions: u64) -> Result<(), OverLimit> {
        self.holes = self.holes.saturating_add(holes);
        self.entries = self.entries.saturating_add(regions);
        if self.holes > self.limits.hole_bytes {
            return Err(OverLimit::HoleBytes(self.limits.hole_bytes));
        }
        if self.entries > self.limits.entries {
            return Err(OverLimit::Entries(self.limits.entries));
        }
        Ok(())
    }
}
