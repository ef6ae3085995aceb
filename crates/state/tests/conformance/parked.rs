//! A package that fails and whose next try is parked counts once.

use state::breaker::{self, Rule};
use state::operate::{self, By};
use state::policy::Retries;
use state::queue::{self, Wish};
use state::reclassify::normaliser;
use state::words::{Class, Lane, Outcome};
use state::{StateError, counters, finish, hold, samples, schema, waits};

use crate::common::{DAY, MINUTE, World, failure, finished, worlds};

const BY: By<'_> = By { actor: "me", reason: Some("a test") };

/// Five failing packages and a new one, all of them parked.
fn begin(world: &World) -> i64 {
    let run = world.run();
    for number in 0..5 {
        world.enqueue(&format!("p{number}"), Lane::Upload);
        let claim = world.claim(run).unwrap();
        let message = if number < 3 { "it is broken" } else { "it is worse" };
        world.finish(&claim, Outcome::Failed, failure(Class::Permanent, message)).unwrap();
    }
    let open = |tx: &mut state::tx::Tx<'_>| {
        breaker::note(tx, "mirror", (0, 6), Some("refused"), None, &Rule::default()).map(|it| it.0.id)
    };
    let id = world.store.write(open).unwrap();
    for number in 0..6 {
        world.enqueue(&format!("p{number}"), Lane::Upload);
        let mut parked = finished(&world.claim(run).unwrap(), Outcome::Parked, None);
        parked.parked_on = Some(id);
        world.store.write(|tx| finish::finish(tx, &parked, &Retries::default())).unwrap();
    }
    id
}

/// Failing, parked and both, as the view counts them.
fn live(world: &World) -> (i64, i64, i64) {
    assert!(world.store.read(counters::verify).unwrap().is_empty());
    let sql = "SELECT failing, parked, parked_failing FROM check_v1_live";
    let row = world.store.read(|tx| tx.first(sql, &[])).unwrap().unwrap();
    (row.int(0), row.int(1), row.int(2))
}

/// Numbers that the importer compares with the norm.
fn judged(world: &World) -> i64 {
    samples::take(&world.store).unwrap();
    world.count("SELECT value FROM check_v1_verdicts WHERE figure = 'failing'")
}

#[test]
fn it_counts_once_whatever_happens_to_it() {
    for world in worlds() {
        let breaker = begin(&world);
        assert_eq!((live(&world), judged(&world)), ((5, 6, 5), 6));
        assert_eq!(world.count("SELECT value FROM sample WHERE figure = 'parked_failing'"), 5);
        let id = world.count("SELECT id FROM package WHERE name = 'p0'");
        world.store.write(|tx| hold::hold(tx, id, "me", "why not", None)).unwrap();
        assert_eq!((live(&world), judged(&world)), ((4, 5, 4), 5));
        world.store.write(|tx| hold::release(tx, id)).unwrap();
        let until = world.store.read(|tx| tx.now()).unwrap() + 30 * DAY;
        let suppress = |subject: &str| {
            world.store.write(|tx| operate::suppress(tx, subject, until, BY)).unwrap();
        };
        suppress("p0");
        assert_eq!((live(&world), judged(&world)), ((5, 5, 4), 5));
        // A suppressed package counts as failing no more, but it waits like others.
        let short = world.text("SELECT short FROM signature ORDER BY id LIMIT 1");
        suppress(&short);
        assert_eq!((live(&world), judged(&world)), ((5, 5, 2), 5));
        for subject in ["p0", &short] {
            world.store.write(|tx| operate::unsuppress(tx, subject, BY)).unwrap();
        }
        let rule = |text: &str, _: &str, _: Option<&str>| text.replace("worse", "broken");
        normaliser::all_by(&world.store, 1000, &rule).unwrap();
        assert_eq!((live(&world), judged(&world)), ((5, 6, 5), 6));
        world.store.write(|tx| breaker::probed(tx, breaker, None, &Rule::default())).unwrap();
        assert_eq!(world.store.write(|tx| breaker::unpark(tx, 4)).unwrap(), 4);
        assert_eq!(judged(&world), 6);
        while world.store.write(|tx| breaker::unpark(tx, 4)).unwrap() > 0 {}
        assert_eq!((live(&world), judged(&world)), ((5, 0, 0), 5));
    }
}

#[test]
fn a_wait_that_is_over_brings_it_back() {
    for world in worlds() {
        begin(&world);
        let until = world.store.read(|tx| tx.now()).unwrap() + MINUTE;
        let sql = "INSERT INTO wait (package_id, kind, reason, since, until)
            SELECT id, 'history', 'x', 0, ?1 FROM package";
        world.store.write(|tx| tx.execute(sql, state::values![until])).unwrap();
        world.advance(2 * MINUTE);
        assert_eq!(world.store.write(|tx| waits::expire(tx, 100)).unwrap(), 6);
        assert_eq!(live(&world), (5, 0, 0));
    }
}

/// Turns a state into one that a program of the first schema would have left.
fn lower(world: &World) {
    let added = [
        "distro",
        "branch",
        "mirror",
        "listed",
        "reconciled",
        "remarks",
        "remarked",
        "withheld",
        "withheld_index",
        "withheld_since",
        "not_before",
        "content",
        "changes",
        "longest_gap",
        "stale_after",
    ];
    let views = [
        "check_v1_archives",
        "check_v1_left_out",
        "check_v1_waits",
        "check_v1_foreign_refs",
        "check_v1_remotes",
        "check_v1_collisions",
        "check_v1_findings",
    ]
    .map(|view| format!("DROP VIEW {view}"));
    let columns = added.map(|column| format!("ALTER TABLE suite DROP COLUMN {column}"));
    for step in views.iter().chain(&columns) {
        world.store.write(|tx| tx.execute(step, &[])).unwrap();
    }
    let steps = [
        "ALTER TABLE publication DROP COLUMN unlisted",
        "ALTER TABLE history DROP COLUMN again",
        "DROP TABLE place",
        "DROP TABLE foreign_ref",
        "DROP TABLE publish",
        "DROP TABLE remote",
        "ALTER TABLE publication DROP COLUMN reached",
        "DROP VIEW check_v1_channels",
        "DROP TABLE message",
        "DROP TABLE channel",
        "DROP TABLE notice",
        "DROP TABLE collision",
        "DROP TABLE finding",
        "DROP TABLE repair_part",
        "DROP TABLE repair_plan",
        "DROP TABLE mute",
        "DROP TABLE package_past",
        "DROP TABLE past",
        "DROP INDEX run_host",
        "DROP INDEX event_at",
        "DROP INDEX publication_done",
        "DROP INDEX publication_gone",
        "DROP TABLE repository",
        "DROP INDEX wait_kind",
        "DROP INDEX history_incomplete",
        "DROP VIEW check_v1_live",
        "CREATE VIEW check_v1_live AS SELECT 1 AS failing, 2 AS parked",
        "ALTER TABLE signature DROP COLUMN parked",
        "DROP VIEW check_v1_progress",
        "ALTER TABLE run DROP COLUMN progress",
        "ALTER TABLE run DROP COLUMN worked_ms",
        "ALTER TABLE host DROP COLUMN trouble",
        "ALTER TABLE host DROP COLUMN trouble_since",
        "DELETE FROM counter WHERE name = 'parked_failing'",
        "UPDATE meta SET value = '1' WHERE name IN ('schema', 'min_writer')",
    ];
    for step in steps {
        world.store.write(|tx| tx.execute(step, &[])).unwrap();
    }
}

#[test]
fn a_state_of_the_first_schema_is_brought_up() {
    for world in worlds() {
        begin(&world);
        let id = world.count("SELECT id FROM package WHERE name = 'p0'");
        world.store.write(|tx| hold::hold(tx, id, "me", "why not", None)).unwrap();
        let before = live(&world);
        lower(&world);
        assert!(matches!(world.location.open(), Err(StateError::Older { found: 1, .. })));
        assert_eq!(world.location.connect(false).unwrap().migrate().unwrap(), (1, schema::CURRENT));
        assert_eq!((live(&world), before), ((4, 5, 4), (4, 5, 4)));
        assert_eq!(
            world.text("SELECT value FROM meta WHERE name = 'min_writer'"),
            schema::MIN_WRITER.to_string()
        );
        world.location.open().unwrap();
    }
}

#[test]
fn an_upgrade_while_nothing_is_parked_adds_no_counter() {
    for world in worlds() {
        lower(&world);
        world.location.connect(false).unwrap().migrate().unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM counter"), 0);
        assert_eq!(live(&world), (0, 0, 0));
    }
}

/// A job that is parked or waits for a retry can be claimed by name.
#[test]
fn one_that_is_asked_for_by_name_waits_for_nothing() {
    for world in worlds() {
        begin(&world);
        let run = world.run();
        let id = world.count("SELECT id FROM package WHERE name = 'p5'");
        let wish = Wish { run, lease: MINUTE, importer: "1", only: Some(id), ..Wish::default() };
        let claim = || world.store.write(|tx| queue::claim(tx, &wish)).unwrap();
        let first = claim().unwrap();
        assert_eq!(live(&world), (5, 5, 5));
        assert_eq!(world.count("SELECT parked FROM dependency"), 5);
        assert_eq!(claim(), None, "somebody does it already");
        world.finish(&first, Outcome::Failed, failure(Class::Transient, "it is odd")).unwrap();
        assert_eq!(world.text("SELECT state FROM job WHERE package_id = 6"), "retrying");
        let second = claim().unwrap();
        world.finish(&second, Outcome::Imported, None).unwrap();
        assert_eq!(live(&world), (5, 5, 5));
        world.store.write(|tx| hold::hold(tx, 1, "me", "why not", None)).unwrap();
        let wish = Wish { only: Some(1), ..wish.clone() };
        assert_eq!(world.store.write(|tx| queue::claim(tx, &wish)).unwrap(), None, "held by a person");
    }
}

#[test]
fn what_relapses_is_believed_more_and_more_seldom() {
    for world in worlds() {
        let run = world.run();
        let rule = Rule { least: 1, percent: 1, ..Rule::default() };
        let note = |uses: (i64, i64)| {
            world.store.write(|tx| breaker::note(tx, "disk:here", uses, Some("full"), None, &rule)).unwrap().0
        };
        // A probe finds room each time, and whoever writes then finds none.
        let relapse = || {
            let open = note((0, 1));
            let believed = |tx: &mut state::tx::Tx<'_>| {
                breaker::hurry(tx, open.id)?;
                assert!(breaker::take_probe(tx, open.id, run, &rule)?);
                breaker::probed(tx, open.id, None, &rule)
            };
            world.store.write(believed).unwrap();
            (open.next_probe.unwrap() - open.since) / 1000
        };
        let pauses: Vec<i64> = (0..10).map(|_| relapse()).collect();
        assert_eq!(pauses, [4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        // Once it could be used, the next time is another one.
        note((1, 0));
        assert_eq!(relapse(), 4);
    }
}
