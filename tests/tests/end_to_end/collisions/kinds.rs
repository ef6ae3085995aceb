//! Each kind of collision: what is done, what is reported, and how it ends.

use super::{World, changed, upload};

const SID: &str = "debian/sid";

fn kinds(world: &World, name: &str) -> Vec<String> {
    world.collisions(name).iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_maintainers_own_commit_of_the_very_upload_is_adopted() {
    let mut world = World::with("a0");
    // The content of the upload to come, from another installation.
    let other = World::with("a0");
    let second = upload("a0", "1.0-2", &["1.0-1"]).upstream("NEWS", "2\n");
    other.import(&[&second]);
    let pack = other.git("a0", &["bundle", "create", "-", "--all"], b"", None).stdout;
    let bundle = world.it.files().join("bundle");
    std::fs::write(&bundle, pack).unwrap();
    world.ask("a0", &["fetch", bundle.to_str().unwrap(), "refs/tags/debian/1.0-2:refs/tmp/x"]);
    let tree = world.rev("a0", "refs/tmp/x^{tree}");
    world.ask("a0", &["update-ref", "-d", "refs/tmp/x"]);
    let tip = world.rev("a0", SID);
    let commit = world.commit("a0", &tree, &[&tip], "1.0-2");
    world.push("a0", "refs/heads/debian/sid", &commit);
    world.push("a0", "refs/tags/debian/1.0-2", &commit);

    let reports = world.import(&[&second]);
    assert_eq!(reports[0]["outcome"], "imported");
    assert_eq!(world.rev("a0", SID), commit, "the branch stays where it is");
    assert_eq!(world.rev("a0", "refs/tags/debian/1.0-2"), commit, "so does the tag");
    let tag = reports[0]["tag"].as_str().unwrap();
    assert!(tag.starts_with("reimport/debian/1.0-2/"), "{tag}");
    assert!(world.waiting("a0").is_empty(), "{:?}", world.collisions("a0"));
    let show = world.well(&["show", "a0"]);
    assert!(show.contains("adopted"), "{show}");
    assert!(show.contains("debian/sid") && !show.contains("late"), "{show}");
    world.well(&["verify", "a0"]);
    assert_eq!(world.check().0, 0, "{}", world.check().1);
    // Again, nothing moves; and the next version joins.
    let before = world.refs("a0");
    world.import(&[&second]);
    assert_eq!(world.refs("a0"), before);
    world.import(&[&upload("a0", "1.0-3", &["1.0-2", "1.0-1"])]);
    assert!(world.is_ancestor("a0", &commit, SID));
    assert_eq!(world.rev("a0", "debian/sid^{tree}"), world.rev("a0", "debian/1.0-3^{tree}"));
    assert!(world.waiting("a0").is_empty(), "{:?}", world.waiting("a0"));
    world.well(&["verify", "a0"]);
    world.assert_nothing_lost();
}

#[test]
fn changes_that_the_version_has_are_joined_without_a_word() {
    let mut world = World::with("a0");
    let text = changed(20, "twenty");
    let theirs = world.push_on("a0", SID, &[("src/main.c", Some(&text))]);
    let second = upload("a0", "1.0-2", &["1.0-1"]).upstream("src/main.c", text).upstream("NEWS", "2\n");
    world.import(&[&second]);
    assert!(world.is_ancestor("a0", &theirs, SID));
    assert_eq!(world.rev("a0", "debian/sid^{tree}"), world.rev("a0", "debian/1.0-2^{tree}"));
    assert_eq!(kinds(&world, "a0"), ["contained"]);
    assert!(world.waiting("a0").is_empty());
    assert!(!world.refs("a0").keys().any(|name| name.contains("collisions/")));
    assert_eq!(world.check().0, 0, "{}", world.check().1);
    world.well(&["verify", "a0"]);
    world.assert_nothing_lost();
}

#[test]
fn changes_that_the_version_has_not_are_set_aside_and_offered_until_a_version_has_them() {
    let mut world = World::with("a0");
    let before = world.rev("a0", SID);
    let text = changed(20, "twenty");
    let theirs = world.push_on("a0", SID, &[("src/main.c", Some(&text)), ("debian/NEWS", Some("News.\n"))]);
    let second = upload("a0", "1.0-2", &["1.0-1"]).upstream("src/main.c", changed(3, "three"));
    world.import(&[&second]);
    let waiting = world.waiting("a0");
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let it = &waiting[0];
    assert_eq!(it["kind"], "unmerged");
    assert_eq!(it["ref"], "refs/heads/debian/sid");
    assert_eq!(it["who"], "Ann Other <ann@example.org>");
    assert_eq!((it["ours"].as_str(), it["theirs"].as_str()), (Some(&*before), Some(&*theirs)));
    assert_eq!(it["paths"], serde_json::json!(["debian/NEWS", "src/main.c"]));
    let aside = it["aside"].as_str().unwrap();
    assert_eq!(aside, format!("refs/heads/collisions/debian/sid/{}", &theirs[..12]));
    assert_eq!(world.rev("a0", aside), theirs);
    let offer = it["offer"].as_str().unwrap();
    assert_eq!(world.content("a0", &format!("{offer}:src/main.c")), text.replace("line 3\n", "three\n"));
    assert_eq!(world.content("a0", &format!("{offer}:debian/NEWS")), "News.\n");
    for name in [SID, "debian/1.0-2"] {
        assert_eq!(
            world.rev("a0", &format!("{name}^{{tree}}")),
            world.rev("a0", "debian/sid^2^{tree}"),
            "the archive wins"
        );
    }
    assert!(world.is_ancestor("a0", &theirs, SID) && world.is_ancestor("a0", &before, SID));
    // All screens say so, and the check is the one of what waits for a person.
    let id = it["id"].to_string();
    let show = world.well(&["show", "a0"]);
    assert!(show.contains("Ann Other") && show.contains(&format!("collision show {id}")), "{show}");
    assert!(world.well(&["status"]).contains("1 collision waits for a decision"));
    let (_, said) = world.check();
    assert!(said.contains("1 collisions wait") && said.contains("collisions=1"), "{said}");
    assert!(
        world
            .well(&["metrics", "--textfile", "-"])
            .contains("package_import_collisions{kind=\"unmerged\"} 1")
    );
    let lost = world.well(&["collision", "show", &id]);
    assert!(lost.contains("-line 20\n+twenty") && lost.contains("added debian/NEWS"), "{lost}");
    assert!(!lost.contains("three\n-") && !lost.contains("+three"), "only theirs: {lost}");
    world.well(&["verify", "a0"]);
    // A version that has one of the two changes does not end it, one that has both does.
    let half = upload("a0", "1.0-3", &["1.0-2", "1.0-1"])
        .upstream("src/main.c", text.replace("line 3\n", "three\n"));
    world.import(&[&half]);
    assert_eq!(world.waiting("a0").len(), 1);
    let whole = upload("a0", "1.0-4", &["1.0-3", "1.0-2", "1.0-1"])
        .upstream("src/main.c", text.replace("line 30\n", "thirty\n"))
        .debian("NEWS", "News.\n");
    world.import(&[&whole]);
    assert!(world.waiting("a0").is_empty(), "{:?}", world.waiting("a0"));
    assert_eq!(world.collisions("a0")[0]["ending"], "contained");
    world.assert_nothing_lost();
}

#[test]
fn changes_that_conflict_are_listed_with_their_paths() {
    let mut world = World::with("a0");
    let theirs = world.push_on(
        "a0",
        SID,
        &[("src/main.c", Some(&changed(20, "twenty"))), ("src/other.c", Some(&changed(5, "five")))],
    );
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"]).upstream("src/main.c", changed(20, "zwanzig"))]);
    let it = &world.waiting("a0")[0];
    assert_eq!((&it["kind"], &it["paths"]), (&"conflict".into(), &serde_json::json!(["src/main.c"])));
    assert_eq!(world.rev("a0", it["aside"].as_str().unwrap()), theirs);
    assert!(it["offer"].is_null());
    assert!(world.is_ancestor("a0", &theirs, SID));
    let lost = world.well(&["collision", "show", &it["id"].to_string()]);
    assert!(lost.contains("+twenty") && lost.contains("+five"), "{lost}");
    world.assert_nothing_lost();
}

#[test]
fn patches_applied_and_what_tools_leave_behind_are_noise() {
    let mut world = World::with("a0");
    // The whole applied tree, with the folder of quilt.
    let applied = world.rev("a0", "applied/debian/sid");
    let tree =
        world.tree("a0", &applied, &[(".pc/applied-patches", Some("fix\n")), (".pc/fix/README", Some("x"))]);
    let tip = world.rev("a0", SID);
    let theirs = world.commit("a0", &tree, &[&tip], "Apply the patches");
    world.push("a0", "refs/heads/debian/sid", &theirs);
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"]).upstream("src/main.c", changed(3, "three"))]);
    assert_eq!(kinds(&world, "a0"), ["noise"], "{:?}", world.collisions("a0"));
    assert!(world.is_ancestor("a0", &theirs, SID));
    let show = world.well(&["show", "a0"]);
    assert!(show.contains("mean nothing"), "{show}");
    assert_eq!(world.check().0, 0, "{}", world.check().1);
    world.assert_nothing_lost();
}

#[test]
fn a_tag_with_other_content_keeps_its_name_and_is_listed() {
    let mut world = World::with("a0");
    let tip = world.rev("a0", SID);
    let tree = world.tree("a0", &tip, &[("src/main.c", Some("evil\n"))]);
    let commit = world.commit("a0", &tree, &[&tip], "1.0-2");
    world.push("a0", "refs/tags/debian/1.0-2", &commit);
    let reports = world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    assert_eq!(world.rev("a0", "refs/tags/debian/1.0-2"), commit);
    assert!(reports[0]["tag"].as_str().unwrap().starts_with("reimport/"));
    let it = &world.waiting("a0")[0];
    assert_eq!((&it["kind"], &it["ref"]), (&"tag-differs".into(), &"refs/tags/debian/1.0-2".into()));
    assert_eq!(it["paths"], serde_json::json!(["debian/changelog", "src/main.c"]));
    assert_eq!(world.command(&["verify", "a0"]).status.code(), Some(1));
    assert_eq!(world.check().0, 1);
    let lost = world.well(&["collision", "show", &it["id"].to_string()]);
    assert!(lost.contains("+evil"), "{lost}");
    // It ends with the tag.
    world.ask("a0", &["update-ref", "-d", "refs/tags/debian/1.0-2"]);
    world.import(&[&upload("a0", "1.0-3", &["1.0-2", "1.0-1"])]);
    assert!(world.waiting("a0").is_empty(), "{:?}", world.waiting("a0"));
    assert_eq!(world.collisions("a0")[0]["ending"], "gone");
    assert_eq!(world.check().0, 0, "{}", world.check().1);
}

#[test]
fn a_tag_of_ours_that_was_replaced_stays_under_another_name() {
    let mut world = World::with("a0");
    let ours = world.rev("a0", "refs/tags/debian/1.0-1");
    let upstream = world.rev("a0", "refs/tags/upstream/1.0");
    let commit = world.commit("a0", &world.tree("a0", SID, &[("x", Some("x"))]), &[], "x");
    world.push("a0", "refs/tags/debian/1.0-1", &commit);
    world.push("a0", "refs/tags/upstream/1.0", &commit);
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    let refs = world.refs("a0");
    assert!(
        refs.iter().any(|(name, id)| name.starts_with("refs/tags/reimport/debian/1.0-1/") && *id == ours)
    );
    assert!(
        refs.iter().any(|(name, id)| name.starts_with("refs/tags/reimport/upstream/1.0/") && *id == upstream)
    );
    assert_eq!(refs["refs/tags/debian/1.0-1"], commit);
    world.pushed.push(("a0".into(), ours));
    world.pushed.push(("a0".into(), upstream));
    world.assert_nothing_lost();
    assert_eq!(world.waiting("a0").len(), 2, "{:?}", world.waiting("a0"));
}

#[test]
fn a_branch_that_was_removed_set_back_or_replaced_is_put_back() {
    let mut world = World::with("a0");
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    let (first, second) =
        (world.rev("a0", "debian/1.0-1^{commit}"), world.rev("a0", "debian/1.0-2^{commit}"));
    // Set back.
    world.push("a0", "refs/heads/debian/sid", &first);
    world.import(&[&upload("a0", "1.0-3", &["1.0-2", "1.0-1"])]);
    let third = world.rev("a0", SID);
    assert_eq!(third, world.rev("a0", "debian/1.0-3^{commit}"), "by a fast-forward");
    // Removed.
    world.ask("a0", &["update-ref", "-d", "refs/heads/debian/sid"]);
    world.import(&[&upload("a0", "1.0-4", &["1.0-3", "1.0-2", "1.0-1"])]);
    assert_eq!(world.rev("a0", SID), world.rev("a0", "debian/1.0-4^{commit}"), "by creation");
    // Replaced by the content of an old version, without any history.
    let root = world.commit("a0", &world.rev("a0", "debian/1.0-4^{tree}"), &[], "Our own history");
    world.push("a0", "refs/heads/debian/sid", &root);
    world.import(&[&upload("a0", "1.0-5", &["1.0-4", "1.0-3", "1.0-2", "1.0-1"])]);
    assert!(world.is_ancestor("a0", &root, SID) && world.is_ancestor("a0", &second, SID), "by a join");
    let aside = format!("refs/heads/collisions/debian/sid/{}", &root[..12]);
    assert_eq!(world.rev("a0", &aside), root, "what replaced it is set aside");
    assert_eq!(kinds(&world, "a0"), ["rewritten"; 3]);
    assert!(world.waiting("a0").is_empty());
    assert_eq!(world.check().0, 0, "{}", world.check().1);
    world.assert_nothing_lost();
}

#[test]
fn an_applied_branch_is_looked_after_like_the_other() {
    let mut world = World::with("a0");
    let theirs = world.push_on("a0", "applied/debian/sid", &[("src/main.c", Some(&changed(20, "twenty")))]);
    world.import(&[&upload("a0", "1.0-2", &["1.0-1"])]);
    let it = &world.waiting("a0")[0];
    assert_eq!((&it["kind"], &it["ref"]), (&"unmerged".into(), &"refs/heads/applied/debian/sid".into()));
    assert_eq!(it["aside"], format!("refs/heads/collisions/applied/debian/sid/{}", &theirs[..12]));
    assert_eq!(world.rev("a0", "applied/debian/sid^{tree}"), world.rev("a0", "applied/debian/1.0-2^{tree}"));
    world.assert_nothing_lost();
}

#[test]
fn a_ref_in_the_way_wedges_the_package_until_somebody_decides() {
    for (name, blocker) in
        [("a0", "refs/heads/debian"), ("b0", "refs/tags/upstream"), ("c0", "refs/heads/debian/sid/x")]
    {
        let mut world = World::with(name);
        let commit = world.rev(name, SID);
        for other in
            world.refs(name).keys().filter(|it| it.starts_with(blocker) || blocker.starts_with(&***it))
        {
            world.ask(name, &["update-ref", "-d", other]);
        }
        world.push(name, blocker, &commit);
        let second = upload(name, "1.1-1", &["1.0-1"]);
        let dsc = world.write(&second);
        let (code, reports) = world.it.import("debian", "sid", &[&dsc]);
        assert_eq!((code, reports[0]["code"].as_str()), (1, Some("blocked")), "{blocker}: {reports:?}");
        assert!(reports[0]["message"].as_str().unwrap().contains(blocker), "{reports:?}");
        let waiting = world.waiting(name);
        assert_eq!(waiting.len(), 1, "{blocker}: {waiting:?} {}", world.said(&["log", name]));
        let it = &waiting[0];
        assert_eq!((&it["kind"], &it["ref"]), (&"blocked".into(), &blocker.into()));
        let show = world.said(&["show", name]);
        assert!(show.contains("wedged") && show.contains(blocker), "{show}");
        let (_, said) = world.check();
        assert!(said.contains("wedged=1") && said.contains("collisions=1"), "{said}");
        let id = it["id"].to_string();
        assert_eq!(
            world.command(&["collision", "resolve", &id, "--keep", "--reason", "x"]).status.code(),
            Some(2)
        );
        world.well(&["collision", "resolve", &id, "--drop", "--reason", "it was a mistake"]);
        assert!(world.waiting(name).is_empty(), "{:?}", world.waiting(name));
        assert!(!world.refs(name).contains_key(blocker));
        assert_eq!(world.rev(name, "debian/sid^{tree}"), world.rev(name, "debian/1.1-1^{tree}"), "{blocker}");
        let (code, said) = world.check();
        assert_eq!((code, said.contains("wedged=0")), (0, true), "{said}");
        world.assert_nothing_lost();
    }
}

#[test]
fn what_somebody_pushes_between_uploads_is_found_by_the_verification() {
    let mut world = World::with("a0");
    let theirs = world.push_on("a0", SID, &[("src/main.c", Some(&changed(20, "twenty")))]);
    let dsc = world.write(&upload("a0", "1.0-1", &[]));
    world.well(&["enqueue", "--allow-unsigned", "--lane", "verify", "--suite", "sid", dsc.to_str().unwrap()]);
    world.well(&["run", "--until-empty"]);
    let it = &world.waiting("a0")[0];
    assert_eq!((&it["kind"], it["theirs"].as_str()), (&"unmerged".into(), Some(&*theirs)));
    assert_eq!(world.rev("a0", "debian/sid^{tree}"), world.rev("a0", "debian/1.0-1^{tree}"));
    world.assert_nothing_lost();
}
