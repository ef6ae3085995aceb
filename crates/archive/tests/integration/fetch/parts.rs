//! Files that come in parts: broken off, resumed, begun anew.

use std::fs;

use package_import_tests::web::{Answer, Server};

use crate::fetch::world::World;

#[test]
fn a_break_is_resumed_where_it_was() {
    let world = World::new();
    let server = world.server();
    server.on_each(
        &world.orig(),
        &[Answer::Cut(100_000), Answer::CutWithoutLength(50_000), Answer::Cut(0), Answer::File],
    );
    let fetched = world.good(&[&server]);
    world.assert_right(&fetched);
    let ranges: Vec<String> = server
        .seen()
        .into_iter()
        .filter(|seen| seen.path == world.orig())
        .map(|seen| seen.headers.get("range").cloned().unwrap_or_default())
        .collect();
    assert_eq!(ranges, ["", "bytes=100000-", "bytes=150000-", "bytes=150000-"]);
}

#[test]
fn what_was_left_by_others_is_used() {
    let world = World::new();
    let server = world.server();
    server.on(&world.orig(), Answer::Cut(100_000));
    server.on_each(&world.orig(), &[Answer::Cut(100_000), Answer::Status(500, vec![], vec![])]);
    assert_eq!(world.code(&[&server]), "fetch/server-error");
    let next = world.server();
    let fetched = world.good(&[&next]);
    world.assert_right(&fetched);
    let orig = next.seen().into_iter().find(|seen| seen.path == world.orig()).unwrap();
    assert_eq!(orig.headers["range"], "bytes=100000-");

    // A start that is damaged, or of another file, costs one more request and nothing else.
    let sha256 = world.publication.files.iter().find(|file| file.name.contains("orig")).unwrap();
    let sha256 = sha256.checksums.sha256.clone().unwrap();
    world.cache().forget(&sha256).unwrap();
    fs::write(world.folder.path().join(format!("cache/partial/{sha256}.dead")), [0; 1000]).unwrap();
    world.assert_right(&world.good(&[&world.server()]));
    world.cache().forget(&sha256).unwrap();
    fs::write(world.folder.path().join(format!("cache/partial/{sha256}.dead")), [0; 1_000_000]).unwrap();
    world.assert_right(&world.good(&[&world.server()]));
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let world = World::new();
    let server = world.server();
    server.on_each(&world.orig(), &[Answer::Cut(100_000), Answer::WithoutRange]);
    world.assert_right(&world.good(&[&server]));
}

#[test]
fn a_file_that_changes_between_two_parts_is_begun_anew() {
    let world = World::new();
    let server = world.server();
    let other = Server::new(world.archive.extra("other"));
    let path = world.archive.extra("other").join(&world.orig()[1..]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let size = fs::metadata(world.archive.root().join(&world.orig()[1..])).unwrap().len();
    fs::write(&path, vec![7; usize::try_from(size).unwrap()]).unwrap();
    // The first mirror sends the start of something else, the second has the right file.
    other.on(&world.orig(), Answer::Cut(1000));
    other.on_each(&world.orig(), &[Answer::Cut(1000), Answer::Status(404, vec![], vec![])]);
    world.assert_right(&world.good(&[&other, &server]));
}
