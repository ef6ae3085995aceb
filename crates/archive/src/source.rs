//! An archive as whoever runs imports sees it: what there is to follow, what is published, and its files.

use std::path::Path;

use crate::config::Suite;
use crate::fetch::{Known, Outcome};
use crate::poll::{Failed, Polled, Remembered};
use crate::sources::Publication;

/// A suite that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Its name in the archive.
    pub name: String,
    /// The entry of the configuration that it comes from.
    pub entry: Suite,
}

impl Followed {
    /// The branch of this suite, once a poll has told what it is.
    pub fn branch(&self, polled: &Remembered) -> String {
        self.entry.branch(&self.name, polled.codename.as_deref())
    }
}

/// A source of packages: mirrors, or the machine's apt.
pub trait Source: Send + Sync {
    /// What is followed now. Patterns are looked up in the archive, so this may ask a mirror.
    fn suites(&self) -> Result<Vec<Followed>, Failed>;

    /// What a suite publishes, if it is not what was remembered.
    fn poll(&self, suite: &Followed, remembered: Option<&Remembered>) -> Result<Polled, Failed>;

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
