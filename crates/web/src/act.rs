//! Actions behind buttons: an action of `operations`, read from a form into types that cannot hold a wrong value, with
//! its preview and its reason. A preview is kept until it is confirmed, so that the action changes nothing that the
//! preview did not show.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use operations::actions::baseline::AcceptBaseline;
use operations::actions::collision::Resolve;
use operations::actions::hold::{Hold, Release};
use operations::actions::hosts::{Quiesce, Resume};
use operations::actions::mute::{Mute, Unmute};
use operations::actions::queue::{Prioritize, Requeue, Retry};
use operations::actions::repair::{ApplyRepair, Begun, PlanRepair, UndoRepair, Which};
use operations::actions::signature::Decide;
use operations::actions::suppress::{Suppress, Unsuppress};
use operations::{Action as _, Actor, Error, Failing, Imported, Names, Opened, Preview, Reason};
use source_package::finding::Finding;
use state::words::Policy;

/// An action of a form.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Try packages again.
    Retry(Retry),
    /// Take out of the queue.
    Hold(Hold),
    /// Release packages.
    Release(Release),
    /// Import packages next.
    Prioritize(Prioritize),
    /// Import again although it is imported.
    Requeue(Requeue),
    /// Keep from being counted.
    Suppress(Suppress),
    /// End a suppression.
    Unsuppress(Unsuppress),
    /// Decide about a signature.
    Policy(Decide),
    /// Take today's level for normal.
    Accept(AcceptBaseline),
    /// Decide about a collision.
    Resolve(Resolve),
    /// Let a host pause.
    Quiesce(Quiesce),
    /// Let it go on.
    Resume(Resume),
    /// Ask for a plan of repair.
    Plan(PlanRepair),
    /// Have a plan of repair carried out.
    Apply(ApplyRepair),
    /// Ask for the plan that takes one back.
    Undo(UndoRepair),
    /// Keep a kind of finding from being counted.
    Mute(Mute),
    /// Let it count again.
    Unmute(Unmute),
}

/// The fields of a form.
pub type Fields = HashMap<String, String>;

/// Applies an expression to whichever action it is.
macro_rules! each {
    ($wanted:expr, $action:ident => $call:expr) => {
        match $wanted {
            Wanted::Retry($action) => $call,
            Wanted::Hold($action) => $call,
            Wanted::Release($action) => $call,
            Wanted::Prioritize($action) => $call,
            Wanted::Requeue($action) => $call,
            Wanted::Suppress($action) => $call,
            Wanted::Unsuppress($action) => $call,
            Wanted::Policy($action) => $call,
            Wanted::Accept($action) => $call,
            Wanted::Resolve($action) => $call,
            Wanted::Quiesce($action) => $call,
            Wanted::Resume($action) => $call,
            Wanted::Plan($action) => $call,
            Wanted::Apply($action) => $call,
            Wanted::Undo($action) => $call,
            Wanted::Mute($action) => $call,
            Wanted::Unmute($action) => $call,
        }
    };
}

impl Wanted {
    /// From a form.
    ///
    /// # Errors
    /// The action does not exist, or a field cannot be used: the reason.
    pub fn read(fields: &Fields) -> Result<Wanted, String> {
        let field = |name: &str| fields.get(name).map(|it| it.trim()).filter(|it| !it.is_empty());
        let subject =
            || field("subject").map(str::to_owned).ok_or("it is not said to what this is to be done");
        let names = || subject().and_then(|it| Names::new(vec![it]).map_err(|_| "no such name can be"));
        let canary = || field("canary").map(|it| it.parse().map_err(|_| "canary: a number")).transpose();
        let plan = || subject()?.parse::<i64>().map_err(|_| "that is no number of a plan");
        let code = || subject()?.parse::<Finding>().map_err(|_| "that is no code of a finding");
        let until = |text: &str| text.parse().map_err(|error| format!("until: {error}"));
        Ok(match field("action").unwrap_or_default() {
            "retry" => Wanted::Retry(Retry { which: Failing::Names(names()?), canary: None }),
            "retry-signature" => {
                let canary = canary()?.and_then(NonZeroUsize::new);
                Wanted::Retry(Retry { which: Failing::Signature(subject()?), canary })
            }
            "hold" => {
                Wanted::Hold(Hold { packages: names()?, until: field("until").map(until).transpose()? })
            }
            "release" => Wanted::Release(Release { packages: names()? }),
            "prioritize" => Wanted::Prioritize(Prioritize { packages: names()? }),
            "requeue" => Wanted::Requeue(Requeue { which: Imported::Names(names()?) }),
            "suppress" => {
                let end = field("until").ok_or("until: when does it count again? 3d, 2026-12-31")?;
                Wanted::Suppress(Suppress { subject: subject()?, until: until(end)? })
            }
            "unsuppress" => Wanted::Unsuppress(Unsuppress { subject: subject()? }),
            "policy" => Wanted::Policy(decision(&subject()?, fields)?),
            "baseline-accept" => Wanted::Accept(AcceptBaseline { figure: subject()?.parse()? }),
            "resolve" => Wanted::Resolve(Resolve {
                id: subject()?.parse().map_err(|_| "that is no number of a collision")?,
                decision: field("decision").unwrap_or_default().parse()?,
            }),
            "quiesce" => Wanted::Quiesce(Quiesce { host: subject()? }),
            "resume" => Wanted::Resume(Resume { host: subject()? }),
            // Pages have no files: workers look at repositories and mend them.
            "repair-plan" => {
                let which = Which::Names(names()?);
                Wanted::Plan(PlanRepair { which, rebuild: false, by_worker: true })
            }
            "repair-plan-code" => {
                let which = Which::Code(code()?);
                Wanted::Plan(PlanRepair { which, rebuild: false, by_worker: true })
            }
            "repair-apply" => {
                Wanted::Apply(ApplyRepair { plan: plan()?, canary: canary()?.unwrap_or_default() })
            }
            "repair-undo" => Wanted::Undo(UndoRepair { plan: plan()?, by_worker: true }),
            "mute" => {
                let end = field("until").ok_or("until: when does it count again? 3d, 2026-12-31")?;
                Wanted::Mute(Mute { code: code()?, package: None, until: until(end)? })
            }
            "unmute" => Wanted::Unmute(Unmute { code: code()?, package: None }),
            other => return Err(format!("there is no action {other:?}")),
        })
    }

    /// Name of the action for users.
    pub fn title(&self) -> &'static str {
        match self {
            Wanted::Retry(_) => "Try again",
            Wanted::Hold(_) => "Hold",
            Wanted::Release(_) => "Release",
            Wanted::Prioritize(_) => "Do next",
            Wanted::Requeue(_) => "Look at again although it is imported",
            Wanted::Suppress(_) => "Do not count",
            Wanted::Unsuppress(_) => "Count again",
            Wanted::Policy(_) => "Decide about a signature",
            Wanted::Accept(_) => "Take today's level for normal",
            Wanted::Resolve(_) => "Decide about a collision",
            Wanted::Quiesce(_) => "Let a host pause",
            Wanted::Resume(_) => "Let a host go on",
            Wanted::Plan(_) => "Look, and plan a repair",
            Wanted::Apply(_) => "Carry out a repair",
            Wanted::Undo(_) => "Plan to take a repair back",
            Wanted::Mute(_) => "Mute a finding",
            Wanted::Unmute(_) => "Let a finding count again",
        }
    }

    /// Changes that the action would make.
    ///
    /// # Errors
    /// The role does not allow it, something does not exist, or the state cannot be reached.
    pub fn preview(&self, at: &Opened, actor: &Actor) -> Result<Preview, Error> {
        each!(self, action => action.preview(at, actor))
    }

    /// Does it, if nothing has changed since it was shown. Returns the page of what has come of it, if it has one.
    ///
    /// # Errors
    /// Something has changed, or it cannot be done.
    pub fn perform(
        &self,
        at: &Opened,
        actor: &Actor,
        reason: &Reason,
        shown: &BTreeSet<String>,
    ) -> Result<Option<String>, Error> {
        let now = subjects(&self.preview(at, actor)?);
        if let Some(new) = now.difference(shown).next() {
            return Err(Error::Usage(format!(
                "{new} has come in since this was shown: look again, nothing was done"
            )));
        }
        match self {
            Wanted::Plan(action) => action.perform(at, actor, Some(reason)).map(|it| Some(page_of(&it))),
            Wanted::Undo(action) => action.perform(at, actor, Some(reason)).map(|it| Some(page_of(&it))),
            other => each!(other, action => action.perform(at, actor, Some(reason)).map(|_| None)),
        }
    }
}

/// The page of a plan.
fn page_of(begun: &Begun) -> String {
    format!("/plans/{}", begun.plan)
}

/// A policy's reason is its note.
fn decision(subject: &str, fields: &Fields) -> Result<Decide, String> {
    let word = fields.get("policy").map(String::as_str).unwrap_or_default();
    let policy = match word {
        "none" => None,
        word => Some(word.parse::<Policy>().map_err(|error| error.to_string())?),
    };
    let reason = fields.get("reason").map(String::as_str).filter(|it| !it.trim().is_empty());
    let note = reason.unwrap_or("(not said yet)").parse::<Reason>()?;
    Decide::new(subject, Some(policy), Some(note), None).map_err(|error| error.to_string())
}

/// Names of the things that a preview shows.
pub fn subjects(preview: &Preview) -> BTreeSet<String> {
    preview.changes.iter().map(|change| change.subject.clone()).collect()
}

/// An action that was shown and waits for its confirmation.
#[derive(Clone)]
pub struct Shown {
    /// Fields of the form.
    pub fields: Fields,
    /// Names of the things that were shown.
    pub subjects: BTreeSet<String>,
    /// User who has seen it.
    pub actor: String,
    since: Instant,
}

/// Time for which a preview waits for its confirmation.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// Largest number of previews that wait for confirmation.
const WAITING: usize = 64;

/// Everything that was shown and waits.
#[derive(Default)]
pub struct Pending(Mutex<HashMap<String, Shown>>);

impl Pending {
    /// Keeps a preview; the oldest is removed if there are too many. Returns its name.
    ///
    /// # Errors
    /// The machine has no random numbers.
    pub fn keep(&self, fields: Fields, preview: &Preview, actor: &str) -> std::io::Result<String> {
        let mut bytes = [0; 16];
        crate::random::fill(&mut bytes)?;
        let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut kept = self.kept();
        kept.retain(|_, it| it.since.elapsed() < LIFE);
        if kept.len() >= WAITING {
            let oldest = kept.iter().min_by_key(|(_, it)| it.since).map(|(name, _)| name.clone());
            oldest.and_then(|oldest| kept.remove(&oldest));
        }
        let shown =
            Shown { fields, subjects: subjects(preview), actor: actor.to_owned(), since: Instant::now() };
        kept.insert(name.clone(), shown);
        Ok(name)
    }

    /// Takes the preview of a user: it can be confirmed once.
    pub fn take(&self, name: &str, actor: &str) -> Option<Shown> {
        let mut kept = self.kept();
        kept.get(name).filter(|it| it.actor == actor && it.since.elapsed() < LIFE)?;
        kept.remove(name)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<String, Shown>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Wanted, String> {
        let fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Wanted::read(&fields)
    }

    #[test]
    fn forms_become_actions_or_say_why_not() {
        for (pairs, said) in [
            (&[][..], "no action"),
            (&[("action", "drop-table")], "no action"),
            (&[("action", "retry")], "to what"),
            (&[("action", "hold"), ("subject", "a"), ("until", "soon")], "until"),
            (&[("action", "suppress"), ("subject", "a")], "when does it count"),
            (&[("action", "baseline-accept"), ("subject", "x")], "neither"),
            (&[("action", "policy"), ("subject", "a"), ("policy", "x")], "x"),
            (&[("action", "retry-signature"), ("subject", "a"), ("canary", "-1")], "number"),
        ] {
            let error = read(pairs).unwrap_err();
            assert!(error.contains(said), "{pairs:?}: {error}");
        }
        assert!(read(&[("action", "policy"), ("subject", "a"), ("policy", "none")]).is_ok());
        assert!(read(&[("action", "hold"), ("subject", "a"), ("until", "3d")]).is_ok());
    }

    #[test]
    fn what_was_shown_is_confirmed_once_and_by_whom_it_was_shown_to() {
        let pending = Pending::default();
        let name = pending.keep(Fields::new(), &Preview::default(), "olga").unwrap();
        assert!(pending.take(&name, "ivan").is_none());
        assert!(pending.take(&name, "olga").is_some() && pending.take(&name, "olga").is_none());
        for _ in 0..200 {
            pending.keep(Fields::new(), &Preview::default(), "olga").unwrap();
        }
        assert!(pending.kept().len() <= WAITING);
    }
}
