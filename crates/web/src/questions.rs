//! All queries of the state, one function each: for pages and for `/api/v1`. Nothing else in this crate reads the
//! state. No query's cost grows with history.

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
use state::repair::findings::Count;
use state::repair::mutes::Mute;
use state::repair::plans;
use state::tx::Tx;
use state::{StateError, breaker, operate};

use crate::reader::{Answer, Reader, Trouble};

/// Signatures on the front page.
const TOP: i64 = 20;
/// Jobs that are shown as running.
const RUNNING: i64 = 50;
/// Rows of a table.
pub const ROWS: i64 = 100;
/// The most attempts of a package that are shown.
const ATTEMPTS: i64 = 20;
/// Hours of the chart: two weeks.
pub const HOURS: i64 = 14 * 24;
/// Packages behind that are listed: why each is takes several questions.
const BEHIND: u32 = 50;
/// Plans that are listed.
const PLANS: u32 = 50;
/// Packages of a plan that are shown.
pub const PARTS: u32 = 50;
/// Plans of a package that are shown.
const OF_PACKAGE: i64 = 5;
/// The most outages of a dependency that are searched.
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
    /// The newest plans of repair that it is part of.
    pub plans: Vec<(plans::Plan, plans::Part)>,
}

/// Findings of repositories, and the plans of repair.
pub struct Repairs {
    /// Unix milliseconds of the reading.
    pub now: i64,
    /// Findings by their codes.
    pub findings: Vec<Count>,
    /// Mutes that hold.
    pub mutes: Vec<Mute>,
    /// The newest plans.
    pub plans: Vec<asked::PlanListed>,
}

fn repairs(at: &Opened) -> Result<Repairs, Error> {
    Ok(Repairs {
        now: at.store.read(|tx| tx.now())?,
        findings: asked::findings(at)?,
        mutes: asked::mutes(at)?.mutes,
        plans: asked::repair_plans(at, PLANS)?,
    })
}

/// Result of a search.
pub struct Found {
    /// The package with this name, and packages whose names begin with it.
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
    /// Time of reading.
    pub now: i64,
    /// The open ones, oldest first, then the ended ones, newest first.
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
    pub async fn front(&self, then: Option<i64>) -> Result<Answer<Front>, Trouble> {
        self.ask("front".into(), then, |at| Ok(at.store.read(front)?)).await
    }

    /// All causes of failures, most packages first.
    pub async fn groups(&self, then: Option<i64>) -> Result<Answer<Vec<Group>>, Trouble> {
        let read = |tx: &mut Tx<'_>| failures::groups(tx, &Filter::default(), ROWS);
        self.ask("groups".into(), then, move |at| Ok(at.store.read(read)?)).await
    }

    /// A signature and its packages.
    pub async fn cause(&self, short: String, then: Option<i64>) -> Result<Answer<Cause>, Trouble> {
        let key = format!("cause {short}");
        self.ask(key, then, move |at| Ok(at.store.read(|tx| cause(tx, &short))?)).await
    }

    /// Reads a package.
    pub async fn package(&self, name: String, then: Option<i64>) -> Result<Answer<Facts>, Trouble> {
        let key = format!("package {name}");
        self.ask(key, then, move |at| Ok(at.store.read(|tx| facts(tx, &name))?)).await
    }

    /// Reads the queue.
    pub async fn queue(&self, then: Option<i64>) -> Result<Answer<asked::Queue>, Trouble> {
        self.ask("queue".into(), then, |at| asked::queue(at, None, ROWS as u32)).await
    }

    /// Reads the hosts.
    pub async fn hosts(&self, then: Option<i64>) -> Result<Answer<asked::Workers>, Trouble> {
        self.ask("hosts".into(), then, asked::workers).await
    }

    /// Reads the archives.
    pub async fn archives(&self, then: Option<i64>) -> Result<Answer<Suites>, Trouble> {
        let read = |tx: &mut Tx<'_>| {
            Ok(Suites { now: tx.now()?, suites: archives::list(tx)?, waits: archives::waits(tx)? })
        };
        self.ask("archives".into(), then, move |at| Ok(at.store.read(read)?)).await
    }

    /// Collisions: those that wait, and the last that have ended.
    pub async fn collisions(&self) -> Result<Answer<Collisions>, Trouble> {
        self.ask("collisions".into(), None, |at| Ok(at.store.read(collisions)?)).await
    }

    /// A collision, with what would be lost.
    pub async fn collision(&self, id: i64) -> Result<Answer<asked::CollisionShown>, Trouble> {
        self.ask(format!("collision {id}"), None, move |at| asked::collision(at, id)).await
    }

    /// The remotes; or one, with the packages that something is wrong with.
    pub async fn remotes(&self, name: Option<String>) -> Result<Answer<asked::Remotes>, Trouble> {
        self.ask(format!("remotes {name:?}"), None, move |at| {
            asked::remotes(at, name.as_deref(), ROWS as u32)
        })
        .await
    }

    /// A feed.
    pub async fn feed(&self, which: Which) -> Result<Answer<Feed>, Trouble> {
        self.ask(format!("feed {}", which.name()), None, move |at| feeds::read(at, &which)).await
    }

    /// The audit trail, of one subject or of all, older than an entry if one is named.
    pub async fn audit(
        &self,
        subject: Option<String>,
        then: Option<i64>,
    ) -> Result<Answer<Vec<Event>>, Trouble> {
        let key = format!("audit {subject:?}");
        self.ask(key, then, move |at| Ok(at.store.read(|tx| events::list(tx, subject.as_deref(), ROWS))?))
            .await
    }

    /// Packages whose branches lack something that is published.
    pub async fn freshness(&self, then: Option<i64>) -> Result<Answer<asked::Freshness>, Trouble> {
        self.ask("freshness".into(), then, |at| asked::freshness(at, BEHIND)).await
    }

    /// Incidents of the last days.
    pub async fn incidents(&self, days: u64) -> Result<Answer<asked::Incidents>, Trouble> {
        let span = std::time::Duration::from_secs(days * 24 * 3600);
        self.ask(format!("incidents {days}"), None, move |at| asked::incidents(at, Some(span))).await
    }

    /// An incident, with its timeline.
    pub async fn incident(&self, id: String) -> Result<Answer<asked::IncidentShown>, Trouble> {
        self.ask(format!("incident {id}"), None, move |at| asked::incident(at, &id)).await
    }

    /// Findings, mutes, the newest plans of repair.
    pub async fn repairs(&self) -> Result<Answer<Repairs>, Trouble> {
        self.ask("repairs".into(), None, repairs).await
    }

    /// A plan of repair.
    pub async fn plan(&self, id: i64) -> Result<Answer<asked::PlanBegin>, Trouble> {
        self.ask(format!("plan {id}"), None, move |at| asked::repair_plan_begin(at, id, PARTS)).await
    }

    /// Finds packages and signatures that begin with a word.
    pub async fn search(&self, word: String) -> Result<Answer<Found>, Trouble> {
        self.ask(format!("search {word}"), None, move |at| Ok(at.store.read(|tx| search(tx, &word))?)).await
    }

    /// The log of an attempt, if this machine has it.
    pub async fn log(&self, attempt: i64) -> Result<Answer<String>, Trouble> {
        let wanted = asked::LogWanted::Attempt(attempt);
        self.ask(format!("log {attempt}"), None, move |at| asked::log(at, &wanted)).await
    }

    /// Reads the metrics.
    pub async fn metrics(&self) -> Result<Answer<state::read::metrics::Metrics>, Trouble> {
        self.ask("metrics".into(), None, asked::metrics).await
    }

    /// Reads what a command prints with `--json`.
    pub async fn json(
        &self,
        key: String,
        then: Option<i64>,
        question: impl FnOnce(&Opened) -> Result<Value, Error> + Send + 'static,
    ) -> Result<Answer<Value>, Trouble> {
        self.ask(format!("json {key}"), then, question).await
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

/// Every query of a page, with names from a test's state.
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
    ("freshness", |at| asked::freshness(at, BEHIND).map(drop)),
    ("incidents", |at| asked::incidents(at, None).map(drop)),
    ("plans", |at| repairs(at).map(drop)),
    ("plan", |at| asked::repair_plan_begin(at, 1, PARTS).map(drop)),
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
    let plans = match (tx.is_past(), package::id(tx, name)?) {
        (false, Some(id)) => plans::of_package(tx, id, OF_PACKAGE)?,
        _ => Vec::new(),
    };
    Ok(Facts {
        now: tx.now()?,
        freshness: freshness::of_package(tx, name)?,
        events: events::list(tx, Some(name), ATTEMPTS)?,
        versions: versions::list(tx, name, 50)?,
        plans,
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
