//! Looks at a repository and says which steps would mend it. Nothing is written.

use std::time::SystemTime;

use packaging_repo::record::Record;
use packaging_repo::record::unsealed::{self, Word};
use packaging_repo::refs::Refs;
use packaging_repo::repository::Repository;
use packaging_repo::store::RepoStore;
use packaging_repo::verify::Problem;
use packaging_repo::{Error, ObjectId, mend};
use source_package::finding::Finding;

use crate::files;
use crate::plan::{Act, Mark, Plan, Step};
use crate::refs::{self, Moves};

/// A repository, and what is known of it elsewhere.
pub struct At<'a> {
    /// The repository, of which little may be left.
    pub repository: &'a Repository,
    /// What the state says that was imported.
    pub word: &'a Word,
    /// The branch that `HEAD` should lead to, `DISTRO/SUITE`.
    pub default_branch: Option<&'a str>,
    /// The time.
    pub now: SystemTime,
}

/// What was found.
pub struct Looked {
    /// What is wrong.
    pub findings: Vec<Problem>,
    /// What would mend it.
    pub steps: Vec<Step>,
    pub(crate) moves: Option<Moves>,
}

/// Objects that are nowhere: those that our refs lead to, and those of others.
#[derive(Default)]
struct Lost {
    ours: Vec<(String, ObjectId)>,
    others: Vec<(String, ObjectId)>,
}

/// Looks at a repository. `problems` are what a check of it has found.
///
/// # Errors
/// The repository cannot be looked at, for another reason than that it is damaged.
pub fn look(at: &At<'_>, problems: Vec<Problem>) -> Result<Looked, Error> {
    let root = at.repository.path();
    let mut findings = problems;
    let mut steps = files::steps(root, &findings, at.now);
    if findings.iter().any(Problem::keeps_waiting) {
        return Ok(Looked { findings, steps: Vec::new(), moves: None });
    }
    let readable = match mend::refs(at.repository) {
        Ok(readable) => readable,
        // What its owner cannot read is read once its mode is mended.
        Err(_) if !steps.is_empty() => return Ok(Looked { findings, steps, moves: None }),
        Err(error) => return Err(error),
    };
    let store = at.repository.store(1);
    let mut store = match store {
        Ok(store) => store,
        Err(error) => return Ok(without_objects(findings, steps, &error)),
    };
    let (record, is_known) = record(at, &readable.refs, &mut store, &mut findings, &mut steps);
    let lost = lost(&readable.refs, &record, &mut store);
    let packs = torn_packs(&findings);
    let mut moves = None;
    // Once its index is there, a pack may have all of it.
    let has_index = !findings.iter().any(|it| it.code == Finding::PackIndexGone);
    if !has_index || !lost.ours.is_empty() || !packs.is_empty() {
        if has_index {
            steps.extend(packs);
            let first = lost
                .ours
                .first()
                .map_or(String::new(), |(name, missing)| format!("{name} leads to {missing}"));
            let more = lost.ours.len().saturating_sub(1);
            let reason = match first.is_empty() {
                true => "what a pack that is not whole had".to_owned(),
                false => format!("{first}, which is nowhere; so do {more} other refs"),
            };
            steps.push(rebuild(at, reason));
        }
    } else if is_known {
        let found = refs::moves(store, root, &readable.refs, record, &lost.others, &findings)?;
        steps.extend(found.steps.iter().cloned());
        steps.extend(head(at, &found.after, root));
        moves = Some(found);
    } else {
        steps.extend(head(at, &readable.refs, root));
    }
    Plan::sort(&mut steps);
    Ok(Looked { findings, steps, moves })
}

fn without_objects(mut findings: Vec<Problem>, mut steps: Vec<Step>, error: &Error) -> Looked {
    if !findings.iter().any(|it| it.code == Finding::FolderGone) {
        findings.push(packaging_repo::verify::of_error("objects", error));
    }
    Plan::sort(&mut steps);
    Looked { findings, steps, moves: None }
}

/// The record, or what the state says where there is none that can be believed; and whether anything is known at all.
fn record(
    at: &At<'_>,
    refs: &Refs,
    store: &mut RepoStore,
    findings: &mut Vec<Problem>,
    steps: &mut Vec<Step>,
) -> (Record, bool) {
    let found = at.repository.record();
    let is_broken = match found {
        Ok(Some(record)) => return (record, true),
        Ok(None) if refs.is_empty() => return (Record::default(), true),
        Ok(None) => false,
        Err(_) => true,
    };
    let (code, message) = if is_broken {
        (Finding::RecordBroken, "is not sealed with this installation's key, or is damaged")
    } else {
        (Finding::RecordGone, "there is none: nobody can tell what an import has written here")
    };
    let file = packaging_repo::record::FILE;
    findings.retain(|it| it.code != Finding::RecordBroken);
    findings.push(Problem::new(code, file, message));
    if at.word.versions.is_empty() {
        return (Record::default(), false);
    }
    let Ok(record) = unsealed::seal(refs, at.word, store) else { return (Record::default(), false) };
    let mark = if is_broken { Mark::Replace } else { Mark::Create };
    let after = Some(format!("{} refs that the state confirms", record.written().count()));
    let step = Step::new(Act::Record, mark, file, code.as_str());
    let step = step.moving(files::digest(&mend::record_file(at.repository)), after);
    steps.push(if is_broken { step.by_person() } else { step });
    (record, true)
}

fn lost(refs: &Refs, record: &Record, store: &mut RepoStore) -> Lost {
    let mut lost = Lost::default();
    for (name, missing) in mend::incomplete(refs, store) {
        let is_ours = refs.get(&name).is_some_and(|value| record.knows(&name, value.id));
        if is_ours { lost.ours.push((name, missing)) } else { lost.others.push((name, missing)) }
    }
    // What was removed or moved is put back, so it has to be there.
    let gone = record.written().filter(|(name, id)| refs.get(*name).is_none_or(|value| value.id != *id));
    let gone: Refs =
        gone.map(|(name, id)| (name.clone(), packaging_repo::refs::Value { id, peeled: None })).collect();
    lost.ours.extend(mend::incomplete(&gone, store));
    lost
}

/// Packs that are not whole are set aside, once what can be read of them was taken out.
fn torn_packs(findings: &[Problem]) -> Vec<Step> {
    let torn = findings.iter().filter(|it| matches!(it.code, Finding::PackTorn | Finding::PackGone));
    torn.map(|it| {
        Step::new(Act::Pack, Mark::Aside, &it.subject, it.code.as_str())
            .moving(Some("a pack that is not whole".into()), None)
            .by_person()
            .for_good()
    })
    .collect()
}

/// Everything that was imported is imported again beside the repository.
pub(crate) fn rebuild(at: &At<'_>, reason: String) -> Step {
    let imports = at.word.versions.len() as u64;
    let step = Step::new(Act::Rebuild, Mark::Create, "objects", reason);
    let step = step.moving(None, Some(format!("the objects of {imports} versions")));
    Step { imports, ..step.by_person().for_good() }
}

fn head(at: &At<'_>, after: &Refs, root: &std::path::Path) -> Option<Step> {
    let now = files::head(root);
    let is_well = now.as_ref().is_some_and(|head| {
        after.contains_key(head) || (after.is_empty() && head.starts_with("refs/heads/"))
    });
    if is_well {
        return None;
    }
    let target = mend::head_for(after, now.as_deref(), at.default_branch);
    let has_branches = after.keys().any(|name| name.starts_with("refs/heads/"));
    let target = match target {
        Some(target) => target,
        None if has_branches => return None,
        None => "refs/heads/main".to_owned(),
    };
    let mark = if now.is_some() { Mark::Forward } else { Mark::Create };
    let reason = if now.is_some() { Finding::HeadWrong } else { Finding::HeadMissing };
    (now.as_ref() != Some(&target))
        .then(|| Step::new(Act::Head, mark, "HEAD", reason.as_str()).moving(now, Some(target)))
}
