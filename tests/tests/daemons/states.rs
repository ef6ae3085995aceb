//! The four states of every check, made by thresholds in `config.toml` on an installation that has done something.

use package_import_tests::daemons::plugins::CHECKS;
use package_import_tests::daemons::scene::{Counts, Scene};

/// What is published: 12 packages, of which 3 cannot be imported.
pub const COUNTS: Counts = Counts { good: 9, bad: 3 };

/// A figure of each check whose threshold can be set.
const FIGURES: [(&str, &str); 8] = [
    ("failures", "failing"),
    ("queue", "waiting"),
    ("freshness", "p95"),
    ("archive", "intervals"),
    ("runs", "age"),
    ("workers", "stuck"),
    ("wedged", "wedged"),
    ("state", "backup"),
];

/// An installation that has polled and imported.
pub fn scene() -> Scene {
    let scene = Scene::new(COUNTS);
    scene.run();
    scene
}

/// The exit codes, in this order.
pub const STATES: [i32; 4] = [0, 1, 2, 3];

/// Configures all checks to come to a state.
pub fn force(scene: &Scene, code: i32) {
    // How full this machine's disk is must not matter.
    let room = "[checks.state.disk]\nwarning = 100\ncritical = 100\n[checks.state.inodes]\nwarning = 100\ncritical = 100\n";
    let alarm = |word: &str| {
        // Alarming inside of a range that holds every value.
        let one = |(check, figure): &(&str, &str)| {
            format!("[checks.{check}.{figure}]\n{word} = \"@0:999999999\"\n")
        };
        FIGURES.iter().map(one).collect::<String>()
    };
    let more = match code {
        0 => room.to_owned(),
        1 => alarm("warning") + room,
        2 => alarm("critical") + room,
        _ => CHECKS.map(|check| format!("[checks.{check}]\nmisspelt = 1\n")).concat(),
    };
    scene.configure(&more);
}
