//! Work on a package that was claimed.

use state::StateError;
use state::publication::collisions;
use state::publications::{self, Publication};
use state::tx::Tx;

use crate::collisions::Known;

/// Publications whose tries are counted: more of one package are history, and nobody asks for their share.
const TRIED: usize = 150;

/// Publications to import, those among them that are tried for the first time (whose tries are counted from here on),
/// and the collisions.
#[derive(Debug)]
pub struct Plan {
    pub(super) open: Vec<Publication>,
    pub(super) first: Vec<i64>,
    pub(super) collisions: Known,
}

impl Plan {
    /// Of a package that was claimed. None, and nothing is counted, if more than `at_most` tries are to be counted.
    pub fn make(tx: &mut Tx<'_>, package: i64, at_most: u64) -> Result<Option<Plan>, StateError> {
        let open = publications::open(tx, package)?;
        let ids: Vec<i64> = open.iter().map(|publication| publication.id).take(TRIED).collect();
        if ids.len() as u64 > at_most {
            return Ok(None);
        }
        let first = publications::tried(tx, &ids)?;
        let collisions = Known::of(&collisions::of_package(tx, package)?);
        Ok(Some(Plan { open, first, collisions }))
    }
}
