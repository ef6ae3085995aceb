//! Refs that somebody else made or moved: what waits for an operator, and how that ends.

use state::audit::By;
use state::publication::collisions::{self, Filter, Found};
use state::words::{Class, FailureState, Outcome};
use state::{StateError, queue};

use crate::common::worlds;

const BY: By<'_> = By { actor: "olga@host1", reason: Some("so it was decided") };

fn found(name: &str, kind: &str, theirs: &str) -> Found {
    let waits = !matches!(kind, "noise" | "contained" | "rewritten");
    Found { name: name.into(), kind: kind.into(), waits, theirs: Some(theirs.into()), ..Found::default() }
}

#[test]
fn one_row_for_what_is_found_again_and_again() {
    for world in worlds() {
        let package = world.store.write(|tx| queue::package_id(tx, "hello")).unwrap();
        let settle = |rows: &[Found], ended: &[(i64, String)]| {
            world.store.write(|tx| collisions::settle(tx, package, rows, ended)).unwrap();
            world.store.read(|tx| collisions::of_package(tx, package)).unwrap()
        };
        let both = [found("refs/heads/a", "unmerged", "1"), found("refs/heads/b", "noise", "1")];
        let first = settle(&both, &[]);
        assert_eq!(first.len(), 2);
        assert_eq!((first[0].ended, first[1].ending.as_deref()), (None, Some("done")));
        world.advance(1000);
        assert_eq!(settle(&both, &[]), first, "found again, nothing is new");
        let moved = settle(&[found("refs/heads/a", "conflict", "2")], &[]);
        assert_eq!(moved.len(), 3, "another object is another collision");
        assert!(moved[2].since > first[0].since);
        let summary = world.store.read(collisions::summary).unwrap();
        assert_eq!((summary.collisions, summary.packages, summary.id), (2, 1, Some(first[0].id)));
        assert_eq!(summary.kinds, [("conflict".to_owned(), 1), ("unmerged".to_owned(), 1)]);
        let over = settle(&[], &[(first[0].id, "contained".into())]);
        assert_eq!(over[0].ending.as_deref(), Some("contained"));
        assert_eq!(settle(&both, &[])[0], over[0], "what is contained does not come back");
        // A ref that was removed and comes back is a new collision.
        settle(&[], &[(moved[2].id, "gone".into())]);
        let again = settle(&[found("refs/heads/a", "conflict", "2")], &[]);
        assert_eq!(again.len(), 4);
        let many: Vec<Found> =
            (0..200).map(|it| found(&format!("refs/tags/{it}"), "tag-differs", "1")).collect();
        let all = settle(&many, &[]);
        assert_eq!(all.iter().filter(|it| it.ended.is_none()).count() as i64, collisions::KEPT);
        let filter = Filter { package: Some("hello"), kind: Some("conflict"), all: false, limit: 10 };
        assert_eq!(world.store.read(|tx| collisions::list(tx, &filter)).unwrap().len(), 1);
    }
}

#[test]
fn a_decision_is_written_down_with_a_job_and_an_entry() {
    for world in worlds() {
        let package = world.store.write(|tx| queue::package_id(tx, "hello")).unwrap();
        let rows = [found("refs/heads/a", "unmerged", "1")];
        world.store.write(|tx| collisions::settle(tx, package, &rows, &[])).unwrap();
        let id = world.store.read(|tx| collisions::of_package(tx, package)).unwrap()[0].id;
        let decide = |id| world.store.write(|tx| collisions::decide(tx, id, "keep", BY));
        assert!(matches!(decide(id + 1), Err(StateError::Unknown(_))));
        decide(id).unwrap();
        let it = world.store.read(|tx| collisions::get(tx, id)).unwrap().unwrap();
        assert_eq!((it.decision.as_deref(), it.decided_by.as_deref()), (Some("keep"), Some("olga@host1")));
        assert!(it.ended.is_none(), "it is not done yet");
        let run = world.run();
        assert_eq!(world.claim(run).unwrap().package, "hello");
        let events = world.store.read(|tx| state::events::list(tx, Some("hello"), 5)).unwrap();
        assert_eq!((events[0].action.as_str(), events[0].reason.as_deref()), ("resolve", BY.reason));
        world.store.write(|tx| collisions::trouble(tx, id, "the disk")).unwrap();
        world.store.write(|tx| collisions::settle(tx, package, &[], &[(id, "keep".into())])).unwrap();
        let it = world.store.read(|tx| collisions::get(tx, id)).unwrap().unwrap();
        assert_eq!((it.ending.as_deref(), it.trouble), (Some("keep"), None));
        assert!(matches!(decide(id), Err(StateError::Refused(_))));
        let kept = world.store.read(|tx| collisions::kept(tx, package)).unwrap();
        assert_eq!(kept, [("refs/heads/a".to_owned(), Some("1".to_owned()))]);
    }
}

#[test]
fn a_ref_in_the_way_wedges_its_package() {
    for world in worlds() {
        world.enqueue("hello", state::words::Lane::Upload);
        let run = world.run();
        let claim = world.claim(run).unwrap();
        let mut cause = crate::common::failure(Class::Permanent, "a ref is in the way");
        if let Some(cause) = &mut cause {
            "publish".clone_into(&mut cause.stage);
            cause.code = "blocked".into();
        }
        let settled = world.finish(&claim, Outcome::Failed, cause).unwrap();
        assert_eq!(settled.failure, Some(FailureState::Wedged));
        let status = world.store.read(|tx| state::read::status::read(tx, 5)).unwrap();
        assert_eq!((status.wedged, status.failing), (1, 1));
    }
}
