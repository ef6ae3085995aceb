//! H and I: when nothing can be said.

use baseline::State;
use package_import_tests::queue::Queue;
use package_import_tests::story::{DAY, Life, Story, Upload};

use crate::story::{assert_says, is_long, size};

#[test]
fn h_nothing_runs_for_two_days_and_nothing_is_said_from_stale_figures() {
    let failing = 20 * size();
    let life = Life::begin(failing, 4, 0);
    life.days(9);
    assert_says(&life.story.check(), State::Ok, &[]);
    life.story.sleep(2 * DAY);
    assert_says(&life.story.check(), State::Unknown, &["no sample since "]);
    life.story.run();
    assert_says(&life.story.check(), State::Ok, &[&format!("{failing} failing, normally {failing}")]);
}

#[test]
fn i_the_first_fill_is_silent_until_seven_days_are_full_and_the_queue_was_drained() {
    let story = Story::new(Queue::sqlite());
    // More than nine days of as many: each stops when its last ones have ended. In the long version 4 % of 35,200 fail.
    let (good, bad) = if is_long() { (3072, 128) } else { (12, 8) };
    for _ in 0..11 {
        story.upload(good, Upload::Good);
        story.upload(bad, Upload::Damaged);
    }
    let failing = 11 * bad;
    for _ in 0..9 {
        story.hours(8);
        story.run_some(good + bad);
        assert_says(&story.check(), State::Ok, &[" failing, learning "]);
        story.hours(16);
        assert_says(&story.check(), State::Ok, &[" failing, learning "]);
    }
    assert_eq!(story.queue.texts("SELECT value FROM meta WHERE name = 'filled'"), [""; 0]);
    assert_says(&story.check(), State::Ok, &[" failing, learning "]);
    story.run();
    assert_eq!(story.failing(), failing as i64);
    for _ in 0..10 {
        story.hours(24);
        assert_says(&story.check(), State::Ok, &[&format!("{failing} failing")]);
    }
    assert_says(&story.check(), State::Ok, &[&format!("{failing} failing, normally ")]);
    story.upload(failing + 7, Upload::Incomplete);
    story.run();
    assert_says(&story.check(), State::Critical, &[" new since ", "missing-file"]);
}
