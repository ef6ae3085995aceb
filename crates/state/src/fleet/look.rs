//! A host's look at its orders and at everything that is due, once a second. It is one statement, so that an idle host
//! costs a server one transaction.

use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::fleet::{runs, settings};
use crate::job::breaker::{self, Breaker};
use crate::job::retry_batch;
use crate::schema::{self, Found};
use crate::values;
use crate::words::HostState;

/// Result of the look.
#[derive(Clone, Debug)]
pub struct Look {
    /// State of the host: online hosts begin new imports.
    pub state: HostState,
    /// Parallel imports, if set.
    pub jobs: Option<i64>,
    /// Bytes of memory, if set.
    pub memory: Option<i64>,
    /// The highest load average, if set.
    pub load: Option<i64>,
    /// Breakers that are open.
    pub open: Vec<Breaker>,
    /// The hour since 1970.
    pub hour: i64,
    /// True when a job could be claimed.
    pub is_claimable: bool,
    /// True when a retry is due.
    pub is_retry_due: bool,
    /// True when a lease has ended.
    pub is_lease_over: bool,
    /// True when jobs are parked on a dependency that can be reached again.
    pub is_unparking: bool,
    /// True when a parked job has waited for the longest time allowed.
    pub is_wait_over: bool,
    /// True when the hold of a package is over.
    pub is_hold_over: bool,
    /// True when a batch can be moved on.
    pub is_batch_waiting: bool,
    /// True when a package is known; before that, an empty queue does not mean that all is done.
    pub is_anything_known: bool,
}

impl Look {
    /// True when something is due that may bring jobs into the queue.
    pub fn is_anything_due(&self) -> bool {
        self.is_retry_due
            || self.is_lease_over
            || self.is_unparking
            || self.is_wait_over
            || self.is_hold_over
            || self.is_batch_waiting
    }
}

const DUE: &str = "SELECT
    EXISTS (SELECT 1 FROM job WHERE state = 'pending' AND held = 0),
    EXISTS (SELECT 1 FROM job WHERE state = 'retrying' AND held = 0 AND due <= ?1),
    EXISTS (SELECT 1 FROM job WHERE state = 'running' AND lease_until < ?1),
    EXISTS (SELECT 1 FROM dependency WHERE state = 'closed' AND parked > 0),
    EXISTS (SELECT 1 FROM wait w JOIN job j ON j.package_id = w.package_id AND j.state = 'parked' WHERE w.until <= ?1),
    EXISTS (SELECT 1 FROM package WHERE held = 1 AND held_until <= ?1),
    EXISTS (SELECT 1 FROM batch WHERE state IN ('canary', 'all')),
    EXISTS (SELECT 1 FROM package),
    (SELECT value FROM meta WHERE name = 'schema'),
    (SELECT value FROM meta WHERE name = 'min_writer')";

/// Looks.
///
/// # Errors
/// [`StateError::Newer`] if the database was upgraded to a schema that this program must not write to.
pub fn look(tx: &mut Tx<'_>, host: &str) -> Result<Look, StateError> {
    let now = tx.now()?;
    let Some(due) = tx.first(DUE, values![now])? else {
        return Err(StateError::Refused("the state does not say what is due".into()));
    };
    let number = |column: usize| due.opt_text(column).and_then(|text| text.parse().ok()).unwrap_or(0);
    schema::check_newer(Found { schema: number(8), min_writer: number(9) })?;
    Ok(Look {
        state: runs::host_state(tx, host)?,
        jobs: settings::number_for(tx, "jobs", host)?,
        memory: settings::number_for(tx, "memory", host)?,
        load: settings::number_for(tx, "load", host)?,
        open: breaker::list_open(tx)?,
        hour: now.div_euclid(HOUR),
        is_claimable: due.flag(0),
        is_retry_due: due.flag(1),
        is_lease_over: due.flag(2),
        is_unparking: due.flag(3),
        is_wait_over: due.flag(4),
        is_hold_over: due.flag(5),
        is_batch_waiting: due.flag(6) && retry_batch::is_waiting(tx)?,
        is_anything_known: due.flag(7),
    })
}
