//! Performs one import, inside the child: every version of one package that is asked for, in one transaction.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use bounded::Deadline;
use packaging_repo::collision;
use packaging_repo::foreign;
use packaging_repo::history::{Added, History};
use packaging_repo::record::Record;
use packaging_repo::record::unsealed::{self, Word};
use packaging_repo::refs::Refs;
use packaging_repo::refs::fence::Fence;
use packaging_repo::repository::Repository;
use packaging_repo::store::RepoStore;
use packaging_repo::view::View;
use source_package::version::{PackageName, Version};

use crate::collisions::{self, News, Told};
use crate::failure::{Code, Failure, Stage};
use crate::lineage_wait::BaseFound;
use crate::protocol::{Event, ForeignRef, Outcome, Report, Request, Task};
use crate::read_version::{Read, Stager};
use crate::sandbox::{self, Wall};
use crate::{checking, lineage_wait, order, repairing};

/// Performs a request and reports through `emit`.
pub fn run(request: &Request, emit: impl Fn(&Event)) {
    let done = match &request.task {
        Task::Import => import(request, &emit),
        Task::Verify(wanted) => checking::perform(request, wanted, &emit),
        Task::Repair(task) => repairing::perform(request, task, &emit),
    };
    if let Err(failure) = done {
        emit(&Event::Broken(failure));
    }
}

/// A version between reading and publishing.
struct Pending {
    index: usize,
    report: Report,
    read: Read,
}

fn import(request: &Request, emit: &impl Fn(&Event)) -> Result<(), Failure> {
    let package = PackageName::new(&request.package)
        .map_err(|error| Failure::new(Stage::Verify, Code::BadDsc, error))?;
    sandbox::die_with_parent(request.parent)
        .map_err(|error| Failure::new(Stage::Worker, Code::Sandbox, error))?;
    let repository = Repository::open_or_init(&request.root.join("repos"), &package)?;
    // Within the time of a version, so that this process is not killed while it waits for the lock.
    let patience = Duration::from_secs(request.limits.lock_wait.min(request.limits.time));
    let lock = match request.fence {
        Some((epoch, token)) => repository.lock_fenced(Fence { epoch, token }, Deadline::after(patience))?,
        None => repository.lock(Deadline::after(patience))?,
    };
    let missing = enter_sandbox(request, repository.path())?;
    if !missing.is_empty() {
        emit(&Event::Unwalled(missing));
    }
    repository.remove_leftovers(&lock)?;
    repository.check_free(request.limits.disk_reserve)?;
    let mut store = repository.store(request.threads)?;
    store.keep_free(request.limits.disk_reserve);
    let refs = repository.refs()?;
    let on_record = repository.record()?;
    let record = match &on_record {
        Some(record) => record.clone(),
        None => seal(request, &refs, &mut store)?,
    };
    let view = View::new(refs, record);
    check_cache(request, &view)?;
    let mut history = History::new(&mut store, view);
    let pending = read_all(request, &package, &mut history, emit);
    let pending = hold_back(pending, request, &history.view, emit);
    emit(&Event::Publishing);
    let finished = add_all(pending, &mut history)?;
    // Without a new version, foreign refs are not touched.
    let mut news = if request.settle || !finished.is_empty() {
        collisions::settle(&mut history, &request.collisions)?
    } else {
        News::default()
    };
    history.put_back()?;
    let edits = history.view.edits();
    let record = Some(history.view.record_after()).filter(|after| on_record.as_ref() != Some(after));
    let foreign = find_foreign(request, &mut history, &mut news)?;
    if let Some((blocking, failure)) = collisions::blocked(&edits, &history.view, request.stands.is_some()) {
        // Nothing has been changed, except this.
        let found = blocking.into_iter().map(Told::from).collect();
        emit(&Event::Collisions(News { found, ..News::default() }));
        return Err(failure);
    }
    let (decided, branch) = (history.view.decided().clone(), request.default_branch.as_deref());
    let stands = request.stands.as_ref().map(|_| fingerprint(&history.view, true));
    emit(&Event::Moving(edits.len()));
    store.finish()?;
    repository.publish_decided(&lock, &edits, &decided, branch, record.as_ref())?;
    if let Some(stands) = stands {
        emit(&Event::Stands(stands));
    }
    if !foreign.is_empty() {
        emit(&Event::Foreign(foreign));
    }
    if !news.is_empty() {
        emit(&Event::Collisions(news));
    }
    for (index, report) in finished {
        emit(&Event::Finished(index, Box::new(report)));
    }
    if let Some((read, written)) = moved() {
        emit(&Event::Moved(read, written));
    }
    Ok(())
}

/// Refuses a cache that was removed, or partly removed, while it is read: an import from a part of it would make
/// another history.
fn check_cache(request: &Request, view: &View) -> Result<(), Failure> {
    match &request.stands {
        Some(stands) if *stands != fingerprint(view, false) => {
            let message = "the repository in the cache is not what was brought there: somebody has removed it, or a part of it";
            Err(Failure::new(Stage::Commit, Code::Repository, message))
        }
        _ => Ok(()),
    }
}

fn fingerprint(view: &View, after: bool) -> String {
    remote::refs::fingerprint(view.published(after).iter().map(|(name, id)| (name.as_str(), id)))
}

/// Foreign refs, and the kinds of their content.
fn find_foreign(
    request: &Request,
    history: &mut History<'_>,
    news: &mut News,
) -> Result<Vec<ForeignRef>, Failure> {
    let found = foreign::find(&history.view, &request.distros, history.store)?;
    let judged = collision::judge(&found, &mut history.view, history.store)?;
    news.found.extend(collisions::of_refs(&found, &judged));
    Ok(found.iter().zip(&judged).map(|(it, judged)| ForeignRef::judged(it, judged.as_ref())).collect())
}

/// Record of a repository that is older than records, from the state's confirmation.
fn seal(request: &Request, refs: &Refs, store: &mut RepoStore) -> Result<Record, Failure> {
    let nothing = Word::default();
    let word = request.word.as_ref().unwrap_or(&nothing);
    if word.versions.is_empty() && !refs.is_empty() {
        let message = "the repository has refs, and neither a record nor the state says whose they are; \
            `package-import adopt` takes over what it has, if you trust that";
        return Err(Failure::new(Stage::Verify, Code::NotOnRecord, message));
    }
    Ok(unsealed::seal(refs, word, store)?)
}

/// Bytes that this process has read and written, as the kernel counts them.
fn moved() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Some((field("rchar:")?, field("wchar:")?))
}

fn enter_sandbox(request: &Request, repository: &Path) -> Result<Vec<Wall>, Failure> {
    sandbox::enter(&request.limits.walls(), &sandbox::of_request(request, repository))
        .map_err(|error| Failure::new(Stage::Worker, Code::Sandbox, error))
}

/// Reads every version; those that fail are reported at once, and the others go on. A missing file may come with
/// another version of the plan: such a version is read again after the others.
fn read_all(
    request: &Request,
    package: &PackageName,
    history: &mut History<'_>,
    emit: &impl Fn(&Event),
) -> Vec<Pending> {
    let mut stager = Stager::new(package, request);
    let mut pending = Vec::new();
    let mut incomplete = Vec::new();
    let mut read = |index: usize, may_wait: bool, pending: &mut Vec<Pending>| {
        let Some(version) = request.versions.get(index) else { return true };
        emit(&Event::Reading(index));
        let clock = Clock::start();
        let mut report = Report::new(&request.package, None, version, Outcome::Failed);
        let read = stager.read(version, history, &mut report.version);
        clock.stop(&mut report);
        match read {
            Ok(read) => pending.push(Pending { index, report, read }),
            Err(failure) if may_wait && failure.code == Code::MissingFile => return false,
            Err(failure) => emit(&Event::Finished(index, Box::new(report.with_failure(&failure)))),
        }
        true
    };
    for index in 0..request.versions.len() {
        if !read(index, request.versions.len() > 1, &mut pending) {
            incomplete.push(index);
        }
    }
    for index in incomplete {
        read(index, false, &mut pending);
    }
    pending
}

/// Holds back versions that wait for their base, and those that are built on them.
fn hold_back(
    mut pending: Vec<Pending>,
    request: &Request,
    view: &View,
    emit: &impl Fn(&Event),
) -> Vec<Pending> {
    let mut lacks: Vec<Option<String>> = vec![None; pending.len()];
    // Number of versions of the plan by version, and those that are built on them.
    let mut here: HashMap<Version, usize> = HashMap::new();
    for version in &pending {
        *here.entry(version.read.version().clone()).or_default() += 1;
    }
    let mut built_on: HashMap<Version, Vec<(usize, usize)>> = HashMap::new();
    let mut todo: Vec<(usize, usize)> = (0..pending.len()).rev().map(|place| (place, 0)).collect();
    while let Some((place, from)) = todo.pop() {
        let Some(version) = pending.get_mut(place) else { continue };
        let Some(on) = request.versions.get(version.index).and_then(|wanted| wanted.base.as_ref()) else {
            continue;
        };
        let Some(base) = request.bases.get(&on.base) else { continue };
        let Read::New(staged, _) = &version.read else { continue };
        let below = &staged.changelog.below;
        let is_here = |wanted: &Version| {
            here.get(wanted).is_some_and(|&count| count > 0) || lineage_wait::is_imported(view, wanted)
        };
        match lineage_wait::find(below, from, base, &is_here) {
            BaseFound::Here(at) => {
                if let Some(found) = below.get(at) {
                    built_on.entry(found.clone()).or_default().push((place, at));
                }
            }
            BaseFound::None => {}
            BaseFound::Missing(missing) => {
                version.report.lacks = Some(missing.clone());
                let own = version.read.version();
                if let (true, Some(slot), Some(count)) =
                    (on.may_wait, lacks.get_mut(place), here.get_mut(own))
                {
                    *slot = Some(missing);
                    *count -= 1;
                    if *count == 0 {
                        // Versions that are built on it search for another base, from there on.
                        todo.extend(built_on.remove(own).unwrap_or_default());
                    }
                }
            }
        }
    }
    let mut left = Vec::new();
    for (mut version, lacks) in pending.into_iter().zip(lacks) {
        let Some(missing) = lacks else {
            left.push(version);
            continue;
        };
        version.report.outcome = Outcome::Waits;
        version.report.message = Some(format!("waits for {missing}, on which it is built"));
        emit(&Event::Finished(version.index, Box::new(version.report)));
    }
    left
}

/// Makes commits, parents before children, then moves the branches, lower versions before higher ones.
fn add_all(pending: Vec<Pending>, history: &mut History<'_>) -> Result<Vec<(usize, Report)>, Failure> {
    let order = order::by_history(&pending.iter().map(|pending| pending.read.place()).collect::<Vec<_>>());
    let mut slots: Vec<Option<Pending>> = pending.into_iter().map(Some).collect();
    let mut done: Vec<(Pending, Added)> = Vec::new();
    for place in order {
        let Some(mut version) = slots.get_mut(place).and_then(Option::take) else { continue };
        let clock = Clock::start();
        let added = add(&mut version, history)?;
        clock.stop(&mut version.report);
        done.push((version, added));
    }
    done.sort_by(|(a, _), (b, _)| a.read.place().compare(&b.read.place()));
    for (version, added) in &done {
        if let Some(suite) = &version.report.suite {
            history.publish(&version.report.distro, suite, version.read.version(), added)?;
        }
    }
    done.into_iter()
        .map(|(version, added)| Ok((version.index, describe(version, &added, history)?)))
        .collect()
}

fn add(pending: &mut Pending, history: &mut History<'_>) -> Result<Added, Failure> {
    let distro = pending.report.distro.clone();
    Ok(match &pending.read {
        Read::Known(known) => known.added(),
        Read::Elsewhere(known) => history.adopt(&distro, &known.tag, known.applied.as_ref())?,
        Read::New(staged, _) => history.add(&distro, staged)?,
    })
}

fn describe(pending: Pending, added: &Added, history: &mut History<'_>) -> Result<Report, Failure> {
    let mut report = pending.report;
    report.commit = Some(added.commit.to_string());
    report.tree = Some(history.tree_of(added.commit)?.to_string());
    report.applied_commit = added.applied.map(|id| id.to_string());
    report.tag = Some(added.tag.trim_start_matches("refs/tags/").to_owned());
    report.outcome = match (&pending.read, added.applied) {
        (Read::Known(_), Some(_)) => Outcome::AlreadyThere,
        (_, Some(_)) => Outcome::Imported,
        (_, None) => Outcome::UnappliedOnly,
    };
    if let Some(failure) = pending.read.patch_failure() {
        report = report.with_failure(&failure);
    }
    Ok(report)
}

/// Measures one version: time, and processor time of all threads.
struct Clock {
    started: Instant,
    processor: u64,
}

impl Clock {
    fn start() -> Clock {
        Clock { started: Instant::now(), processor: processor_ms() }
    }

    fn stop(self, report: &mut Report) {
        let add = |slot: &mut Option<u64>, more: u64| *slot = Some(slot.unwrap_or(0) + more);
        add(&mut report.wall_ms, u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX));
        add(&mut report.cpu_ms, processor_ms().saturating_sub(self.processor));
    }
}

fn processor_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec * 1000 + time.tv_nsec / 1_000_000).unwrap_or(0)
}
