//! A2, D and E: something new breaks, at once.

use baseline::State;
use package_import_tests::queue::Queue;
use package_import_tests::story::{HOUR, Life, Upload};

use crate::story::{assert_says, is_long, size};

fn doubles(queue: Queue, size: usize) {
    let (failing, bad) = (50 * size, 1);
    let life = Life::begin_on(queue, failing, 8, bad);
    life.days(9);
    let before = life.story.check();
    assert_says(&before, State::Ok, &[" failing, normally "]);
    let norm = life.story.failing();
    // The archive of 08:00 lacks tarballs; no breaker knows that.
    life.story.hours(8);
    let broken = life.story.upload(failing + 5, Upload::Incomplete);
    life.story.run();
    let now = life.story.check();
    let count = format!("{} failing, normally ", life.story.failing());
    let share = " fetch/missing-file: ";
    assert_says(&now, State::Critical, &[&count, " new since ", share]);
    assert!(life.story.failing() > norm + 50);
    // It goes on until it is mended, and is over in the second run after that.
    life.story.hours(3);
    assert_says(&life.story.check(), State::Critical, &[share]);
    life.story.replace(&broken, Upload::Good);
    life.story.run();
    life.story.sleep(HOUR);
    life.story.run();
    assert_says(&life.story.check(), State::Ok, &[" failing, normally "]);
}

#[test]
fn a2_twice_as_many_fail_and_the_first_run_that_sees_it_is_critical_and_names_the_cause() {
    doubles(Queue::sqlite(), size());
}

#[test]
fn a2_is_the_same_on_postgresql() {
    doubles(Queue::postgres(), 1);
}

#[test]
fn d_a_signature_that_the_total_hides_is_named() {
    // The failures that are hidden are as many as ever.
    let life = Life::begin(if is_long() { 500 } else { 200 }, 4, 1);
    let few = life.story.upload(2, Upload::Strange);
    life.story.run();
    life.days(8);
    assert_says(&life.story.check(), State::Ok, &[]);
    // Packages that fail anyway are uploaded again, in a format that nobody reads: as many fail as before.
    let files = life.story.queue.installation.files();
    let others: Vec<_> = (0..58).map(|number| files.join(format!("up{number:05}"))).collect();
    life.story.replace(&others, Upload::Strange);
    let before = life.story.failing();
    life.story.run();
    assert_eq!(life.story.failing(), before);
    let now = life.story.check();
    // The stock of the signature leads: it says more than what newly failed.
    let short =
        life.story.queue.texts("SELECT short FROM signature WHERE code = 'unsupported-format'").remove(0);
    let begin = format!("60 (normally 2) fail with {short} verify/unsupported-format");
    assert!(now.text.starts_with(&begin), "{}", now.text);
    assert_says(&now, State::Warning, &[" since "]);
    drop(few);
}

#[test]
fn e_three_fail_and_then_nine() {
    let life = Life::begin(3, 2, 0);
    life.days(9);
    assert_says(&life.story.check(), State::Ok, &["3 failing, normally 3"]);
    life.story.hours(8);
    life.story.upload(3, Upload::Damaged);
    life.story.run();
    // Twice as many, and nobody is woken by three packages.
    assert_says(&life.story.check(), State::Ok, &["6 failing, normally 3"]);
    life.story.upload(3, Upload::Damaged);
    life.story.run();
    assert_says(&life.story.check(), State::Warning, &["9 failing, normally 3", " since "]);
}
