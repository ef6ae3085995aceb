//! A database that cannot be reached: the last known values are shown, with their age.

use std::fs;
use std::time::{Duration, Instant};

use crate::site::{Site, text};
use crate::world;

/// Waits for a condition, because answers are cached for a second; no test depends on the clock alone.
fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_was_known_is_shown_with_its_age() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    assert_eq!(site.get("/").status, 200);
    fs::rename(world.database(), world.root().join("elsewhere.db")).unwrap();
    until(|| site.get("/").text.contains("The database is away"));
    let page = text(&site.get("/").text);
    assert!(page.contains("This is what was known at") && page.contains("4 of 9 packages fail"), "{page}");
    let other = site.get("/queue");
    assert!(other.status == 503 && other.text.contains("the database is away"), "{}", other.text);
    assert!(site.get("/healthz").text.contains("database is away"));
    assert_eq!(site.get("/metrics").status, 503);
    let answer = site.get("/api/v1/queue");
    assert!(answer.status == 503 && answer.text.contains("\"error\""), "{}", answer.text);
    // It comes back by itself.
    fs::rename(world.root().join("elsewhere.db"), world.database()).unwrap();
    until(|| site.get("/queue").status == 200);
    until(|| !site.get("/").text.contains("The database is away"));
    assert_eq!(site.get("/healthz").text, "ok\n");
}

/// The cause names files and servers.
#[test]
fn in_public_nobody_is_told_where_the_database_is() {
    let world = world::small();
    let site = Site::of(world.root(), "[web]\npublic = true\n");
    assert_eq!(site.get("/").status, 200);
    fs::rename(world.database(), world.root().join("elsewhere.db")).unwrap();
    until(|| site.get("/").text.contains("The database is away"));
    for path in ["/", "/queue", "/metrics", "/feeds/failures", "/api/v1/queue", "/api/v1/status"] {
        let got = site.get(path);
        assert!(got.text.contains("database is away"), "{path}: {}", got.text);
        assert!(!got.text.contains("state.db"), "{path}: {}", got.text);
    }
}

/// Without the names of the hosts nobody knows what has to be hidden.
#[test]
fn in_public_nothing_is_shown_while_it_is_not_known_what_is_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::of(
        folder.path(),
        "[state]\nurl = \"postgresql://nobody@127.0.0.1:1/nothing?sslmode=disable\"\n[web]\npublic = true\n",
    );
    for path in ["/", "/failures", "/api/v1/status"] {
        let got = site.get(path);
        assert_eq!(got.status, 503, "{path}");
        assert!(!got.text.contains("127.0.0.1"), "{path}: {}", got.text);
    }
}

#[test]
fn a_root_without_a_state_is_served_until_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::of(folder.path(), "");
    let got = site.get("/");
    assert!(got.status == 503 && got.text.contains("the database is away"), "{}", got.text);
    state::open::Location::Sqlite(folder.path().join("state.db")).open_or_make().unwrap();
    until(|| site.get("/").status == 200);
}

#[test]
fn a_server_that_does_not_listen_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::of(
        folder.path(),
        "[state]\nurl = \"postgresql://nobody@127.0.0.1:1/nothing?sslmode=disable\"\n",
    );
    assert_eq!(site.get("/").status, 503);
    assert_eq!(site.get("/healthz").status, 200);
}

#[test]
fn a_restored_database_is_the_one_that_is_read() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    assert_eq!(site.get("/packages/bash").status, 200);
    let new = world.root().join("new.db");
    state::open::Location::Sqlite(new.clone()).open_or_make().unwrap();
    fs::rename(new, world.database()).unwrap();
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(world.root().join(format!("state.db{ending}")));
    }
    until(|| site.get("/packages/bash").status == 404);
}
