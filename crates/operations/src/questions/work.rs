//! What waits, what is done, by whom, and how well all of it is.

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

/// What waits, in the order in which it will be done.
#[derive(Debug, Serialize)]
pub struct Queue {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The load of each lane.
    pub lanes: Vec<LaneLoad>,
    /// How fast it goes.
    pub pace: Pace,
    /// What is in no lane now.
    pub later: Later,
    /// What runs.
    pub running: Vec<Running>,
    /// What comes next.
    pub next: Vec<Waiting>,
    /// What waits for something before it can be done.
    pub waits: Vec<Waits>,
}

/// Hosts, and what they do now.
#[derive(Debug, Serialize)]
pub struct Workers {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The hosts.
    pub hosts: Vec<Host>,
    /// Their jobs.
    pub running: Vec<Running>,
}

/// What is wrong, since when: everything on one screen.
pub fn status(at: &Opened) -> Result<Status, Error> {
    let mut status = at.store.read(|tx| status::read(tx, TOP))?;
    status.locks = status::locks(&at.store)?;
    status.place = super::place::look(at)?;
    Ok(status)
}

/// What waits: of a lane, or of all; at most so many of each list.
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

/// Hosts, and what they do now.
pub fn workers(at: &Opened) -> Result<Workers, Error> {
    Ok(at.store.read(|tx| {
        Ok(Workers { now: tx.now()?, hosts: hosts::list(tx)?, running: hosts::running(tx, LISTED)? })
    })?)
}

/// What imports have cost.
pub fn tune(at: &Opened) -> Result<Costs, Error> {
    Ok(at.store.read(tune::read)?)
}

/// Figures for a system that keeps time series of its own.
pub fn metrics(at: &Opened) -> Result<Metrics, Error> {
    Ok(at.store.read(metrics::read)?)
}
