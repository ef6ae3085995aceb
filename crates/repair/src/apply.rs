//! Carries a plan out: looks again, refuses what is outdated, takes the steps.

use std::path::Path;

use fail::fail_point;
use packaging_repo::collision::Collision;
use packaging_repo::refs::refname::REPAIRED;
use packaging_repo::refs::{Decided, Edit, Value};
use packaging_repo::verify::Problem;
use packaging_repo::{Error, Guard, mend};

use crate::files;
use crate::journal::Journal;
use crate::look::{At, Looked, look};
use crate::plan::{Act, Mark, Plan, Step};
use crate::refs::Moves;

/// The steps that were done.
#[derive(Debug, Default)]
pub struct Applied {
    /// The steps that were taken.
    pub steps: Vec<Step>,
    /// Changes of others to branches.
    pub collisions: Vec<Collision>,
}

/// The reason why nothing was done, or not all.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Something has changed since the plan was made. Nothing was done.
    #[error("the plan is stale: {}", .0.join("; "))]
    Stale(Vec<String>),
    /// The repository.
    #[error(transparent)]
    Repository(#[from] Error),
}

/// A check of the repository.
pub type Check<'a> = &'a dyn Fn() -> Result<Vec<Problem>, Error>;

/// Carries a plan out. `brought` is where packs lie that have what the repository lacks. It may be killed anywhere, and is called
/// again then.
///
/// # Errors
/// The plan is stale: nothing was done. The repository.
pub fn apply(
    at: &At<'_>,
    guard: &Guard,
    id: i64,
    plan: &Plan,
    check: Check<'_>,
    brought: Option<&Path>,
) -> Result<Applied, Refused> {
    let journal = Journal::of(at.repository.path(), id);
    if let Some(done) = journal.done() {
        return Ok(Applied { steps: done.steps, collisions: Vec::new() });
    }
    let begun = journal.begun().is_some();
    if let Some(undone) = plan.undoes {
        return crate::undo::apply(at, guard, (id, undone), plan, begun);
    }
    if plan.ancestors {
        return crate::ancestors::apply(at, guard, id, plan, begun, brought);
    }
    if begun {
        at.repository.remove_leftovers(guard)?;
    }
    let looked = look(at, check()?)?;
    let outdated = plan.outdated_by(&looked.steps, begun);
    if !outdated.is_empty() {
        return Err(Refused::Stale(outdated));
    }
    journal.begin(plan, &mend::record_file(at.repository))?;
    fail_point!("repair::begun");
    // Of a plan that was begun by another process, these steps may be taken already.
    let was_revealed = begun && plan.steps.iter().any(Step::reveals_more);
    let reveals = take_files(at, guard, plan, &looked, &journal, brought)? || was_revealed;
    // With objects at hand that were not before, more can be said of the refs.
    let looked = if reveals { look(at, check()?)? } else { looked };
    let wanted = |step: &Step| {
        plan.has(step, begun)
            || (reveals && step.automatic && matches!(step.mark, Mark::Create | Mark::Forward | Mark::Aside))
    };
    let Looked { steps, moves, .. } = looked;
    let steps: Vec<Step> = steps.into_iter().filter(|step| wanted(step)).collect();
    let head = steps.iter().find(|step| step.act == Act::Head);
    if let Some(target) = head.filter(|step| step.before.is_none()).and_then(|step| step.after.as_deref()) {
        mend::write_head(at.repository, guard, target)?;
        fail_point!("repair::head");
    }
    let mut collisions = Vec::new();
    if let Some(moves) = moves {
        collisions = move_refs(at, guard, id, &steps, moves, &journal)?;
    }
    if let Some(target) = head.and_then(|step| step.after.as_deref()) {
        mend::write_head(at.repository, guard, target)?;
        fail_point!("repair::head");
    }
    let mut done = plan.clone();
    if reveals {
        let more = steps.iter().filter(|step| !plan.steps.iter().any(|it| it.does_the_same(step)));
        done.steps.extend(more.cloned());
    }
    journal.end(&done)?;
    fail_point!("repair::ended");
    Ok(Applied { steps: done.steps, collisions })
}

/// Takes the steps about files and packs, in their order. Returns whether more can be read afterwards.
fn take_files(
    at: &At<'_>,
    guard: &Guard,
    plan: &Plan,
    looked: &Looked,
    journal: &Journal,
    brought: Option<&Path>,
) -> Result<bool, Error> {
    let still = |step: &&Step| looked.steps.iter().any(|it| it.does_the_same(step));
    let mut steps: Vec<&Step> =
        plan.steps.iter().filter(|step| step.act < Act::Record).filter(still).collect();
    steps.sort_by_key(|step| step.act);
    let aside = journal.files();
    let mut reveals = false;
    for step in steps {
        match step.act {
            Act::Head => continue,
            Act::Pack => crate::packs::set_aside(at.repository, &step.subject, &aside)?,
            Act::Rebuild => crate::packs::bring_in(at.repository, brought)?,
            _ => files::take(at.repository, guard, step, &aside)?,
        }
        reveals |= step.reveals_more();
        fail_point!("repair::step");
    }
    Ok(reveals)
}

/// Moves refs in one transaction, with the record, and keeps what is replaced.
fn move_refs(
    at: &At<'_>,
    guard: &Guard,
    id: i64,
    steps: &[Step],
    moves: Moves,
    journal: &Journal,
) -> Result<Vec<Collision>, Error> {
    let of_refs = |name: &str| steps.iter().any(|step| step.act == Act::Ref && step.subject == name);
    let edits: Vec<Edit> = moves.edits.into_iter().filter(|edit| of_refs(&edit.name)).collect();
    let mut decided: Decided = moves.decided;
    decided.removed.retain(|(name, _)| of_refs(name));
    let replaced: Vec<(String, packaging_repo::ObjectId)> = steps
        .iter()
        .filter(|step| step.act == Act::Ref && step.mark == Mark::Replace)
        .filter_map(|step| Some((step.subject.clone(), mend::id(step.before.as_deref()?)?)))
        .filter(|(_, id)| moves.store.contains(id))
        .collect();
    decided
        .replaced
        .extend(edits.iter().filter(|edit| edit.expected.is_some()).map(|edit| edit.name.clone()));
    let has_record_step = steps.iter().any(|step| step.act == Act::Record);
    let on_record = at.repository.record().ok().flatten();
    let is_news = has_record_step || (on_record.is_some() && on_record.as_ref() != Some(&moves.record));
    if edits.is_empty() && decided.removed.is_empty() && !is_news {
        return Ok(Vec::new());
    }
    moves.store.finish()?;
    fail_point!("repair::objects");
    let sealed = mend::sealed(at.repository, &moves.record).filter(|_| is_news);
    if let Some(sealed) = &sealed {
        journal.note_record(sealed)?;
    }
    let edits = with_kept(at, guard, id, edits, &replaced)?;
    mend::transact(at.repository, guard, &edits, &decided, sealed.as_deref())?;
    fail_point!("repair::refs");
    Ok(moves.collisions)
}

/// The same edits, and a ref for each replaced value, under which it is kept.
pub(crate) fn with_kept(
    at: &At<'_>,
    guard: &Guard,
    id: i64,
    mut edits: Vec<Edit>,
    replaced: &[(String, packaging_repo::ObjectId)],
) -> Result<Vec<Edit>, Error> {
    if replaced.is_empty() {
        return Ok(edits);
    }
    mend::hide_repairs(at.repository, guard)?;
    let mut store = at.repository.store(1)?;
    for (name, old) in replaced {
        let peeled = mend::peel(*old, &mut store)?;
        let name = format!("{REPAIRED}{id}/{}", name.trim_start_matches("refs/"));
        edits.push(Edit { name, expected: None, new: Value { id: *old, peeled } });
    }
    Ok(edits)
}
