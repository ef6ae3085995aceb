//! Which hosts have to be there.

use state::read::hosts;
use state::runs::{self, NewRun};

use crate::common::{World, process, worlds};

fn begin(world: &World, mode: &str) -> i64 {
    let process = process();
    let run = NewRun { host: "a", mode, process: &process, version: "0.1", jobs: 2 };
    world.store.write(|tx| runs::begin(tx, &run)).unwrap()
}

fn end(world: &World, run: i64, outcome: &str) {
    world.store.write(|tx| runs::end(tx, run, outcome, None)).unwrap();
}

fn is_expected(world: &World) -> bool {
    world.store.read(hosts::list).unwrap().iter().any(|host| host.host == "a" && host.service)
}

#[test]
fn a_service_is_missed_until_it_was_ended_in_order_and_runs_begin_otherwise() {
    for world in worlds() {
        let run = begin(&world, "until-empty");
        end(&world, run, "empty");
        assert!(!is_expected(&world), "cron alone");
        let service = begin(&world, "service");
        let beside = begin(&world, "until-empty");
        end(&world, beside, "empty");
        assert!(is_expected(&world), "a run beside the service");
        end(&world, service, "stopped");
        assert!(is_expected(&world), "nobody has begun anything else");
        let service = begin(&world, "service");
        end(&world, service, "stopped");
        let by_hand = begin(&world, "import");
        end(&world, by_hand, "done");
        assert!(is_expected(&world), "an import by hand");
        let run = begin(&world, "until-empty");
        end(&world, run, "empty");
        assert!(!is_expected(&world), "cron after the service");
        begin(&world, "service");
        assert!(is_expected(&world), "a service again");
    }
}

#[test]
fn a_service_that_died_is_missed_although_somebody_runs_by_hand() {
    for world in worlds() {
        let service = begin(&world, "service");
        world.store.write(|tx| runs::close_dead(tx, &[service])).unwrap();
        for _ in 0..3 {
            let run = begin(&world, "until-empty");
            end(&world, run, "empty");
        }
        assert!(is_expected(&world));
    }
}
