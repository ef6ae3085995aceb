//! H and I: when nothing can be said.

use baseline::State;
use package_import_tests::queue::Queue;
use package_import_tests::story::{DAY, Life, Story, Upload};

use crate::assert_says;

#[test]
fn h_nothing_runs_for_two_days_and_nothing_is_said_from_stale_figures() {
    let life = Life::begin(20, 4, 0);
    life.days(9);
    assert_says(&life.story.check(), State::Ok, &[]);
    life.story.sleep(2 * DAY);
    assert_says(&life.story.check(), State::Unknown, &["no sample since "]);
    life.story.run();
    assert_says(&life.story.check(), State::Ok, &["20 failing, normally 20"]);
}

#[test]
fn i_the_first_fill_is_silent_until_seven_days_are_full_and_the_queue_was_drained() {
    let story = Story::new(Queue::sqlite());
    for _ in 0..9 {
        story.upload(12, Upload::Good);
        story.upload(8, Upload::Damaged);
    }
    for day in 1..=9 {
        story.hours(8);
        story.run_some(20);
        assert_says(&story.check(), State::Ok, &[" failing, learning "]);
        story.hours(16);
        assert_says(&story.check(), State::Ok, &[&format!("learning {}/7 days", (day - 1).clamp(0, 7))]);
    }
    assert_eq!(story.queue.texts("SELECT value FROM meta WHERE name = 'filled'"), [""; 0]);
    assert_says(&story.check(), State::Ok, &["first queue not drained"]);
    story.run();
    assert_eq!(story.failing(), 72);
    for _ in 0..10 {
        story.hours(24);
        assert_says(&story.check(), State::Ok, &["72 failing"]);
    }
    assert_says(&story.check(), State::Ok, &["72 failing, normally 7"]);
    story.upload(70, Upload::Incomplete);
    story.run();
    assert_says(&story.check(), State::Critical, &[" new since ", "missing-file"]);
}
