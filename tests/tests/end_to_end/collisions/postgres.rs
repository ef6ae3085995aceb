//! Collisions with the state in PostgreSQL, from the push to the decision and its end.

use super::{World, changed, upload};

const SID: &str = "debian/sid";

/// Numbers and kinds of the collisions of a package that wait.
fn waiting(world: &World, name: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = world
        .waiting(name)
        .iter()
        .map(|it| (it["kind"].as_str().unwrap().to_owned(), it["id"].to_string()))
        .collect();
    found.sort();
    found
}

fn resolve(world: &World, id: &str, decision: &str) {
    world.well(&["collision", "resolve", id, decision, "--reason", "so it was decided"]);
}

#[test]
fn collisions_on_postgresql_are_told_of_decided_and_end() {
    let mut world = World::on_postgres();
    world.import(&[&upload("a0", "1.0-1", &[])]);
    // A branch with a change of theirs, and a tag of the version that comes.
    let theirs = world.push_on("a0", SID, &[("src/main.c", Some(&changed(20, "twenty")))]);
    let tree = world.tree("a0", &theirs, &[("src/other.c", Some("theirs\n"))]);
    let tag = world.commit("a0", &tree, &[&theirs], "1.0-2");
    world.push("a0", "refs/tags/debian/1.0-2", &tag);
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    let found = waiting(&world, "a0");
    let kinds: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["tag-differs", "unmerged"]);
    let shown = world.well(&["collision", "show", &found[1].1]);
    assert!(shown.contains("+twenty"), "{shown}");
    assert!(world.well(&["status"]).contains("ollision"), "{}", world.well(&["status"]));
    resolve(&world, &found[0].1, "--take-tag");
    resolve(&world, &found[1].1, "--drop");
    assert!(waiting(&world, "a0").is_empty(), "{:?}", world.waiting("a0"));
    assert!(!world.refs("a0").keys().any(|name| name.starts_with("refs/heads/collisions/")));
    assert_eq!(world.rev("a0", &format!("refs/tags/collisions/debian/1.0-2/{}", &tag[..12])), tag);
    // A change that a later upload has ends by itself.
    world.push_on("a0", SID, &[("src/other.c", Some(&changed(30, "thirty")))]);
    world.import(&[&upload("a0", "1.0-3", &["1.0-2", "1.0-1"])]);
    assert_eq!(waiting(&world, "a0").len(), 1);
    let later = upload("a0", "1.1-1", &["1.0-3", "1.0-2", "1.0-1"]);
    world.import(&[&later.upstream("src/other.c", changed(30, "thirty"))]);
    assert!(waiting(&world, "a0").is_empty(), "{:?}", world.waiting("a0"));
    let audit = world.well(&["audit", "a0"]);
    assert!(audit.matches("so it was decided").count() >= 2, "{audit}");
    world.well(&["verify", "a0"]);
    // A ref in the way wedges another package, until it is decided.
    world.import(&[&upload("b0", "1.0-1", &[])]);
    let commit = world.rev("b0", SID);
    for tag in world.refs("b0").keys().filter(|name| name.starts_with("refs/tags/upstream/")) {
        world.ask("b0", &["update-ref", "-d", tag]);
    }
    world.push("b0", "refs/tags/upstream", &commit);
    let (code, reports) = world.try_import(&[&upload("b0", "1.1-1", &["1.0-1"])]);
    assert_eq!((code, reports[0]["code"].as_str()), (1, Some("blocked")), "{reports:?}");
    let found = waiting(&world, "b0");
    assert_eq!((found.len(), found[0].0.as_str()), (1, "blocked"));
    resolve(&world, &found[0].1, "--drop");
    assert!(waiting(&world, "b0").is_empty());
    assert_eq!(world.rev("b0", "debian/sid^{tree}"), world.rev("b0", "debian/1.1-1^{tree}"));
    world.assert_nothing_lost();
}
