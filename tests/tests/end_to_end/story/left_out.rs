//! Failures that are held or suppressed do not count, and come back.

use baseline::State;
use package_import_tests::story::{DAY, HOUR, Life, Upload};
use state::operate::{self, By};

use crate::story::assert_says;

const BY: By<'_> = By { actor: "me", reason: Some("it is known") };

#[test]
fn what_is_suppressed_or_held_does_not_count_and_comes_back_by_itself() {
    let life = Life::begin(20, 6, 1);
    life.days(9);
    life.story.hours(8);
    life.story.upload(30, Upload::Incomplete);
    life.story.run();
    assert_says(&life.story.check(), State::Critical, &["missing-file"]);
    let story = &life.story;
    let short = story.queue.texts("SELECT short FROM signature WHERE code = 'missing-file'").remove(0);
    let until = story.now() + 3 * DAY;
    story.store().write(|tx| operate::suppress(tx, &short, until, BY)).unwrap();
    // One run sees that it does not count, the next one ends the alert.
    story.run();
    story.sleep(HOUR);
    story.run();
    assert_says(&story.check(), State::Ok, &["21 failing"]);
    story.queue.well(&["hold", "up00000", "up00001", "--reason", "waits for its maintainer"]);
    story.run();
    assert_says(&story.check(), State::Ok, &["19 failing"]);
    story.hours(70);
    assert_says(&story.check(), State::Ok, &[]);
    story.sleep(3 * HOUR);
    story.run();
    assert_says(&story.check(), State::Critical, &["49 failing", "missing-file"]);
}
