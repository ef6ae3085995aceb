//! The four states of every check, made by thresholds in `config.toml` on an installation that has done something.

use package_import_tests::daemons::scene::{Counts, Scene};

/// Publications: 12 packages, of which 3 cannot be imported.
pub const COUNTS: Counts = Counts { good: 9, bad: 3 };

/// The section of each check, and a figure whose threshold can be set there.
const FIGURES: [(&str, &str); 8] = [
    ("failures", "failing"),
    ("queue", "waiting"),
    ("freshness", "p95"),
    ("archive", "intervals"),
    ("runs", "age"),
    ("workers", "stuck"),
    ("wedged", "wedged"),
    ("database", "backup"),
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
    // The use of this machine's disk must not matter.
    let room = "[checks.database.disk]\nwarning = 100\ncritical = 100\n[checks.database.inodes]\nwarning = 100\ncritical = 100\n";
    let alarm = |word: &str| {
        // Alarming inside of a range that holds every value.
        let one = |(section, figure): &(&str, &str)| {
            format!("[checks.{section}.{figure}]\n{word} = \"@0:999999999\"\n")
        };
        FIGURES.iter().map(one).collect::<String>()
    };
    let more = match code {
        0 => room.to_owned(),
        1 => alarm("warning") + room,
        2 => alarm("critical") + room,
        _ => FIGURES.map(|(section, _)| format!("[checks.{section}]\nmisspelt = 1\n")).concat(),
    };
    scene.configure(&more);
}
