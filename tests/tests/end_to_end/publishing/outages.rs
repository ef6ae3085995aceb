//! A remote that is away: one incident, and imports go on.

use package_import_tests::queue::text;

use super::world::*;

#[test]
fn a_remote_that_is_away_is_one_incident_and_imports_go_on() {
    for kind in [Kind::Ssh, Kind::Web] {
        let mut site = Site::new(kind);
        site.import("a0", 1);
        site.queue.well(&["run"]);
        site.close();
        for number in 0..6 {
            site.import(&format!("p{number}"), 1);
        }
        site.import("a0", 2);
        site.queue.well(&["run"]);
        let imported = "SELECT COUNT(*) FROM attempt WHERE outcome = 'imported'";
        assert_eq!(site.queue.number(imported), 8);
        assert_eq!(site.queue.number("SELECT COUNT(*) FROM failure"), 0);
        let opened = "SELECT COUNT(*) FROM event WHERE action = 'breaker-open'";
        assert_eq!(site.queue.number(opened), 1, "{}", site.queue.well(&["remotes"]));
        let said = site.queue.well(&["remotes"]);
        assert!(said.contains("away since") && said.contains("7 packages unpublished"), "{said}");
        let said = site.queue.well(&["status"]);
        assert!(said.contains("remote:git") && said.contains("Remote git: away"), "{said}");
        assert!(site.queue.well(&["freshness", "a0"]).contains("unpublished"), "{said}");
        // A night later it is still the one incident.
        site.queue.let_pass(12 * 3_600_000);
        site.queue
            .store()
            .write(|tx| tx.execute("UPDATE publish SET due = 1 WHERE due IS NOT NULL", &[]))
            .unwrap();
        site.queue.well(&["run"]);
        assert_eq!(site.queue.number(opened), 1);
        assert_eq!(site.queue.number("SELECT COUNT(*) FROM publish WHERE failures > 0"), 0);
        site.open();
        let output = site.queue.command(&["publish", "a0"]).output().unwrap();
        assert!(text(&output).contains("git is away"), "{}", text(&output));
        site.queue.store().write(|tx| tx.execute("UPDATE dependency SET next_probe = 1", &[])).unwrap();
        site.queue
            .store()
            .write(|tx| tx.execute("UPDATE publish SET due = 1 WHERE due IS NOT NULL", &[]))
            .unwrap();
        package_import_tests::queue::wait_until("all is published", || {
            site.queue.well(&["run"]);
            site.queue.well(&["remotes"]).contains("all is published")
        });
        for name in ["a0", "p0", "p5"] {
            assert_eq!(site.there(name), site.here(name));
        }
    }
}

#[test]
fn a_disk_that_is_not_mounted_is_not_written_to() {
    let site = Site::new(Kind::Folder);
    let folder = site.path("x").parent().unwrap().to_owned();
    let away = folder.with_extension("away");
    site.import("a0", 1);
    site.queue.well(&["run"]);
    std::fs::rename(&folder, &away).unwrap();
    site.import("a0", 2);
    site.queue.well(&["run"]);
    assert!(!folder.exists());
    let said = site.queue.well(&["remotes"]);
    assert!(said.contains("is not there: mount its disk"), "{said}");
    std::fs::rename(&away, &folder).unwrap();
}
