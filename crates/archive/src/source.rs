//! An archive as whoever runs imports sees it: what there is to follow, what is published, and its files.

use std::path::Path;

use crate::config::Suite;
use crate::failed::Failed;
use crate::fetch::{Known, Outcome};
use crate::poll::{Polled, Remembered};
use crate::sources::Publication;

/// A suite that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Its name in the archive.
    pub name: String,
    /// The entry of the configuration that it comes from.
    pub entry: Suite,
    /// Whether the archive's list of suites did not have it this time: it is followed because it was before.
    pub unlisted: bool,
}

/// What is followed now.
#[derive(Debug, Default)]
pub struct Suites {
    /// Each suite once.
    pub followed: Vec<Followed>,
    /// Patterns that no suite fits, and none did before.
    pub unmatched: Vec<Suite>,
    /// What kept the list of suites from being read. Those that were followed before go on to be.
    pub trouble: Option<Failed>,
}

/// How a poll is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// All mirrors are asked, and the newest index wins.
    pub compare: bool,
    /// An index that is older than the last one is taken.
    pub accept_older: bool,
}

impl Followed {
    /// The branch of this suite, once a poll has told what it is.
    pub fn branch(&self, polled: &Remembered) -> String {
        self.entry.branch(&self.name, polled.codename.as_deref())
    }
}

/// A source of packages: mirrors, or the machine's apt.
pub trait Source: Send + Sync {
    /// What is followed now. Patterns are looked up in the archive, so this may ask a mirror. `known` are the suites that
    /// were followed before: nobody has signed the list of suites, so that one that is missing in it is followed on.
    ///
    /// # Errors
    ///
    /// Nothing is known of what is followed: the list cannot be had, and there was none before.
    fn suites(&self, known: &[String]) -> Result<Suites, Failed>;

    /// What a suite publishes, if it is not what was remembered.
    fn poll(
        &self,
        suite: &Followed,
        remembered: Option<&Remembered>,
        manner: Manner,
    ) -> Result<Polled, Failed>;

    /// Fetches the files of a publication into a folder, without those that are known. `listed` is the date of the
    /// index that names it.
    fn fetch(
        &self,
        publication: &Publication,
        listed: Option<i64>,
        known: Known<'_>,
        into: &Path,
    ) -> Result<Outcome, Failed>;

    /// Bytes that it has transferred so far, as far as it knows.
    fn transferred(&self) -> u64 {
        0
    }
}
