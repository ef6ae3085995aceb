//! A: the archive is cut off, and its breaker parks what needs it.

use baseline::State;
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::queue::Queue;
use package_import_tests::story::{HOUR, Life};
use package_import_tests::synthetic::package;
use package_import_tests::web::Server;

use crate::story::{assert_says, size};

#[test]
fn a_parked_jobs_are_critical_and_name_the_archive_and_it_clears_by_itself() {
    let archive = TestArchive::new();
    let server = Server::new(archive.root());
    let queue = Queue::sqlite();
    let keyring = archive.signer.keyring.display().to_string();
    queue.installation.configure(&format!(
        "[[archives]]\nname = \"test\"\ndistro = \"debian\"\nmirrors = [\"{}\"]\nkeyrings = [\"{keyring}\"]\n\
         [[archives.suites]]\nname = \"sid\"\n",
        server.url()
    ));
    let (failing, uploads) = (50 * size(), 30 * size());
    let life = Life::begin_on(queue, failing, 4, 0);
    life.days(9);
    assert_says(&life.story.check(), State::Ok, &[]);
    // Many uploads are seen, then the archive cannot be reached any more.
    for number in 0..uploads {
        let name = format!("new{number:03}");
        archive.add("main", &name, &package(&name, "1.0-1"));
    }
    archive.publish(&suite("sid"));
    life.story.hours(8);
    life.story.queue.well(&["poll"]);
    server.refuse(true);
    let summary = life.story.run();
    assert!(summary.parked >= 20 * size() as u64, "{summary:?}");
    let norm = i64::try_from(failing).unwrap();
    let failing = life.story.failing();
    assert!(failing <= norm + 10, "an outage is no failure: {failing}");
    let now = life.story.check();
    let normally = format!("normally {norm}");
    assert_says(&now, State::Critical, &[" parked since ", &normally, &server.host()]);
    // It goes on, whatever is sampled.
    life.story.hours(5);
    assert_says(&life.story.check(), State::Critical, &[&server.host()]);
    server.refuse(false);
    life.story.run();
    life.story.sleep(HOUR);
    life.story.run();
    assert_says(&life.story.check(), State::Ok, &[]);
    assert_eq!(life.story.queue.number("SELECT parked FROM check_v1_live"), 0);
}
