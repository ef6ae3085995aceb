#![allow(clippy::unwrap_used)]

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const STALE: Duration = Duration::from_secs(60);

/// A claim of another host's, which writes nothing any more.
fn foreign(path: &Path, count: u64) {
    fs::write(path, format!("0abc.1.2.3\n{count:020}\n")).unwrap();
}

#[test]
fn one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let first = Claim::take(&path, SECOND).unwrap().unwrap();
    assert!(Claim::take(&path, SECOND).unwrap().is_none());
    let mut watch = Watch::default();
    watch.look(&path, Duration::ZERO, STALE).unwrap();
    assert!(path.exists(), "its owner lives");
    drop(first);
    assert!(Claim::take(&path, SECOND).unwrap().is_some());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_claim_that_can_be_seen_says_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let taking = std::sync::atomic::AtomicBool::new(true);
    thread::scope(|scope| {
        let owners: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| (0..200).filter(|_| Claim::take(&path, SECOND).unwrap().is_some()).count())
            })
            .collect();
        scope.spawn(|| {
            while taking.load(Ordering::SeqCst) {
                if let Ok(Some((seen, _))) = see(&path) {
                    assert!(!seen.token.is_empty(), "whoever is killed now has left a claim of nobody's");
                }
            }
        });
        let taken: usize = owners.into_iter().map(|owner| owner.join().unwrap()).sum();
        assert!(taken > 0);
        taking.store(false, Ordering::SeqCst);
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn the_claim_of_a_dead_process_is_broken_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, format!("{}.1.2.3\n{:020}\n", *BOOT, 0)).unwrap();
    Watch::default().look(&path, Duration::ZERO, STALE).unwrap();
    assert!(!path.exists());
}

#[test]
fn the_claim_of_another_host_is_broken_when_it_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let mut watch = Watch::default();
    foreign(&path, 1);
    watch.look(&path, SECOND, STALE).unwrap();
    foreign(&path, 2);
    watch.look(&path, SECOND + STALE, STALE).unwrap();
    assert!(path.exists(), "it has counted on");
    watch.look(&path, STALE * 2, STALE).unwrap();
    assert!(path.exists());
    watch.look(&path, SECOND + STALE * 2, STALE).unwrap();
    assert!(!path.exists());
}

#[test]
fn an_unfinished_claim_is_broken_only_when_it_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "").unwrap();
    let mut watch = Watch::default();
    watch.look(&path, Duration::ZERO, STALE).unwrap();
    assert!(path.exists());
    watch.look(&path, STALE, STALE).unwrap();
    assert!(!path.exists());
}

#[test]
fn who_was_taken_for_dead_does_not_remove_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let frozen = Claim::take(&path, STALE).unwrap().unwrap();
    // View of another host: the number does not change.
    assert!(remove(&path, &frozen.token, |_| true).unwrap());
    let successor = Claim::take(&path, STALE).unwrap().unwrap();
    drop(frozen);
    assert_eq!(see(&path).unwrap().unwrap().0.token, successor.token);
}

#[test]
fn a_remover_that_died_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    foreign(&path, 1);
    fs::write(marker(&path, "0abc.1.2.3"), "").unwrap();
    let mut watch = Watch::default();
    for minutes in 0..4 {
        watch.look(&path, STALE * minutes, STALE).unwrap();
    }
    assert!(!path.exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn of_many_exactly_one_gets_it_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let inside = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut taken = 0;
                let mut watch = Watch::default();
                while taken < 20 {
                    let Some(claim) = Claim::take(&path, SECOND).unwrap() else {
                        watch.look(&path, Duration::ZERO, STALE).unwrap();
                        thread::yield_now();
                        continue;
                    };
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(claim);
                    taken += 1;
                }
            });
        }
    });
}
