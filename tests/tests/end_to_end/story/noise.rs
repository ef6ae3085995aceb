//! G: figures that are never the same two days on end.

use baseline::State;
use package_import_tests::story::{Life, Upload};

use crate::story::{is_long, size};

/// Number of failing uploads out of ten on each day of four weeks: about three, fewer on weekends. Each failure is
/// mended in a day.
const DAYS: [usize; 28] =
    [3, 5, 2, 4, 3, 1, 0, 4, 2, 3, 5, 3, 1, 1, 2, 4, 3, 3, 6, 1, 0, 3, 2, 5, 4, 3, 1, 1];

/// The same of a hundred uploads: a coefficient of variation of 0.3, weekends 70 % less. (Ten times the days above would be
/// another thing: Sundays with none and with ten in turns are no noise of 0.3.)
const LONG_DAYS: [usize; 28] = [
    33, 17, 23, 29, 44, 9, 5, 32, 20, 41, 27, 48, 8, 6, 19, 26, 33, 41, 31, 7, 10, 19, 33, 23, 44, 38, 10, 6,
];

#[test]
fn g_a_month_of_noise_alerts_nobody() {
    let size = size();
    let life = Life::begin(12 * size, 10 * size, 3 * size);
    let mut alerts = 0;
    for (number, bad) in if is_long() { LONG_DAYS } else { DAYS }.into_iter().enumerate() {
        let is_quiet = if is_long() { number % 7 >= 5 } else { bad < 2 };
        let uploads = if is_quiet { 4 } else { 10 };
        life.day(uploads * size, bad);
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
