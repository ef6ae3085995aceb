//! What repairs have replaced is kept for as long as it is said, and not a moment less; afterwards their plans go.

use state::audit::By;
use state::repair::kept;
use state::repair::plans::{self, PartState, PlanKind};
use state::retention::{self, Rule};
use state::{groups, queue};

use crate::common::{DAY, worlds};

#[test]
fn plans_stay_until_nothing_of_them_can_be_taken_back() {
    for world in worlds() {
        let by = By { actor: "ann", reason: None };
        let plan = |state: PartState, package: &str| {
            let made = world.store.write(|tx| {
                let package = queue::package_id(tx, package)?;
                let plan = plans::begin(tx, PlanKind::Repair, None, by)?;
                plans::put(tx, (plan, package), state, Some("{}"), None, by)?;
                Ok((plan, package))
            });
            made.unwrap()
        };
        let (applied, package) = plan(PartState::Applied, "a");
        for state in [PartState::Planned, PartState::Empty, PartState::Stale, PartState::Failed] {
            plan(state, "a");
        }
        plan(PartState::Asked, "b");
        plan(PartState::Wanted, "b");
        let rule = Rule::default();
        let pass = || while world.store.write(|tx| retention::step(tx, &rule)).unwrap() {};
        let plans = || world.count("SELECT COUNT(*) FROM repair_plan");
        let ask = || {
            world
                .store
                .write(|tx| {
                    let before = tx.now()? - 90 * DAY;
                    kept::ask(tx, before, 10)
                })
                .unwrap()
        };
        world.advance(90 * DAY);
        pass();
        assert_eq!((plans(), ask()), (7, 0), "it is the ninetieth day");
        world.advance(1);
        pass();
        assert_eq!(plans(), 3, "one that was carried out, and two that are to be");
        assert_eq!((ask(), ask()), (1, 0), "it is asked for once");
        let old = world
            .store
            .read(|tx| {
                let before = tx.now()? - 90 * DAY;
                kept::old(tx, package, before)
            })
            .unwrap();
        assert_eq!(old, [applied]);
        world.store.write(|tx| kept::forget(tx, package, &old)).unwrap();
        assert_eq!(plans(), 2);
        assert_eq!(world.count("SELECT COUNT(*) FROM repair_part WHERE package_id = (SELECT id FROM package WHERE name = 'a')"), 0);
    }
}

#[test]
fn nothing_that_was_never_imported_is_in_a_group() {
    for world in worlds() {
        let package = world.store.write(|tx| queue::package_id(tx, "a")).unwrap();
        assert!(world.store.read(|tx| groups::as_imported(tx, package)).unwrap().is_empty());
    }
}
