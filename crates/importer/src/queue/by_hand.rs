//! Imports on an operator's request: at once, in this process, with the records of any other job.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bounded::waiting::Wait;
use state::finish::Cause;
use state::queue::{self, Claim, Wish};
use state::tx::Tx;
use state::words::{Lane, Outcome, Tasks};
use state::{StateError, attempt, breaker, hold, publications, versions, waits};

use super::job::{self, Plan};
use super::requests;
use super::session::{LEASE, Session, VERSION};
use crate::dsc_arguments::Item;
use crate::failure::{Code, Failure, Stage};
use crate::protocol::{Outcome as Became, Report, Trust, VersionRequest};

/// Interval at which another process's import of the same package is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Publications that are recorded in one transaction.
const RECORDED: usize = 60;

/// Rows up to which a transaction that claims goes on with the plan.
const SHORT: u64 = 60;

/// Step of an import, for progress and output.
pub enum Step<'a> {
    /// A version is being read.
    Reading(&'a str),
    /// A version is done.
    Done(Box<Report>),
    /// An item did not even become a version.
    Rejected(&'a Item, Failure),
}

/// A package and the wanted versions.
struct Wanted {
    package: String,
    items: Vec<(Item, publications::NewPublication)>,
}

/// Imports everything; `on_step` is called as things happen, from several threads but never at once.
pub fn import(session: &Arc<Session>, items: Vec<Item>, on_step: impl FnMut(Step<'_>) + Send) {
    let on_step = Mutex::new(on_step);
    let say = |step: Step<'_>| (on_step.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))(step);
    let mut packages: BTreeMap<String, Wanted> = BTreeMap::new();
    let key = requests::key(&session.root);
    for item in items {
        let limits = session.config.limits.dsc();
        match key.clone().and_then(|key| requests::from_file(&item, &limits, &key)) {
            Ok((package, publication)) => packages
                .entry(package.clone())
                .or_insert_with(|| Wanted { package, items: Vec::new() })
                .items
                .push((item, publication)),
            Err(failure) => say(Step::Rejected(&item, failure)),
        }
    }
    let queue: Mutex<VecDeque<Wanted>> = Mutex::new(packages.into_values().collect());
    let next = || queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop_front();
    let work = || {
        // Told to stop, nothing new is begun: it has not even been put into the queue.
        while let Some(wanted) = next().filter(|_| !session.is_stopping()) {
            package(session, &wanted, &say);
        }
    };
    if session.jobs <= 1 {
        return work();
    }
    thread::scope(|scope| {
        for _ in 0..session.jobs {
            scope.spawn(work);
        }
    });
}

/// Executes the queued job of one package now, in this process; `None` if another process has it,
/// or the package is held.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn carry_out(session: &Session, package: i64) -> Result<Option<job::Result>, StateError> {
    let claimed = session.store.write(|tx| claim(tx, session, package))?;
    let Some((claim, plan)) = claimed else { return Ok(None) };
    session.know(claim.attempt);
    Ok(Some(job::perform(session, claim, plan, &|_: &Claim, _: &VersionRequest| {})))
}

/// A publication that was recorded, and the version that was asked for.
struct Recorded {
    id: i64,
    request: VersionRequest,
    version: Option<String>,
}

fn package(session: &Session, wanted: &Wanted, say: &(impl Fn(Step<'_>) + Sync)) {
    match try_package(session, wanted, say) {
        Ok(()) => {}
        Err(error) => {
            let failure = Failure::new(Stage::State, Code::StateFailed, error);
            fail_all(wanted, &failure, say);
        }
    }
}

fn fail_all(wanted: &Wanted, failure: &Failure, say: &(impl Fn(Step<'_>) + Sync)) {
    for (item, publication) in &wanted.items {
        let version = Some(publication.version.as_str()).filter(|version| !version.is_empty());
        let report = Report::new(&wanted.package, version, &request_of(item), Became::Failed);
        say(Step::Done(Box::new(report.with_failure(failure))));
    }
}

fn request_of(item: &Item) -> VersionRequest {
    VersionRequest {
        dsc: item.dsc.clone(),
        distro: item.distro.clone(),
        suite: item.suite.clone(),
        trust: Trust::Unsigned,
        allow_weak_checksums: false,
        base: None,
    }
}

fn try_package(
    session: &Session,
    wanted: &Wanted,
    say: &(impl Fn(Step<'_>) + Sync),
) -> Result<(), StateError> {
    let (package, mut recorded, asked, mut claimed) = ask(session, wanted)?;
    let mut wait = Wait::new();
    loop {
        if let Some((claim, plan)) = claimed {
            session.know(claim.attempt);
            let watch =
                |_: &Claim, request: &VersionRequest| say(Step::Reading(&request.dsc.to_string_lossy()));
            let result = job::perform(session, claim, plan, &watch);
            let reports: HashMap<i64, &Report> = result.reports.iter().map(|(id, it)| (*id, it)).collect();
            recorded.retain(|it| !tell(&wanted.package, it, &reports, result.cause.as_ref(), say));
            if recorded.is_empty() || result.outcome == Outcome::Cancelled {
                return Ok(());
            }
            // The cause that makes the package wait keeps these from being imported now.
            if matches!(result.outcome, Outcome::Parked | Outcome::Waiting) {
                let failure = waits(session, package, &wanted.package)?;
                recorded.iter().for_each(|it| say(failed(&wanted.package, it, &failure)));
                return Ok(());
            }
            wait = Wait::new();
        }
        if let Some(failure) = held(session, package)? {
            fail_all(wanted, &failure, say);
            return Ok(());
        }
        // Another process is importing it, or has: its result counts as ours.
        let mut left = Vec::new();
        for one in recorded {
            match by_others(session, &wanted.package, package, &one, asked)? {
                Some(report) => say(Step::Done(Box::new(report))),
                None => left.push(one),
            }
        }
        recorded = left;
        if recorded.is_empty() || session.is_stopping() {
            return Ok(());
        }
        tell_wait(session, &mut wait, package, &wanted.package)?;
        thread::sleep(PAUSE);
        claimed = session.store.write(|tx| claim(tx, session, package))?;
    }
}

/// Facts about a package whose import was asked for: its row, the versions, the time of the request, and the claim if
/// no other process has it.
type Asked = (i64, Vec<Recorded>, i64, Option<Claimed>);
/// A claim, and its plan.
type Claimed = (Claim, Option<Plan>);

/// Records the wanted versions, queues the package and claims its job: one transaction, unless there are many versions.
fn ask(session: &Session, wanted: &Wanted) -> Result<Asked, StateError> {
    let store = &session.store;
    let (early, last) = wanted.items.split_at(wanted.items.len().saturating_sub(RECORDED));
    let mut recorded = Vec::new();
    for chunk in early.chunks(RECORDED) {
        recorded.extend(store.write(|tx| record(tx, &wanted.package, chunk))?.1);
    }
    let (package, others, asked, claimed) = store.write(|tx| {
        let (package, recorded) = record(tx, &wanted.package, last)?;
        queue::enqueue(tx, package, Lane::Operator, Tasks::IMPORT)?;
        Ok((package, recorded, tx.now()?, claim(tx, session, package)?))
    })?;
    recorded.extend(others);
    Ok((package, recorded, asked, claimed))
}

fn record(
    tx: &mut Tx<'_>,
    name: &str,
    items: &[(Item, publications::NewPublication)],
) -> Result<(i64, Vec<Recorded>), StateError> {
    let package = queue::package_id(tx, name)?;
    let mut recorded = Vec::new();
    for (item, publication) in items {
        let (id, new) = publications::record(tx, package, publication)?;
        if !new {
            publications::want_again(tx, id)?;
        }
        let version = Some(publication.version.clone()).filter(|version| !version.is_empty());
        recorded.push(Recorded { id, request: request_of(item), version });
    }
    Ok((package, recorded))
}

fn claim(tx: &mut Tx<'_>, session: &Session, package: i64) -> Result<Option<Claimed>, StateError> {
    let wish =
        Wish { run: session.run, lease: LEASE, importer: VERSION, only: Some(package), ..Wish::default() };
    let Some(claim) = queue::claim(tx, &wish)? else { return Ok(None) };
    // A large plan is counted in a transaction of its own.
    let plan = if tx.written() <= SHORT { Plan::make(tx, package, SHORT)? } else { None };
    Ok(Some((claim, plan)))
}

/// Reports about one version, if the job had a result for it.
fn tell(
    package: &str,
    one: &Recorded,
    reports: &HashMap<i64, &Report>,
    cause: Option<&Cause>,
    say: &(impl Fn(Step<'_>) + Sync),
) -> bool {
    if let Some(report) = reports.get(&one.id) {
        let mut report = (*report).clone();
        // A child that died could not report it.
        report.version = report.version.or_else(|| one.version.clone());
        say(Step::Done(Box::new(report)));
        return true;
    }
    let Some(cause) = cause else { return false };
    let stage = Stage::from_word(&cause.stage).unwrap_or(Stage::Worker);
    say(failed(package, one, &Failure::reported(stage, cause.code.clone(), &cause.message)));
    true
}

/// A version that failed.
fn failed(package: &str, one: &Recorded, failure: &Failure) -> Step<'static> {
    let report = Report::new(package, one.version.as_deref(), &one.request, Became::Failed);
    Step::Done(Box::new(report.with_failure(failure)))
}

/// Reports the holder of a package that is waited for, if it is time to.
fn tell_wait(session: &Session, wait: &mut Wait, package: i64, name: &str) -> Result<(), StateError> {
    let mut going = Ok(None);
    wait.tell(|| {
        going = session.store.read(|tx| attempt::going(tx, package));
        let whom = going.as_ref().ok().and_then(Option::as_ref).map(ToString::to_string);
        format!("{name}: {} imports it", whom.unwrap_or_else(|| "somebody else".to_owned()))
    });
    going.map(drop)
}

/// Failure that says what a package waits for.
fn waits(session: &Session, package: i64, name: &str) -> Result<Failure, StateError> {
    let (wait, parked) =
        session.store.read(|tx| Ok((waits::get(tx, package)?, breaker::of_package(tx, package)?)))?;
    let what = wait.map(|wait| wait.reason).or(parked);
    let message = format!(
        "{name} waits for {}; it stays in the queue, and `package-import show {name}` says more",
        what.unwrap_or_else(|| "what it needs".to_owned())
    );
    Ok(Failure::new(Stage::Worker, Code::Waits, message))
}

/// Failure that says who holds a package, if it is held.
fn held(session: &Session, package: i64) -> Result<Option<Failure>, StateError> {
    let hold = session.store.read(|tx| hold::of_package(tx, package))?;
    Ok(hold.map(|hold| {
        let (name, by, why) = (hold.package, hold.by, hold.reason);
        let message = format!("{name} is held by {by} ({why}); `package-import release {name}` lets it go");
        Failure::new(Stage::Worker, Code::Held, message)
    }))
}

/// Result of another process's import of a version, if it has ended since the request.
fn by_others(
    session: &Session,
    name: &str,
    package: i64,
    one: &Recorded,
    asked: i64,
) -> Result<Option<Report>, StateError> {
    if let Some(recorded) = session.store.read(|tx| versions::of_publication(tx, one.id))? {
        let mut report = Report::new(name, one.version.as_deref(), &one.request, Became::AlreadyThere);
        report.commit = recorded.commit;
        report.tree = recorded.tree;
        report.applied_commit = recorded.applied;
        report.tag = recorded.tag;
        return Ok(Some(report));
    }
    let failed = session.store.read(|tx| attempt::failed_since(tx, package, asked))?;
    Ok(failed.map(|failed| {
        let stage = Stage::from_word(&failed.stage).unwrap_or(Stage::Worker);
        let failure = Failure::reported(stage, failed.code.into(), failed.message);
        Report::new(name, one.version.as_deref(), &one.request, Became::Failed).with_failure(&failure)
    }))
}
