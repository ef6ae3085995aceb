//! Publications on each remote in the last day.

use serde::Serialize;

use super::remotes;
use super::row::{failed_flow, published_flow};
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::read::status::flow;

/// Packages that were published on a remote in the last 24 hours, and that it did not take, each as often as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Name of the remote.
    pub remote: String,
    /// Packages whose refs have moved there.
    pub published: i64,
    /// Packages that it did not take.
    pub failed: i64,
}

/// The last day of all remotes that are followed.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn last_day(tx: &mut Tx<'_>) -> Result<Vec<Day>, StateError> {
    let now = tx.now()?;
    let mut days = Vec::new();
    for it in remotes::followed(tx)? {
        let published = flow(tx, &published_flow(it.id), now, 24)?;
        let failed = flow(tx, &failed_flow(it.id), now, 24)?;
        days.push(Day { remote: it.name, published, failed });
    }
    Ok(days)
}
