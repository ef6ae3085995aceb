//! A host that is frozen inside a transaction stops nobody, and harms nothing when it is woken up.
//!
//! The peers are processes of their own (this program again), stopped by a signal at moments at which their sessions are
//! within a transaction, as the server sees it.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use state::breaker::{self, Rule};
use state::open::Location;
use state::policy::Retries;
use state::queue::{self, Claim, Wish};
use state::runs::{self, NewRun, Process};
use state::words::{Class, Lane, Outcome, Tasks};
use state::{StateError, Store, counters, finish, hold, waits};

use crate::common::{LEASE, failure, finished};

/// Application name that the server shows of a peer.
const PEER: &str = "package-import peer";

/// Packages are few, so that hosts meet.
const PACKAGES: i64 = 12;

/// The server lets a frozen client be for 10 s; without that, the others would wait for the end of a statement's time (2 min).
const GOES_ON: Duration = Duration::from_secs(60);

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

/// A number that looks random, from a seed.
fn random(seed: &mut u64) -> i64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    i64::try_from(*seed >> 40).unwrap()
}

fn begin(store: &Store, host: &str) -> i64 {
    let process = Process { pid: 1, start: 2, boot: "boot".into() };
    let run = NewRun { host, mode: "service", process: &process, version: "0.1", jobs: 2 };
    store.write(|tx| runs::begin(tx, &run)).unwrap()
}

/// One thing that a host does, chosen by a number.
fn step(store: &Store, run: i64, held: &mut Vec<Claim>, what: i64) -> Result<(), StateError> {
    let name = format!("p{}", what / 16 % PACKAGES);
    match what % 16 {
        0..=3 => store.write(|tx| {
            let id = queue::package_id(tx, &name)?;
            queue::enqueue(tx, id, Lane::Upload, Tasks::IMPORT)
        }),
        4..=7 => {
            let wish = Wish { run, lease: LEASE, importer: "0.1", ..Wish::default() };
            held.extend(store.write(|tx| queue::claim(tx, &wish))?);
            Ok(())
        }
        8..=11 => {
            let Some(claim) = held.pop() else { return Ok(()) };
            let (outcome, cause) = match what / 16 % 4 {
                0 => (Outcome::Failed, failure(Class::Transient, "connection refused")),
                1 => (Outcome::Parked, None),
                _ => (Outcome::Imported, None),
            };
            let ended = store.write(|tx| {
                let mut done = finished(&claim, outcome, cause.clone());
                if outcome == Outcome::Parked {
                    done.parked_on =
                        Some(breaker::note(tx, "mirror", (0, 1), Some("x"), None, &Rule::default())?.0.id);
                }
                finish::finish(tx, &done, &Retries::default())
            });
            match ended {
                Ok(_) | Err(StateError::LeaseLost(_)) => Ok(()),
                Err(error) => {
                    held.push(claim);
                    Err(error)
                }
            }
        }
        12 => store.write(|tx| runs::beat(tx, run, LEASE)).map(drop),
        13 => store.write(|tx| {
            breaker::note(tx, "mirror", (5, 0), None, None, &Rule::default())?;
            breaker::unpark(tx, 20)?;
            waits::expire(tx, 20)?;
            queue::wake(tx, 20).map(drop)
        }),
        14 => store.write(|tx| {
            let id = queue::package_id(tx, &name)?;
            hold::hold(tx, id, "op", "why not", None)?;
            hold::release(tx, id).map(drop)
        }),
        _ => store.write(|tx| runs::reclaim(tx, &[], 20, "0.1")).map(drop),
    }
}

/// The other process: works until it is killed. It is this program with a connection string in its environment; without,
/// it has nothing to do.
#[test]
fn peer() {
    let Some(url) = std::env::var_os("FROZEN_PEER") else { return };
    state::open::introduce("peer", "frozen");
    let store = Location::Postgres { url: url.into_string().unwrap(), passfile: None }.open().unwrap();
    let (run, mut held, mut seed) = (begin(&store, "frozen"), Vec::new(), u64::from(std::process::id()));
    loop {
        let what = random(&mut seed);
        match step(&store, run, &mut held, what) {
            Ok(()) => {}
            Err(error) if error.is_outage() => {}
            Err(error) => panic!("a peer that was frozen meets what it must not: {error}"),
        }
    }
}

struct Peer(Child);

impl Peer {
    fn start(url: &str) -> Peer {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "frozen::peer", "--nocapture"]).env("FROZEN_PEER", url);
        Peer(command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many sessions of peers are within a transaction.
fn inside(client: &mut postgres::Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE $1 || '%'
        AND state = 'idle in transaction' AND backend_xid IS NOT NULL";
    client.query_one(sql, &[&PEER]).unwrap().get(0)
}

#[test]
fn a_frozen_peer_stops_nobody_and_wakes_up_harmless() {
    let moments = if is_long() { 200 } else { 4 };
    let url = throwaway_postgres::schema();
    let location = Location::Postgres { url: url.clone(), passfile: None };
    let store = location.open_or_make().unwrap();
    let mut watch = throwaway_postgres::shared().client();
    let mut peer = Peer::start(&url);
    let (run, mut held, mut seed) = (begin(&store, "other"), Vec::new(), 1);
    let mut frozen = 0;
    while frozen < moments {
        assert!(peer.0.try_wait().unwrap().is_none(), "the peer has ended by itself");
        peer.signal(Signal::STOP);
        // The server answers the statement that was sent; then it waits for the client.
        thread::sleep(Duration::from_millis(2));
        if inside(&mut watch) == 0 {
            peer.signal(Signal::CONT);
            step(&store, run, &mut held, random(&mut seed)).unwrap();
            continue;
        }
        frozen += 1;
        let started = Instant::now();
        // Everything that a host does, on every package.
        for what in 0..16 * PACKAGES {
            step(&store, run, &mut held, what).unwrap();
        }
        assert!(started.elapsed() < GOES_ON, "the others went on after {:?}", started.elapsed());
        peer.signal(Signal::CONT);
    }
    // Let it find out that its session is gone, and work again.
    let before = attempts(&mut watch, &url);
    while attempts(&mut watch, &url) < before + 5 {
        assert!(peer.0.try_wait().unwrap().is_none(), "the peer has ended by itself");
        step(&store, run, &mut held, random(&mut seed)).unwrap();
    }
    drop(peer);
    let differences = store.read(counters::verify).unwrap();
    assert_eq!(differences, []);
    let twice = "SELECT COUNT(*) FROM (SELECT package_id FROM attempt WHERE ended IS NULL
        GROUP BY package_id HAVING COUNT(*) > 1) AS twice";
    assert_eq!(store.read(|tx| tx.first(twice, &[])).unwrap().unwrap().int(0), 0, "one attempt at a time");
}

/// Attempts of the frozen host.
fn attempts(client: &mut postgres::Client, url: &str) -> i64 {
    let schema = url.split("search_path=").nth(1).unwrap().trim_end_matches('\'');
    let sql = format!(
        "SELECT count(*) FROM {schema}.attempt a JOIN {schema}.run r ON r.id = a.run_id
         JOIN {schema}.host h ON h.id = r.host_id WHERE h.name = 'frozen'"
    );
    client.query_one(&sql, &[]).unwrap().get(0)
}

#[test]
fn each_session_bounds_what_it_may_keep_from_others() {
    let show = |url: &str| -> Vec<String> {
        let store = Location::Postgres { url: url.to_owned(), passfile: None }.open_or_make().unwrap();
        let names = ["lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout"];
        let show = |name: &&str| {
            let sql = format!("SELECT current_setting('{name}')");
            store.read(|tx| tx.first(&sql, &[])).unwrap().unwrap().text(0)
        };
        names.iter().map(show).collect()
    };
    let url = throwaway_postgres::schema();
    assert_eq!(show(&url), ["3s", "10s", "2min"]);
    // A shorter limit of an administrator stays, a longer one does not.
    let options = |more: &str| url.replace("options='", &format!("options='{more} "));
    assert_eq!(show(&options("-c idle_in_transaction_session_timeout=5s"))[1], "5s");
    assert_eq!(
        show(&options("-c idle_in_transaction_session_timeout=1h -c lock_timeout=200ms"))[..2],
        ["200ms", "10s"]
    );
}

#[test]
fn who_waits_says_for_whom_and_others_can_see_it() {
    let url = throwaway_postgres::schema();
    let location = Location::Postgres { url: url.clone(), passfile: None };
    let store = location.open_or_make().unwrap();
    let id = store
        .write(|tx| {
            let id = queue::package_id(tx, "hello")?;
            queue::enqueue(tx, id, Lane::Upload, Tasks::IMPORT)?;
            Ok(id)
        })
        .unwrap();
    let mut holder =
        postgres::Client::connect(&format!("{url} application_name=psql-of-anna"), postgres::NoTls).unwrap();
    holder.batch_execute(&format!("BEGIN; SELECT * FROM job WHERE package_id = {id} FOR UPDATE")).unwrap();
    let (told, said) = std::sync::mpsc::channel();
    bounded::waiting::listen(move |text| drop(told.send(text.to_owned())));
    let waiter = location.open().unwrap();
    let waits =
        thread::spawn(move || waiter.write(|tx| queue::enqueue(tx, id, Lane::Operator, Tasks::IMPORT)));
    // Other tests of this process wait, too.
    let mine = |said: &String| said.contains("psql-of-anna");
    let said = said.iter().find(mine).expect("it is said for whom");
    assert!(said.contains("psql-of-anna (login postgres)") && said.contains("does nothing in it"), "{said}");
    let held = loop {
        let held = state::read::status::locks(&store).unwrap();
        if held.iter().any(|it| it.waiting.is_some()) {
            break held;
        }
    };
    assert_eq!(held[0].holder, "psql-of-anna");
    assert!(held[0].open_for.is_some() && held[0].waiting.is_some(), "{held:?}");
    holder.batch_execute("COMMIT").unwrap();
    waits.join().unwrap().unwrap();
}
