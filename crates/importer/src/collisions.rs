//! Collisions between the repository, where an import finds and settles them, and the state, which remembers them.

use std::collections::BTreeMap;
use std::str::FromStr;

use packaging_repo::collision::{self, Collision, Decision, Kind, Standing};
use packaging_repo::foreign::Foreign;
use packaging_repo::history::History;
use packaging_repo::refs::Edit;
use packaging_repo::view::View;
use packaging_repo::{Error, ObjectId};
use serde::{Deserialize, Serialize};
use state::publication::collisions::{Collision as Row, Found};

use crate::failure::{Code, Failure, Stage};

/// An open collision as the state has it, with its decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Number of the collision.
    pub id: i64,
    /// The full name of the ref.
    pub name: String,
    /// Kind of the collision.
    pub kind: String,
    /// Object that the importer had put the ref to.
    pub ours: Option<String>,
    /// Object that the ref was found at.
    pub theirs: Option<String>,
    /// Names under which it was set aside, and offered.
    pub set_aside: Vec<String>,
    /// Decision of an operator.
    pub decision: Option<String>,
}

/// Collisions of a package that the state has on record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Those that are open.
    pub open: Vec<Open>,
    /// Refs and objects of all, also of those that have ended.
    pub told: Vec<(String, String)>,
}

impl Known {
    /// Of the rows of a package.
    pub fn of(rows: &[Row]) -> Known {
        let open = rows.iter().filter(|it| it.ended.is_none()).map(|it| Open {
            id: it.id,
            name: it.name.clone(),
            kind: it.kind.clone(),
            ours: it.ours.clone(),
            theirs: it.theirs.clone(),
            set_aside: it.aside.iter().chain(&it.offer).cloned().collect(),
            decision: it.decision.clone(),
        });
        let told = rows.iter().filter_map(|it| Some((it.name.clone(), it.theirs.clone()?)));
        Known { open: open.collect(), told: told.collect() }
    }

    /// True when a ref that somebody else made was in the way.
    pub fn is_blocked(&self) -> bool {
        self.open.iter().any(|it| it.kind == Kind::Blocked.as_str())
    }

    /// True when a decision is still to be carried out.
    pub fn has_decisions(&self) -> bool {
        self.open.iter().any(|it| it.decision.is_some())
    }
}

/// Changes of collisions that an import reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// New collisions.
    pub found: Vec<Told>,
    /// Rows that have ended, and how.
    pub ended: Vec<(i64, String)>,
    /// Rows whose decision cannot be carried out, and why.
    pub trouble: Vec<(i64, String)>,
}

/// A collision on its way to the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    name: String,
    kind: String,
    who: Option<String>,
    made: Option<i64>,
    ours: Option<String>,
    theirs: Option<String>,
    paths: Vec<String>,
    aside: Option<String>,
    offer: Option<String>,
}

impl From<Collision> for Told {
    fn from(it: Collision) -> Told {
        let text = |id: Option<ObjectId>| id.map(|id| id.to_string());
        Told {
            name: it.name,
            kind: it.kind.as_str().to_owned(),
            who: it.who,
            made: it.made.map(|seconds| seconds.saturating_mul(1000)),
            ours: text(it.ours),
            theirs: text(it.theirs),
            paths: it.paths,
            aside: it.aside,
            offer: it.offer,
        }
    }
}

impl Told {
    fn row(&self) -> Found {
        Found {
            name: self.name.clone(),
            waits: Kind::from_str(&self.kind).is_ok_and(Kind::waits),
            kind: self.kind.clone(),
            who: self.who.clone(),
            made: self.made,
            ours: self.ours.clone(),
            theirs: self.theirs.clone(),
            paths: self.paths.clone(),
            aside: self.aside.clone(),
            offer: self.offer.clone(),
        }
    }

    /// The ref and the object.
    pub fn place(&self) -> Option<(String, String)> {
        Some((self.name.clone(), self.theirs.clone()?))
    }

    /// The collision in a line, for the log of a job.
    pub fn line(&self) -> String {
        let who = self.who.as_deref().unwrap_or("somebody");
        let aside = self.aside.as_ref().map_or(String::new(), |aside| format!("; set aside as {aside}"));
        format!("collision: {} is {}, by {who}{aside}", self.name, self.kind)
    }
}

impl News {
    /// True when there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.ended.is_empty() && self.trouble.is_empty()
    }

    /// Adds the news of a later process.
    pub fn add(&mut self, later: News) {
        self.found.extend(later.found);
        self.ended.extend(later.ended);
        self.trouble.extend(later.trouble);
    }

    /// New collisions, as rows for the state.
    pub fn rows(&self) -> Vec<Found> {
        self.found.iter().map(Told::row).collect()
    }
}

/// Moves all branches to their targets, carries out decisions, and finds collisions that have ended.
///
/// # Errors
/// [`Error`] when the repository cannot be read or written.
pub fn settle(history: &mut History<'_>, known: &Known) -> Result<News, Error> {
    let settled = history.settle()?;
    let mut news = News::default();
    for open in &known.open {
        let Some(it) = standing(open) else { continue };
        let Some(decision) = open.decision.as_deref().and_then(|word| Decision::from_str(word).ok()) else {
            continue;
        };
        let set_aside: Vec<&str> = open.set_aside.iter().map(String::as_str).collect();
        match history.decide(&it, decision, &set_aside)? {
            Ok(()) => news.ended.push((open.id, decision.as_str().to_owned())),
            Err(why) => news.trouble.push((open.id, why)),
        }
    }
    for open in &known.open {
        let has_ended = news.ended.iter().any(|(id, _)| *id == open.id);
        let Some(it) = standing(open).filter(|_| !has_ended) else { continue };
        if let Some(how) = history.ended(&it)? {
            news.ended.push((open.id, how.to_owned()));
        }
    }
    let told: Vec<(String, ObjectId)> =
        known.told.iter().filter_map(|(name, id)| Some((name.clone(), parse(id)?))).collect();
    let mut fresh: Vec<Collision> = settled.into_iter().filter(|it| it.kind != Kind::Adopted).collect();
    let told: Vec<_> =
        fresh.iter().filter_map(|it| Some((it.name.clone(), it.theirs?))).chain(told).collect();
    fresh.extend(history.untold(&told)?);
    news.found.extend(fresh.into_iter().map(Told::from));
    Ok(news)
}

fn standing(open: &Open) -> Option<Standing> {
    Some(Standing {
        name: open.name.clone(),
        kind: Kind::from_str(&open.kind).ok()?,
        ours: open.ours.as_deref().and_then(parse),
        theirs: open.theirs.as_deref().and_then(parse),
    })
}

fn parse(id: &str) -> Option<ObjectId> {
    ObjectId::from_hex(id.as_bytes()).ok()
}

/// Collisions among foreign refs that stay in place and wait for a person.
pub fn of_refs(found: &[Foreign], judged: &[Option<Collision>]) -> Vec<Told> {
    let both = found.iter().zip(judged);
    let waiting = both.filter_map(|(foreign, it)| {
        let it = it.as_ref().filter(|it| it.kind.waits())?;
        // A branch of ours is joined first, and told of then.
        let is_joined = matches!(it.kind, Kind::Unmerged | Kind::Conflict) && foreign.ours.is_some();
        (!is_joined).then(|| it.clone())
    });
    waiting.map(Told::from).collect()
}

/// Foreign refs that keep an import from writing its own, and what is needed. In a cache of a remote's repository nothing
/// can be decided: what is renamed here would come back with the next fetch.
pub fn blocked(edits: &[Edit], view: &View, is_cache: bool) -> Option<(Vec<Collision>, Failure)> {
    let blocking = collision::blocking(edits, view);
    let first = blocking.first()?;
    let (name, needed) = first;
    let message = if is_cache {
        format!(
            "ref {name}, which somebody else made on the remote, is in the way of {needed}. The importer removes nothing there: \
             once it is gone, the package is imported within six hours, or at once by `package-import publish PACKAGE`"
        )
    } else {
        format!(
            "ref {name}, which somebody else made, is in the way of {needed}: one of the two has to have another name, and \
             nothing can be imported before. `package-import collisions` has its number, `package-import collision resolve \
             NUMBER --drop --reason WHY` gives it another name and goes on"
        )
    };
    let mut each: BTreeMap<&String, Collision> = BTreeMap::new();
    for (name, _) in &blocking {
        let theirs = view.taken(name);
        each.insert(name, Collision { theirs, ..collision::blocked(name) });
    }
    Some((each.into_values().collect(), Failure::new(Stage::Publish, Code::Blocked, message)))
}
