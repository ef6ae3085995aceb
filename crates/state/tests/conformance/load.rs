//! Load: workers, operators and readers on one database. `STORM=long` goes on for a minute and checks waiting
//! times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{LEASE, World, failure, finished, worlds};
use state::policy::Retries;
use state::queue::{self, Wish};
use state::samples;
use state::words::{Class, Lane, Outcome, Tasks};
use state::{Store, finish, hold, runs, values};

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

/// Number of jobs that are done in any case, however long that takes.
const ENOUGH: u64 = 100;

/// Measurements of all threads.
#[derive(Default)]
struct Tally {
    done: AtomicU64,
    stop: AtomicBool,
    waits: std::sync::Mutex<Vec<u64>>,
    retries: AtomicU64,
    largest: AtomicU64,
}

impl Tally {
    fn take(&self, store: &Store) {
        self.waits.lock().unwrap().extend(store.waits());
        self.retries.fetch_add(store.retries(), Ordering::SeqCst);
        self.largest.fetch_max(store.largest_transaction(), Ordering::SeqCst);
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }
}

/// Claims and finishes, with a failure now and then, and queues finished packages again.
fn work(world: &World, run: i64, tally: &Tally) {
    let store = world.again();
    let wish = Wish { run, lease: LEASE, importer: "0.1", ..Wish::default() };
    while tally.goes_on() {
        let Some(claim) = store.write(|tx| queue::claim(tx, &wish)).unwrap() else {
            thread::yield_now();
            continue;
        };
        let fails = claim.attempt % 10 == 0;
        let (outcome, cause) = match fails {
            true => (Outcome::Failed, failure(Class::Transient, "refused")),
            false => (Outcome::Imported, None),
        };
        let end = finished(&claim, outcome, cause);
        store.write(|tx| finish::finish(tx, &end, &Retries::default())).unwrap();
        store.write(|tx| queue::enqueue(tx, claim.package_id, Lane::Upload, Tasks::IMPORT)).unwrap();
        tally.done.fetch_add(1, Ordering::SeqCst);
    }
    tally.take(&store);
}

/// Mass operations of operators: in chunks.
fn operate(world: &World, run: i64, tally: &Tally) {
    let store = world.again();
    let mut from = 0;
    while tally.goes_on() {
        from = (from + 40) % 300;
        for number in from..from + 40 {
            store.write(|tx| hold::hold(tx, number + 1, "me", "because", None)).unwrap();
        }
        store
            .write(|tx| (from..from + 40).try_for_each(|number| hold::release(tx, number + 1).map(drop)))
            .unwrap();
        store.write(|tx| runs::beat(tx, run, LEASE)).unwrap();
    }
    tally.take(&store);
}

/// What operators and checks read.
fn read(world: &World, tally: &Tally) {
    let store = world.again();
    while tally.goes_on() {
        let (failing, rows) = store
            .read(|tx| {
                let failing = samples::counter(tx, "failing")? + samples::counter(tx, "failing_held")?;
                let row = tx.first("SELECT COUNT(*) FROM failure", &[])?;
                Ok((failing, row.map_or(0, |row| row.int(0))))
            })
            .unwrap();
        assert_eq!(failing, rows, "a counter is what it counts, at every moment");
        store.read(|tx| tx.query("SELECT name FROM package WHERE id < ?1", values![200_i64])).unwrap();
    }
    tally.take(&store);
}

#[test]
fn nobody_is_told_that_the_database_is_locked() {
    for world in worlds() {
        let runs: Vec<i64> = (0..8).map(|_| world.run()).collect();
        for number in 0..400 {
            world.enqueue(&format!("package{number}"), Lane::Upload);
        }
        let (world, tally) = (Arc::new(world), Arc::new(Tally::default()));
        let duration = Duration::from_secs(if is_long() { 60 } else { 2 });
        thread::scope(|scope| {
            for run in &runs {
                scope.spawn(|| work(&world, *run, &tally));
            }
            (0..2).for_each(|_| {
                scope.spawn(|| operate(&world, runs[0], &tally));
            });
            (0..4).for_each(|_| {
                scope.spawn(|| read(&world, &tally));
            });
            let end = Instant::now() + duration;
            // A machine with much other work takes longer for them.
            let latest = end + Duration::from_secs(120);
            let is_enough = || tally.done.load(Ordering::SeqCst) > ENOUGH || Instant::now() > latest;
            while Instant::now() < end || !is_enough() {
                thread::sleep(Duration::from_millis(50));
            }
            tally.stop.store(true, Ordering::SeqCst);
        });
        let mut waits = tally.waits.lock().unwrap().clone();
        waits.sort_unstable();
        let at = |percent: usize| waits.get(waits.len() * percent / 100).copied().unwrap_or(0);
        println!(
            "{:?}: {} jobs, {} retries, waits in microseconds: median {}, 99th percentile {}, longest {}; largest \
             transaction {} rows",
            world.store.kind(),
            tally.done.load(Ordering::SeqCst),
            tally.retries.load(Ordering::SeqCst),
            at(50),
            at(99),
            waits.last().copied().unwrap_or(0),
            tally.largest.load(Ordering::SeqCst)
        );
        assert!(tally.largest.load(Ordering::SeqCst) <= 200);
        assert!(tally.done.load(Ordering::SeqCst) > ENOUGH);
        // The long version is not run by CI, whose machines may be under any load.
        assert!(!is_long() || at(99) <= 100_000, "the 99th percentile of waiting is {} us", at(99));
        assert_eq!(world.counter("running"), 0);
    }
}
