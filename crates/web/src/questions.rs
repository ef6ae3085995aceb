//! Everything that is asked of the state, one function a question: what pages show and `/api/v1` gives. Nothing else in this
//! crate reads the state. No question's cost grows with history.

use operations::feeds::{self, Feed, Which};
use operations::questions as asked;
use operations::{Error, Opened};
use serde_json::Value;
use state::events::{self, Event};
use state::publication::collisions::{self, Collision};
use state::read::archives::{self, SuiteVerdict};
use state::read::failures::{self, Failing, Filter, Group};
use state::read::freshness::{self, Behind, Figures};
use state::read::hosts::{self, Running};
use state::read::package::{self, Package};
use state::read::queue::{self, Pace};
use state::read::status::{self, Status};
use state::read::verdicts::{self, Sample, Verdict};
use state::read::versions::{self, Version};
use state::tx::Tx;
use state::{StateError, breaker, operate};

use crate::reader::{Answer, Reader, Trouble};

/// Signatures on the front page.
const TOP: i64 = 20;
/// Jobs that are shown as running.
const RUNNING: i64 = 50;
/// Rows of a table.
pub const ROWS: i64 = 100;
/// Attempts of a package that are shown.
const ATTEMPTS: i64 = 20;
/// Hours of the chart: two weeks.
pub const HOURS: i64 = 14 * 24;
/// Outages of a dependency that are looked for.
const OUTAGES: i64 = 20;

/// Content of the front page.
pub struct Front {
    /// Present state of the installation.
    pub status: Status,
    /// Verdicts of the baseline.
    pub verdicts: Vec<Verdict>,
    /// Failing packages by the hour, newest first.
    pub samples: Vec<Sample>,
    /// Outages in those hours.
    pub outages: Vec<Band>,
    /// Running jobs.
    pub running: Vec<Running>,
    /// Pace of the queue.
    pub pace: Pace,
    /// Latency of branches.
    pub freshness: Option<Figures>,
}

/// An outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Name of the dependency.
    pub what: String,
    /// From when on, in Unix milliseconds.
    pub from: i64,
    /// Unix milliseconds of its end; `None` while it lasts.
    pub to: Option<i64>,
}

/// A signature, and its packages.
pub struct Cause {
    /// Unix milliseconds of the reading.
    pub now: i64,
    /// The signature.
    pub group: Group,
    /// Its packages, newest first.
    pub packages: Vec<Failing>,
    /// Number of its packages by the hour, newest first, where samples are kept.
    pub samples: Vec<Sample>,
    /// Verdict of the baseline about it.
    pub verdict: Option<Verdict>,
    /// Decisions about it.
    pub events: Vec<Event>,
}

/// Everything about a package.
pub struct Facts {
    /// Unix milliseconds of the reading.
    pub now: i64,
    /// Records of the state.
    pub package: Package,
    /// Freshness of the package, with the reason if it is not current.
    pub freshness: Option<Behind>,
    /// Changes by operators.
    pub events: Vec<Event>,
    /// Versions of its repository, if this machine has it.
    pub versions: Vec<Version>,
}

/// Result of a search.
pub struct Found {
    /// Packages whose name begins so, or is it.
    pub packages: Vec<String>,
    /// A signature of this id.
    pub signature: Option<String>,
}

/// Suites and waits.
pub struct Suites {
    /// Unix milliseconds of the reading.
    pub now: i64,
    /// The suites.
    pub suites: Vec<SuiteVerdict>,
    /// Packages that wait for something.
    pub waits: Vec<archives::Waits>,
}

/// Collisions.
pub struct Collisions {
    /// When it was read.
    pub now: i64,
    /// Those that wait, oldest first, then those that have ended, newest first.
    pub all: Vec<Collision>,
}

fn collisions(tx: &mut Tx<'_>) -> Result<Collisions, StateError> {
    let mut all = collisions::list(tx, &collisions::Filter { limit: ROWS, ..Default::default() })?;
    let mut last =
        collisions::list(tx, &collisions::Filter { limit: ROWS, all: true, ..Default::default() })?;
    last.retain(|it| it.ended.is_some());
    all.extend(last);
    Ok(Collisions { now: tx.now()?, all })
}

impl Reader {
    /// Reads the front page.
    pub async fn front(&self) -> Result<Answer<Front>, Trouble> {
        self.ask("front".into(), |at| Ok(at.store.read(front)?)).await
    }

    /// All causes of failures, most packages first.
    pub async fn groups(&self) -> Result<Answer<Vec<Group>>, Trouble> {
        let read = |tx: &mut Tx<'_>| failures::groups(tx, &Filter::default(), ROWS);
        self.ask("groups".into(), move |at| Ok(at.store.read(read)?)).await
    }

    /// A signature and its packages.
    pub async fn cause(&self, short: String) -> Result<Answer<Cause>, Trouble> {
        let key = format!("cause {short}");
        self.ask(key, move |at| Ok(at.store.read(|tx| cause(tx, &short))?)).await
    }

    /// Reads a package.
    pub async fn package(&self, name: String) -> Result<Answer<Facts>, Trouble> {
        let key = format!("package {name}");
        self.ask(key, move |at| Ok(at.store.read(|tx| facts(tx, &name))?)).await
    }

    /// Reads the queue.
    pub async fn queue(&self) -> Result<Answer<asked::Queue>, Trouble> {
        self.ask("queue".into(), |at| asked::queue(at, None, ROWS as u32)).await
    }

    /// Reads the hosts.
    pub async fn hosts(&self) -> Result<Answer<asked::Workers>, Trouble> {
        self.ask("hosts".into(), asked::workers).await
    }

    /// Reads the archives.
    pub async fn archives(&self) -> Result<Answer<Suites>, Trouble> {
        let read = |tx: &mut Tx<'_>| {
            Ok(Suites { now: tx.now()?, suites: archives::list(tx)?, waits: archives::waits(tx)? })
        };
        self.ask("archives".into(), move |at| Ok(at.store.read(read)?)).await
    }

    /// Collisions: those that wait, and the last that have ended.
    pub async fn collisions(&self) -> Result<Answer<Collisions>, Trouble> {
        self.ask("collisions".into(), |at| Ok(at.store.read(collisions)?)).await
    }

    /// A collision, with what would be lost.
    pub async fn collision(&self, id: i64) -> Result<Answer<asked::CollisionShown>, Trouble> {
        self.ask(format!("collision {id}"), move |at| asked::collision(at, id)).await
    }

    /// The remotes; or one, with the packages that something is wrong with.
    pub async fn remotes(&self, name: Option<String>) -> Result<Answer<asked::Remotes>, Trouble> {
        self.ask(format!("remotes {name:?}"), move |at| asked::remotes(at, name.as_deref(), ROWS as u32))
            .await
    }

    /// A feed.
    pub async fn feed(&self, which: Which) -> Result<Answer<Feed>, Trouble> {
        self.ask(format!("feed {}", which.name()), move |at| feeds::read(at, &which)).await
    }

    /// The audit trail, of one subject or of all, older than an entry if one is named.
    pub async fn audit(&self, subject: Option<String>) -> Result<Answer<Vec<Event>>, Trouble> {
        let key = format!("audit {subject:?}");
        self.ask(key, move |at| Ok(at.store.read(|tx| events::list(tx, subject.as_deref(), ROWS))?)).await
    }

    /// Finds packages and signatures that begin with a word.
    pub async fn search(&self, word: String) -> Result<Answer<Found>, Trouble> {
        self.ask(format!("search {word}"), move |at| Ok(at.store.read(|tx| search(tx, &word))?)).await
    }

    /// The log of an attempt, as far as this machine has it.
    pub async fn log(&self, attempt: i64) -> Result<Answer<String>, Trouble> {
        let wanted = asked::LogWanted::Attempt(attempt);
        self.ask(format!("log {attempt}"), move |at| asked::log(at, &wanted)).await
    }

    /// Reads the metrics.
    pub async fn metrics(&self) -> Result<Answer<state::read::metrics::Metrics>, Trouble> {
        self.ask("metrics".into(), asked::metrics).await
    }

    /// Reads what a command prints with `--json`.
    pub async fn json(
        &self,
        key: String,
        question: impl FnOnce(&Opened) -> Result<Value, Error> + Send + 'static,
    ) -> Result<Answer<Value>, Trouble> {
        self.ask(format!("json {key}"), question).await
    }
}

fn front(tx: &mut Tx<'_>) -> Result<Front, StateError> {
    let status = status::read(tx, TOP)?;
    let from = status.now - HOURS * HOUR;
    Ok(Front {
        verdicts: verdicts::list(tx, None)?,
        samples: verdicts::samples(tx, "failing", HOURS)?,
        outages: outages(tx, from)?,
        running: hosts::running(tx, RUNNING)?,
        pace: queue::pace(tx)?,
        freshness: freshness::figures(tx)?,
        status,
    })
}

const HOUR: i64 = 3_600_000;

/// A question by its name, for tests of its cost.
pub type Cost = (&'static str, fn(&Opened) -> Result<(), Error>);

/// Every question that a page asks, of names that are in a state of a test.
pub const COSTS: &[Cost] = &[
    ("front", |at| Ok(at.store.read(front).map(drop)?)),
    ("failures", |at| Ok(at.store.read(|tx| failures::groups(tx, &Filter::default(), ROWS)).map(drop)?)),
    ("signature", |at| Ok(at.store.read(|tx| cause(tx, "s000001")).map(drop)?)),
    ("package", |at| Ok(at.store.read(|tx| facts(tx, "package-with-a-name-00001")).map(drop)?)),
    ("queue", |at| asked::queue(at, None, ROWS as u32).map(drop)),
    ("hosts", |at| asked::workers(at).map(drop)),
    ("archives", |at| Ok(at.store.read(archives::list).map(drop)?)),
    ("audit", |at| Ok(at.store.read(|tx| events::list(tx, None, ROWS)).map(drop)?)),
    ("audit of one", |at| {
        Ok(at.store.read(|tx| events::list(tx, Some("package-with-a-name-00001"), ROWS)).map(drop)?)
    }),
    ("search", |at| Ok(at.store.read(|tx| search(tx, "package")).map(drop)?)),
    ("metrics", |at| asked::metrics(at).map(drop)),
    ("collisions", |at| Ok(at.store.read(collisions).map(drop)?)),
    ("remotes", |at| asked::remotes(at, None, ROWS as u32).map(drop)),
    ("feed of failures", |at| feeds::read(at, &Which::Failures).map(drop)),
    ("feed of a package", |at| {
        feeds::read(at, &Which::Package("package-with-a-name-00001".into())).map(drop)
    }),
];

/// Outages: entries of each dependency in the audit trail, which are found by its name.
fn outages(tx: &mut Tx<'_>, from: i64) -> Result<Vec<Band>, StateError> {
    let mut bands = Vec::new();
    for dependency in breaker::list(tx)?.into_iter().take(20) {
        let mut events = events::list(tx, Some(&dependency.name), OUTAGES)?;
        events.reverse();
        let mut open = None;
        for event in events {
            match event.action.as_str() {
                "breaker-open" => open = Some(event.at),
                "breaker-closed" => {
                    let began = open.take().unwrap_or(from);
                    bands.push(Band { what: dependency.name.clone(), from: began, to: Some(event.at) });
                }
                _ => {}
            }
        }
        if dependency.open {
            bands.push(Band { what: dependency.name, from: dependency.since, to: None });
        }
    }
    bands.retain(|band| band.to.is_none_or(|to| to > from));
    bands.sort_by_key(|band| band.from);
    Ok(bands)
}

fn cause(tx: &mut Tx<'_>, short: &str) -> Result<Cause, StateError> {
    let group = failures::signature(tx, short)?
        .ok_or_else(|| StateError::Unknown(format!("there is no signature {short}")))?;
    let figure = format!("signature:{}", group.signature);
    let filter = Filter { signature: Some(group.signature.clone()), ..Filter::default() };
    Ok(Cause {
        now: tx.now()?,
        packages: failures::packages(tx, &filter, ROWS)?,
        samples: verdicts::samples(tx, &figure, HOURS)?,
        verdict: verdicts::list(tx, Some(&figure))?.into_iter().next(),
        events: events::list(tx, Some(&group.signature), 20)?,
        group,
    })
}

fn facts(tx: &mut Tx<'_>, name: &str) -> Result<Facts, StateError> {
    operate::known(tx, name)?;
    let package = package::read(tx, name, ATTEMPTS)?
        .ok_or_else(|| StateError::Unknown(format!("package {name} is not known")))?;
    Ok(Facts {
        now: tx.now()?,
        freshness: freshness::of_package(tx, name)?,
        events: events::list(tx, Some(name), ATTEMPTS)?,
        versions: versions::list(tx, name, 50)?,
        package,
    })
}

fn search(tx: &mut Tx<'_>, word: &str) -> Result<Found, StateError> {
    let packages = package::beginning(tx, word, 50)?;
    let signature = failures::signature(tx, word)?.map(|group| group.signature);
    Ok(Found { packages, signature })
}

/// State's part of `show --json`: only the machine with the repository has the other part.
pub fn package_json(at: &Opened, name: &str) -> Result<Value, Error> {
    let package = at.store.read(|tx| {
        operate::known(tx, name)?;
        package::read(tx, name, ATTEMPTS)
    })?;
    Ok(serde_json::json!({ "package": name, "state": package }))
}
