//! B and C: more and more fails, and more and more is attempted.

use baseline::State;
use package_import_tests::story::{Life, Upload};

use crate::story::{assert_says, is_long, size};

#[test]
fn b_a_bug_triples_the_failure_rate_and_is_not_learned_as_normal() {
    // Two of eight uploads fail, and are mended a day later. From now on six do, four of which are not mended.
    let size = size();
    let life = Life::begin(50 * size, 12 * size, 2 * size);
    life.days(10);
    assert_says(&life.story.check(), State::Ok, &[]);
    let norm = life.story.failing();
    let (mut warned, mut critical) = (None, None);
    for _ in 0..15 {
        life.story.upload(4 * size, Upload::Damaged);
        life.day(8 * size, 2 * size);
        let now = life.story.check();
        if now.state >= State::Warning {
            warned.get_or_insert(life.story.failing());
        }
        if now.state == State::Critical {
            critical.get_or_insert(life.story.failing());
        }
    }
    println!("{norm} normally; WARNING at {warned:?}, CRITICAL at {critical:?}");
    let twice = 2 * norm;
    assert!(warned.is_some_and(|count| count < norm + norm / 2), "{warned:?}");
    assert!(critical.is_some_and(|count| count <= twice && count >= norm + norm / 2), "{critical:?}");
    assert_says(&life.story.check(), State::Critical, &[" failing, normally 5", " new since "]);
}

#[test]
fn c_a_series_opens_and_the_usual_part_of_it_fails() {
    // A tenth of ten; of full size 4 % of 400, and 12,000 in three days.
    let (failing, uploads, bad) = if is_long() { (500, 400, 16) } else { (50, 10, 1) };
    let life = Life::begin(failing, uploads, bad);
    life.days(10);
    assert_says(&life.story.check(), State::Ok, &[]);
    for _ in 0..3 {
        // Nobody mends what fails in these days.
        life.story.upload(9 * bad, Upload::Damaged);
        life.day(10 * uploads - 9 * bad, bad);
        assert_says(&life.story.check(), State::Ok, &[]);
    }
    let now = life.story.check();
    assert_says(&now, State::Ok, &[" attempted, ", "% failed as usual"]);
    life.days(2);
    assert_says(&life.story.check(), State::Ok, &[]);
}
