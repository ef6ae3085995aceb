//! For any events in any order: counters equal their rows, and the rows are consistent.

use proptest::prelude::*;
use state::breaker::{self, Rule};
use state::operate::{self, By};
use state::policy::Retries;
use state::queue::{self, Claim};
use state::verdicts::counted;
use state::waits::{self, Wait};
use state::words::{Class, Lane, Outcome, Policy, WaitKind};
use state::{batch, counters, finish, hold, runs, values};

use crate::common::{DAY, HOUR, LEASE, MINUTE, World, failure, finished, postgres, sqlite};

const BY: By<'_> = By { actor: "me", reason: Some("a test") };

/// Packages are few, so that operations meet.
const PACKAGES: usize = 5;

#[derive(Clone, Debug)]
pub enum Step {
    Enqueue(usize, Lane),
    Claim { oldest: bool },
    Finish { which: usize, how: How },
    FinishAgain { which: usize },
    Hold(usize, Option<i64>),
    Release(usize),
    Expire,
    Advance(i64),
    Beat,
    Reclaim,
    RunDies,
    Wake,
    Note { good: i64, bad: i64 },
    Probe { good: bool },
    Unpark,
    Policy(Option<Policy>),
    Suppress { package: Option<usize>, days: i64 },
    Unsuppress { package: Option<usize> },
    EndSuppressions,
    Waits,
    Batch { canary: i64 },
    AdvanceBatches,
}

#[derive(Clone, Debug)]
pub enum How {
    Ends(Outcome),
    Fails(Class, usize),
    Parks { waits: bool },
}

fn how() -> impl Strategy<Value = How> {
    let good = prop_oneof![
        Just(Outcome::Imported),
        Just(Outcome::AlreadyThere),
        Just(Outcome::UnappliedOnly),
        Just(Outcome::Cancelled),
    ];
    let class = prop_oneof![
        Just(Class::Transient),
        Just(Class::Permanent),
        Just(Class::Unknown),
        Just(Class::Infrastructure),
    ];
    prop_oneof![
        3 => good.prop_map(How::Ends),
        4 => (class, 0..3_usize).prop_map(|(class, cause)| How::Fails(class, cause)),
        3 => any::<bool>().prop_map(|waits| How::Parks { waits }),
    ]
}

pub fn step() -> impl Strategy<Value = Step> {
    let package = 0..PACKAGES;
    let lane = (0..Lane::ALL.len()).prop_map(|place| Lane::ALL[place]);
    let time = prop_oneof![Just(1000), Just(MINUTE), Just(LEASE + 1), Just(HOUR), Just(8 * DAY), Just(-HOUR)];
    let policy = prop_oneof![
        Just(None),
        Just(Some(Policy::Retry)),
        Just(Some(Policy::Fail)),
        Just(Some(Policy::Hold))
    ];
    prop_oneof![
        5 => (package.clone(), lane).prop_map(|(package, lane)| Step::Enqueue(package, lane)),
        5 => any::<bool>().prop_map(|oldest| Step::Claim { oldest }),
        8 => (0..4_usize, how()).prop_map(|(which, how)| Step::Finish { which, how }),
        1 => (0..4_usize).prop_map(|which| Step::FinishAgain { which }),
        1 => (package.clone(), prop::option::of(1..3_i64))
            .prop_map(|(package, days)| Step::Hold(package, days)),
        1 => package.prop_map(Step::Release),
        1 => Just(Step::Expire),
        2 => time.prop_map(Step::Advance),
        1 => Just(Step::Beat),
        1 => Just(Step::Reclaim),
        1 => Just(Step::RunDies),
        2 => Just(Step::Wake),
        2 => (0..3_i64, 0..8_i64).prop_map(|(good, bad)| Step::Note { good, bad }),
        1 => any::<bool>().prop_map(|good| Step::Probe { good }),
        2 => Just(Step::Unpark),
        1 => policy.prop_map(Step::Policy),
        1 => (0..3_i64).prop_map(|canary| Step::Batch { canary }),
        1 => Just(Step::AdvanceBatches),
        1 => (prop::option::of(0..PACKAGES), 1..3_i64)
            .prop_map(|(package, days)| Step::Suppress { package, days }),
        1 => prop::option::of(0..PACKAGES).prop_map(|package| Step::Unsuppress { package }),
        1 => Just(Step::EndSuppressions),
        1 => Just(Step::Waits),
    ]
}

/// A world, and the claims that its workers think they have.
pub struct Model {
    pub world: World,
    run: i64,
    claims: Vec<Claim>,
    ended: Vec<Claim>,
}

impl Model {
    pub fn new(world: World) -> Model {
        let run = world.run();
        Model { world, run, claims: Vec::new(), ended: Vec::new() }
    }

    fn package(&self, number: usize) -> i64 {
        self.world.store.write(|tx| queue::package_id(tx, &format!("p{number}"))).unwrap()
    }

    fn breaker(&self) -> i64 {
        let note = |tx: &mut state::tx::Tx<'_>| {
            breaker::note(tx, "mirror", (0, 0), None, None, &Rule::default()).map(|it| it.0.id)
        };
        self.world.store.write(note).unwrap()
    }

    pub fn take(&mut self, step: &Step) {
        let store = &self.world.store;
        match step {
            Step::Enqueue(package, lane) => drop(self.world.enqueue(&format!("p{package}"), *lane)),
            Step::Claim { oldest } => self.claims.extend(self.world.claim_as(self.run, *oldest)),
            Step::Finish { which, how } => self.finish(*which, how),
            Step::FinishAgain { which } => {
                if let Some(claim) = self.ended.get(*which) {
                    // Refused or nothing: the checks after it tell whether it changed anything.
                    let _ = self.world.finish(claim, Outcome::Imported, None);
                }
            }
            Step::Hold(package, days) => {
                let package = self.package(*package);
                let now = self.world.clock.load(std::sync::atomic::Ordering::SeqCst);
                let until = days.map(|days| now + days * DAY);
                store.write(|tx| hold::hold(tx, package, "me", "why not", until)).unwrap();
            }
            Step::Release(package) => {
                let package = self.package(*package);
                store.write(|tx| hold::release(tx, package)).unwrap();
            }
            Step::Expire => drop(store.write(|tx| hold::expire(tx, 25)).unwrap()),
            Step::Advance(by) => self.world.advance(*by),
            Step::Beat => drop(store.write(|tx| runs::beat(tx, self.run, LEASE)).unwrap()),
            Step::Reclaim => drop(store.write(|tx| runs::reclaim(tx, &[], 20, "0.1")).unwrap()),
            Step::RunDies => {
                let dead = [self.run];
                store
                    .write(|tx| {
                        runs::reclaim(tx, &dead, 20, "0.1")?;
                        runs::close_dead(tx, &dead)
                    })
                    .unwrap();
                self.run = self.world.run();
            }
            Step::Wake => drop(store.write(|tx| queue::wake(tx, 100)).unwrap()),
            Step::Note { good, bad } => {
                let uses = (*good, *bad);
                store
                    .write(|tx| {
                        breaker::note(tx, "mirror", uses, Some("refused"), Some("x"), &Rule::default())
                    })
                    .unwrap();
            }
            Step::Probe { good } => {
                let id = self.breaker();
                let cause = (!good).then_some("refused");
                store.write(|tx| breaker::probed(tx, id, cause, &Rule::default())).unwrap();
            }
            Step::Unpark => drop(store.write(|tx| breaker::unpark(tx, 100)).unwrap()),
            Step::Suppress { package, days } => {
                let now = self.world.clock.load(std::sync::atomic::Ordering::SeqCst);
                if let Some(subject) = self.subject(*package) {
                    store.write(|tx| operate::suppress(tx, &subject, now + days * DAY, BY)).unwrap();
                }
            }
            Step::Unsuppress { package } => {
                if let Some(subject) = self.subject(*package) {
                    // Refused if it is not suppressed.
                    let _ = store.write(|tx| operate::unsuppress(tx, &subject, BY));
                }
            }
            Step::EndSuppressions => store.write(counted::expire).unwrap(),
            Step::Waits => drop(store.write(|tx| waits::expire(tx, 100)).unwrap()),
            Step::Policy(policy) => self.policy(*policy),
            Step::Batch { canary } => self.batch(*canary),
            Step::AdvanceBatches => drop(store.write(|tx| batch::advance(tx, 10)).unwrap()),
        }
    }

    fn finish(&mut self, which: usize, how: &How) {
        if self.claims.is_empty() {
            return;
        }
        let claim = self.claims.remove(which % self.claims.len());
        let mut end = match how {
            How::Ends(outcome) => finished(&claim, *outcome, None),
            How::Fails(class, cause) => finished(
                &claim,
                Outcome::Failed,
                failure(*class, ["refused", "no such file", "it is bad"][*cause]),
            ),
            How::Parks { .. } => finished(&claim, Outcome::Parked, None),
        };
        if let How::Parks { waits } = how {
            end.parked_on = Some(self.breaker());
            let now = self.world.clock.load(std::sync::atomic::Ordering::SeqCst);
            let (kind, reason) = (WaitKind::History, "its history".to_owned());
            end.wait = waits.then(|| Wait { kind, reason, until: now + HOUR, again: now + MINUTE });
        }
        match self.world.store.write(|tx| finish::finish(tx, &end, &Retries::default())) {
            Ok(_) | Err(state::StateError::LeaseLost(_)) => {}
            Err(error) => panic!("{error}"),
        }
        self.ended.push(claim);
    }

    /// The name of a package, or the first signature, if there is one.
    fn subject(&self, package: Option<usize>) -> Option<String> {
        match package {
            Some(number) => {
                self.package(number);
                Some(format!("p{number}"))
            }
            None => Some(self.world.text("SELECT short FROM signature ORDER BY id LIMIT 1"))
                .filter(|short| !short.is_empty()),
        }
    }

    fn policy(&self, policy: Option<Policy>) {
        let word = policy.map(Policy::as_str);
        let sql = "UPDATE signature SET policy = ?1 WHERE id = (SELECT MIN(id) FROM signature)";
        self.world.store.write(|tx| tx.execute(sql, values![word])).unwrap();
    }

    fn batch(&self, canary: i64) {
        let first = self.package(0);
        let second = self.package(1);
        self.world
            .store
            .write(|tx| {
                let id = batch::begin(tx, "me", "all", None, canary)?;
                batch::add(tx, id, &[first, second])?;
                batch::release(tx, id, canary.max(1), Lane::Retry)
            })
            .unwrap();
    }

    /// Conditions that hold after every step.
    fn check(&self) {
        let world = &self.world;
        let wrong = world.store.read(counters::verify).unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
        for (what, sql) in INVARIANTS {
            assert_eq!(world.count(sql), 0, "{what}");
        }
    }

    /// When all is well again, everything is done: nothing is stuck.
    fn drain(&mut self) {
        for package in 0..PACKAGES {
            let package = self.package(package);
            self.world.store.write(|tx| hold::release(tx, package)).unwrap();
        }
        self.policy(None);
        let breaker = self.breaker();
        self.world.store.write(|tx| breaker::probed(tx, breaker, None, &Rule::default())).unwrap();
        for _ in 0..50 {
            self.world.advance(9 * DAY);
            let store = &self.world.store;
            store.write(|tx| runs::reclaim(tx, &[], 20, "0.1")).unwrap();
            store.write(|tx| breaker::unpark(tx, 100)).unwrap();
            store.write(|tx| queue::wake(tx, 100)).unwrap();
            while let Some(claim) = self.world.claim(self.run) {
                self.world.finish(&claim, Outcome::Imported, None).unwrap();
            }
            self.check();
            if self.world.count("SELECT COUNT(*) FROM job") == 0 {
                break;
            }
        }
        assert_eq!(self.world.count("SELECT COUNT(*) FROM job"), 0, "something is stuck");
        assert_eq!(self.world.count("SELECT COUNT(*) FROM failure"), 0);
        let sum = "SELECT CAST(COALESCE(SUM(ABS(value)), 0) AS BIGINT) FROM check_v1_counters";
        assert_eq!(self.world.count(sum), 0, "all counters are 0 when there is nothing to count");
    }
}

/// Numbers that must be 0.
const INVARIANTS: &[(&str, &str)] = &[
    (
        "a running job has an open attempt of its own package",
        "SELECT COUNT(*) FROM job j WHERE j.state = 'running' AND NOT EXISTS (SELECT 1 FROM attempt a
         WHERE a.id = j.attempt_id AND a.package_id = j.package_id AND a.ended IS NULL)",
    ),
    (
        "an open attempt is that of a running job",
        "SELECT COUNT(*) FROM attempt a WHERE a.ended IS NULL AND NOT EXISTS (SELECT 1 FROM job j
         WHERE j.attempt_id = a.id AND j.state = 'running')",
    ),
    (
        "an ended attempt has an outcome",
        "SELECT COUNT(*) FROM attempt WHERE (ended IS NULL) <> (outcome IS NULL)",
    ),
    (
        "only a running job has an attempt, a run and a lease",
        "SELECT COUNT(*) FROM job WHERE (state = 'running') <> (attempt_id IS NOT NULL)
         OR (state = 'running') <> (run_id IS NOT NULL) OR (state = 'running') <> (lease_until IS NOT NULL)",
    ),
    (
        "a parked job waits for something",
        "SELECT COUNT(*) FROM job WHERE (state = 'parked') <> (dependency_id IS NOT NULL)",
    ),
    (
        "a job that waits for its time has one",
        "SELECT COUNT(*) FROM job WHERE (state = 'retrying') <> (due IS NOT NULL)",
    ),
    ("a job has something to do", "SELECT COUNT(*) FROM job WHERE tasks = 0 OR wanted < claimed"),
    (
        "what is asked for meanwhile is only kept while it runs",
        "SELECT COUNT(*) FROM job WHERE more <> 0 AND state <> 'running'",
    ),
    (
        "a job is held if its package is",
        "SELECT COUNT(*) FROM job j JOIN package p ON p.id = j.package_id WHERE j.held <> p.held",
    ),
    (
        "a package that is held knows by whom and why, another does not",
        "SELECT COUNT(*) FROM package WHERE (held = 1) <> (held_by IS NOT NULL)
         OR (held = 1) <> (held_reason IS NOT NULL)",
    ),
    (
        "a failure has a job that tries again",
        "SELECT COUNT(*) FROM failure f WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.package_id = f.package_id)",
    ),
    (
        "a failure names its last failed attempt",
        "SELECT COUNT(*) FROM failure f WHERE NOT EXISTS (SELECT 1 FROM attempt a WHERE a.id = f.attempt_id
         AND a.package_id = f.package_id AND a.outcome = 'failed' AND a.signature_id = f.signature_id)",
    ),
    (
        "each package that fails or is parked, is not held and does not fail only with what is suppressed, counts once",
        "SELECT (SELECT failing + parked - parked_failing FROM check_v1_live)
            - (SELECT CAST(COALESCE(SUM(failing), 0) AS BIGINT) FROM check_v1_suppressions)
            - (SELECT COUNT(*) FROM package p LEFT JOIN failure f ON f.package_id = p.id
                LEFT JOIN job j ON j.package_id = p.id
                WHERE p.held = 0 AND NOT EXISTS (SELECT 1 FROM suppression u
                    WHERE u.kind = 'package' AND u.subject_id = p.id AND u.ended IS NULL)
                AND (j.state = 'parked' OR (f.package_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM suppression u
                    WHERE u.kind = 'signature' AND u.subject_id = f.signature_id AND u.ended IS NULL))))",
    ),
    (
        "what is parked and fails is no more than either",
        "SELECT COUNT(*) FROM check_v1_live WHERE parked_failing < 0 OR parked_failing > parked
            OR parked_failing > failing",
    ),
    (
        "a breaker's allowance and parked jobs are no debts",
        "SELECT COUNT(*) FROM dependency WHERE allowance < 0 OR parked < 0",
    ),
    (
        "an open breaker knows when to probe",
        "SELECT COUNT(*) FROM dependency WHERE (state = 'open') <> (next_probe IS NOT NULL)",
    ),
    (
        "a member of a batch has a result only after it was started",
        "SELECT COUNT(*) FROM batch_member WHERE result IS NOT NULL AND started = 0",
    ),
];

fn play(world: World, steps: &[Step]) {
    let mut model = Model::new(world);
    for step in steps {
        model.take(step);
        model.check();
    }
    model.drain();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 2000, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn counters_and_rows_agree_on_sqlite(steps in prop::collection::vec(step(), 1..80)) {
        play(sqlite(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 300, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn counters_and_rows_agree_on_postgres(steps in prop::collection::vec(step(), 1..60)) {
        play(postgres(), &steps);
    }
}

#[test]
fn wrong_counters_are_found_and_mended() {
    for world in [sqlite(), postgres()] {
        let run = world.run();
        world.enqueue("a", Lane::Upload);
        world.enqueue("b", Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Failed, failure(Class::Transient, "refused")).unwrap();
        world
            .store
            .write(|tx| {
                tx.counter("failing", 3);
                tx.counter("queue_rescan", -1);
                tx.execute("UPDATE signature SET failing = 7", &[])
            })
            .unwrap();
        let wrong = world.store.read(counters::verify).unwrap();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert_eq!(world.store.write(|tx| counters::repair(tx, "me")).unwrap(), wrong);
        assert!(world.store.read(counters::verify).unwrap().is_empty());
        assert_eq!((world.counter("failing"), world.counter("queue_rescan")), (1, 0));
        assert_eq!(world.count("SELECT COUNT(*) FROM event WHERE action = 'repair-counter'"), 3);
        assert!(world.store.write(|tx| counters::repair(tx, "me")).unwrap().is_empty());
    }
}

#[test]
fn every_counter_that_the_code_changes_is_counted_again() {
    // Counters are named where they are changed; one that `recompute` does not know would never be verified.
    let sources = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    let known = [
        "failing",
        "failing_held",
        "state_{state}",
        "running",
        "parked",
        "parked_failing",
        "held",
        "queue_{}",
        "queue_held",
        "breakers_open",
    ];
    for file in sources {
        let path = file.unwrap().path();
        if path.is_dir() || path.ends_with("counters.rs") || path.ends_with("tx.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, found) in text.match_indices("tx.counter(") {
            let rest = &text[at + found.len()..];
            let name = rest.split('"').nth(1).unwrap();
            assert!(known.contains(&name), "{}: counter {name} is not verified", path.display());
        }
    }
}
