//! Work that waits, work that is done, the hosts, and the state of all of it.

use importer::queue::limits::MachineLimits;
use serde::Serialize;
use state::read::hosts::{self, Host, Running};
use state::read::metrics::{self, Metrics};
use state::read::queue::{self, LaneLoad, Later, Pace, Waiting, Waits};
use state::read::status::{self, Status};
use state::read::tune::{self, Costs};
use state::words::Lane;

use crate::error::Error;
use crate::installation::Opened;

/// Signatures that [`status`] has.
const TOP: i64 = 5;
/// Running jobs that [`workers`] has.
const LISTED: i64 = 200;

/// The queue, in the order of execution.
#[derive(Debug, Serialize)]
pub struct Queue {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The load of each lane.
    pub lanes: Vec<LaneLoad>,
    /// Pace of the queue.
    pub pace: Pace,
    /// Numbers of jobs outside of the lanes.
    pub later: Later,
    /// Running jobs.
    pub running: Vec<Running>,
    /// Next jobs.
    pub next: Vec<Waiting>,
    /// Packages that wait for a history or a base.
    pub waits: Vec<Waits>,
}

/// The hosts and their running jobs.
#[derive(Debug, Serialize)]
pub struct Workers {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The hosts.
    pub hosts: Vec<Host>,
    /// Running jobs of the hosts.
    pub running: Vec<Running>,
}

/// Everything that is wrong, with its beginning, on one screen.
///
/// # Errors
/// The state cannot be read.
pub fn status(at: &Opened) -> Result<Status, Error> {
    let mut status = at.store.read(|tx| status::read(tx, TOP))?;
    if at.store.moment().is_none() {
        status.locks = status::locks(&at.store)?;
        status.place = super::place::look(at)?;
    }
    Ok(status)
}

/// Waiting jobs of a lane, or of all; at most `limit` in each list.
///
/// # Errors
/// The state cannot be read.
pub fn queue(at: &Opened, lane: Option<Lane>, limit: u32) -> Result<Queue, Error> {
    let limit = i64::from(limit);
    Ok(at.store.read(|tx| {
        Ok(Queue {
            now: tx.now()?,
            lanes: queue::lanes(tx)?,
            pace: queue::pace(tx)?,
            later: queue::later(tx)?,
            running: hosts::running(tx, limit)?,
            next: queue::next(tx, lane, limit)?,
            waits: queue::waits(tx, limit)?,
        })
    })?)
}

/// The hosts and their running jobs.
///
/// # Errors
/// The state cannot be read.
pub fn workers(at: &Opened) -> Result<Workers, Error> {
    Ok(at.store.read(|tx| {
        Ok(Workers { now: tx.now()?, hosts: hosts::list(tx)?, running: hosts::running(tx, LISTED)? })
    })?)
}

/// Costs of recent imports.
///
/// # Errors
/// The state cannot be read.
pub fn tune(at: &Opened) -> Result<Costs, Error> {
    Ok(at.store.read(tune::read)?)
}

/// Number of imports that this machine carries at a time, from the costs of recent ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Number of processors.
    pub processors: i64,
    /// Memory for imports, in bytes.
    pub memory: i64,
    /// Imports at a time that the processors carry.
    pub by_processors: i64,
    /// Imports at a time that the memory carries.
    pub by_memory: i64,
    /// Part of an import's time in which it uses a processor, in percent.
    pub busy: i64,
    /// Imports in an hour.
    pub per_hour: i64,
}

impl Capacity {
    /// Imports at a time that both carry.
    pub fn jobs(&self) -> i64 {
        self.by_processors.min(self.by_memory)
    }
}

/// Number of imports that this machine carries.
pub fn capacity(costs: &Costs) -> Capacity {
    let machine = MachineLimits::of_machine();
    let processors = i64::try_from(machine.jobs).unwrap_or(1);
    Capacity {
        processors,
        memory: machine.memory,
        // While one import waits for a disk or a network another could use the processor, but future waits are not
        // known: never more is advised than the machine has processors.
        by_processors: processors.max(1),
        by_memory: (machine.memory / costs.rss_p95.max(1)).max(1),
        busy: (costs.cpu_ms * 100 / costs.wall_ms.max(1)).clamp(1, 100),
        per_hour: 3_600_000 * processors * costs.attempts / costs.cpu_ms.max(1),
    }
}

/// Figures for a system that keeps time series of its own.
///
/// # Errors
/// The state cannot be read.
pub fn metrics(at: &Opened) -> Result<Metrics, Error> {
    Ok(at.store.read(metrics::read)?)
}
