//! F: what was broken for long is mended, and the new level is the measure.

use baseline::State;
use package_import_tests::story::{Life, Upload};

use crate::assert_says;

#[test]
fn f_after_a_fix_less_fails_and_what_was_normal_before_alerts() {
    let life = Life::begin(50, 4, 0);
    life.days(9);
    let files = life.story.queue.installation.files();
    let cured: Vec<_> = (0..46).map(|number| files.join(format!("up{number:05}"))).collect();
    life.story.replace(&cured, Upload::Good);
    life.story.run();
    assert_eq!(life.story.failing(), 4);
    assert_says(&life.story.check(), State::Ok, &["4 failing"]);
    life.days(8);
    assert_says(&life.story.check(), State::Ok, &["4 failing, normally 4"]);
    life.story.hours(8);
    life.story.upload(16, Upload::Damaged);
    life.story.run();
    assert_says(&life.story.check(), State::Critical, &["20 failing, normally 4 - 16 new since "]);
}
