//! F: what was broken for long is mended, and the new level is the measure.

use baseline::State;
use package_import_tests::story::{Life, Upload};

use crate::story::{assert_says, size};

#[test]
fn f_after_a_fix_less_fails_and_what_was_normal_before_alerts() {
    let size = size();
    let left = 4 * size;
    let life = Life::begin(50 * size, 4, 0);
    life.days(9);
    let files = life.story.queue.installation.files();
    let cured: Vec<_> = (0..46 * size).map(|number| files.join(format!("up{number:05}"))).collect();
    life.story.replace(&cured, Upload::Good);
    life.story.run();
    assert_eq!(life.story.failing(), left as i64);
    assert_says(&life.story.check(), State::Ok, &[&format!("{left} failing")]);
    life.days(8);
    assert_says(&life.story.check(), State::Ok, &[&format!("{left} failing, normally ")]);
    life.story.hours(8);
    life.story.upload(16 * size, Upload::Damaged);
    life.story.run();
    assert_says(
        &life.story.check(),
        State::Critical,
        &[&format!("{} failing, normally ", 5 * left), " new since "],
    );
}
