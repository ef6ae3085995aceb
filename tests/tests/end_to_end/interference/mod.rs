//! Requirements 10, 11 and 12 of the checks, and the promise that a check never harms what it checks: as the monitoring user,
//! on an installation that belongs to somebody else, in every moment of an importer's life.
//!
//! What is put in is the truth that verdicts are compared with: so many packages that can be imported, and so many that
//! cannot. `STORM=long` asks every check 1,000 times, else about 30.

mod upgrade;
mod watch;

use std::fs;

use package_import_tests::daemons::plugins::CHECKS;
use package_import_tests::daemons::said::Said;
use package_import_tests::daemons::scene::Counts;
use package_import_tests::daemons::users::User;
use package_import_tests::queue::wait_until;
use upgrade::{upgrade, upgrade_from_the_first, upgrade_that_is_killed};
use watch::Watch;

/// Number of calls of every check in a phase.
fn rounds() -> usize {
    if std::env::var_os("STORM").is_some_and(|value| value == "long") { 170 } else { 5 }
}

/// From nothing to a run that is killed, and the one after it.
fn live(watch: &mut Watch, rounds: usize) {
    // Before the first start there is nothing.
    let round = watch.ask_at_rest(2);
    assert!(
        round.values().all(|said| said.code == 3 && said.text().contains("has the importer run")),
        "{round:?}"
    );

    // The first start: the database comes into being under the eyes of the checks.
    let run = watch.start("first-start");
    watch.ask_while_it_runs(run, rounds);
    assert_eq!(
        watch.judged.len(),
        CHECKS.len(),
        "every check has something to judge now: {:?}",
        watch.judged
    );

    // Idle.
    let round = watch.ask_at_rest(rounds);
    watch.assert_settled(&round);
    watch.assert_owners();

    // More to do, with the database there.
    watch.publish(Counts { good: 24, bad: 3 });
    let run = watch.start("second-run");
    watch.ask_while_it_runs(run, rounds);
    let round = watch.ask();
    watch.assert_settled(&round);

    // Killed in the middle of its work.
    watch.publish(Counts { good: 30, bad: 2 });
    let least = watch.failing(&round).unwrap();
    kill_in_the_middle(watch);
    let round = watch.ask_at_rest(rounds);
    watch.assert_between(&round, least);
    watch.assert_owners();
    let run = watch.start("after-the-kill");
    watch.ask_while_it_runs(run, rounds);
    let round = watch.ask();
    watch.assert_settled(&round);
}

#[test]
fn an_importer_with_postgresql() {
    let mut watch = Watch::on_postgres(Counts { good: 24, bad: 6 });
    live(&mut watch, rounds());
    upgrade_from_the_first(&mut watch, rounds());
    println!("every check was asked {} times", watch.asked);
}

#[test]
fn req10_req11_an_importer_that_starts_runs_idles_is_killed_and_is_upgraded() {
    let rounds = rounds();
    let mut watch = Watch::new(Counts { good: 24, bad: 6 });

    live(&mut watch, rounds);

    upgrade_from_the_first(&mut watch, rounds);
    // Upgraded half-way, killed there, and upgraded.
    upgrade_that_is_killed(&watch);
    let round = watch.ask_at_rest(rounds);
    watch.assert_settled(&round);
    upgrade(&mut watch, rounds);
    let round = watch.ask_at_rest(2);
    watch.assert_settled(&round);
    watch.publish(Counts { good: 6, bad: 1 });
    let run = watch.start("after-the-upgrade");
    watch.ask_while_it_runs(run, 2);
    let round = watch.ask_at_rest(2);
    watch.assert_settled(&round);
    println!("every check was asked {} times", watch.asked);
}

/// Kills the run and whatever it has started once some of its work is done, and asks meanwhile.
fn kill_in_the_middle(watch: &mut Watch) {
    let done = |watch: &Watch| {
        let said = watch.scene.site.check("runs", &["-v"]);
        said.text().contains("open")
            && watch.scene.site.check("queue", &[]).figure("waiting").unwrap_or(0.0) > 0.0
    };
    let (mut run, _) = watch.start("killed");
    wait_until("the run is in the middle of its work", || {
        watch.ask();
        assert!(run.try_wait().unwrap().is_none(), "it ended before it could be killed");
        done(watch)
    });
    let children = package_import_tests::queue::children(run.id());
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until("its children have gone too", || {
        children.iter().all(|child| rustix::process::test_kill_process(*child).is_err())
    });
}

#[test]
fn req12_no_check_keeps_anything_anywhere() {
    let watch = Watch::new(Counts { good: 2, bad: 1 });
    watch.scene.run();
    let home = watch.scene.site.path("home");
    fs::create_dir(&home).unwrap();
    let monitor = User::monitor();
    std::os::unix::fs::chown(&home, Some(monitor.uid), Some(monitor.gid)).unwrap();
    for check in CHECKS {
        let before = watch.scene.site.listing();
        let mut command = watch.scene.site.command(check, &[]);
        for name in [
            "HOME",
            "XDG_STATE_HOME",
            "XDG_CACHE_HOME",
            "XDG_RUNTIME_DIR",
            "XDG_CONFIG_HOME",
            "TMPDIR",
            "STATE_DIRECTORY",
        ] {
            command.env(name, &home);
        }
        let said: Said = command.current_dir(&home).output().unwrap().into();
        said.assert_well_formed(check);
        assert_eq!(said.code, 0, "{}", said.text());
        assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "{check} has written something");
        assert_eq!(watch.scene.site.listing(), before, "{check}");
    }
}
