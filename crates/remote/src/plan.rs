//! Plan for each ref of a repository, by the remote's refs. It has creations and fast-forwards only.

use std::collections::{BTreeMap, BTreeSet};

use crate::ObjectId;
use crate::abilities::Abilities;
use crate::problem::Problem;
use crate::refs::{Advertised, Wanted};
use crate::server::Move;

/// Relation of a foreign value of a ref to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kin {
    /// It is an ancestor of ours: a fast-forward.
    Ancestor,
    /// Ours is its ancestor: somebody else has added commits.
    Ahead,
    /// The two have diverged, or theirs is not known here.
    Other,
}

/// Judge of a ref that is not where we put it; the only place where that is decided.
pub trait Judge {
    /// Relation of `theirs` to `ours`, for a ref.
    fn judge(&self, name: &str, ours: ObjectId, theirs: ObjectId) -> Result<Kin, Problem>;
}

/// Decision about a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is published.
    Same,
    /// It is created.
    Create,
    /// It is moved forward from here.
    Forward(ObjectId),
    /// It points elsewhere, and stays: a foreign ref.
    Foreign(ObjectId, Kin),
    /// A ref of this name blocks it.
    Blocked(String),
    /// The server refuses it, and gives a reason.
    Withheld(String),
}

impl Decision {
    /// The word for this value.
    pub fn as_str(&self) -> &'static str {
        match self {
            Decision::Same => "same",
            Decision::Create => "create",
            Decision::Forward(_) => "forward",
            Decision::Foreign(..) => "foreign",
            Decision::Blocked(_) => "blocked",
            Decision::Withheld(_) => "withheld",
        }
    }
}

/// Decisions about all refs, in the order of `wanted`.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Each ref with its decision.
    pub steps: Vec<(Wanted, Decision)>,
}

/// Refs that move with one push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The moves, in this order.
    pub moves: Vec<Move>,
    /// True when all or none of them are made.
    pub atomic: bool,
}

/// Makes the plan. `withheld` are refs that the server has refused just now.
///
/// # Errors
/// Errors of the judge.
pub fn make(
    wanted: &[Wanted],
    found: &Advertised,
    abilities: &Abilities,
    withheld: &BTreeMap<String, String>,
    judge: &dyn Judge,
) -> Result<Plan, Problem> {
    let mut steps = Vec::with_capacity(wanted.len());
    for it in wanted {
        let refusal = || withheld.get(&it.name).map(String::as_str).or_else(|| abilities.refusal(&it.name));
        let decision = match found.refs.get(&it.name) {
            Some(theirs) if *theirs == it.id => Decision::Same,
            Some(theirs) => match kin(it, *theirs, judge)? {
                Kin::Ancestor => {
                    refusal().map_or(Decision::Forward(*theirs), |why| Decision::Withheld(why.to_owned()))
                }
                kin => Decision::Foreign(*theirs, kin),
            },
            None => match (conflict(&it.name, &found.refs), refusal()) {
                (Some(other), _) => Decision::Blocked(other),
                (None, Some(why)) => Decision::Withheld(why.to_owned()),
                (None, None) => Decision::Create,
            },
        };
        steps.push((it.clone(), decision));
    }
    Ok(Plan { steps })
}

/// Relation of a foreign value to ours. Only branches move, so any other value of a tag is a foreign one.
fn kin(wanted: &Wanted, theirs: ObjectId, judge: &dyn Judge) -> Result<Kin, Problem> {
    if wanted.is_branch() { judge.judge(&wanted.name, wanted.id, theirs) } else { Ok(Kin::Other) }
}

/// A ref that is a folder of this name, or of which this name is a folder.
fn conflict<T>(name: &str, refs: &BTreeMap<String, T>) -> Option<String> {
    let mut folder = name;
    while let Some((shorter, _)) = folder.rsplit_once('/') {
        if refs.contains_key(shorter) {
            return Some(shorter.to_owned());
        }
        folder = shorter;
    }
    let below = format!("{name}/");
    let (next, _) = refs.range(below.clone()..).next()?;
    next.starts_with(&below).then(|| next.clone())
}

impl Plan {
    /// Refs that move, each.
    fn moves(&self) -> impl Iterator<Item = (&Wanted, Move)> {
        self.steps.iter().filter_map(|(wanted, decision)| {
            let old = match decision {
                Decision::Create => None,
                Decision::Forward(old) => Some(*old),
                _ => return None,
            };
            let it = Move { name: wanted.name.clone(), old, new: wanted.id, peeled: wanted.peeled };
            Some((wanted, it))
        })
    }

    /// Number of refs that move.
    pub fn moving(&self) -> usize {
        self.moves().count()
    }

    /// Refs that somebody else has moved, and their present positions.
    pub fn foreign(&self) -> impl Iterator<Item = (&Wanted, ObjectId, Kin)> {
        self.steps.iter().filter_map(|(wanted, decision)| match decision {
            Decision::Foreign(theirs, kin) => Some((wanted, *theirs, *kin)),
            _ => None,
        })
    }

    /// All that moves in one push, all or none: nobody sees a part of it, so no order is needed. `None` if the server is not
    /// known to be able to do that.
    pub fn as_one(&self, abilities: &Abilities) -> Option<Batch> {
        let moves: Vec<Move> = self.moves().map(|(_, it)| it).collect();
        let can = moves.len() > 1 && abilities.takes_together(moves.iter().map(|it| it.name.as_str()));
        can.then_some(Batch { moves, atomic: true })
    }

    /// All that moves, in the order in which it is safe. Refs that a server may not accept go alone and first, each `.dsc`
    /// before its tag: a tag says that its version is complete, and a cache may be gone before the next push. A server
    /// shows that branch first which it gets first, so a new repository gets the default branch alone, with the tags of
    /// its tip. Then come tags, `most` at a time, with their objects, so that no push is without bounds; branches are
    /// last, all or none, with the tags of their tips: nobody sees a branch without its tag.
    pub fn batches(&self, head: Option<&str>, is_new: bool, most: usize, atomic: bool) -> Vec<Batch> {
        let mut first = Vec::new();
        let (mut tags, mut optional, mut last_tags, mut branches) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let moving: Vec<(&Wanted, Move)> = self.moves().collect();
        let tips = |of: &dyn Fn(&Wanted) -> bool| -> BTreeSet<ObjectId> {
            moving
                .iter()
                .filter(|(wanted, _)| wanted.is_branch() && of(wanted))
                .map(|(_, it)| it.new)
                .collect()
        };
        let is_head = |wanted: &Wanted| is_new && Some(wanted.name.as_str()) == head;
        let (head_tip, all_tips) = (tips(&is_head), tips(&|_| true));
        for (wanted, it) in &moving {
            let target = it.peeled.unwrap_or(it.new);
            let list = if is_head(wanted) {
                &mut first
            } else if wanted.is_branch() {
                &mut branches
            } else if crate::abilities::optional_folder(&it.name).is_some() {
                &mut optional
            } else if head_tip.contains(&target) {
                &mut first
            } else if all_tips.contains(&target) {
                &mut last_tags
            } else {
                &mut tags
            };
            list.push(it.clone());
        }
        // Of one push without `--atomic`, tags come first.
        first.sort_by_key(|it| it.name.starts_with("refs/heads/"));
        let mut batches = Vec::new();
        let mut add = |moves: Vec<Move>, atomic: bool| {
            if !moves.is_empty() {
                let atomic = atomic && moves.len() > 1;
                batches.push(Batch { moves, atomic });
            }
        };
        optional.chunks(most.max(1)).for_each(|some| add(some.to_vec(), false));
        add(first, atomic);
        tags.chunks(most.max(1)).for_each(|some| add(some.to_vec(), false));
        if atomic {
            last_tags.extend(branches);
            add(last_tags, true);
        } else {
            add(last_tags, false);
            add(branches, false);
        }
        batches
    }
}
