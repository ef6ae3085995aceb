//! Counters that differ from their rows.

use state::counters::{self, Difference};

use crate::actions::counters::check_file;
use crate::error::Error;
use crate::installation::Opened;

/// Counts every counter again from the rows, and returns those that differ.
///
/// # Errors
/// The database is damaged, or cannot be read.
pub fn differences(at: &Opened) -> Result<Vec<Difference>, Error> {
    check_file(at)?;
    Ok(at.store.read(counters::verify)?)
}
