//! A state whose time stands still, and the checks to look at it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use package_import_tests::daemons::plugins::CHECKS;
use package_import_tests::programs::built;
use state::finish::{self, Cause, Finished, Settled, Usage};
use state::open::Location;
use state::policy::Retries;
use state::publications::{self, NewPublication};
use state::queue::{self, Claim, Wish};
use state::runs::{self, NewRun, Process};
use state::words::{Class, Lane, Outcome, Tasks};
use state::{Store, breaker, meta, operate, samples, values};
use tempfile::TempDir;

pub const SECOND: i64 = 1000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// Milliseconds since 1970 of 2026-11-24 08:00 UTC.
pub const START: i64 = 1_795_507_200_000;

/// Answer of a check.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The line without its figures, and whether everything about it is as it has to be.
    pub fn text(&self) -> &str {
        self.out.lines().next().unwrap().split(" | ").next().unwrap()
    }

    /// The figures, as they stand in the line.
    pub fn figures(&self) -> Vec<(&str, &str)> {
        let line = self.out.lines().next().unwrap();
        let figures = line.split_once(" | ").map_or("", |(_, figures)| figures);
        figures.split_whitespace().map(|figure| figure.split_once('=').unwrap()).collect()
    }
}

/// Path of a check.
pub fn plugin(name: &str) -> &'static Path {
    built(&format!("check_import_{name}"))
}

pub struct World {
    pub store: Store,
    clock: Arc<AtomicI64>,
    folder: TempDir,
    postgres: Option<String>,
}

impl World {
    /// An installation that has been made, and no more.
    pub fn new() -> World {
        World::with_clock_at(START, None)
    }

    /// The same on a server.
    pub fn postgres() -> World {
        World::on_server(throwaway_postgres::schema())
    }

    /// The same in a schema of a certain server.
    pub fn on_server(url: String) -> World {
        World::with_clock_at(START, Some(url))
    }

    fn with_clock_at(time: i64, postgres: Option<String>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(time));
        let location = Location::new(folder.path(), postgres.as_deref(), None);
        let store = location.open_or_make().unwrap().with_clock(Arc::clone(&clock));
        if let Some(url) = &postgres {
            fs::write(folder.path().join("config.toml"), format!("[checks]\nstate = '''{url}'''\n")).unwrap();
        }
        let world = World { store, clock, folder, postgres };
        world.set("created", &time.to_string());
        world
    }

    /// One whose importer has just run, with nothing to complain about.
    pub fn healthy() -> World {
        let world = World::new();
        world.settle();
        world
    }

    /// Everything that makes a healthy one: a poll, a run, an upload that was imported, a backup.
    pub fn settle(&self) {
        self.poll("debian", "sid", None);
        let run = self.run("a", "until-empty");
        self.publish("hello", START - 10 * MINUTE);
        let claim = self.claim(run);
        self.advance(MINUTE);
        self.succeed(&claim);
        self.end(run, "empty");
        self.set("last_backup", &self.now().to_string());
        self.set("integrity", "ok");
        self.set("integrity_at", &self.now().to_string());
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn advance(&self, by: i64) {
        self.clock.fetch_add(by, Ordering::SeqCst);
    }

    /// Writes the configuration; a state on a server stays named.
    pub fn configure(&self, text: &str) {
        let state =
            self.postgres.as_ref().map_or(String::new(), |url| format!("[checks]\nstate = '''{url}'''\n"));
        fs::write(self.root().join("config.toml"), state + text).unwrap();
    }

    /// Asks a check, in an environment such as NRPE gives.
    pub fn ask(&self, check: &str, arguments: &[&str]) -> Said {
        let now = format!("--now={}", self.now());
        let mut command = Command::new(plugin(check));
        command.arg(now).args(arguments).env_clear().env("PACKAGE_IMPORT_ROOT", self.root());
        let output = command.current_dir("/").stdin(Stdio::null()).output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Output of a check; its code and its word have to agree.
    pub fn says(&self, check: &str, arguments: &[&str]) -> String {
        let said = self.ask(check, arguments);
        let word = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][usize::try_from(said.code).unwrap()];
        let begin = format!("IMPORT {} {word}", check.to_uppercase());
        assert!(said.out.starts_with(&begin) && said.err.is_empty(), "{said:?}");
        said.out
    }

    pub fn set(&self, name: &str, value: &str) {
        self.store.write(|tx| meta::set(tx, name, value)).unwrap();
    }

    pub fn run(&self, host: &str, mode: &str) -> i64 {
        let process = Process { pid: 1, start: 2, boot: "boot".into() };
        let run = NewRun { host, mode, process: &process, version: "0.1", jobs: 2 };
        self.store.write(|tx| runs::begin(tx, &run)).unwrap()
    }

    pub fn beat(&self, run: i64) {
        self.store.write(|tx| runs::beat(tx, run, MINUTE)).unwrap();
    }

    /// Ends a run as the program does: with a sample.
    pub fn end(&self, run: i64, outcome: &str) {
        samples::take(&self.store).unwrap();
        self.beat(run);
        self.store.write(|tx| runs::end(tx, run, outcome, None)).unwrap();
    }

    pub fn poll(&self, archive: &str, suite: &str, error: Option<&str>) {
        let suites = [(suite.to_owned(), 15 * MINUTE)];
        state::suites::follow(&self.store, archive, &suites).unwrap();
        self.store
            .write(|tx| match error {
                None => {
                    let (release_date, remembered) = (self.now(), "{}");
                    let poll = state::suites::Polled {
                        remembered,
                        release_date,
                        changed: true,
                        ..Default::default()
                    };
                    state::suites::polled(tx, archive, suite, &poll)
                }
                Some(error) => state::suites::failed(tx, archive, suite, error),
            })
            .unwrap();
    }

    pub fn enqueue(&self, package: &str, lane: Lane) {
        self.store
            .write(|tx| {
                let id = queue::package_id(tx, package)?;
                queue::enqueue(tx, id, lane, Tasks::IMPORT)
            })
            .unwrap();
    }

    /// An upload that an archive has published.
    pub fn publish(&self, package: &str, published: i64) {
        let text = |text: &str| text.to_owned();
        let new = NewPublication {
            archive: text("debian"),
            distro: text("debian"),
            suite: text("sid"),
            component: text("main"),
            version: text("1-1"),
            dsc: text("x.dsc"),
            dsc_sha256: published.to_string(),
            trust: text("{}"),
            files: text("{}"),
            published: Some(published),
            lane: Lane::Upload,
        };
        self.store
            .write(|tx| {
                let id = queue::package_id(tx, package)?;
                publications::record(tx, id, &new)?;
                queue::enqueue(tx, id, Lane::Upload, Tasks::IMPORT)
            })
            .unwrap();
    }

    pub fn claim(&self, run: i64) -> Claim {
        let wish = Wish { run, lease: MINUTE, importer: "0.1", ..Wish::default() };
        self.store.write(|tx| queue::claim(tx, &wish)).unwrap().unwrap()
    }

    pub fn succeed(&self, claim: &Claim) {
        self.finish(claim, Outcome::Imported, None, None);
        let done = "UPDATE publication SET done = ?2 WHERE package_id = ?1";
        let now = self.now();
        self.store.write(|tx| tx.execute(done, values![claim.package_id, now])).unwrap();
    }

    pub fn fail(&self, claim: &Claim, code: &str, message: &str) -> Settled {
        let cause = Cause {
            stage: "fetch".into(),
            code: code.into(),
            class: Class::Permanent,
            message: message.into(),
            distro: None,
            version: None,
        };
        self.finish(claim, Outcome::Failed, Some(cause), None)
    }

    pub fn finish(
        &self,
        claim: &Claim,
        outcome: Outcome,
        cause: Option<Cause>,
        parked_on: Option<i64>,
    ) -> Settled {
        let finished = Finished {
            attempt: claim.attempt,
            package_id: claim.package_id,
            package: claim.package.clone(),
            outcome,
            cause,
            usage: Usage { wall_ms: 30 * SECOND, cpu_ms: 5, peak_rss: 1 << 20, bytes_in: 0, bytes_out: 0 },
            versions: 1,
            first_tries: (1, i64::from(outcome == Outcome::Failed)),
            log: None,
            parked_on,
            wait: None,
            importer: "0.1".into(),
        };
        self.store.write(|tx| finish::finish(tx, &finished, &Retries::default())).unwrap()
    }

    /// As many packages that fail with one code.
    pub fn failures(&self, run: i64, prefix: &str, count: usize, code: &str) {
        for number in 0..count {
            self.enqueue(&format!("{prefix}{number}"), Lane::Operator);
            let claim = self.claim(run);
            self.fail(&claim, code, "archive unreachable");
        }
    }

    /// An archive that is out of reach, with jobs that wait for it.
    pub fn outage(&self, run: i64, name: &str, parked: usize) {
        let cause = Some("fetch/connect: connection refused");
        let rule = breaker::Rule::default();
        let note = |tx: &mut state::tx::Tx<'_>| breaker::note(tx, name, (0, 6), cause, None, &rule);
        let (breaker, _) = self.store.write(note).unwrap();
        for number in 0..parked {
            self.enqueue(&format!("parked{number}"), Lane::Upload);
            let claim = self.claim(run);
            self.finish(&claim, Outcome::Parked, None, Some(breaker.id));
        }
    }

    /// So many of the packages that fail are tried again, and parked.
    pub fn park_failing(&self, run: i64, name: &str, count: usize) {
        let breaker = self.store.read(|tx| breaker::get(tx, name)).unwrap().unwrap();
        let sql =
            "SELECT p.name FROM failure f JOIN package p ON p.id = f.package_id ORDER BY p.name LIMIT ?1";
        let some = self.store.read(|tx| tx.query(sql, values![count as i64])).unwrap();
        for row in &some {
            self.enqueue(&row.text(0), Lane::Operator);
            let claim = self.claim(run);
            self.finish(&claim, Outcome::Parked, None, Some(breaker.id));
        }
    }

    pub fn suppress(&self, subject: &str, until: i64) {
        let by = operate::By { actor: "me", reason: Some("known") };
        self.store.write(|tx| operate::suppress(tx, subject, until, by)).unwrap();
    }

    /// Makes failing packages need a person, which no import of today does by itself.
    pub fn wedge(&self, prefix: &str) {
        let sql = "UPDATE failure SET state = 'wedged' WHERE package_id IN (SELECT id FROM package
            WHERE substr(name, 1, length(CAST(?1 AS TEXT))) = CAST(?1 AS TEXT))";
        self.store.write(|tx| tx.execute(sql, values![prefix])).unwrap();
        self.store.write(|tx| state::counters::repair(tx, "me")).unwrap();
    }

    pub fn execute(&self, sql: &str) {
        self.store.write(|tx| tx.execute(sql, &[])).unwrap();
    }
}
