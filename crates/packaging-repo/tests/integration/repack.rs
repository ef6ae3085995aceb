//! Conditions under which a repository is repacked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{Numbers, Scratch, objects, scratch};
use packaging_repo::object::Kind;
use packaging_repo::refs::fence::Fence;
use packaging_repo::repack::{Effort, due, repack};
use packaging_repo::{Error, Guard};

const LONG: std::time::Duration = std::time::Duration::from_secs(600);

/// One more pack with incompressible content.
fn grow(scratch: &Scratch, numbers: &mut Numbers, bytes: usize) {
    let mut store = scratch.repository.store(1).unwrap();
    store.add(Kind::Blob, &numbers.bytes(bytes)).unwrap();
    store.finish().unwrap();
}

/// The lock of a repository that nobody uses. A child that another test starts has all files of this process for the moment
/// between fork and exec, so a lock that was just released may be held for as long.
fn idle(scratch: &Scratch) -> Guard {
    let end = std::time::Instant::now() + LONG;
    loop {
        match scratch.repository.lock_idle() {
            Err(Error::Busy(_)) if std::time::Instant::now() < end => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
}

fn repacked(scratch: &Scratch, effort: Effort) {
    let guard = idle(scratch);
    repack(&scratch.repository, &guard, effort, None, bounded::Deadline::after(LONG)).unwrap();
}

#[test]
fn what_has_come_since_decides() {
    let (scratch, mut numbers) = (scratch(), Numbers(1));
    assert_eq!(due(scratch.path()), None, "there is nothing");
    grow(&scratch, &mut numbers, 100_000);
    assert_eq!(due(scratch.path()), Some(Effort::Full), "the first import");
    repacked(&scratch, Effort::Full);
    assert_eq!(due(scratch.path()), None);
    for _ in 0..9 {
        grow(&scratch, &mut numbers, 1000);
        assert_eq!(due(scratch.path()), None, "little beside what there is");
    }
    grow(&scratch, &mut numbers, 1000);
    assert_eq!(due(scratch.path()), Some(Effort::Geometric), "many");
    repacked(&scratch, Effort::Geometric);
    assert_eq!(due(scratch.path()), None);
    grow(&scratch, &mut numbers, 80_000);
    assert_eq!(due(scratch.path()), Some(Effort::Full), "another upstream");
}

#[test]
fn what_was_only_stored_is_compressed() {
    let scratch = scratch();
    let mut store = scratch.repository.store(1).unwrap();
    store.add(Kind::Blob, &[b'x'; 100_000]).unwrap();
    store.finish().unwrap();
    let size = || {
        let packs =
            scratch.packs().into_iter().filter(|path| path.extension().is_some_and(|it| it == "pack"));
        packs.map(|path| path.metadata().unwrap().len()).sum::<u64>()
    };
    assert!(size() > 100_000, "{}", size());
    repacked(&scratch, Effort::Full);
    assert!(size() < 1000, "{}", size());
    scratch.assert_clean();
}

/// A frozen importer holds its lock while it is frozen.
#[test]
fn nobody_has_to_wait_for_an_importer() {
    let (scratch, mut numbers) = (scratch(), Numbers(1));
    grow(&scratch, &mut numbers, 1000);
    let guard =
        scratch.repository.lock_fenced(Fence { epoch: 1, token: 1 }, bounded::Deadline::now()).unwrap();
    assert!(matches!(scratch.repository.lock_idle(), Err(Error::Busy(_))));
    drop(guard);
    repacked(&scratch, Effort::Full);
}

/// The files of all packs.
fn files(scratch: &Scratch) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    scratch.packs().iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Git puts a new pack in place file by file, the index last; then it removes old packs, their index first. After a
/// kill at any moment, the next holder of the lock finds a repository in which nothing is missing, and leaves one
/// without superfluous files.
#[test]
fn a_repack_that_was_killed_leaves_nothing_behind() {
    let (scratch, mut numbers) = (scratch(), Numbers(1));
    let (commits, _) = objects(&scratch, 3);
    scratch.git(&["update-ref", "refs/heads/a", &commits[2].to_string()]);
    grow(&scratch, &mut numbers, 1000);
    let before = files(&scratch);
    let mark: String =
        before.keys().filter_map(|name| name.strip_suffix(".idx")).map(|stem| format!("{stem}\n")).collect();
    repacked(&scratch, Effort::Full);
    let mut after: Vec<(String, Vec<u8>)> = files(&scratch).into_iter().collect();
    let order = |name: &str, ending: &str| name.ends_with(ending);
    after.sort_by_key(|(name, _)| (order(name, ".idx"), !order(name, ".pack")));
    let mut doomed: Vec<&String> = before.keys().collect();
    doomed.sort_by_key(|name| (name.split('.').next(), !order(name, ".idx")));
    let folder = scratch.path().join("objects/pack");
    for step in 0..=after.len() + doomed.len() {
        scratch.packs().iter().for_each(|path| fs::remove_file(path).unwrap());
        before.iter().for_each(|(name, content)| fs::write(folder.join(name), content).unwrap());
        for (place, (name, content)) in after.iter().enumerate() {
            let name = if place < step { name.clone() } else { format!(".tmp-123-{name}") };
            fs::write(folder.join(name), content).unwrap();
        }
        doomed.iter().take(step.saturating_sub(after.len())).for_each(|name| {
            fs::remove_file(folder.join(name)).unwrap();
        });
        fs::write(folder.join("tmp_idx_X1y2Z3"), "half an ind").unwrap();
        fs::write(scratch.path().join("package-import.repack"), &mark).unwrap();
        assert!(due(scratch.path()).is_some(), "{step}: nobody would come");
        let guard =
            scratch.repository.lock(bounded::Deadline::after(std::time::Duration::from_secs(600))).unwrap();
        scratch.repository.remove_leftovers(&guard).unwrap();
        let (left, is_in_place) = (files(&scratch), step >= after.len());
        let extra =
            left.keys().find(|name| !before.contains_key(*name) && !after.iter().any(|it| it.0 == **name));
        assert_eq!(extra, None, "{step}");
        assert_eq!(after.iter().all(|(name, _)| left.contains_key(name)), is_in_place, "{step}");
        let stems: BTreeSet<&str> = left.keys().filter_map(|name| name.split('.').next()).collect();
        stems.iter().for_each(|stem| assert!(left.contains_key(&format!("{stem}.idx")), "{step}: {stem}"));
        assert!(!scratch.path().join("package-import.repack").exists(), "{step}");
        scratch.assert_clean();
        assert_eq!(scratch.git(&["rev-list", "--objects", "--all"]).lines().count(), 2, "{step}");
    }
}

/// Processes that a process has started and that run.
fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// A repack outlives the process that started it, and its parts outlive each other: importers wait for all of them.
#[test]
fn every_process_of_git_holds_the_lock_as_long_as_it_runs() {
    let (scratch, mut numbers) = (scratch(), Numbers(1));
    grow(&scratch, &mut numbers, 3_000_000);
    let lock = scratch.path().join("package-import.flock");
    let holds = |pid: u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.into_iter().any(|it| fs::read_link(it.path()).is_ok_and(|path| path == lock))
    };
    let looked = AtomicUsize::new(0);
    let started = |group: u32| {
        // The first process waits for those that it starts, and stays in the list until it has been waited for.
        while fs::read_dir(format!("/proc/{group}/fd")).is_ok_and(|mut open| open.next().is_some()) {
            for child in children(group) {
                if fs::read_to_string(format!("/proc/{child}/cmdline"))
                    .is_ok_and(|it| it.contains("pack-objects"))
                {
                    assert!(holds(child) || children(group).is_empty(), "pack-objects runs without the lock");
                    looked.fetch_add(1, Ordering::Relaxed);
                    assert!(holds(group) || children(group).is_empty());
                    return;
                }
            }
        }
    };
    let guard = idle(&scratch);
    repack(&scratch.repository, &guard, Effort::Full, Some(&started), bounded::Deadline::after(LONG))
        .unwrap();
    assert_eq!(looked.load(Ordering::Relaxed), 1, "pack-objects was not seen");
}
