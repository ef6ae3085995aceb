//! Publishing on an operator's request: at once, in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use remote::plan::Decision;
use remote::problem::Problem;
use state::publishing::PublishLane;
use state::publishing::asked;
use state::publishing::cached;
use state::publishing::claims::{self, Claim};
use state::publishing::ends::{Next, Trouble};
use state::publishing::remotes;
use state::tx::Tx;
use state::words::Outcome;
use state::{StateError, hold};

use super::entrance::{Entrance, Remotes};
use super::job::Job;
use super::perform::{Ended, Say, perform};
use super::pool;
use crate::queue::by_hand::carry_out;
use crate::queue::session::Session;

/// Pause between looks at another process's publishing of the same package; next, the largest number of looks.
const PAUSE: Duration = Duration::from_millis(100);
const WAITS: u32 = 600;
/// Number of looks after which dead publishers are looked for again.
const LOOKS: u32 = 50;
/// Rows that are brought back in one transaction.
const CHUNK: i64 = 40;
/// Maximum number of imports that join what others push in the meantime.
const JOINS: u32 = 4;

/// Preview of publishing a package on a remote.
pub struct Looked {
    /// Name of the package.
    pub package: String,
    /// Name of the remote.
    pub remote: String,
    /// Refs with a decision that is worth reporting.
    pub result: Result<Vec<(String, Decision)>, Problem>,
}

/// Previews publishing. Nothing is written, not even into the state.
pub fn look(
    remotes: &Remotes,
    root: &Path,
    packages: &[String],
    remote: Option<&str>,
    mut say: impl FnMut(Looked),
) {
    for entrance in remotes.all.iter().filter(|it| remote.is_none_or(|name| it.config.name == name)) {
        for package in packages {
            let job = Job { root, entrance, package };
            let looked = job.look(&entrance.abilities());
            let steps = looked.map(|plan| {
                let steps = plan.steps.into_iter().filter(|(_, it)| *it != Decision::Same);
                steps.map(|(wanted, decision)| (wanted.name, decision)).collect()
            });
            say(Looked { package: package.clone(), remote: entrance.config.name.clone(), result: steps });
        }
    }
}

/// Publishes packages now, by row and name; without any, those that are due. Returns the number that failed.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn publish(
    session: &Session,
    packages: &[(i64, String)],
    remote: Option<&str>,
    say: Say<'_>,
) -> Result<usize, StateError> {
    let Some(all) = session.remotes() else { return Ok(0) };
    pool::follow(session)?;
    take_back(session)?;
    let ids: BTreeMap<String, i64> =
        session.store.read(remotes::followed)?.into_iter().map(|it| (it.name, it.id)).collect();
    let mut failed = 0;
    for entrance in all.all.iter().filter(|it| remote.is_none_or(|name| it.config.name == name)) {
        let Some(id) = ids.get(&entrance.config.name) else { continue };
        if packages.is_empty() {
            failed += drain(session, entrance, say)?;
            continue;
        }
        for (package, name) in packages {
            let lane = PublishLane::Operator;
            session.store.write(|tx| asked::ask(tx, *package, Some(&[*id]), lane))?;
            failed += one(session, entrance, (*package, name), say)?;
        }
    }
    Ok(failed)
}

/// Publishes one package. Commits that others have pushed to its branches are joined at once, then published.
fn one(
    session: &Session,
    entrance: &Entrance,
    (package, name): (i64, &str),
    say: Say<'_>,
) -> Result<usize, StateError> {
    for _ in 0..JOINS {
        let Some(claim) = claimed(session, entrance, package)? else {
            say(&not_claimed(session, entrance, package, name)?);
            return Ok(1);
        };
        let ended = perform(session, entrance, &claim, say);
        if ended.result.is_err() {
            return Ok(1);
        }
        if session.cache().is_some() {
            return brought_back(session, entrance, package, name, say);
        }
        // No other worker has the job, or the one that has it imports the rest.
        if !ended.joins || carry_out(session, package)?.is_none() {
            break;
        }
    }
    Ok(0)
}

/// Takes back what publishers that have died were about: the beginning of this session has closed their runs.
fn take_back(session: &Session) -> Result<(), StateError> {
    while session.store.write(|tx| claims::take_back(tx, CHUNK))? > 0 {}
    Ok(())
}

fn claimed(session: &Session, entrance: &Entrance, package: i64) -> Result<Option<Claim>, StateError> {
    for look in 1..=WAITS {
        if let Some(claim) = pool::claim(session, entrance, Some(package))? {
            return Ok(Some(claim));
        }
        // The other process may have died.
        if look % LOOKS == 0 {
            take_back(session)?;
        }
        let is_running = session.store.read(|tx| asked::is_running(tx, package, &entrance.config.name))?;
        if !is_running || session.is_stopping() {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
    Ok(None)
}

/// If repositories are a cache: restores what the remote lacks, or imports what a ref there was in the way of. Returns the
/// number of failures.
fn brought_back(
    session: &Session,
    entrance: &Entrance,
    package: i64,
    name: &str,
    say: Say<'_>,
) -> Result<usize, StateError> {
    let is_lacking = |tx: &mut Tx<'_>| Ok(cached::get(tx, package)?.is_none_or(|it| it.done.is_none()));
    if !session.store.read(is_lacking)? {
        return Ok(0);
    }
    let Some(done) = carry_out(session, package)? else { return Ok(0) };
    let Some(cause) = done.cause.filter(|_| done.outcome == Outcome::Failed) else { return Ok(0) };
    let trouble = Trouble { code: cause.code.into(), message: cause.message, next: Next::Later };
    say(&Ended {
        joins: false,
        package: name.to_owned(),
        remote: entrance.config.name.clone(),
        result: Err(trouble),
    });
    Ok(1)
}

fn not_claimed(
    session: &Session,
    entrance: &Entrance,
    package: i64,
    name: &str,
) -> Result<Ended, StateError> {
    let remote = &entrance.config.name;
    let (is_held, status) = session.store.read(|tx| {
        let held = hold::of_package(tx, package)?.is_some();
        Ok((held, state::publishing::read::status(tx)?))
    })?;
    let status = status.into_iter().find(|it| it.remote == *remote);
    let message = match status {
        _ if is_held => format!("{name} is held: `package-import release {name}`"),
        Some(it) if it.state != "open" => {
            format!("{remote} is {}: {}", it.state, it.cause.unwrap_or_else(|| "it asked for a pause".into()))
        }
        _ => "somebody else is publishing it".to_owned(),
    };
    let trouble = Trouble { code: "not-now".into(), message, next: Next::Remote };
    Ok(Ended { joins: false, package: name.to_owned(), remote: remote.clone(), result: Err(trouble) })
}

/// Publishes all that can be claimed now. Returns how many could not be.
fn drain(session: &Session, entrance: &Entrance, say: Say<'_>) -> Result<usize, StateError> {
    while session.store.write(|tx| asked::wake(tx, CHUNK))? > 0 {}
    while session.store.write(|tx| asked::fill(tx, CHUNK))? {}
    let failed = Mutex::new((0, Ok(())));
    thread::scope(|scope| {
        for _ in 0..entrance.config.jobs {
            scope.spawn(|| {
                while !session.is_stopping() {
                    let done = match pool::claim(session, entrance, None) {
                        Ok(None) => return,
                        Ok(Some(claim)) => Ok(perform(session, entrance, &claim, say).result.is_err()),
                        Err(error) => Err(error),
                    };
                    let mut failed = failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    match done {
                        Ok(is_failed) => failed.0 += usize::from(is_failed),
                        Err(error) => {
                            failed.1 = Err(error);
                            return;
                        }
                    }
                }
            });
        }
    });
    let (count, result) = failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    result.map(|()| count)
}
