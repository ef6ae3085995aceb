//! The row of a package's job, read and written by this one mapping, and its figure.

use crate::driver::{Row, Value};
use crate::error::StateError;
use crate::words::JobState;

/// The row of a package's job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// Row of the package.
    pub package: i64,
    /// The place of its lane.
    pub lane: i64,
    /// State of the job.
    pub state: JobState,
    /// True when the package is held.
    pub held: bool,
    /// Tasks of the job: bits of [`Tasks`].
    pub tasks: i64,
    /// Tasks that were asked for while the job ran.
    pub more: i64,
    /// Number of times that the job was asked for.
    pub wanted: i64,
    /// The number of requests at the time of the claim.
    pub claimed: i64,
    /// Unix milliseconds at which the job entered its lane.
    pub entered: i64,
    /// Unix milliseconds of the next try.
    pub due: Option<i64>,
    /// The largest memory that its package has needed, in bytes.
    pub memory: i64,
    /// The attempt that does it.
    pub attempt: Option<i64>,
    /// The run that does it.
    pub run: Option<i64>,
    /// Unix milliseconds at which that run's lease ends.
    pub lease_until: Option<i64>,
    /// Row of the dependency that the job is parked on.
    pub dependency: Option<i64>,
    /// The batch that queued it.
    pub batch: Option<i64>,
}

/// The columns of [`Job`], in its order.
pub(crate) const COLUMNS: &str =
    "package_id, lane, state, held, tasks, more, wanted, claimed, entered, due, memory, attempt_id,
    run_id, lease_until, dependency_id, batch_id";

impl Job {
    /// True when the job was asked for again after it was claimed.
    pub(crate) fn more_wanted(&self) -> bool {
        self.wanted > self.claimed
    }

    pub(crate) fn of(row: &Row) -> Result<Job, StateError> {
        let package = row.int(0);
        let state = row.text(2).parse().map_err(|error| {
            StateError::Refused(format!("the job of package number {package} has no valid state: {error}"))
        })?;
        Ok(Job {
            package,
            lane: row.int(1),
            state,
            held: row.flag(3),
            tasks: row.int(4),
            more: row.int(5),
            wanted: row.int(6),
            claimed: row.int(7),
            entered: row.int(8),
            due: row.opt_int(9),
            memory: row.int(10),
            attempt: row.opt_int(11),
            run: row.opt_int(12),
            lease_until: row.opt_int(13),
            dependency: row.opt_int(14),
            batch: row.opt_int(15),
        })
    }

    /// Its columns but the first, which never changes.
    pub(crate) fn columns(&self) -> [(&'static str, Value); 15] {
        [
            ("lane", self.lane.into()),
            ("state", self.state.as_str().into()),
            ("held", self.held.into()),
            ("tasks", self.tasks.into()),
            ("more", self.more.into()),
            ("wanted", self.wanted.into()),
            ("claimed", self.claimed.into()),
            ("entered", self.entered.into()),
            ("due", self.due.into()),
            ("memory", self.memory.into()),
            ("attempt_id", self.attempt.into()),
            ("run_id", self.run.into()),
            ("lease_until", self.lease_until.into()),
            ("dependency_id", self.dependency.into()),
            ("batch_id", self.batch.into()),
        ]
    }

    /// Counter that the job belongs to.
    pub(crate) fn counts_for(&self) -> Counted {
        match self.state {
            JobState::Pending if self.held => Counted::Held,
            JobState::Pending => Counted::Lane(self.lane),
            JobState::Running => Counted::Running,
            JobState::Parked => Counted::Parked(self.dependency),
            JobState::Retrying => Counted::Nowhere,
        }
    }
}

/// The figure that counts a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Jobs that wait in a lane.
    Lane(i64),
    /// Jobs that wait for a person.
    Held,
    /// Running jobs.
    Running,
    /// Jobs that wait for a dependency.
    Parked(Option<i64>),
    /// None: the next try is a figure of its package's failure.
    Nowhere,
}
