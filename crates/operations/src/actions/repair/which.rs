//! The packages that a plan is about.

use importer::repairing;
use source_package::finding::Finding;
use source_package::version::PackageName;
use state::operate::{self, Selection};
use state::repair::findings;
use state::versions;

use crate::error::Error;
use crate::installation::Opened;
use crate::packages::Names;

/// The packages to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// These.
    Names(Names),
    /// Packages with findings of a code.
    Code(Finding),
    /// Packages that fail with a signature, by its short id.
    Signature(String),
    /// All that there are, in the state or as repositories.
    All,
}

impl Which {
    /// The packages. A repository that the state does not know is named, too.
    pub(super) fn names(&self, at: &Opened) -> Result<Vec<String>, Error> {
        match self {
            Which::Names(names) => {
                for name in names.as_slice() {
                    PackageName::new(name).map_err(|error| Error::Usage(error.to_string()))?;
                    if !repairing::is_begun(&at.root, name) {
                        at.store.read(|tx| operate::known(tx, name))?;
                    }
                }
                Ok(names.as_slice().to_vec())
            }
            Which::Code(code) => {
                let found = at.store.read(|tx| findings::packages(tx, Some(code.as_str())))?;
                Ok(found.into_iter().map(|(_, name)| name).collect())
            }
            Which::Signature(short) => {
                let found = operate::select(&at.store, &Selection::Signature(short.clone()))?;
                Ok(found.into_iter().map(|(_, name)| name).collect())
            }
            Which::All => {
                let mut names = importer::inspect::packages(&at.root)?;
                names.extend(at.store.read(versions::ever_imported)?);
                names.extend(
                    at.store.read(|tx| findings::packages(tx, None))?.into_iter().map(|(_, name)| name),
                );
                names.sort();
                names.dedup();
                Ok(names)
            }
        }
    }
}
