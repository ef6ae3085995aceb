//! Publishing: rows that are asked for, claimed and ended, and the counter that moves with them.

use state::audit::By;
use state::counters;
use state::publishing::PublishLane;
use state::publishing::claims::{self, Claim};
use state::publishing::ends::{self, Next, There, Trouble};
use state::publishing::remotes::{self, follow};
use state::publishing::{asked, read};
use state::{hold, queue, runs, values};

use crate::common::{DAY, HOUR, MINUTE, World, worlds};

const REMOTES: [(&str, &str); 2] = [("a", "/srv/a/{package}"), ("b", "/srv/b/{package}")];

fn imported(world: &World, name: &str) -> i64 {
    world
        .store
        .write(|tx| {
            let id = queue::package_id(tx, name)?;
            tx.execute("UPDATE package SET last_success = 1 WHERE id = ?1", values![id])?;
            Ok(id)
        })
        .unwrap()
}

fn remote(world: &World, name: &str) -> i64 {
    let all = world.store.read(remotes::followed).unwrap();
    all.into_iter().find(|it| it.name == name).unwrap().id
}

fn claim(world: &World, run: i64, remote: i64) -> Option<Claim> {
    world.store.write(|tx| claims::claim(tx, run, remote, None)).unwrap()
}

fn there(word: &str) -> Result<There, Trouble> {
    Ok(There { here: word.into(), there: word.into(), ..There::default() })
}

fn trouble(next: Next) -> Result<There, Trouble> {
    Err(Trouble { code: "x".into(), message: "why".into(), next })
}

fn end(world: &World, run: i64, claim: &Claim, how: &Result<There, Trouble>) -> bool {
    world.store.write(|tx| ends::end(tx, run, claim, how)).unwrap()
}

fn assert_counted(world: &World) {
    assert_eq!(world.store.read(counters::verify).unwrap(), []);
    assert!(world.store.largest_transaction() <= state::tx::LARGEST);
}

#[test]
fn a_remote_that_is_new_is_filled_and_looked_at_again() {
    for world in worlds() {
        let run = world.run();
        for number in 0..100 {
            imported(&world, &format!("p{number:03}"));
        }
        world.store.write(|tx| queue::package_id(tx, "never-imported")).unwrap();
        world.store.write(|tx| follow(tx, &REMOTES, "config")).unwrap();
        assert!(!world.store.read(|tx| remotes::is_news(tx, &REMOTES)).unwrap());
        while world.store.write(|tx| asked::fill(tx, 40)).unwrap() {}
        let status = world.store.read(read::status).unwrap();
        assert_eq!(status.iter().map(|it| it.unpublished).collect::<Vec<_>>(), [100, 100]);
        // An upload goes before what came because the remote is new.
        let last = imported(&world, "zz");
        world.store.write(|tx| asked::ask(tx, last, None, PublishLane::Upload)).unwrap();
        let a = remote(&world, "a");
        let first = claim(&world, run, a).unwrap();
        assert_eq!((first.package.as_str(), first.lane), ("zz", PublishLane::Upload));
        assert!(end(&world, run, &first, &there("1")));
        assert!(!end(&world, run, &first, &there("1")), "it is over");
        let mut done = 0;
        while let Some(it) = claim(&world, run, a) {
            assert!(end(&world, run, &it, &there("1")));
            done += 1;
        }
        assert_eq!((done, world.store.read(read::status).unwrap()[0].unpublished), (100, 0));
        assert_counted(&world);
        // A look is no lag, and comes within little more than a day.
        world.advance(DAY + DAY / 4);
        while world.store.write(|tx| asked::wake(tx, 40)).unwrap() > 0 {}
        let look = claim(&world, run, a).unwrap();
        assert_eq!((look.lane, look.here.as_deref()), (PublishLane::Look, Some("1")));
        assert_eq!(world.store.read(read::status).unwrap()[0].unpublished, 0);
        // A request during publishing is done afterwards.
        world.store.write(|tx| asked::ask(tx, look.package_id, None, PublishLane::Upload)).unwrap();
        end(&world, run, &look, &there("1"));
        assert_eq!(world.store.read(read::status).unwrap()[0].unpublished, 1);
        assert_counted(&world);
    }
}

#[test]
fn a_version_has_reached_its_readers_once_all_remotes_have_it() {
    for world in worlds() {
        let run = world.run();
        let package = imported(&world, "hello");
        world
            .store
            .write(|tx| {
                tx.execute(
                    "INSERT INTO publication (package_id, archive, distro, suite, component, version, dsc, dsc_sha256,
                        trust, files, published, first_seen, done)
                     VALUES (?1, 'a', 'debian', 'sid', 'main', '1', 'x', 'x', '', '', 1, 1, 2)",
                    values![package],
                )
            })
            .unwrap();
        world.store.write(|tx| follow(tx, &REMOTES, "config")).unwrap();
        world.store.write(|tx| asked::ask(tx, package, None, PublishLane::Upload)).unwrap();
        let reached = || world.count("SELECT COALESCE(MAX(reached), 0) FROM publication");
        for (name, is_there) in [("a", false), ("b", true)] {
            let it = claim(&world, run, remote(&world, name)).unwrap();
            end(&world, run, &it, &there("1"));
            assert_eq!(reached() > 0, is_there, "{name}");
        }
    }
}

#[test]
fn what_fails_is_tried_again_and_keeps_its_age() {
    for world in worlds() {
        let run = world.run();
        let package = imported(&world, "hello");
        world.store.write(|tx| follow(tx, &REMOTES[..1], "config")).unwrap();
        let a = remote(&world, "a");
        world.store.write(|tx| asked::ask(tx, package, None, PublishLane::Upload)).unwrap();
        let status = || world.store.read(|tx| read::of_package(tx, "hello")).unwrap().pop().unwrap();
        let since = status().since.unwrap();
        let mut pauses = Vec::new();
        for _ in 0..4 {
            let it = claim(&world, run, a).unwrap();
            end(&world, run, &it, &trouble(Next::Later));
            assert!(claim(&world, run, a).is_none());
            let pause = status().due.unwrap() - world.store.read(|tx| tx.now()).unwrap();
            pauses.push(pause / MINUTE);
            world.advance(pause);
            world.store.write(|tx| asked::wake(tx, 10)).unwrap();
        }
        assert_eq!(pauses, [5, 10, 20, 40]);
        // An outage counts against nobody.
        let it = claim(&world, run, a).unwrap();
        end(&world, run, &it, &trouble(Next::Remote));
        assert_eq!((status().failures, status().since), (4, Some(since)));
        assert_eq!(world.store.read(read::status).unwrap()[0].failing, 1);
        // A row that is asked for again is tried at once, and keeps its age.
        world.store.write(|tx| asked::ask(tx, package, None, PublishLane::Upload)).unwrap();
        let it = claim(&world, run, a).unwrap();
        assert_eq!(it.here, None);
        end(&world, run, &it, &there("1"));
        assert_eq!((status().since, status().code, status().failures), (None, None, 0));
        assert_counted(&world);
    }
}

#[test]
fn what_a_dead_run_had_begun_comes_back() {
    for world in worlds() {
        let run = world.run();
        let package = imported(&world, "hello");
        world.store.write(|tx| follow(tx, &REMOTES[..1], "config")).unwrap();
        let a = remote(&world, "a");
        world.store.write(|tx| asked::ask(tx, package, None, PublishLane::Upload)).unwrap();
        let old = claim(&world, run, a).unwrap();
        assert_eq!(world.store.write(|tx| claims::take_back(tx, 10)).unwrap(), 0, "it lives");
        world.store.write(|tx| runs::end(tx, run, "killed", None)).unwrap();
        assert!(world.store.read(asked::is_due).unwrap());
        assert_eq!(world.store.write(|tx| claims::take_back(tx, 10)).unwrap(), 1);
        let next = world.run();
        let new = claim(&world, next, a).unwrap();
        assert!(!end(&world, run, &old, &there("1")), "its end is nobody's any more");
        assert!(end(&world, next, &new, &there("2")));
        // A host that went away with its run open is not waited for either.
        world.store.write(|tx| asked::ask(tx, package, None, PublishLane::Upload)).unwrap();
        assert!(claim(&world, next, a).is_some());
        world.advance(11 * MINUTE);
        assert_eq!(world.store.write(|tx| claims::take_back(tx, 10)).unwrap(), 1);
        assert_counted(&world);
    }
}

#[test]
fn nothing_goes_to_a_remote_that_is_away_paused_left_or_of_a_held_package() {
    for world in worlds() {
        let run = world.run();
        let package = imported(&world, "hello");
        world.store.write(|tx| follow(tx, &REMOTES, "config")).unwrap();
        world.store.write(|tx| asked::ask(tx, package, None, PublishLane::Upload)).unwrap();
        let open =
            || world.store.read(remotes::open).unwrap().into_iter().map(|it| it.name).collect::<Vec<_>>();
        let (a, b) = (remote(&world, "a"), remote(&world, "b"));
        world.store.write(|tx| remotes::pause(tx, a, HOUR)).unwrap();
        assert_eq!(open(), ["b"]);
        let rule = state::breaker::Rule { least: 1, percent: 1, ..state::breaker::Rule::default() };
        world
            .store
            .write(|tx| state::breaker::note(tx, "remote:b", (0, 1), Some("away"), None, &rule).map(drop))
            .unwrap();
        assert_eq!(open(), Vec::<String>::new());
        let states: Vec<String> =
            world.store.read(read::status).unwrap().into_iter().map(|it| it.state).collect();
        assert_eq!(states, ["paused", "away"]);
        world.advance(2 * HOUR);
        assert_eq!(open(), ["a"]);
        world.store.write(|tx| hold::hold(tx, package, "me", "why", None)).unwrap();
        assert!(claim(&world, run, b).is_none());
        world.store.write(|tx| hold::release(tx, package)).unwrap();
        assert!(claim(&world, run, b).is_some());
        let by = By { actor: "me", reason: Some("why") };
        world.store.write(|tx| remotes::leave(tx, "a", by)).unwrap();
        assert_eq!(open(), Vec::<String>::new());
        assert!(world.store.write(|tx| remotes::leave(tx, "a", by)).is_err());
        assert_counted(&world);
    }
}
