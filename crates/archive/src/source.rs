//! Interface of an archive for the importer: suites to follow, publications, and files.

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
    /// True when the archive's list of suites lacks it this time: it is followed because it was before.
    pub unlisted: bool,
}

/// Suites that are followed now.
#[derive(Debug, Default)]
pub struct Suites {
    /// The suites, each once.
    pub followed: Vec<Followed>,
    /// Patterns that no suite fits, and none did before.
    pub unmatched: Vec<Suite>,
    /// Error of reading the list of suites. Suites that were followed before stay followed.
    pub trouble: Option<Failed>,
}

/// Options of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// All mirrors are asked, and the newest index wins.
    pub compare: bool,
    /// An index that is older than the last one is taken.
    pub accept_older: bool,
}

impl Followed {
    /// Name of the suite's branch, which the last poll decides.
    pub fn branch(&self, polled: &Remembered) -> String {
        self.entry.branch(&self.name, polled.codename.as_deref())
    }
}

/// A source of packages: mirrors, or the machine's apt.
pub trait Source: Send + Sync {
    /// Suites that are followed now. Patterns are looked up in the archive, so this may ask a mirror. `known` are the
    /// suites that were followed before: the list of suites is not signed, so a suite that is missing in it stays
    /// followed.
    ///
    /// # Errors
    ///
    /// When the list cannot be read and no suite was followed before.
    fn suites(&self, known: &[String]) -> Result<Suites, Failed>;

    /// Publications of a suite, if they differ from the remembered ones.
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
