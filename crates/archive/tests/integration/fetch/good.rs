//! Tests of successful fetches: the files, the number of requests, and files that are not needed.

use std::fs;
use std::time::Duration;

use archive::fetch::{Fetcher, Options, Outcome};
use source_package::checksum::ListedFile;

use crate::common::{folder_url, mirrors};
use crate::fetch::world::World;

#[test]
fn everything_comes_with_all_hashes_and_only_once() {
    let world = World::new();
    let server = world.server();
    let fetched = world.good(&[&server]);
    world.assert_right(&fetched);
    assert_eq!(fetched.files.len(), 2);
    assert!(fetched.transferred > 400_000);
    for file in &fetched.files {
        let sums = &file.file.checksums;
        assert!(sums.md5.is_some() && sums.sha1.is_some() && sums.sha256.is_some());
    }
    server.seen();
    let again = world.good(&[&server]);
    world.assert_right(&again);
    assert_eq!((again.transferred, server.paths().len()), (0, 0));
}

#[test]
fn folders_are_mirrors_too() {
    let world = World::new();
    let url = folder_url(&world.archive.root());
    let Ok(Outcome::Fetched(fetched)) = world.fetch_by(&mirrors(&[&url]), None, &|_| false) else { panic!() };
    world.assert_right(&fetched);
}

#[test]
fn what_the_repository_knows_is_not_fetched() {
    let world = World::new();
    let server = world.server();
    let known = |file: &ListedFile| file.name.contains(".orig.") && file.checksums.sha256.is_some();
    let Ok(Outcome::Fetched(fetched)) = world.fetch_by(&mirrors(&[&server.url()]), None, &known) else {
        panic!()
    };
    world.assert_right(&fetched);
    assert!(!server.paths().contains(&world.orig()));
    let orig = fetched.files.iter().find(|file| file.file.name.contains(".orig.")).unwrap();
    assert!(orig.path.is_none());
}

#[test]
fn two_workers_fetch_a_file_once() {
    let world = World::new();
    let server = world.server();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (world, server) = (&world, &server);
            scope.spawn(move || {
                let (cache, into) = (world.cache(), world.target().join(worker.to_string()));
                fs::create_dir(&into).unwrap();
                let mirrors = mirrors(&[&server.url()]);
                let options =
                    Options { connections: 2, longest_wait: Duration::ZERO, allow_weak_checksums: false };
                let fetcher =
                    Fetcher { mirrors: &mirrors, cache: &cache, options, clock: world.clock.clone() };
                let outcome = fetcher.fetch(&world.publication, None, &|_| false, &into);
                assert!(matches!(outcome, Ok(Outcome::Fetched(_))), "{outcome:?}");
            });
        }
    });
    let mut paths = server.paths();
    paths.sort();
    assert_eq!(paths.len(), 3, "{paths:?}");
}

#[test]
fn a_cache_that_is_too_small_does_not_stop_anybody() {
    let world = World::new();
    let server = world.server();
    let cache = world.cache_of(1000);
    let mirrors = mirrors(&[&server.url()]);
    let options = Options { connections: 1, longest_wait: Duration::ZERO, allow_weak_checksums: false };
    let fetcher = Fetcher { mirrors: &mirrors, cache: &cache, options, clock: world.clock.clone() };
    let outcome = fetcher.fetch(&world.publication, None, &|_| false, &world.target());
    let Ok(Outcome::Fetched(fetched)) = outcome else { panic!("{outcome:?}") };
    world.assert_right(&fetched);
    fs::remove_dir_all(world.target()).unwrap();
    assert!(cache.trim().unwrap() <= 1000);
}
