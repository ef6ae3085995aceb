//! State of the last good poll of a suite.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::transport::Validators;

/// State of the last good poll that the next one needs. It is stored after everything was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// SHA-256 of the index as it was served.
    pub sha256: String,
    /// Its date, in seconds since 1970. No older one is used any more.
    pub date: i64,
    /// Seconds since 1970 until which it may be used.
    pub valid_until: Option<i64>,
    /// The codename that it has.
    pub codename: Option<String>,
    /// The suite that it says it is.
    pub suite: Option<String>,
    /// Answer of each mirror about it, by the mirror's address.
    pub mirrors: BTreeMap<String, Served>,
    /// Components that were asked for. If they differ now, nothing counts as unchanged.
    pub components: Vec<String>,
    /// Size and hash of each component's list.
    pub lists: BTreeMap<String, Mark>,
    /// Remarks about the index itself.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// Seconds since 1970 at which all mirrors were last asked.
    #[serde(default)]
    pub compared: i64,
    /// Use of the index, in the caller's words: if it differs now, nothing counts as unchanged.
    #[serde(default)]
    pub used_for: String,
    /// Results of reading the lists, as the caller knows them.
    #[serde(default)]
    pub read: BTreeMap<String, Reading>,
}

/// Result of reading a component's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Number of publications in it.
    pub count: u64,
    /// A hash over all of them, in hexadecimal, that does not depend on their order.
    pub sum: String,
    /// Stanzas that cannot be used.
    pub bad: u64,
    /// The first of them, as sentences.
    pub remarks: Vec<String>,
}

impl Remembered {
    /// State that only keeps the date, which no later index may go behind.
    pub fn anew(&self) -> Remembered {
        Remembered { sha256: String::new(), mirrors: BTreeMap::new(), ..self.without_lists() }
    }

    /// Forgets the lists, but not the index: another index makes all of them be read.
    pub fn without_lists(&self) -> Remembered {
        Remembered { lists: BTreeMap::new(), read: BTreeMap::new(), ..self.clone() }
    }
}

/// Form in which a mirror serves the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Signed in itself (`InRelease`), or beside it (`Release.gpg`).
    pub inline: bool,
    /// Validators for the next request.
    pub validators: Validators,
}

/// Identity of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}
