//! Requirement 15: what a check reads does not grow with the history.

use std::collections::BTreeMap;
use std::process::Command;

use package_import_tests::programs::need;

use crate::checks::world::{CHECKS, HOUR, World, plugin};

/// Attempts, failures, runs and hours of samples.
fn remember(world: &World, rounds: usize, from: usize) {
    for round in from..from + rounds {
        let run = world.run("a", "until-empty");
        world.failures(run, &format!("r{round}-"), 6, ["bad-dsc", "missing-file"][round % 2]);
        for number in 0..4 {
            world.publish(&format!("good{round}-{number}"), world.now());
            let claim = world.claim(run);
            world.succeed(&claim);
        }
        world.advance(HOUR);
        world.end(run, "empty");
    }
}

/// Number of reads of each check from the database's files.
fn reads(world: &World) -> BTreeMap<&'static str, usize> {
    need("strace", "strace");
    let mut reads = BTreeMap::new();
    for check in CHECKS {
        let log = world.root().with_extension("strace");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "trace=pread64", "-o"]).arg(&log).arg(plugin(check));
        command.arg(format!("--now={}", world.now())).env("PACKAGE_IMPORT_ROOT", world.root());
        assert!(command.output().unwrap().status.code().is_some());
        let text = std::fs::read_to_string(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        reads.insert(check, text.lines().filter(|line| line.contains("pread64(")).count());
    }
    reads
}

#[test]
fn req15_ten_times_the_history_needs_the_same_pages() {
    let world = World::healthy();
    remember(&world, 12, 0);
    let small = reads(&world);
    remember(&world, 108, 12);
    let large = reads(&world);
    println!("reads: {small:?}, with ten times the history {large:?}");
    for (check, small) in small {
        // A tree of an index may have become a level higher, for each index that is asked.
        assert!(large[check] <= small + 12, "{check}: {small} reads became {}", large[check]);
    }
}
