//! The way back: a plan that takes the steps of another one back, last first.

use fail::fail_point;
use packaging_repo::refs::{Decided, Edit, Value};
use packaging_repo::{Guard, mend};

use crate::apply::{Applied, Refused, with_kept};
use crate::files;
use crate::journal::Journal;
use crate::look::At;
use crate::plan::{Act, Mark, Plan, Step};

/// Makes the plan that undoes one that was carried out, and says what of it cannot be undone. What has changed since is left as
/// it is.
///
/// # Errors
/// The refs cannot be read.
pub fn undo(at: &At<'_>, id: i64, applied: &Plan) -> Result<(Plan, Vec<String>), packaging_repo::Error> {
    let refs = mend::refs(at.repository)?.refs;
    let mut notes = Vec::new();
    let mut steps = Vec::new();
    for step in &applied.steps {
        if !step.reversible {
            notes.push(format!("{} {} stays: it cannot be undone", step.act, step.subject));
            continue;
        }
        let now = match step.act {
            Act::Ref => refs.get(&step.subject).map(|value| value.id.to_string()),
            // A version is on record with the tag that moves.
            Act::Record | Act::Version => step.after.clone(),
            _ => files::now(step, at.repository.path()),
        };
        if now != step.after {
            let shown = now.unwrap_or_else(|| "nothing".into());
            notes.push(format!("{} is {shown} by now and stays so", step.subject));
            continue;
        }
        steps.push(back(step, id));
    }
    Plan::sort(&mut steps);
    let plan = Plan { package: applied.package.clone(), steps, undoes: Some(id), ..Plan::default() };
    Ok((plan, notes))
}

fn back(step: &Step, id: i64) -> Step {
    let mark = match (&step.after, &step.before) {
        (None, Some(_)) => Mark::Create,
        _ => Mark::Replace,
    };
    let back = Step::new(step.act, mark, &step.subject, format!("undoes plan {id}"));
    back.moving(step.after.clone(), step.before.clone()).by_person()
}

/// Carries such a plan out: all refs in one transaction, then files.
pub(crate) fn apply(
    at: &At<'_>,
    guard: &Guard,
    (id, undone): (i64, i64),
    plan: &Plan,
    begun: bool,
) -> Result<Applied, Refused> {
    let repository = at.repository;
    let refs = mend::refs(repository)?.refs;
    let now = |step: &Step| match step.act {
        Act::Ref => refs.get(&step.subject).map(|value| value.id.to_string()),
        Act::Record | Act::Version => step.before.clone(),
        _ => files::now(step, repository.path()),
    };
    let outdated = plan.steps.iter().filter_map(|step| {
        let now = now(step);
        let is_well = now == step.before || (begun && now == step.after);
        let shown = now.unwrap_or_else(|| "nothing".into());
        (!is_well).then(|| format!("the plan moves {}; it is {shown}", step.change()))
    });
    let outdated: Vec<String> = outdated.collect();
    if !outdated.is_empty() {
        return Err(Refused::Stale(outdated));
    }
    let (journal, before) = (Journal::of(repository.path(), id), Journal::of(repository.path(), undone));
    journal.begin(plan, &mend::record_file(repository))?;
    fail_point!("repair::begun");
    let mut open: Vec<&Step> = plan.steps.iter().filter(|step| now(step) == step.before).collect();
    // Removed things are put back before anything is replaced or removed.
    open.sort_by_key(|step| (step.mark == Mark::Replace, step.act));
    move_back(at, guard, id, &open, &before)?;
    for step in open {
        match (step.act, step.after.as_deref()) {
            (Act::Ref | Act::Record, _) => {}
            (act, _) if act.is_of_state() => {}
            (Act::Head, Some(target)) => put_head(at, guard, target)?,
            (Act::Head, None) => {
                let path = repository.path().join("HEAD");
                files::named("remove", &path, std::fs::remove_file(&path))?;
            }
            _ => files::take_back(step, repository.path(), &before.files())?,
        }
        fail_point!("repair::step");
    }
    journal.end(plan)?;
    fail_point!("repair::ended");
    Ok(Applied { steps: plan.steps.clone(), collisions: Vec::new() })
}

fn put_head(at: &At<'_>, guard: &Guard, target: &str) -> Result<(), packaging_repo::Error> {
    if target.starts_with("refs/") {
        return mend::write_head(at.repository, guard, target);
    }
    mend::replace(at.repository, guard, "HEAD", format!("{target}\n").as_bytes())
}

fn move_back(
    at: &At<'_>,
    guard: &Guard,
    id: i64,
    steps: &[&Step],
    before: &Journal,
) -> Result<(), packaging_repo::Error> {
    let store = at.repository.store(1)?;
    let (mut edits, mut decided, mut kept) = (Vec::new(), Decided::default(), Vec::new());
    let is_of_refs = |step: &&&Step| matches!(step.act, Act::Ref | Act::Record);
    let refs: Vec<&&Step> = steps.iter().filter(is_of_refs).collect();
    if refs.is_empty() {
        return Ok(());
    }
    let mut peels = at.repository.store(1)?;
    for step in refs.iter().filter(|step| step.act == Act::Ref) {
        let (old, new) =
            (step.before.as_deref().and_then(mend::id), step.after.as_deref().and_then(mend::id));
        if let Some(old) = old.filter(|id| store.contains(id)) {
            kept.push((step.subject.clone(), old));
        }
        match (old, new) {
            (Some(old), None) => decided.removed.push((step.subject.clone(), old)),
            (old, Some(id)) => {
                let peeled = mend::peel(id, &mut peels).unwrap_or_default();
                decided.replaced.push(step.subject.clone());
                edits.push(Edit { name: step.subject.clone(), expected: old, new: Value { id, peeled } });
            }
            (None, None) => {}
        }
    }
    let edits = with_kept(at, guard, id, edits, &kept)?;
    let record = before.record_before(&mend::record_file(at.repository));
    let record = match record {
        Some(record) => Some(record),
        None => mend::record_without(at.repository, decided.removed.iter().map(|(name, _)| name.as_str())),
    };
    mend::put_back(at.repository, guard, &edits, &decided, record.as_deref())?;
    fail_point!("repair::refs");
    Ok(())
}
