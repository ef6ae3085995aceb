//! Decisions of a person about a collision: they are carried out and recorded, and nothing is lost by them.

use super::{World, changed, upload};

/// A collision of one package that waits.
fn unmerged() -> (World, String, String) {
    let mut world = World::with("a0");
    let theirs = world.push_on("a0", "debian/sid", &[("src/main.c", Some(&changed(20, "twenty")))]);
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    let id = world.waiting("a0")[0]["id"].to_string();
    (world, id, theirs)
}

fn resolve(world: &World, id: &str, decision: &str) -> String {
    world.well(&["collision", "resolve", id, decision, "--reason", "so it was decided"])
}

#[test]
fn what_is_dropped_loses_its_names_and_stays_in_the_history() {
    let (world, id, theirs) = unmerged();
    assert!(resolve(&world, &id, "--drop").contains("has ended"));
    assert!(!world.refs("a0").keys().any(|name| name.contains("collisions/")), "{:?}", world.refs("a0"));
    assert!(world.is_ancestor("a0", &theirs, "debian/sid"));
    assert!(world.waiting("a0").is_empty());
    let audit = world.well(&["audit", "a0"]);
    assert!(audit.contains("resolve") && audit.contains("so it was decided"), "{audit}");
    // It does not come back.
    world.import(&[&upload("a0", "1.0-3", &["1.0-2", "1.0-1"])]);
    assert!(world.waiting("a0").is_empty());
    assert!(!world.refs("a0").keys().any(|name| name.contains("collisions/")));
    world.well(&["verify", "a0"]);
    world.assert_nothing_lost();
    let again = world.command(&["collision", "resolve", &id, "--keep", "--reason", "x"]);
    assert!(!again.status.success(), "it has ended already");
}

#[test]
fn what_is_kept_stays_where_it_is_without_a_word() {
    let (world, id, theirs) = unmerged();
    resolve(&world, &id, "--keep");
    let aside = format!("refs/heads/collisions/debian/sid/{}", &theirs[..12]);
    world.import(&[&upload("a0", "1.0-3", &["1.0-2", "1.0-1"])]);
    assert_eq!(world.rev("a0", &aside), theirs);
    assert!(world.waiting("a0").is_empty(), "{:?}", world.waiting("a0"));
    assert_eq!(world.check().0, 0, "{}", world.check().1);
    // A set-aside ref that somebody removes is no loss.
    world.ask("a0", &["update-ref", "-d", &aside]);
    world.import(&[&upload("a0", "1.0-4", &["1.0-3", "1.0-2", "1.0-1"])]);
    assert_eq!(world.rev("a0", &aside), theirs);
    assert!(world.waiting("a0").is_empty(), "{:?}", world.waiting("a0"));
    world.assert_nothing_lost();
}

/// A tag of ours that somebody else has taken.
fn tag_differs() -> (World, String, String, String) {
    let mut world = World::with("a0");
    let tip = world.rev("a0", "debian/sid");
    let tree = world.tree("a0", &tip, &[("src/main.c", Some("theirs\n"))]);
    let theirs = world.commit("a0", &tree, &[&tip], "1.0-2");
    world.push("a0", "refs/tags/debian/1.0-2", &theirs);
    let reports = world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    let id = world.waiting("a0")[0]["id"].to_string();
    (world, id, theirs, reports[0]["commit"].as_str().unwrap().to_owned())
}

#[test]
fn a_tag_that_is_kept_is_told_of_no_more() {
    let (world, id, theirs, _) = tag_differs();
    resolve(&world, &id, "--keep");
    assert_eq!(world.rev("a0", "refs/tags/debian/1.0-2"), theirs);
    world.import(&[&upload("a0", "1.0-3", &["1.0-2", "1.0-1"])]);
    assert!(world.waiting("a0").is_empty());
    assert_eq!(world.check().0, 0, "{}", world.check().1);
    world.well(&["verify", "a0"]);
    // Moved again, it is another collision.
    let mut world = world;
    let other = world.commit("a0", &world.rev("a0", "debian/sid^{tree}"), &[], "x");
    world.push("a0", "refs/tags/debian/1.0-2", &other);
    world.import(&[&upload("a0", "1.0-4", &["1.0-3", "1.0-2", "1.0-1"])]);
    assert_eq!(world.waiting("a0").len(), 1);
}

#[test]
fn a_tag_can_be_taken_back_and_theirs_gets_another_name() {
    let (world, id, theirs, ours) = tag_differs();
    let refused = world.command(&["collision", "resolve", &id, "--drop", "--reason", "x"]);
    assert_eq!(refused.status.code(), Some(2), "a tag is never removed");
    resolve(&world, &id, "--take-tag");
    assert_eq!(world.rev("a0", "refs/tags/debian/1.0-2^{commit}"), ours);
    assert_eq!(world.rev("a0", &format!("refs/tags/collisions/debian/1.0-2/{}", &theirs[..12])), theirs);
    assert!(world.waiting("a0").is_empty(), "{:?}", world.waiting("a0"));
    world.import(&[&upload("a0", "1.0-3", &["1.0-2", "1.0-1"])]);
    assert_eq!(world.check().0, 0, "{}", world.check().1);
    world.well(&["verify", "a0"]);
    world.assert_nothing_lost();
}

#[test]
fn a_decision_is_carried_out_by_the_next_run_where_the_repository_is() {
    let (world, id, theirs) = unmerged();
    let said = world.well(&["collision", "resolve", &id, "--drop", "--reason", "x", "--later"]);
    assert!(said.contains("the next run"), "{said}");
    assert_eq!(world.waiting("a0")[0]["decision"], "drop");
    assert!(world.refs("a0").values().filter(|it| **it == theirs).count() == 1, "nothing is done yet");
    world.well(&["run", "--until-empty"]);
    assert!(world.waiting("a0").is_empty());
    assert!(!world.refs("a0").keys().any(|name| name.contains("collisions/")));
}

#[test]
fn what_is_asked_for_wrongly_is_refused_with_what_to_do() {
    let (world, id, _) = unmerged();
    for arguments in [
        &["collision", "resolve", &*id, "--take-tag", "--reason", "x"][..],
        &["collision", "resolve", &*id, "--reason", "x"],
        &["collision", "resolve", &*id, "--drop", "--keep", "--reason", "x"],
        &["collision", "resolve", &*id, "--drop"],
        &["collisions", "--kind", "nonsense"],
    ] {
        assert_eq!(world.command(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let said = world.said(&["collision", "show", "4711"]);
    assert!(said.contains("package-import collisions"), "{said}");
    assert!(world.said(&["collisions", "nothing"]).contains("not known"));
    assert_eq!(world.waiting("a0").len(), 1);
}

/// Pushed names and contents are shown without control characters.
#[test]
fn what_is_pushed_is_shown_harmlessly() {
    let mut world = World::with("a0");
    let evil = "\u{1b}]0;owned\u{7}\u{202e}evil\n";
    world.push_on("a0", "debian/sid", &[("debian/\u{1b}[31mx", Some(evil)), ("src/main.c", Some(evil))]);
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    let id = world.waiting("a0")[0]["id"].to_string();
    for said in
        [world.well(&["collision", "show", &id]), world.well(&["show", "a0"]), world.well(&["collisions"])]
    {
        assert!(
            !said.contains('\u{1b}') && !said.contains('\u{202e}') && !said.contains('\u{7}'),
            "{said:?}"
        );
    }
}

/// Tags of tags without a word of who made them, deeper than anybody looks.
#[test]
fn a_long_chain_of_tags_is_looked_at_as_far_as_it_makes_sense() {
    let mut world = World::with("a0");
    let mut at = (world.rev("a0", "debian/sid"), "commit");
    for _ in 0..60 {
        let text = format!("object {}\ntype {}\ntag debian/1.0-2\n\nx\n", at.0, at.1);
        let made = world.git(
            "a0",
            &["hash-object", "-w", "-t", "tag", "--stdin", "--literally"],
            text.as_bytes(),
            None,
        );
        at = (String::from_utf8(made.stdout).unwrap().trim().to_owned(), "tag");
    }
    world.push("a0", "refs/tags/debian/1.0-2", &at.0);
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    let it = &world.waiting("a0")[0];
    assert_eq!((&it["kind"], &it["who"]), (&"tag-differs".into(), &serde_json::Value::Null));
    assert_eq!(world.rev("a0", "refs/tags/debian/1.0-2"), at.0);
}
