//! Tests of `poll --explain`: the entries of the index, the records, the next step and the reason.

use std::fs;

use package_import_tests::web::Answer;
use serde_json::Value;

use super::world::{World, pool};

/// Version, component, whether it is listed, and what becomes of it, of the first suite.
fn fates(explained: &Value) -> Vec<String> {
    let said = |it: &Value| {
        let text = |field: &str| it[field].as_str().unwrap().to_owned();
        format!("{} {} {} {}", text("version"), text("component"), it["listed"], text("fate"))
    };
    explained["suites"][0]["publications"].as_array().unwrap().iter().map(said).collect()
}

#[test]
fn from_the_index_to_the_branch() {
    let world = World::new(&["main", "contrib"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    let new = world.explain("aa");
    assert_eq!(fates(&new), ["1.0-1 main true new"]);
    assert_eq!(new["suites"][0]["publications"][0]["path"], "pool/main/a/aa/aa_1.0-1.dsc");
    assert_eq!(new["suites"][0]["publications"][0]["content"].as_str().unwrap().len(), 64);
    assert!(new["next"].as_str().unwrap().contains("records 1 publication"), "{new}");
    assert!(world.listed().is_empty(), "nothing was changed");

    world.poll(&[]);
    let queued = world.explain("aa");
    assert_eq!(fates(&queued), ["1.0-1 main true lacking"]);
    assert_eq!(queued["state"]["why"], "queued");
    world.queue.well(&["hold", "aa", "--reason", "a look"]);
    let held = world.explain("aa");
    assert_eq!(held["state"]["why"], "held");
    assert!(held["suites"][0]["publications"][0]["why"].as_str().unwrap().contains("a look"), "{held}");
    world.queue.well(&["release", "aa"]);

    let tarball = pool(&world, ".debian.tar.gz");
    world.server.on(&tarball, Answer::Status(404, vec![], vec![]));
    world.queue.well(&["run"]);
    let waiting = world.explain("aa");
    assert_eq!(waiting["state"]["why"], "waiting");
    assert!(waiting["next"].as_str().unwrap().contains("no mirror has"), "{waiting}");
    world.server.on(&tarball, Answer::Status(403, vec![], vec![]));
    world.poll(&[]);
    world.queue.well(&["run"]);
    let failing = world.explain("aa");
    assert!(["retrying", "failing"].contains(&failing["state"]["why"].as_str().unwrap()), "{failing}");
    assert!(failing["next"].as_str().unwrap().contains("fetch/refused"), "{failing}");
    world.server.on(&tarball, Answer::File);
    world.queue.well(&["retry", "aa"]);
    world.queue.well(&["run"]);
    assert_eq!(fates(&world.explain("aa")), ["1.0-1 main true imported"]);

    // It moves, and then another version takes its place.
    fs::rename(world.archive.root().join("pool/main/a"), world.archive.root().join("pool/contrib/a"))
        .unwrap();
    world.publish();
    assert_eq!(fates(&world.explain("aa")), ["1.0-1 contrib true moved"]);
    fs::remove_dir_all(world.archive.root().join("pool/contrib/a")).unwrap();
    world.add("main", "aa", "1.0-2");
    world.publish();
    assert_eq!(fates(&world.explain("aa")), ["1.0-2 main true new", "1.0-1 main false vanishing"]);
    world.poll(&[]);
    world.queue.well(&["run"]);
    let mut after = fates(&world.explain("aa"));
    after.sort();
    assert_eq!(after, ["1.0-1 main false superseded", "1.0-2 main true imported"]);
}

#[test]
fn what_is_withheld_and_what_cannot_be_used() {
    let world = World::new(&["main"]);
    for number in 0..12 {
        world.add("main", &format!("p{number:02}"), "1.0-1");
    }
    world.publish();
    world.poll(&[]);
    world.edit(|text| text.replace("pool/main/p/p03", "../p03"), |index| index);
    let bad = world.explain("p03");
    assert!(fates(&bad).iter().any(|fate| fate.ends_with("true unusable")), "{bad}");
    assert!(bad.to_string().contains("leads out of the archive"), "{bad}");
    let kept = world.archive.root().join("pool/main/p/p00");
    let aside = world.archive.extra("aside").join("p");
    fs::rename(world.archive.root().join("pool/main/p"), &aside).unwrap();
    fs::create_dir_all(kept.parent().unwrap()).unwrap();
    fs::rename(aside.join("p00"), &kept).unwrap();
    world.publish();
    world.poll(&[]);
    for (name, fate) in [("p01", "1.0-1 main false withheld"), ("p00", "1.0-1 main true lacking")] {
        let explained = world.explain(name);
        assert_eq!(fates(&explained), [fate], "{explained}");
    }
    assert!(world.explain("p01").to_string().contains("--accept-removals"));
}

#[test]
fn without_the_network_the_last_accepted_index_counts() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    world.poll(&[]);
    world.server.refuse(true);
    let output = world.queue.command(&["poll", "--explain", "aa"]).output().unwrap();
    let said = package_import_tests::queue::text(&output);
    assert_eq!(output.status.code(), Some(1), "a suite could not be asked: {said}");
    assert!(said.contains("as accepted last") && said.contains("poll/connect"), "{said}");
    assert!(said.contains("1.0-1, main, pool/main/a/aa/aa_1.0-1.dsc"), "{said}");
    // Nobody knows it, and that is said too, with names that begin alike.
    let unknown = world.explain("ab");
    assert!(unknown["state"].is_null() && unknown["similar"][0] == "aa", "{unknown}");
    assert!(unknown["next"].as_str().unwrap().starts_with("not known"), "{unknown}");
}
