//! Missing news is no sign that all is well.

use state::samples;

use crate::checks::world::{DAY, HOUR, World};

#[test]
fn req10_counters_that_are_gone_are_no_zero() {
    let world = World::healthy();
    let run = world.run("a", "service");
    world.failures(run, "bad", 50, "bad-dsc");
    world.set("filled", &world.now().to_string());
    for _ in 0..9 * 4 {
        world.advance(6 * HOUR);
        samples::take(&world.store).unwrap();
    }
    assert_eq!(world.ask("failures", &[]).code, 0);
    world.execute("DELETE FROM counter");
    let said = world.ask("failures", &[]);
    assert!(said.code == 3 && said.out.contains("the counters are gone"), "{said:?}");
}

#[test]
fn req10_runs_that_never_judge_are_no_ok() {
    let world = World::healthy();
    world.execute("DELETE FROM verdict");
    assert_eq!(world.ask("failures", &[]).code, 0, "{:?}", world.ask("failures", &[]));
    world.advance(2 * DAY);
    let said = world.ask("failures", &[]);
    assert!(said.code == 3 && said.out.contains("no sample was ever judged"), "{said:?}");
}

#[test]
fn req10_where_nothing_is_heard_no_queue_is_empty() {
    let world = World::healthy();
    world.advance(37 * HOUR);
    for check in ["queue", "workers", "wedged"] {
        let said = world.ask(check, &[]);
        assert!(said.code == 3 && said.out.contains("nothing heard since"), "{said:?}");
    }
    // A run once a week is heard of once a week.
    world.configure("[checks.runs]\ninterval = \"7d\"\n");
    for check in ["queue", "workers", "wedged"] {
        assert_eq!(world.ask(check, &[]).code, 0, "{check}");
    }
}

#[test]
fn req10_a_state_that_was_emptied_beside_full_repositories_is_critical() {
    let world = World::healthy();
    let make = |name: &str| std::fs::create_dir_all(world.root().join("repos/h").join(name)).unwrap();
    make("hello.git");
    assert_eq!(world.ask("state", &[]).code, 0, "{:?}", world.ask("state", &[]));
    (0..5).for_each(|number| make(&format!("h{number}.git")));
    let said = world.ask("state", &[]);
    assert!(said.code == 2 && said.out.contains("repositories are unknown to this state"), "{said:?}");
    // Only the database was asked for, and it is sound.
    let said = world.ask("state", &["--database"]);
    assert!(said.code == 0 && said.out.contains("the database can be read"), "{said:?}");
    world.set("integrity", "row 3 missing");
    assert_eq!(world.ask("state", &["--database"]).code, 2);
}
