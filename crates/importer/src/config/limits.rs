//! `[limits]` of `config.toml`.

use serde::{Deserialize, Serialize};
use source_package::limits::{DscLimits, Limits};
use source_package::patch;

use crate::sandbox::Walls;

/// `[limits]`: sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Bytes; see [`Limits::unpacked_bytes`].
    pub unpacked_bytes: u64,
    /// Number of entries; see [`Limits::entries`].
    pub entries: u64,
    /// Bytes; see [`Limits::path_length`].
    pub path_length: usize,
    /// Factor; see [`Limits::expansion_ratio`].
    pub expansion_ratio: u64,
    /// Bytes; see [`Limits::decoder_memory`].
    pub decoder_memory: u64,
    /// Bytes; see [`Limits::text_bytes`].
    pub text_bytes: u64,
    /// Bytes; see [`Limits::hole_bytes`].
    pub hole_bytes: u64,
    /// Bytes; see [`DscLimits::bytes`].
    pub dsc_bytes: u64,
    /// Number of fields; see [`DscLimits::fields`].
    pub dsc_fields: usize,
    /// Number of files; see [`DscLimits::files`].
    pub dsc_files: usize,
    /// Bytes; see [`patch::Limits::max_work`].
    pub patch_work: u64,
    /// Bytes; see [`patch::Limits::max_series`].
    pub series_work: u64,
    /// Bytes that one version may add to its repository before anything is compressed: its files, its trees, and what
    /// patches make of both.
    pub written_bytes: u64,
    /// Bytes that stay free on the disk of the repositories: no import begins below, and none goes on.
    pub disk_reserve: u64,
    /// Bytes; see [`Walls::memory`].
    pub memory: u64,
    /// Seconds that the import of one version may take; in the file `2h`, `90m`.
    #[serde(deserialize_with = "duration", serialize_with = "seconds")]
    pub time: u64,
    /// Bytes; see [`Walls::file_size`].
    pub file_size: u64,
    /// Seconds to wait for the lock of a repository; in the file `30s`, `2m`.
    #[serde(deserialize_with = "duration", serialize_with = "seconds")]
    pub lock_wait: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let limits = Limits::default();
        let patches = patch::Limits::default();
        LimitsConfig {
            unpacked_bytes: limits.unpacked_bytes,
            entries: limits.entries,
            path_length: limits.path_length,
            expansion_ratio: limits.expansion_ratio,
            decoder_memory: limits.decoder_memory,
            text_bytes: limits.text_bytes,
            hole_bytes: limits.hole_bytes,
            dsc_bytes: limits.dsc.bytes,
            dsc_fields: limits.dsc.fields,
            dsc_files: limits.dsc.files,
            patch_work: patches.max_work,
            series_work: patches.max_series,
            written_bytes: 40 << 30,
            disk_reserve: 64 << 20,
            memory: 2 << 30,
            time: 4 * 3600,
            file_size: 64 << 30,
            lock_wait: 30,
        }
    }
}

impl LimitsConfig {
    /// The limits for reading the package.
    pub fn reading(&self) -> Limits {
        Limits {
            unpacked_bytes: self.unpacked_bytes,
            entries: self.entries,
            path_length: self.path_length,
            expansion_ratio: self.expansion_ratio,
            decoder_memory: self.decoder_memory,
            text_bytes: self.text_bytes,
            hole_bytes: self.hole_bytes,
            dsc: self.dsc(),
        }
    }

    /// Limits of a `.dsc`.
    pub fn dsc(&self) -> DscLimits {
        DscLimits { bytes: self.dsc_bytes, fields: self.dsc_fields, files: self.dsc_files }
    }

    /// The limits for applying patches.
    pub fn patching(&self) -> patch::Limits {
        patch::Limits {
            max_file: self.text_bytes,
            max_patch: self.text_bytes,
            max_work: self.patch_work,
            max_series: self.series_work,
        }
    }

    /// The walls around the process.
    pub fn walls(&self) -> Walls {
        Walls { memory: self.memory, seconds: self.time, file_size: self.file_size }
    }
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let duration = humantime::parse_duration(&text).map_err(serde::de::Error::custom)?;
    Ok(duration.as_secs())
}

fn seconds<S: serde::Serializer>(seconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{seconds}s"))
}
