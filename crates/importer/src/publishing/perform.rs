//! Publishes one claimed package, and records what came of it.

use std::time::{Duration, Instant};

use remote::abilities::Abilities;
use remote::problem::Problem;
use state::breaker;
use state::publishing::claims::Claim;
use state::publishing::ends::{self, Next, There, Trouble};
use state::publishing::remotes::{self, breaker_of};
use state::publishing::{PublishLane, cached};
use state::queue;
use state::words::{Lane, Tasks};

use super::cache::{Package, Trouble as CacheTrouble};
use super::entrance::Entrance;
use super::job::{Done, Job};
use super::journal::{self, Entry};
use super::trouble;
use crate::queue::session::Session;

/// Pause for a server that asks for one without a length, in milliseconds.
const LEFT_ALONE: i64 = 60_000;

/// The name of this task in reports of trouble.
const NOTED: &str = "problems of a remote";

/// End of publishing a package, for display.
#[derive(Clone, Debug)]
pub struct Ended {
    /// True if an import has to join what others have pushed, before everything can be published.
    pub joins: bool,
    /// Name of the package.
    pub package: String,
    /// Name of the remote.
    pub remote: String,
    /// Number of refs that were moved, and the state of the remote; or the trouble.
    pub result: Result<(usize, There), Trouble>,
}

/// Callback for each end.
pub type Say<'a> = &'a (dyn Fn(&Ended) + Sync);

/// Publishes a claimed package, and records the result.
pub(super) fn perform(session: &Session, entrance: &Entrance, claim: &Claim, say: Say<'_>) -> Ended {
    let name = &entrance.config.name;
    let (started, mut abilities) = (Instant::now(), entrance.abilities());
    let done = match session.cache() {
        Some(_) => look(session, entrance, claim),
        None => publish(session, entrance, claim, &mut abilities),
    };
    let what = format!("what was published of {} on {name}", claim.package);
    if entrance.learn(&abilities) {
        let text = serde_json::to_string(&abilities).unwrap_or_default();
        let noted = session
            .patiently(&what, || session.store.write(|tx| remotes::note_abilities(tx, claim.remote, &text)));
        // It is found out again.
        drop(noted);
    }
    if let Ok(done) = &done
        && done.is_asked
    {
        session.outages.good(&breaker_of(name));
    }
    let taken_in = done.as_ref().is_ok_and(|done| done.taken_in > 0);
    let result = match done {
        Ok(done) => {
            let entry = entry(claim, name, started.elapsed());
            let entry = Entry {
                moved: &done.moved,
                taken_in: done.taken_in,
                detail: done.there.detail.as_deref(),
                ..entry
            };
            journal::note(&session.root, &entry);
            Ok((done.moved.len(), done.there))
        }
        Err(problem) => {
            note_problem(session, entrance, claim, &problem);
            let trouble = trouble::of(&problem);
            let failure = Some((trouble.code.as_str(), trouble.message.as_str()));
            journal::note(&session.root, &Entry { failure, ..entry(claim, name, started.elapsed()) });
            Err(if session.is_stopping() { Trouble { next: Next::Now, ..trouble } } else { trouble })
        }
    };
    let end = result.clone().map(|(_, there)| there);
    let recorded = session.patiently(&what, || {
        session.store.write(|tx| {
            ends::end(tx, session.run, claim, &end)?;
            // An import joins the fetched branches, and requests the publishing of all refs.
            if taken_in {
                queue::enqueue(tx, claim.package_id, lane_of(claim.lane), Tasks::IMPORT)
            } else {
                Ok(())
            }
        })
    });
    if let Err(error) = recorded {
        session.troubles.say(format!("cannot record {what}: {error}"));
    }
    let ended = Ended { joins: taken_in, package: claim.package.clone(), remote: name.clone(), result };
    say(&ended);
    ended
}

fn entry<'a>(claim: &'a Claim, remote: &'a str, took: Duration) -> Entry<'a> {
    Entry { package: &claim.package, remote, took, moved: &[], taken_in: 0, detail: None, failure: None }
}

/// The lane of an import for a package on a remote.
fn lane_of(lane: PublishLane) -> Lane {
    match lane {
        PublishLane::Operator => Lane::Operator,
        PublishLane::Upload => Lane::Upload,
        PublishLane::Bulk | PublishLane::Look => Lane::Verify,
    }
}

fn publish(
    session: &Session,
    entrance: &Entrance,
    claim: &Claim,
    abilities: &mut Abilities,
) -> Result<Done, Problem> {
    let job = Job { root: &session.root, entrance, package: &claim.package };
    let is_look = matches!(claim.lane, PublishLane::Look | PublishLane::Operator);
    let known = claim.here.as_deref().filter(|_| !is_look);
    job.publish(known, abilities)
}

/// If repositories are a cache, imports publish. Here only the presence of all refs is checked; missing ones are
/// restored by an import.
fn look(session: &Session, entrance: &Entrance, claim: &Claim) -> Result<Done, Problem> {
    let package = Package { session, entrance, package: &claim.package, id: claim.package_id };
    let there = match package.look() {
        Ok(Some(there)) => there,
        Ok(None) => {
            session
                .store
                .write(|tx| cached::doubt(tx, claim.package_id, lane_of(claim.lane)))
                .map_err(|error| Problem::Local(error.to_string()))?;
            There::default()
        }
        Err(CacheTrouble::Remote(problem)) => return Err(problem),
        Err(other) => return Err(Problem::Local(other.failure().to_string())),
    };
    Ok(Done { there, moved: Vec::new(), is_asked: true, taken_in: 0 })
}

/// Records a problem that concerns all packages as one incident of the remote.
fn note_problem(session: &Session, entrance: &Entrance, claim: &Claim, problem: &Problem) {
    let name = breaker_of(&entrance.config.name);
    let cause = format!("publish/{}: {problem}", problem.code());
    let noted = match problem {
        Problem::Paced { after, .. } => {
            let pause = after.map_or(LEFT_ALONE, |it| i64::try_from(it.as_millis()).unwrap_or(LEFT_ALONE));
            session.store.write(|tx| remotes::pause(tx, claim.remote, pause))
        }
        problem if problem.is_of_remote() => {
            let rule = breaker::Rule { least: 2, ..session.rule.clone() };
            let probe = format!("remote {} {}", entrance.config.name, claim.package);
            session
                .store
                .write(|tx| breaker::note(tx, &name, (0, 1), Some(&cause), Some(&probe), &rule).map(drop))
        }
        _ => Ok(()),
    };
    if let Err(error) = noted {
        session.troubles.note(NOTED, &error);
    }
}
