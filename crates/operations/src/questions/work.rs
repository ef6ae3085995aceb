//! Work that waits, work that is done, the hosts, and the state of all of it.

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
pub fn status(at: &Opened) -> Result<Status, Error> {
    let mut status = at.store.read(|tx| status::read(tx, TOP))?;
    if at.store.moment().is_none() {
        status.locks = status::locks(&at.store)?;
        status.place = super::place::look(at)?;
    }
    Ok(status)
}

/// Waiting jobs of a lane, or of all; at most `limit` in each list.
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
pub fn workers(at: &Opened) -> Result<Workers, Error> {
    Ok(at.store.read(|tx| {
        Ok(Workers { now: tx.now()?, hosts: hosts::list(tx)?, running: hosts::running(tx, LISTED)? })
    })?)
}

/// Costs of recent imports.
pub fn tune(at: &Opened) -> Result<Costs, Error> {
    Ok(at.store.read(tune::read)?)
}

/// Figures for a system that keeps time series of its own.
pub fn metrics(at: &Opened) -> Result<Metrics, Error> {
    Ok(at.store.read(metrics::read)?)
}
