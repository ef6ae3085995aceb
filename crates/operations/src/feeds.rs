//! Atom feeds: what is new about failures, collisions, a package.

use notify::Config;
pub use notify::feed::{Entry, Feed};
use state::outbox::notices::{self, Notice};
use state::outbox::words::Kind;
use state::publication::collisions::{self, Collision, Filter};
use state::read::package::{self, Attempt};
use state::tx::Tx;
use state::{StateError, meta, operate};

use crate::error::Error;
use crate::installation::Opened;

/// What is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// New signatures, what rises, outages.
    Failures,
    /// Refs that somebody else has moved.
    Collisions,
    /// A package.
    Package(String),
}

/// What the feed of failures has.
const FAILURES: [Kind; 5] = [Kind::Outage, Kind::Alert, Kind::Surge, Kind::Removals, Kind::Signature];
/// Entries of a feed.
const ENTRIES: i64 = 50;

impl Which {
    /// Its name: a part of a path.
    pub fn name(&self) -> String {
        match self {
            Which::Failures => "failures".into(),
            Which::Collisions => "collisions".into(),
            Which::Package(name) => format!("packages/{name}"),
        }
    }
}

/// Reads one.
///
/// # Errors
/// There is no such package, or the state cannot be read.
pub fn read(at: &Opened, which: &Which) -> Result<Feed, Error> {
    let config = Config::of(&at.config.notify).map_err(|error| Error::Usage(error.to_string()))?;
    let installation = config.name.unwrap_or_else(|| "package-import".into());
    let (now, made, entries) = at.store.read(|tx| {
        let made = meta::get(tx, "created")?.unwrap_or_default();
        Ok((tx.now()?, made, entries(tx, which)?))
    })?;
    let title = match which {
        Which::Failures => format!("Failures of imports on {installation}"),
        Which::Collisions => format!("Collisions on {installation}"),
        Which::Package(name) => format!("Imports of {name} on {installation}"),
    };
    Ok(Feed { name: which.name(), title, installation: made, url: config.url, read: now, entries })
}

fn entries(tx: &mut Tx<'_>, which: &Which) -> Result<Vec<Entry>, StateError> {
    match which {
        Which::Failures => Ok(notices::newest_of(tx, &FAILURES, ENTRIES)?.iter().map(of_notice).collect()),
        Which::Collisions => {
            let filter = Filter { all: true, limit: ENTRIES, ..Filter::default() };
            Ok(collisions::list(tx, &filter)?.iter().map(of_collision).collect())
        }
        Which::Package(name) => {
            let id = operate::known(tx, name)?;
            let attempts = package::find(tx, id, &package::Attempts::default(), ENTRIES)?;
            Ok(attempts.iter().filter(|it| it.ended.is_some()).map(|it| of_attempt(name, it)).collect())
        }
    }
}

fn of_notice(it: &Notice) -> Entry {
    let page = match it.kind.as_str() {
        "signature" | "surge" => format!("/signatures/{}", it.subject),
        _ => "/".into(),
    };
    Entry {
        name: format!("notice-{}", it.id),
        title: it.line.clone(),
        at: it.at,
        lines: it.items.iter().chain(&it.hints).cloned().collect(),
        page: Some(page),
    }
}

fn of_collision(it: &Collision) -> Entry {
    let by = it.who.as_deref().map_or(String::new(), |who| format!(" by {who}"));
    let end = it.ending.as_deref().map_or(String::new(), |ending| format!(", ended: {ending}"));
    Entry {
        name: format!("collision-{}", it.id),
        title: format!("{}: {} {}{by}{end}", it.package, it.kind, it.name),
        at: it.ended.unwrap_or(it.since),
        lines: vec![format!("package-import collision show {}", it.id)],
        page: Some(format!("/collisions/{}", it.id)),
    }
}

fn of_attempt(package: &str, it: &Attempt) -> Entry {
    let code = match (&it.stage, &it.code) {
        (Some(stage), Some(code)) => format!(": {stage}/{code}"),
        _ => String::new(),
    };
    Entry {
        name: format!("attempt-{}", it.id),
        title: format!("{package} {}{code}", it.outcome.as_deref().unwrap_or("ended")),
        at: it.ended.unwrap_or(it.started),
        lines: it.message.iter().cloned().collect(),
        page: Some(format!("/packages/{package}")),
    }
}
