//! A state that is upgraded while programs work, and repositories of before there were records.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use package_import_tests::installation::Installation;
use package_import_tests::queue::{Queue, text, wait_until};
use package_import_tests::synthetic::package;

/// Change of a later release that makes the state unwritable for this one.
fn upgrade(queue: &Queue) {
    let later = (state::schema::CURRENT + 1).to_string();
    let sql = "UPDATE meta SET value = ?1 WHERE name IN ('schema', 'min_writer')";
    queue.store().write(|tx| tx.execute(sql, state::values![&*later])).unwrap();
}

#[test]
fn a_service_ends_when_the_state_has_outgrown_it() {
    for queue in [Queue::sqlite(), Queue::postgres()] {
        queue.enqueue_one();
        let mut command = queue.command(&["run", "--service"]);
        let mut service = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let is_done = || queue.number("SELECT COUNT(*) FROM version") == 1;
        wait_until("the import", is_done);
        let url = queue.postgres.clone();
        let all = |queue: &Queue| {
            let location = state::open::Location::new(&queue.installation.root(), url.as_deref(), None);
            let store = location.connect(false).unwrap();
            let sql = "SELECT COUNT(*), SUM(CASE WHEN ended IS NULL THEN 1 ELSE 0 END) FROM run";
            let row = store.read(|tx| tx.first(sql, &[])).unwrap().unwrap();
            (row.int(0), row.int(1))
        };
        upgrade(&queue);
        let before = all(&queue);
        wait_until("the end of the service", || service.try_wait().unwrap().is_some());
        let output = service.wait_with_output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("made by a newer package-import") && said.contains("upgrade it"), "{said}");
        assert_eq!(all(&queue), before, "not even its end is written: {said}");
        // Nor does anything begin.
        for arguments in [&["run"][..], &["enqueue", "--allow-unsigned", "/nonexistent.dsc"], &["status"]] {
            let output = queue.command(arguments).output().unwrap();
            let said = text(&output);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
            assert!(said.contains("made by a newer package-import"), "{arguments:?}: {said}");
        }
    }
}

/// Makes of a repository what 0.1.0 would have left: it had no record.
fn without_record(it: &Installation) {
    fs::remove_file(it.repository("a0").join("package-import-record")).unwrap();
}

fn said(queue: &Queue, arguments: &[&str]) -> (i32, String) {
    let output = queue.command(arguments).output().unwrap();
    (output.status.code().unwrap_or(-1), text(&output))
}

#[test]
fn a_repository_of_before_the_records_is_put_on_record_by_its_next_import() {
    let queue = Queue::sqlite();
    let it = &queue.installation;
    let write = |version: &str, below: &[&str]| -> PathBuf {
        package("a0", version).below(below).patch("p", "line 7", version).write(&it.files())
    };
    let (first, second) = (write("1.0-1", &[]), write("1.0-2", &["1.0-1"]));
    it.import_well("debian", "sid", &[&first, &second]);
    // An attacker with the right to push has left a tag of a future version, and moved nothing else.
    let target = it.git("a0", &["rev-parse", "debian/1.0-1^{commit}"]);
    let who = ["-c", "user.name=M", "-c", "user.email=m@example.org"];
    let tag = ["tag", "-a", "-m", "a0 1.0-3\n\nSource: a0\nVersion: 1.0-3", "debian/1.0-3", target.trim()];
    it.git("a0", &[&who[..], &tag].concat());
    without_record(it);
    // Whoever looks before the next import takes it for what it seems to be, and says so.
    assert!(!said(&queue, &["show", "a0"]).1.is_empty());
    let before = it.git("a0", &["for-each-ref"]);
    let fourth = write("1.0-4", &["1.0-2", "1.0-1"]);
    it.import_well("debian", "sid", &[&fourth]);
    assert!(it.repository("a0").join("package-import-record").is_file());
    let after = it.git("a0", &["for-each-ref"]);
    let is_kept = |line: &&str| after.contains(*line) || line.contains("refs/heads/");
    assert!(before.lines().all(|line| is_kept(&line)), "{before}{after}");
    let titles = it.git("a0", &["log", "--first-parent", "--format=%s", "debian/sid"]);
    let expected = ["Import a0 1.0-4", "Import a0 1.0-2", "Import a0 1.0-1", "Import upstream a0 1.0"];
    assert_eq!(titles.lines().collect::<Vec<_>>(), expected, "it goes on from what the state confirms");
    // The forged tag is foreign, all that was imported is not.
    for command in ["show", "verify"] {
        let (_, said) = said(&queue, &[command, "a0"]);
        let foreign: Vec<&str> = said.lines().filter(|line| line.contains("refs/tags/")).collect();
        assert!(foreign.iter().any(|line| line.contains("refs/tags/debian/1.0-3")), "{command}: {said}");
        assert!(foreign.iter().all(|line| line.contains("refs/tags/debian/1.0-3")), "{command}: {said}");
    }
    // The genuine 1.0-3 comes later, and is imported beside it.
    let third = write("1.0-3", &["1.0-2", "1.0-1"]);
    it.import_well("debian", "sid", &[&third]);
    let tags = it.git("a0", &["for-each-ref", "--format=%(refname)", "refs/tags"]);
    assert!(tags.contains("refs/tags/reimport/debian/1.0-3/"), "{tags}");
    it.assert_clean("a0");
}

/// 0.1.0 named other tarballs of an upstream version by their contents alone: a component that changed its name took the tag of
/// the one before.
#[test]
fn an_upstream_tag_that_was_rewritten_comes_back() {
    let queue = Queue::sqlite();
    let it = &queue.installation;
    let write = |version: &str, component: &str, below: &[&str]| -> PathBuf {
        let folder = it.files().join(version);
        fs::create_dir(&folder).unwrap();
        let package = package("a0", version).below(below);
        let package =
            if component.is_empty() { package } else { package.component(component, "part", "same") };
        package.write(&folder)
    };
    let dscs = [
        write("1.0-1", "", &[]),
        write("1.0-2", "foo", &["1.0-1"]),
        write("1.0-3", "bar", &["1.0-2", "1.0-1"]),
    ];
    for dsc in &dscs {
        it.import_well("debian", "sid", &[dsc]);
    }
    let upstreams = || it.git("a0", &["for-each-ref", "refs/tags/reimport/upstream"]);
    let before = upstreams();
    assert_eq!(before.lines().count(), 2, "{before}");
    // The one that was overwritten, and the sealing of what is left.
    let lost = it.git(
        "a0",
        &[
            "for-each-ref",
            "--format=%(refname)",
            "--contains",
            "debian/1.0-2^2",
            "refs/tags/reimport/upstream",
        ],
    );
    it.git("a0", &["update-ref", "-d", lost.trim()]);
    without_record(it);
    let (code, found) = said(&queue, &["verify", "a0"]);
    assert_eq!(code, 0, "what 0.1.0 has left is sound: {found}");
    let next = write("1.0-4", "foo", &["1.0-3", "1.0-2", "1.0-1"]);
    it.import_well("debian", "sid", &[&next]);
    assert_eq!(upstreams(), before, "the same commit under the same name");
    let (code, found) = said(&queue, &["verify", "a0"]);
    assert_eq!(code, 0, "{found}");
    it.assert_clean("a0");
}
