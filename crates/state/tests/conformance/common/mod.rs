//! Stores to test with, and shorthands for steps.
#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use state::finish::{self, Cause, Finished, Settled, Usage};
use state::open::Location;
use state::policy::Retries;
use state::queue::{self, Claim, Wish};
use state::runs::{self, NewRun, Process};
use state::words::{Class, Lane, Outcome, Tasks};
use state::{StateError, Store};
use tempfile::TempDir;

/// A store of its own, with a clock that stands still until it is moved.
pub struct World {
    pub store: Store,
    pub location: Location,
    pub clock: Arc<AtomicI64>,
    _folder: TempDir,
}

pub const LEASE: i64 = 60_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;

/// 2026-01-05 00:00 UTC, a Monday.
pub const START: i64 = 1_767_571_200_000;

pub fn worlds() -> Vec<World> {
    vec![sqlite(), postgres()]
}

pub fn sqlite() -> World {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("state.db"));
    world(location, folder)
}

pub fn postgres() -> World {
    let location = Location::Postgres { url: throwaway_postgres::schema(), passfile: None };
    world(location, tempfile::tempdir().unwrap())
}

fn world(location: Location, folder: TempDir) -> World {
    let clock = Arc::new(AtomicI64::new(START));
    let store = location.open_or_make().unwrap().with_clock(Arc::clone(&clock));
    World { store, location, clock, _folder: folder }
}

pub fn process() -> Process {
    Process { pid: 1, start: 2, boot: "boot".into() }
}

pub fn failure(class: Class, message: &str) -> Option<Cause> {
    Some(Cause {
        stage: "fetch".into(),
        code: "connect".into(),
        class,
        message: message.into(),
        distro: Some("debian".into()),
        version: Some("1-1".into()),
    })
}

impl World {
    pub fn advance(&self, by: i64) {
        self.clock.fetch_add(by, Ordering::SeqCst);
    }

    /// Another connection to the same database, by the same clock.
    pub fn again(&self) -> Store {
        self.location.open().unwrap().with_clock(Arc::clone(&self.clock))
    }

    pub fn run(&self) -> i64 {
        let process = process();
        let run = NewRun { host: "a", mode: "until-empty", process: &process, version: "0.1", jobs: 2 };
        self.store.write(|tx| runs::begin(tx, &run)).unwrap()
    }

    pub fn enqueue(&self, package: &str, lane: Lane) -> i64 {
        self.store
            .write(|tx| {
                let id = queue::package_id(tx, package)?;
                queue::enqueue(tx, id, lane, Tasks::IMPORT)?;
                Ok(id)
            })
            .unwrap()
    }

    pub fn claim(&self, run: i64) -> Option<Claim> {
        self.claim_as(run, false)
    }

    pub fn claim_as(&self, run: i64, oldest: bool) -> Option<Claim> {
        let wish = Wish { run, lease: LEASE, importer: "0.1", oldest, ..Wish::default() };
        self.store.write(|tx| queue::claim(tx, &wish)).unwrap()
    }

    pub fn finish(
        &self,
        claim: &Claim,
        outcome: Outcome,
        cause: Option<Cause>,
    ) -> Result<Settled, StateError> {
        let finished = finished(claim, outcome, cause);
        self.store.write(|tx| finish::finish(tx, &finished, &Retries::default()))
    }

    pub fn counter(&self, name: &str) -> i64 {
        let sql = "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counter WHERE name = ?1";
        self.number(sql, name)
    }

    pub fn number(&self, sql: &str, value: &str) -> i64 {
        self.store.read(|tx| tx.first(sql, state::values![value])).unwrap().map_or(-1, |row| row.int(0))
    }

    pub fn text(&self, sql: &str) -> String {
        self.store.read(|tx| tx.first(sql, &[])).unwrap().map_or(String::new(), |row| row.text(0))
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.store.read(|tx| tx.first(sql, &[])).unwrap().map_or(-1, |row| row.int(0))
    }
}

pub fn finished(claim: &Claim, outcome: Outcome, cause: Option<Cause>) -> Finished {
    Finished {
        attempt: claim.attempt,
        package_id: claim.package_id,
        package: claim.package.clone(),
        outcome,
        cause,
        usage: Usage { wall_ms: 10, cpu_ms: 5, peak_rss: 1 << 20, bytes_in: 0, bytes_out: 0 },
        versions: 1,
        first_tries: (1, i64::from(outcome == Outcome::Failed)),
        log: None,
        parked_on: None,
        wait: None,
        importer: "0.1".into(),
    }
}
