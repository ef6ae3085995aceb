//! Tests of faults: of servers, of files, and of index and `.dsc`.

use std::fs;
use std::time::Duration;

use archive::clock::Clock;
use archive::fetch::Outcome;
use package_import_tests::synthetic::lines;
use package_import_tests::web::Answer;

use crate::common::mirrors;
use crate::fetch::world::World;

#[test]
fn bad_files_have_codes_and_the_next_mirror_is_asked() {
    let world = World::new();
    let orig = world.archive.root().join(&world.orig()[1..]);
    let mut wrong = fs::read(&orig).unwrap();
    wrong[1000] ^= 1;
    let newer = "Last-Modified: Fri, 01 Jan 2100 00:00:00 GMT".to_owned();
    let page = b"<html><title>Please log in</title></html>".to_vec();
    let listing = b"<html><title>Index of /pool</title></html>".to_vec();
    for (answer, code) in [
        (Answer::Status(200, vec![], wrong.clone()), "checksum-mismatch"),
        (Answer::Status(200, vec![], lines(10)), "size-mismatch"),
        (Answer::Status(200, vec![newer.clone()], wrong.clone()), "file-changed"),
        (Answer::Status(200, vec![newer], lines(10)), "file-changed"),
        (Answer::Status(200, vec![], page), "web-page"),
        (Answer::Status(200, vec![], listing), "folder-listing"),
        (Answer::Cut(0), "truncated"),
        (Answer::Endless, "endless-file"),
        (Answer::Drip, "too-slow"),
        (Answer::Redirect(world.orig()), "redirect-loop"),
        (Answer::Status(500, vec![], vec![]), "server-error"),
    ] {
        let world = World { publication: world.publication.clone(), ..World::new() };
        let bad = world.server();
        bad.on(&world.orig(), answer.clone());
        let listed = world.clock.unix();
        let failed = world.fetch_by(&mirrors(&[&bad.url()]), Some(listed), &|_| false).unwrap_err();
        assert_eq!(failed.error.code().as_str(), code, "{answer:?}");
        assert_eq!(failed.error.dependency, Some(bad.host()), "{answer:?}");
        let good = world.server();
        world.assert_right(&world.good(&[&bad, &good]));
    }
}

#[test]
fn an_error_names_each_mirror_and_its_answer() {
    let world = World::new();
    let (lacks, broken) = (world.server(), world.server());
    lacks.on(&world.orig(), Answer::Status(404, vec![], vec![]));
    broken.on(&world.orig(), Answer::Status(500, vec![], vec![]));
    // Nobody listens there.
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let mirrors = mirrors(&[&dead, &lacks.url(), &broken.url()]);
    let failed = world.fetch_by(&mirrors, None, &|_| false).unwrap_err();
    let text = failed.to_string();
    for url in [&dead, &lacks.url(), &broken.url()] {
        assert!(text.contains(url.as_str()), "{text}");
    }
    assert!(text.contains(&format!("{}{}: it is not there", lacks.url(), world.orig())), "{text}");
    assert!(text.contains("500"), "{text}");
}

#[test]
fn what_is_on_no_mirror_is_gone_and_no_failure() {
    let world = World::new();
    let (one, two) = (world.server(), world.server());
    one.on(&world.orig(), Answer::Status(404, vec![], vec![]));
    world.assert_right(&world.good(&[&one, &two]));
    let world = World { publication: world.publication.clone(), ..World::new() };
    two.on(&world.orig(), Answer::Status(410, vec![], vec![]));
    assert!(matches!(world.fetch(&[&one, &two]), Ok(Outcome::Gone { file }) if file.contains(".orig.")));
    // As long as one mirror cannot say, nobody knows.
    two.on(&world.orig(), Answer::Status(500, vec![], vec![]));
    assert_eq!(world.code(&[&one, &two]), "fetch/server-error");
}

#[test]
fn a_busy_server_is_left_alone_for_as_long_as_it_says() {
    let world = World::new();
    let server = world.server();
    let busy = |seconds: &str| Answer::Status(429, vec![format!("Retry-After: {seconds}")], vec![]);
    server.on_each(&world.orig(), &[busy("7"), busy("9"), Answer::File]);
    world.assert_right(&world.good(&[&server]));
    assert_eq!(*world.clock.waits.lock().unwrap(), [7, 9].map(Duration::from_secs));

    let world = World { publication: world.publication.clone(), ..World::new() };
    server.on(&world.orig(), busy("3600"));
    let failed = world.fetch(&[&server]).unwrap_err();
    assert_eq!(
        (failed.error.code().as_str(), failed.error.retry_after),
        ("busy", Some(Duration::from_secs(3600)))
    );
    assert!(world.clock.waits.lock().unwrap().is_empty());
    // The next mirror is asked at once.
    world.assert_right(&world.good(&[&server, &world.server()]));
    assert!(world.clock.waits.lock().unwrap().is_empty());
}

#[test]
fn index_and_dsc_have_to_agree() {
    let mut world = World::new();
    let server = world.server();
    let good = world.publication.clone();
    world.publication.files[0].checksums.md5 = Some("0".repeat(32));
    assert_eq!(world.code(&[&server]), "fetch/dsc-disagrees");
    world.publication = good.clone();
    world.publication.files.pop();
    assert_eq!(world.code(&[&server]), "fetch/dsc-disagrees");
    world.publication = good.clone();
    world.publication.version = source_package::version::Version::new("2").unwrap();
    assert_eq!(world.code(&[&server]), "fetch/dsc-disagrees");
    world.publication = good.clone();
    world.publication.dsc.size += 1;
    assert_eq!(world.code(&[&server]), "fetch/size-mismatch");
}

#[test]
fn weak_hashes_are_taken_only_where_allowed() {
    let mut world = World::new();
    world.publication.dsc.checksums.sha256 = None;
    let server = world.server();
    assert_eq!(world.code(&[&server]), "fetch/weak-checksums");
    world.weak = true;
    world.assert_right(&world.good(&[&server]));
}
