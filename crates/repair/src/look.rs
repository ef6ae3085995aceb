//! Looks at a repository and says which steps would mend it. Nothing is written.

use std::time::SystemTime;

use packaging_repo::mend::Rebuilt;
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
use crate::refs::{self, Found, Moves};

/// A repository, and what is known of it elsewhere.
pub struct At<'a> {
    /// The repository, of which little may be left.
    pub repository: &'a Repository,
    /// Imported versions, as the state has them.
    pub word: &'a Word,
    /// The branch that `HEAD` should lead to, `DISTRO/SUITE`.
    pub default_branch: Option<&'a str>,
    /// The same repository, built anew beside it, if that was asked for.
    pub rebuilt: Option<&'a Rebuilt>,
    /// The time.
    pub now: SystemTime,
}

/// The result of a look.
pub struct Looked {
    /// The findings.
    pub findings: Vec<Problem>,
    /// The steps that would mend them.
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
        // Files that their owner cannot read are read once their modes are mended; what is wrong beside that is said.
        Err(_) if !steps.is_empty() || findings.iter().any(|it| it.code == Finding::Unreadable) => {
            return Ok(Looked { findings, steps, moves: None });
        }
        Err(error) => return Err(error),
    };
    let store = at.repository.store(1);
    let mut store = match store {
        Ok(store) => store,
        Err(error) => return Ok(without_objects(findings, steps, &error)),
    };
    let (old, is_known) = record(at, &readable.refs, &mut store, &mut findings, &mut steps);
    let record = expected(at, is_known.then_some(&old))?.unwrap_or_else(|| old.clone());
    let is_known = is_known || at.rebuilt.is_some();
    let lost = lost(&readable.refs, &record, &mut store);
    let packs = torn_packs(&findings);
    let mut moves = None;
    // Once its index is there, a pack may have all of it.
    let has_index = !findings.iter().any(|it| it.code == Finding::PackIndexGone);
    let is_lossy = !has_index || !lost.ours.is_empty() || !packs.is_empty();
    if is_lossy && has_index {
        steps.extend(packs);
        steps.push(rebuild(at, reason(&lost.ours)));
    }
    if is_lossy && at.rebuilt.is_none() {
        // Steps for refs are planned once their objects are there.
    } else if is_known {
        at.rebuilt.map_or(Ok(()), |rebuilt| store.read_also(&rebuilt.objects()))?;
        let (refs, problems, on_record) = (&readable.refs, &findings, at.repository.record().ok().flatten());
        let rebuilt = at.rebuilt.map(|rebuilt| (rebuilt, on_record.as_ref()));
        let asked = Found { root, refs, record, lost: &lost.others, problems, rebuilt };
        let found = refs::moves(store, asked)?;
        steps.extend(found.steps.iter().cloned());
        steps.extend(head(at, &found.after, root));
        // An importer that was killed may not have confirmed its last move; the refs do.
        let confirmed = on_record.as_ref().map(|record| record.with(refs, std::iter::empty()));
        steps.extend(news(at, &found, confirmed.as_ref(), &steps));
        moves = Some(found);
    } else {
        steps.extend(head(at, &readable.refs, root));
    }
    Plan::sort(&mut steps);
    Ok(Looked { findings, steps, moves })
}

/// The record that the repository should have by what was built anew.
fn expected(at: &At<'_>, old: Option<&Record>) -> Result<Option<Record>, Error> {
    let Some(rebuilt) = at.rebuilt else { return Ok(None) };
    let mut both = at.repository.store(1)?;
    both.read_also(&rebuilt.objects())?;
    rebuilt.record_after(old, &mut both).map(Some)
}

fn reason(lost: &[(String, ObjectId)]) -> String {
    match lost.split_first() {
        None => "what a pack that is not whole had".to_owned(),
        Some(((name, missing), more)) => {
            let more = match more.len() {
                0 => String::new(),
                1 => "; so does another ref".to_owned(),
                some => format!("; so do {some} other refs"),
            };
            format!("{name} leads to {missing}, which is nowhere{more}")
        }
    }
}

/// A step for a record that says more than the present one, if no ref moves with it.
fn news(at: &At<'_>, moves: &Moves, on_record: Option<&Record>, steps: &[Step]) -> Option<Step> {
    let is_told = steps.iter().any(|step| matches!(step.act, Act::Record | Act::Ref));
    let is_same = on_record == Some(&moves.record);
    if at.rebuilt.is_none() || is_told || is_same {
        return None;
    }
    let file = packaging_repo::record::FILE;
    let after = Some(format!("{} refs that were built anew", moves.record.written().count()));
    let step = Step::new(Act::Record, Mark::Forward, file, "what was built anew");
    Some(step.moving(files::digest(&mend::record_file(at.repository)), after).by_person())
}

fn without_objects(mut findings: Vec<Problem>, mut steps: Vec<Step>, error: &Error) -> Looked {
    if !findings.iter().any(|it| it.code == Finding::FolderGone) {
        findings.push(packaging_repo::verify::of_error("objects", error));
    }
    Plan::sort(&mut steps);
    Looked { findings, steps, moves: None }
}

/// The record, or the facts of the state if there is no trustworthy record; and whether anything is known at all.
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
    let after = match at.rebuilt {
        Some(_) => "the refs that were built anew".to_owned(),
        None => format!("{} refs that the state confirms", record.written().count()),
    };
    let step = Step::new(Act::Record, mark, file, code.as_str());
    let step = step.moving(files::digest(&mend::record_file(at.repository)), Some(after));
    steps.push(if is_broken { step.by_person() } else { step });
    (record, true)
}

fn lost(refs: &Refs, record: &Record, store: &mut RepoStore) -> Lost {
    let mut lost = Lost::default();
    for (name, missing) in mend::incomplete(refs, store) {
        let is_ours = refs.get(&name).is_some_and(|value| record.knows(&name, value.id));
        if is_ours { lost.ours.push((name, missing)) } else { lost.others.push((name, missing)) }
    }
    // Removed or moved refs are put back, so their objects have to exist.
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
