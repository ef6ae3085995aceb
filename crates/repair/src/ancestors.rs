//! Versions whose ancestors came late: in a repository that is built anew, all versions are there from the start. Refs move to the
//! commits that they have there; what they had is kept.

use std::path::Path;

use fail::fail_point;
use packaging_repo::record::Record;
use packaging_repo::refs::refname::REPAIRED;
use packaging_repo::refs::{Decided, Edit, Refs, Value};
use packaging_repo::{Error, Guard, mend};

use crate::apply::{Applied, Refused, with_kept};
use crate::journal::Journal;
use crate::look::At;
use crate::plan::{Act, Mark, Plan, Step};

/// The reason of each step.
const REASON: &str = "older versions came late";

/// The reason why refs stay where they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRebuilt {
    /// Somebody else has a ref in the repository.
    #[error("{0} is of somebody else, who has what would be replaced")]
    Foreign(String),
    /// The rebuilt repository lacks a ref.
    #[error("{0} would not be there any more: what it is made of cannot be had now")]
    Lacks(String),
}

/// The steps that move the refs of a repository to where they are in one that was built anew, and the versions of the state with
/// them. None if they are there already.
///
/// # Errors
/// Refs that are of somebody else, or would be lost.
pub fn ancestors(here: &Refs, record: &Record, rebuilt: &Refs) -> Result<Vec<Step>, NotRebuilt> {
    let mut steps = Vec::new();
    for (name, value) in here.iter().filter(|(name, _)| !name.starts_with(REPAIRED)) {
        if !record.knows(name, value.id) {
            return Err(NotRebuilt::Foreign(name.clone()));
        }
        let Some(new) = rebuilt.get(name) else { return Err(NotRebuilt::Lacks(name.clone())) };
        if new.id != value.id {
            steps.push(step(Act::Ref, Mark::Replace, name, (Some(value.id), Some(new.id))));
        }
        let is_version = name.starts_with("refs/tags/") && refs_of_versions(name, rebuilt);
        let (old, new) = (value.peeled, new.peeled);
        if is_version && old.is_some() && new.is_some() && old != new {
            steps.push(step(Act::Version, Mark::Replace, name, (old, new)));
        }
    }
    for (name, value) in rebuilt.iter().filter(|(name, _)| !here.contains_key(*name)) {
        steps.push(step(Act::Ref, Mark::Create, name, (None, Some(value.id))));
    }
    Plan::sort(&mut steps);
    Ok(steps)
}

/// True for the tag of a version: its `.dsc` has the same name.
fn refs_of_versions(tag: &str, refs: &Refs) -> bool {
    refs.contains_key(&tag.replacen("refs/tags/", "refs/dsc/", 1))
}

type Ids = (Option<packaging_repo::ObjectId>, Option<packaging_repo::ObjectId>);

fn step(act: Act, mark: Mark, name: &str, (before, after): Ids) -> Step {
    let text = |id: Option<packaging_repo::ObjectId>| id.map(|id| id.to_string());
    Step::new(act, mark, name, REASON).moving(text(before), text(after)).by_person()
}

/// Carries such a plan out: objects are brought in, then all refs move in one transaction, with the record.
pub(crate) fn apply(
    at: &At<'_>,
    guard: &Guard,
    id: i64,
    plan: &Plan,
    begun: bool,
    brought: Option<&Path>,
) -> Result<Applied, Refused> {
    let repository = at.repository;
    let refs = mend::refs(repository)?.refs;
    let now = |step: &Step| refs.get(&step.subject).map(|value| value.id.to_string());
    let of_refs = || plan.steps.iter().filter(|step| step.act == Act::Ref);
    let outdated = of_refs().filter_map(|step| {
        let now = now(step);
        let is_well = now == step.before || (begun && now == step.after);
        let shown = now.unwrap_or_else(|| "nothing".into());
        (!is_well).then(|| format!("the plan moves {}; it is {shown}", step.change()))
    });
    let outdated: Vec<String> = outdated.collect();
    if !outdated.is_empty() {
        return Err(Refused::Stale(outdated));
    }
    if begun {
        repository.remove_leftovers(guard)?;
    }
    let journal = Journal::of(repository.path(), id);
    journal.begin(plan, &mend::record_file(repository))?;
    fail_point!("repair::begun");
    let open: Vec<&Step> = of_refs().filter(|step| now(step) == step.before).collect();
    if !open.is_empty() {
        crate::packs::bring_in(repository, brought)?;
        fail_point!("repair::step");
        move_refs(at, guard, id, &refs, &open, &journal)?;
    }
    journal.end(plan)?;
    fail_point!("repair::ended");
    Ok(Applied { steps: plan.steps.clone(), collisions: Vec::new() })
}

fn move_refs(
    at: &At<'_>,
    guard: &Guard,
    id: i64,
    refs: &Refs,
    steps: &[&Step],
    journal: &Journal,
) -> Result<(), Error> {
    let repository = at.repository;
    let broken = || Error::BrokenRecord(mend::record_file(repository));
    let record = repository.record()?.ok_or_else(broken)?;
    let mut store = repository.store(1)?;
    let (mut edits, mut decided, mut kept) = (Vec::new(), Decided::default(), Vec::new());
    for step in steps {
        let Some(new) = step.after.as_deref().and_then(mend::id) else { continue };
        let (name, expected) = (step.subject.clone(), refs.get(&step.subject).map(|value| value.id));
        if let Some(old) = expected {
            kept.push((name.clone(), old));
            decided.replaced.push(name.clone());
        }
        edits.push(Edit { name, expected, new: Value { id: new, peeled: mend::peel(new, &mut store)? } });
    }
    let after: Refs = edits.iter().map(|edit| (edit.name.clone(), edit.new)).collect();
    if let Some((_, missing)) = mend::incomplete(&after, &mut store).into_iter().next() {
        return Err(Error::Missing(missing));
    }
    let record = record.with(refs, edits.iter().map(|edit| (&edit.name, edit.new.id)));
    let sealed = mend::sealed(repository, &record).ok_or_else(broken)?;
    journal.note_record(&sealed)?;
    let edits = with_kept(at, guard, id, edits, &kept)?;
    mend::transact(repository, guard, &edits, &decided, Some(&sealed))?;
    fail_point!("repair::refs");
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn id(digit: char) -> packaging_repo::ObjectId {
        mend::id(&digit.to_string().repeat(40)).unwrap_or_else(|| panic!("{digit}"))
    }

    fn refs(all: &[(&str, char, Option<char>)]) -> Refs {
        let value = |it: char, peeled: Option<char>| Value { id: id(it), peeled: peeled.map(id) };
        all.iter().map(|(name, it, peeled)| ((*name).to_owned(), value(*it, *peeled))).collect()
    }

    fn record(refs: &Refs) -> Record {
        let mut record = Record::default();
        refs.iter().for_each(|(name, value)| record.confirm(name.clone(), value.id));
        record
    }

    const TAG: &str = "refs/tags/debian/1.0-1";
    const DSC: &str = "refs/dsc/debian/1.0-1";
    const BRANCH: &str = "refs/heads/debian/sid";

    #[test]
    fn only_what_differs_moves_and_nothing_of_others() {
        let here = refs(&[(TAG, '1', Some('a')), (DSC, '2', None), (BRANCH, 'a', None)]);
        let rebuilt = refs(&[(TAG, '3', Some('b')), (DSC, '2', None), (BRANCH, 'b', None)]);
        let steps = ancestors(&here, &record(&here), &rebuilt).unwrap_or_default();
        let moved: Vec<(Act, &str)> = steps.iter().map(|step| (step.act, step.subject.as_str())).collect();
        assert_eq!(moved, [(Act::Ref, BRANCH), (Act::Ref, TAG), (Act::Version, TAG)]);
        assert_eq!(ancestors(&here, &record(&here), &here), Ok(Vec::new()));
        let mut pushed = here.clone();
        pushed.extend(refs(&[("refs/heads/debian/fix", 'c', None)]));
        let foreign = NotRebuilt::Foreign("refs/heads/debian/fix".into());
        assert_eq!(ancestors(&pushed, &record(&here), &rebuilt), Err(foreign));
        let less = refs(&[(TAG, '3', Some('b')), (DSC, '2', None)]);
        assert_eq!(ancestors(&here, &record(&here), &less), Err(NotRebuilt::Lacks(BRANCH.into())));
        let kept = format!("{REPAIRED}7/heads/debian/sid");
        let again = [here.clone(), refs(&[(&kept, 'd', None)])].into_iter().flatten().collect();
        assert!(ancestors(&again, &record(&here), &rebuilt).is_ok(), "what repairs keep is nobody's");
    }
}
