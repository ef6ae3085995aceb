//! Steps about refs: the changes of an import that adds no version. Branches are moved to the importer's values, over
//! what somebody else has pushed, and missing refs are restored.

use std::path::Path;

use packaging_repo::collision::{Collision, leads_to};
use packaging_repo::history::History;
use packaging_repo::mend::Rebuilt;
use packaging_repo::record::Record;
use packaging_repo::refs::{Decided, Edit, Refs};
use packaging_repo::store::RepoStore;
use packaging_repo::verify::Problem;
use packaging_repo::view::View;
use packaging_repo::{Error, ObjectId, mend};

use crate::files;
use crate::plan::{Act, Mark, Step};

/// Changes of refs that are ready to be made: objects of joins are in the store, not yet on the disk.
pub(crate) struct Moves {
    pub(crate) store: RepoStore,
    pub(crate) edits: Vec<Edit>,
    pub(crate) decided: Decided,
    pub(crate) record: Record,
    pub(crate) collisions: Vec<Collision>,
    pub(crate) steps: Vec<Step>,
    /// All refs once the changes are made.
    pub(crate) after: Refs,
}

/// Refs that a repository has, and refs that it should have.
pub(crate) struct Found<'a> {
    pub(crate) root: &'a Path,
    pub(crate) refs: &'a Refs,
    /// The record that holds from now on.
    pub(crate) record: Record,
    /// Refs of others that lead to objects which are nowhere.
    pub(crate) lost: &'a [(String, ObjectId)],
    pub(crate) problems: &'a [Problem],
    /// A repository that was built anew, and the record until now.
    pub(crate) rebuilt: Option<(&'a Rebuilt, Option<&'a Record>)>,
}

/// Finds out what would move.
pub(crate) fn moves(mut store: RepoStore, found: Found<'_>) -> Result<Moves, Error> {
    let Found { root, refs, record, lost, problems, rebuilt } = found;
    let mut history = History::new(&mut store, View::new(refs.clone(), record));
    if let Some((rebuilt, old)) = rebuilt {
        history.take_rebuilt(rebuilt, old)?;
    }
    let collisions = history.settle()?;
    history.put_back()?;
    if rebuilt.is_some() {
        history.set_strangers_aside()?;
    }
    let (edits, mut decided) = (history.view.edits(), history.view.decided().clone());
    let record = history.view.record_after();
    drop(history);
    let mut steps = Vec::new();
    let mut after = refs.clone();
    for (name, id) in &decided.removed {
        after.remove(name);
        let step = Step::new(Act::Ref, Mark::Aside, name, "nothing that was built anew has it");
        steps.push(step.moving(Some(id.to_string()), None).by_person());
    }
    for edit in &edits {
        steps.push(step(edit, problems, &mut store)?);
        after.insert(edit.name.clone(), edit.new);
    }
    // Nobody can fetch what leads to an object that is nowhere, and Git stops at it.
    for (name, missing) in lost {
        let Some(value) = refs.get(name).filter(|_| !edits.iter().any(|edit| edit.name == *name)) else {
            continue;
        };
        after.remove(name);
        let reason = format!("leads to object {missing}, which is nowhere");
        if root.join(name).is_file() {
            let step = Step::new(Act::LooseRef, Mark::Aside, name, reason);
            steps.push(step.moving(files::digest(&root.join(name)), None).by_person());
            continue;
        }
        decided.removed.push((name.clone(), value.id));
        let step = Step::new(Act::Ref, Mark::Replace, name, reason);
        steps.push(step.moving(Some(value.id.to_string()), None).by_person());
    }
    Ok(Moves { store, edits, decided, record, collisions, steps, after })
}

fn step(edit: &Edit, problems: &[Problem], store: &mut RepoStore) -> Result<Step, Error> {
    let mark = match edit.expected {
        None if mend::is_aside(&edit.name) => Mark::Aside,
        None => Mark::Create,
        // A foreign object in its place that is not a commit is set aside by another step.
        Some(old) if leads_to(edit.new.id, old, store).unwrap_or(false) => Mark::Forward,
        Some(_) => Mark::Replace,
    };
    let found = problems.iter().find(|it| it.subject == edit.name);
    let reason = match (found, mark) {
        (Some(problem), _) => problem.code.as_str().to_owned(),
        (None, Mark::Aside) => "what was pushed gets a name of its own".to_owned(),
        (None, _) => "goes with the others".to_owned(),
    };
    let before = edit.expected.map(|id| id.to_string());
    Ok(Step::new(Act::Ref, mark, &edit.name, reason).moving(before, Some(edit.new.id.to_string())))
}
