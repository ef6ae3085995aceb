//! G: figures that are never the same two days on end.

use baseline::State;
use package_import_tests::story::{Life, Upload};

/// How many of ten uploads fail on each day of four weeks: about three, weekends less. What fails is mended in a day.
const DAYS: [usize; 28] =
    [3, 5, 2, 4, 3, 1, 0, 4, 2, 3, 5, 3, 1, 1, 2, 4, 3, 3, 6, 1, 0, 3, 2, 5, 4, 3, 1, 1];

#[test]
fn g_a_month_of_noise_alerts_nobody() {
    let size = crate::size();
    let life = Life::begin(12 * size, 10 * size, 3 * size);
    let mut alerts = 0;
    for bad in DAYS {
        let uploads = if bad < 2 { 4 } else { 10 };
        life.day(uploads * size, bad * size);
        let now = life.story.check();
        if now.state != State::Ok {
            println!("{}: {}", now.state, now.text);
            alerts += 1;
        }
    }
    assert_eq!(alerts, 0);
    // And it is not deaf.
    life.story.upload(25 * size, Upload::Incomplete);
    life.story.run();
    let now = life.story.check();
    assert!(now.state.alerts() && now.text.contains("missing-file"), "{} {}", now.state, now.text);
}
