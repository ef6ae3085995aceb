//! What is known of the last good poll of a suite.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::transport::Validators;

/// What has to be known of the last good poll for the next one. To be stored once everything was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// SHA-256 of the index as it was served.
    pub sha256: String,
    /// Its date, in seconds since 1970. No older one is used any more.
    pub date: i64,
    /// Until when it may be used.
    pub valid_until: Option<i64>,
    /// The codename that it has.
    pub codename: Option<String>,
    /// The suite that it says it is.
    pub suite: Option<String>,
    /// What each mirror said about it, by the mirror's address.
    pub mirrors: BTreeMap<String, Served>,
    /// The components that were asked for. If others are now, nothing is unchanged.
    pub components: Vec<String>,
    /// Size and hash of each component's list.
    pub lists: BTreeMap<String, Mark>,
    /// What is odd about the index itself.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// When all mirrors were asked last, in seconds since 1970.
    #[serde(default)]
    pub compared: i64,
    /// What was made of it, in the caller's words: where that is another now, nothing is unchanged.
    #[serde(default)]
    pub used_for: String,
    /// What the caller knows of the lists as they were read.
    #[serde(default)]
    pub read: BTreeMap<String, Reading>,
}

/// What a component's list came to when it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Publications in it.
    pub count: u64,
    /// A hash over all of them, in hexadecimal, that does not depend on their order.
    pub sum: String,
    /// Stanzas that cannot be used.
    pub bad: u64,
    /// The first of them, as sentences.
    pub remarks: Vec<String>,
}

impl Remembered {
    /// What stays if nothing of it counts as known but the date, which no later index may go behind.
    pub fn anew(&self) -> Remembered {
        Remembered { sha256: String::new(), mirrors: BTreeMap::new(), ..self.without_lists() }
    }

    /// The index is known, its lists are not: another index has all of them read.
    pub fn without_lists(&self) -> Remembered {
        Remembered { lists: BTreeMap::new(), read: BTreeMap::new(), ..self.clone() }
    }
}

/// How a mirror serves the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Signed in itself (`InRelease`), or beside it (`Release.gpg`).
    pub inline: bool,
    /// What to ask with.
    pub validators: Validators,
}

/// What tells one list from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: String,
}
