//! Repositories that hosts have as caches: their rows, who may write them, and which host gets which job.

use state::StateError;
use state::publishing::cached::{self, Cached, Done};
use state::publishing::ends::There;
use state::publishing::remotes::follow;
use state::queue::{self, PASSED_OVER, Wish};
use state::words::{Lane, Outcome};

use crate::common::{World, finished, worlds};

fn done(host: &str, fingerprint: &str) -> Done {
    let there = There { here: fingerprint.into(), there: fingerprint.into(), ..There::default() };
    Done { host: host.into(), remote: "git".into(), there, record: "sealed".into() }
}

fn row(world: &World, package: i64) -> Option<Cached> {
    world.store.read(|tx| cached::get(tx, package)).unwrap()
}

/// Claims as a host.
fn claim(world: &World, run: i64, host: &str) -> Option<queue::Claim> {
    let wish = Wish { run, lease: 60_000, importer: "x", host: Some(host), ..Wish::default() };
    world.store.write(|tx| queue::claim(tx, &wish)).unwrap()
}

#[test]
fn only_who_holds_the_lease_says_what_is_about_to_be_published() {
    for world in worlds() {
        let run = world.run();
        let package = world.enqueue("a0", Lane::Upload);
        let first = world.claim(run).unwrap();
        world.store.write(|tx| cached::begin(tx, package, first.attempt, "h1", "one", "r1")).unwrap();
        assert_eq!(row(&world, package).unwrap().begun.as_deref(), Some("one"));
        world.store.write(|tx| cached::done(tx, package, &done("h1", "one"))).unwrap();
        let _ = world.finish(&first, Outcome::Imported, None);
        let stale = world.store.write(|tx| cached::begin(tx, package, first.attempt, "h1", "two", "r2"));
        assert!(matches!(stale, Err(StateError::LeaseLost(_))));
        let now = row(&world, package).unwrap();
        assert_eq!((now.done.as_deref(), now.begun, now.record.as_str()), (Some("one"), None, "sealed"));
        // What the remote has lost is brought back by a job.
        world.store.write(|tx| cached::doubt(tx, package, Lane::Verify)).unwrap();
        assert_eq!(row(&world, package).unwrap().done, None);
        assert!(world.claim(run).is_some());
    }
}

#[test]
fn a_job_is_left_to_the_host_that_has_the_repository_for_a_time() {
    for world in worlds() {
        let run = world.run();
        let theirs = world.enqueue("theirs", Lane::Upload);
        world.store.write(|tx| cached::done(tx, theirs, &done("h2", "x"))).unwrap();
        assert_eq!(claim(&world, run, "h1"), None, "there is nothing else");
        let mine = world.enqueue("mine", Lane::Rescan);
        world.store.write(|tx| cached::done(tx, mine, &done("h1", "x"))).unwrap();
        world.enqueue("nobodys", Lane::Retry);
        let packages = |host: &str| claim(&world, run, host).map(|it| it.package);
        assert_eq!(packages("h1").as_deref(), Some("nobodys"), "by lane");
        assert_eq!(packages("h1").as_deref(), Some("mine"));
        assert_eq!(packages("h1"), None);
        // Its host does not come.
        world.advance(PASSED_OVER);
        assert_eq!(packages("h1").as_deref(), Some("theirs"));
        let again = world.enqueue("again", Lane::Upload);
        world.store.write(|tx| cached::done(tx, again, &done("h2", "x"))).unwrap();
        assert_eq!(packages("h2").as_deref(), Some("again"));
    }
}

#[test]
fn hosts_have_repositories_in_one_way_and_with_one_key() {
    for world in worlds() {
        world.store.read(cached::enter_with_repositories).unwrap();
        world.store.write(|tx| follow(tx, &[("git", "/srv/{package}")], "x")).unwrap();
        world.store.write(|tx| cached::enter(tx, "git", "key")).unwrap();
        world.store.write(|tx| cached::enter(tx, "git", "key")).unwrap();
        let said = |it: Result<(), StateError>| it.unwrap_err().to_string();
        assert!(
            said(world.store.write(|tx| cached::enter(tx, "git", "other"))).contains("package-import-key")
        );
        assert!(said(world.store.write(|tx| cached::enter(tx, "hub", "key"))).contains("remote git"));
        assert!(said(world.store.read(cached::enter_with_repositories)).contains("mode = \"cache\""));
    }
}

#[test]
fn what_was_read_back_is_published() {
    for world in worlds() {
        let run = world.run();
        let package = world.enqueue("a0", Lane::Upload);
        world.store.write(|tx| follow(tx, &[("git", "/srv/{package}")], "x")).unwrap();
        let first = world.claim(run).unwrap();
        world
            .store
            .write(|tx| {
                cached::done(tx, package, &done("h1", "one"))?;
                let end = finished(&first, Outcome::Imported, None);
                state::finish::finish(tx, &end, &state::policy::Retries::default()).map(drop)
            })
            .unwrap();
        assert_eq!(world.text("SELECT state FROM publish"), "done");
        assert_eq!(world.store.read(|tx| cached::done_of(tx, "a0")).unwrap().as_deref(), Some("one"));
        assert_eq!(world.store.read(state::counters::verify).unwrap(), []);
    }
}
