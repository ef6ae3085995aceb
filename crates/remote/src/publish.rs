//! Publishes the wanted refs on a remote: read, plan, push, read again, until nothing moves any more. Only refs that
//! were read back count: a client that died may have pushed everything, and one that said `ok` half of it.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use crate::ObjectId;
use crate::abilities::{self, Abilities};
use crate::plan::{self, Batch, Decision, Judge, Kin, Plan};
use crate::porcelain::{Became, Told};
use crate::problem::Problem;
use crate::refs::{self, Advertised, Wanted};
use crate::server::{Created, Move, Server};

/// Number of times that another pusher may be faster.
const RACES: u32 = 6;
/// Number of rounds. In each round something moves, is raced for, or is refused for good.
const ROUNDS: u32 = 60;
/// Number of further looks at a lock on the server; next, the pause before each.
const LOCKED: u32 = 2;
const LOCK: Duration = Duration::from_millis(500);
/// Number of pushes of one package that find out the refs which a server refuses; then the rest of a push is refused
/// with them.
const PIECES: u32 = 24;
/// From then on refs move one by one: a refused one keeps back those that are not.
const PATIENCE: u32 = 6;

/// Refs that a repository is to have.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The refs.
    pub refs: Vec<Wanted>,
    /// Full name of the branch that a clone checks out.
    pub head: Option<String>,
}

impl Desired {
    /// One word for all of it.
    pub fn fingerprint(&self) -> String {
        refs::fingerprint(self.refs.iter().map(|it| (it.name.as_str(), &it.id)))
    }
}

/// A ref that somebody else moved, and that was left where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Name of the ref.
    pub name: String,
    /// Object that we put it to.
    pub ours: ObjectId,
    /// Object that it points to.
    pub theirs: ObjectId,
    /// Relation of the two.
    pub kin: Kin,
}

/// Result of publishing.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// Refs that are in place, as read back.
    pub there: usize,
    /// Names of the refs that were moved now.
    pub moved: Vec<String>,
    /// Foreign refs.
    pub foreign: Vec<Foreign>,
    /// Refs that another ref blocks, and which ref.
    pub blocked: Vec<(String, String)>,
    /// Refs that the server refuses, and why; without the kinds that it accepts from no package.
    pub refused: Vec<(String, String)>,
    /// Number of refs that stay here because the server accepts none of their kind.
    pub kept: usize,
    /// Fingerprint of the wanted refs that were read back.
    pub fingerprint: String,
    /// The branch that a clone checks out, if it differs from the wanted one: possibly none.
    pub wrong_head: Option<Option<String>>,
    /// True when the repository was created.
    pub created: bool,
}

impl Published {
    /// True when everything is there that the server accepts.
    pub fn is_complete(&self) -> bool {
        self.foreign.is_empty() && self.blocked.is_empty() && self.refused.is_empty()
    }
}

/// Callback that keeps foreign objects, before any ref moves.
pub type Aside<'a> = &'a mut dyn FnMut(&[Foreign]) -> Result<(), Problem>;

/// Means of publishing.
pub struct Publisher<'a> {
    /// The server.
    pub server: &'a dyn Server,
    /// Judge of refs that are not where we put them.
    pub judge: &'a dyn Judge,
    /// Usual largest number of refs in one push.
    pub most: usize,
}

/// State of the work.
struct Work<'a, 'b> {
    publisher: &'a Publisher<'b>,
    desired: &'a Desired,
    abilities: &'a mut Abilities,
    withheld: BTreeMap<String, String>,
    set_aside: BTreeSet<(String, ObjectId)>,
    moved: BTreeSet<String>,
    pieces: u32,
    created: bool,
    /// The repository was created with the branch that a clone checks out.
    has_head: bool,
    is_missing: bool,
}

/// Result of a push.
#[derive(Default)]
struct Pushed {
    moved: usize,
    raced: bool,
    refused: usize,
}

impl Publisher<'_> {
    /// Previews publishing. A missing repository has no refs.
    pub fn look(&self, desired: &Desired, abilities: &Abilities) -> Result<(Plan, Advertised), Problem> {
        let found = match self.server.read() {
            Err(Problem::Missing { .. }) => Advertised::default(),
            other => other?,
        };
        let plan = plan::make(&desired.refs, &found, abilities, &BTreeMap::new(), self.judge)?;
        Ok((plan, found))
    }

    /// Publishes. Facts about the server are in `abilities` afterwards, also after an error.
    ///
    /// # Errors
    /// [`Problem`] that keeps the package from being published. A ref that the server refuses is in the result.
    pub fn publish(
        &self,
        desired: &Desired,
        abilities: &mut Abilities,
        aside: Aside<'_>,
    ) -> Result<Published, Problem> {
        let mut work = Work {
            publisher: self,
            desired,
            abilities,
            withheld: BTreeMap::new(),
            set_aside: BTreeSet::new(),
            moved: BTreeSet::new(),
            pieces: 0,
            created: false,
            has_head: false,
            is_missing: false,
        };
        work.run(aside)
    }
}

impl Work<'_, '_> {
    fn run(&mut self, aside: Aside<'_>) -> Result<Published, Problem> {
        let mut races = 0;
        let mut has_head = false;
        for round in 0..ROUNDS {
            let found = self.read()?;
            let plan =
                plan::make(&self.desired.refs, &found, self.abilities, &self.withheld, self.publisher.judge)?;
            self.keep_aside(&plan, aside)?;
            let wrong = self.wrong_head(&found);
            if plan.moving() == 0 {
                if let (Some(_), Some(head), false) = (&wrong, &self.desired.head, has_head)
                    && found.refs.contains_key(head)
                {
                    has_head = true;
                    if self.publisher.server.set_head(head)? {
                        continue;
                    }
                }
                return Ok(self.report(&found, &plan, wrong));
            }
            let atomic = self.abilities.atomic != Some(false) && round < PATIENCE;
            let pushed = self.push_all(&plan, &found, atomic)?;
            if pushed.raced {
                races += 1;
                if races > RACES {
                    return Err(Problem::Raced(races));
                }
            } else if pushed.moved == 0 && pushed.refused == 0 && round >= PATIENCE {
                return Err(Problem::Failed("the server moves nothing and says no reason".into()));
            }
        }
        Err(Problem::Failed(format!("not everything is there after {ROUNDS} rounds")))
    }

    /// Refs of the server. A missing repository is created, or comes with the first push.
    fn read(&mut self) -> Result<Advertised, Problem> {
        let missing = match self.publisher.server.read() {
            Err(problem @ Problem::Missing { .. }) => problem,
            other => return other,
        };
        if self.created || self.is_missing {
            return Err(missing);
        }
        let created = self.publisher.server.create()?;
        if created != Created::No {
            self.created = true;
            self.has_head = created == Created::WithHead;
            // A repository that was made just now has no refs. If it has, the push is refused, and they are read.
            return Ok(Advertised::default());
        }
        self.is_missing = true;
        if self.abilities.creates == Some(false) { Err(missing) } else { Ok(Advertised::default()) }
    }

    fn keep_aside(&mut self, plan: &Plan, aside: Aside<'_>) -> Result<(), Problem> {
        let mut new = Vec::new();
        for (wanted, theirs, kin) in plan.foreign() {
            if self.set_aside.insert((wanted.name.clone(), theirs)) {
                new.push(Foreign { name: wanted.name.clone(), ours: wanted.id, theirs, kin });
            }
        }
        if new.is_empty() { Ok(()) } else { aside(&new) }
    }

    fn wrong_head(&self, found: &Advertised) -> Option<Option<String>> {
        let wanted = self.desired.head.as_ref()?;
        (found.head.as_ref() != Some(wanted)).then(|| found.head.clone())
    }

    fn push_all(&mut self, plan: &Plan, found: &Advertised, atomic: bool) -> Result<Pushed, Problem> {
        let is_whole = self.publisher.server.is_whole();
        let most = if is_whole { usize::MAX } else { self.publisher.most };
        let mut all = Pushed::default();
        let is_headless = found.is_new() && !is_whole && !self.has_head;
        let batches =
            match plan.as_one(self.abilities).filter(|it| atomic && !is_headless && it.moves.len() <= most) {
                Some(all) => vec![all],
                None => plan.batches(self.desired.head.as_deref(), is_headless, most, atomic),
            };
        for batch in batches {
            let pushed = self.push(&batch)?;
            all.moved += pushed.moved;
            all.raced |= pushed.raced;
            all.refused += pushed.refused;
            // The rest of the plan is for refs that have changed.
            if all.raced {
                break;
            }
        }
        Ok(all)
    }

    /// Pushes a batch, in pieces if the server finds it too large.
    fn push(&mut self, batch: &Batch) -> Result<Pushed, Problem> {
        let told = match self.attempt(batch) {
            Err(Problem::TooLarge(why)) => return self.in_pieces(batch, &why),
            other => other?,
        };
        // A hook that sees the whole push does not name the ref that it refuses.
        let whole = told.iter().find_map(|it| match &it.became {
            Became::Refused(why) if why.contains("pre-receive") => Some(why.clone()),
            _ => None,
        });
        if let Some(why) = whole.filter(|_| batch.moves.len() > 1) {
            return self.in_pieces(batch, &why);
        }
        Ok(self.weigh(&told))
    }

    fn in_pieces(&mut self, batch: &Batch, why: &str) -> Result<Pushed, Problem> {
        self.pieces += 2;
        let mut all = Pushed::default();
        if batch.moves.len() < 2 || self.pieces > PIECES {
            for it in &batch.moves {
                self.withheld.insert(it.name.clone(), why.to_owned());
            }
            all.refused = batch.moves.len();
            return Ok(all);
        }
        let half = batch.moves.len() / 2;
        for moves in [&batch.moves[..half], &batch.moves[half..]] {
            let piece = Batch { moves: moves.to_vec(), atomic: batch.atomic && moves.len() > 1 };
            let pushed = self.push(&piece)?;
            all.moved += pushed.moved;
            all.raced |= pushed.raced;
            all.refused += pushed.refused;
            if all.raced {
                break;
            }
        }
        Ok(all)
    }

    /// Pushes, and learns whether the server supports atomic pushes and creates repositories.
    fn attempt(&mut self, batch: &Batch) -> Result<Vec<Told>, Problem> {
        let server = self.publisher.server;
        let is_missing = self.is_missing;
        let mut pushed = server.push(&batch.moves, batch.atomic);
        // A running push of others has locks, too, and releases them.
        for _ in 0..LOCKED {
            if !matches!(pushed, Err(Problem::StaleLock { .. })) {
                break;
            }
            thread::sleep(LOCK);
            pushed = server.push(&batch.moves, batch.atomic);
        }
        let told = match pushed {
            Err(Problem::NotAtomic) => {
                self.abilities.atomic = Some(false);
                // Not both at once: tags are first in a batch, and a branch never precedes them.
                let split = batch.moves.iter().position(|it| it.name.starts_with("refs/heads/")).unwrap_or(0);
                let (tags, branches): (&[Move], &[Move]) = batch.moves.split_at(split);
                let mut told = Vec::new();
                for moves in [tags, branches].into_iter().filter(|moves| !moves.is_empty()) {
                    told.extend(server.push(moves, false)?);
                }
                told
            }
            Err(problem @ Problem::Missing { .. }) if is_missing => {
                self.abilities.creates = Some(false);
                return Err(problem);
            }
            other => other?,
        };
        if batch.atomic && self.abilities.atomic.is_none() {
            self.abilities.atomic = Some(true);
        }
        if is_missing {
            self.is_missing = false;
            self.created = true;
            self.abilities.creates = Some(true);
        }
        Ok(told)
    }

    fn weigh(&mut self, told: &[Told]) -> Pushed {
        let mut all = Pushed::default();
        for it in told {
            match &it.became {
                Became::Moved => {
                    all.moved += 1;
                    self.moved.insert(it.name.clone());
                    self.abilities.learn(&it.name, None);
                }
                Became::Same | Became::Held => {}
                Became::Raced(_) => all.raced = true,
                Became::Hidden(why) | Became::Refused(why) => {
                    all.refused += 1;
                    self.withheld.insert(it.name.clone(), why.clone());
                    self.abilities.learn(&it.name, Some(why));
                }
            }
        }
        all
    }

    fn report(&self, found: &Advertised, plan: &Plan, wrong: Option<Option<String>>) -> Published {
        let mut done = Published {
            moved: self.moved.iter().cloned().collect(),
            created: self.created,
            wrong_head: wrong,
            ..Published::default()
        };
        for (wanted, decision) in &plan.steps {
            let name = wanted.name.clone();
            match decision {
                Decision::Same => done.there += 1,
                Decision::Foreign(theirs, kin) => {
                    done.foreign.push(Foreign { name, ours: wanted.id, theirs: *theirs, kin: *kin });
                }
                Decision::Blocked(by) => done.blocked.push((name, by.clone())),
                Decision::Withheld(_) if abilities::optional_folder(&name).is_some() => done.kept += 1,
                Decision::Withheld(why) => done.refused.push((name, why.clone())),
                Decision::Create | Decision::Forward(_) => {}
            }
        }
        let there = self.desired.refs.iter().filter(|it| found.refs.get(&it.name) == Some(&it.id));
        done.fingerprint = refs::fingerprint(there.map(|it| (it.name.as_str(), &it.id)));
        done
    }
}
