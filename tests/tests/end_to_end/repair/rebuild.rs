//! "Ignore local state": a package is built anew beside its repository and compared with it. One that is well comes out the
//! same, however it came into being; of one that is not, everything comes back that was ever imported.

use std::path::{Path, PathBuf};
use std::process::Command;

use package_import_tests::synthetic::package;
use serde_json::Value;

use super::damages::{DAMAGES, edit, git};
use super::{Refs, World, listing, upload};

fn import(world: &World, distro: &str, suite: &str, files: &[&PathBuf]) {
    world.it.import_well(distro, suite, &files.iter().map(|file| file.as_path()).collect::<Vec<_>>());
}

/// Packages with a history each: versions that came one by one, in the wrong order, together, in several suites and distros,
/// twice with other content, with components, with patches that do not apply, and over a push.
fn grown() -> (World, Vec<&'static str>) {
    let world = World::with(&["together"]);
    let one = |name: &str, version: &str, below: &[&str]| world.write(&upload(name, version, below));
    for (version, below) in [("1.0-1", &[][..]), ("1.0-2", &["1.0-1"]), ("2.0-1", &["1.0-2", "1.0-1"])] {
        import(&world, "debian", "sid", &[&one("in-turn", version, below)]);
    }
    for (version, below) in [("1.0-2", &["1.0-1"][..]), ("1.0-1", &[]), ("1.0-3", &["1.0-2", "1.0-1"])] {
        import(&world, "debian", "sid", &[&one("backwards", version, below)]);
    }
    for (distro, suite, version, below) in [
        ("debian", "sid", "1.0-1", &[][..]),
        ("debian", "trixie", "1.0-1", &[]),
        ("ubuntu", "noble", "1.0-1ubuntu1", &["1.0-1"]),
        ("debian", "sid", "1.0-2", &["1.0-1"]),
        ("ubuntu", "noble", "1.0-1", &[]),
        ("ubuntu", "plucky", "1.0-2ubuntu1", &["1.0-2", "1.0-1ubuntu1", "1.0-1"]),
    ] {
        import(&world, distro, suite, &[&one("suites", version, below)]);
    }
    // The same version, uploaded with other content.
    import(&world, "debian", "sid", &[&one("twice", "1.0-1", &[])]);
    let other = world.write(&upload("twice", "1.0-1", &[]).remark("Other."));
    import(&world, "debian", "sid", &[&other]);
    import(&world, "debian", "sid", &[&one("twice", "1.0-2", &["1.0-1"])]);
    let parts = package("parts", "1.0-1").component("more", "lib/x.c", "x\n").component("docs", "a", "b\n");
    import(&world, "debian", "sid", &[&world.write(&parts)]);
    import(&world, "debian", "sid", &[&world.write(&package("native", "1.0"))]);
    let broken = upload("broken-patch", "1.0-1", &[]).patch("bad", "no such line", "other");
    import_somehow(&world, &world.write(&broken));
    // Somebody has pushed onto a branch; the next upload has joined that.
    import(&world, "debian", "sid", &[&one("pushed", "1.0-1", &[])]);
    let repository = world.repository("pushed");
    let tree = git(&repository, &["rev-parse", "debian/1.0-1^{tree}"]);
    let tip = git(&repository, &["rev-parse", "debian/sid"]);
    let commit = git(&repository, &["commit-tree", &tree, "-p", &tip, "-m", "mine"]);
    git(&repository, &["update-ref", "refs/heads/debian/sid", &commit]);
    git(&repository, &["update-ref", "refs/heads/topic", &commit]);
    import(&world, "debian", "sid", &[&one("pushed", "1.0-2", &["1.0-1"])]);
    let names = vec![
        "together",
        "in-turn",
        "backwards",
        "suites",
        "twice",
        "parts",
        "native",
        "broken-patch",
        "pushed",
    ];
    (world, names)
}

fn import_somehow(world: &World, file: &Path) {
    let (_, reports) = world.it.import("debian", "sid", &[file]);
    assert!(reports[0]["commit"].is_string(), "{reports:#?}");
}

fn parts(plan: &Value) -> Vec<&Value> {
    plan["packages"].as_array().unwrap().iter().collect()
}

#[test]
fn whatever_is_well_is_built_anew_without_a_change() {
    let (world, names) = grown();
    let before = listing(&world.it.root().join("repos"));
    let (code, plan) = world.json(&["repair", "plan", "--all", "--rebuild", "--exit-code", "--json"]);
    let changed: Vec<&Value> = parts(&plan).into_iter().filter(|part| part["state"] != "empty").collect();
    assert!(changed.is_empty() && code == 0, "{changed:#?}");
    assert_eq!(parts(&plan).len(), names.len());
    assert_eq!(listing(&world.it.root().join("repos")), before, "a plan has changed something");
    let said = world.said(&["repair", "plan", "in-turn", "--rebuild"]);
    assert!(said.contains("nothing to do"), "{said}");
}

#[test]
fn lost_repositories_come_back_as_they_were_in_whatever_order_their_versions_had_come() {
    let (world, names) = grown();
    // What somebody has pushed is lost with its repository, and what was joined to it.
    let names: Vec<&str> = names.into_iter().filter(|name| *name != "pushed").collect();
    let before: Vec<Refs> = names.iter().map(|name| world.refs(name)).collect();
    for name in &names {
        std::fs::remove_dir_all(world.repository(name)).unwrap();
    }
    let (_, plan) = world.json(&[&["repair", "plan", "--json"][..], &names].concat());
    let (code, applied) = world.json(&["repair", "apply", &plan["plan"]["id"].to_string(), "--json"]);
    assert_eq!(code, 0, "{applied:#}");
    world.said(&["run", "--until-empty"]);
    for (name, before) in names.iter().zip(before) {
        assert_eq!(world.refs(name), before, "{name}");
        world.it.assert_clean(name);
    }
}

fn foreign_tag(repository: &Path) {
    let commit =
        git(repository, &["commit-tree", &git(repository, &["rev-parse", "debian/1.0-1^{tree}"]), "-m", "x"]);
    git(repository, &["tag", "-f", "debian/1.0-1", &commit]);
}

fn foreign_branch(repository: &Path) {
    git(repository, &["branch", "debian/sidd", "debian/sid"]);
}

fn foreign_dsc(repository: &Path) {
    let blob = git(repository, &["hash-object", "-w", repository.join("HEAD").to_str().unwrap()]);
    git(repository, &["update-ref", "refs/dsc/debian/9", &blob]);
}

/// No import puts a `.dsc` over what somebody else has there.
fn dsc_replaced(repository: &Path) {
    let blob = git(repository, &["hash-object", "-w", repository.join("HEAD").to_str().unwrap()]);
    git(repository, &["update-ref", "refs/dsc/debian/1.0-1", &blob]);
}

/// Nobody can tell any more that there was a tag.
fn tag_and_record(repository: &Path) {
    git(repository, &["update-ref", "-d", "refs/tags/debian/1.0-1"]);
    edit(repository, "package-import-record", |text| text.replacen("refs/tags", "refs/tagz", 1));
}

/// Everything at once, and the state's tables lost with it: the record is gone, so nobody knows whose refs these are.
fn everything(repository: &Path) {
    for name in git(repository, &["for-each-ref", "--format=%(refname)", "refs/tags", "refs/dsc"]).lines() {
        git(repository, &["update-ref", "-d", name]);
    }
    std::fs::remove_file(repository.join("package-import-record")).unwrap();
    edit(repository, "HEAD", |_| "ref: refs/heads/nowhere\n".into());
}

/// A damage of a repository.
type Change = fn(&Path);

const OTHERS: [(&str, Change); 6] = [
    ("tag-and-record", tag_and_record),
    ("dsc-replaced", dsc_replaced),
    ("foreign-tag", foreign_tag),
    ("foreign-branch", foreign_branch),
    ("foreign-dsc", foreign_dsc),
    ("everything", everything),
];
/// Those of the short form.
const SOME: [&str; 3] = ["branch-replaced", "record-broken", "packs-gone"];
const KNOWN: [&str; 10] = [
    "branch-deleted",
    "branch-rewound",
    "branch-replaced",
    "all-tags-deleted",
    "packed-refs-gone",
    "record-gone",
    "record-broken",
    "packs-gone",
    "pack-flipped",
    "head-gone",
];

fn inflict(world: &World, name: &str) {
    let repository = world.repository(name);
    match OTHERS.iter().find(|(it, _)| *it == name) {
        Some((_, inflict)) => inflict(&repository),
        None => (DAMAGES.iter().find(|it| it.package == name).unwrap().inflict)(&repository),
    }
}

#[test]
fn what_is_damaged_gets_all_back_and_what_others_have_made_is_kept() {
    let is_long = std::env::var_os("STORM").is_some();
    let known = KNOWN.into_iter().filter(|name| is_long || SOME.contains(name));
    let names: Vec<&str> = OTHERS.iter().map(|(name, _)| *name).chain(known).collect();
    let world = World::with(&names);
    let whole: Vec<Refs> = names.iter().map(|name| world.refs(name)).collect();
    names.iter().for_each(|name| inflict(&world, name));
    let before: Vec<Refs> = names.iter().map(|name| world.refs(name)).collect();
    let files = listing(&world.it.root().join("repos"));
    let (code, plan) = world.json(&["repair", "plan", "--all", "--rebuild", "--exit-code", "--json"]);
    assert_eq!(code, 3, "{plan:#}");
    assert_eq!(listing(&world.it.root().join("repos")), files, "a plan has changed something");
    for part in parts(&plan) {
        assert_eq!(part["state"], "planned", "{part:#}");
    }
    let id = plan["plan"]["id"].to_string();
    let (code, applied) = world.json(&["repair", "apply", &id, "--json"]);
    assert_eq!(code, 0, "{applied:#}");
    for (name, (whole, before)) in names.iter().zip(whole.iter().zip(&before)) {
        let after = world.refs(name);
        for (it, id) in whole {
            let now = after.get(it);
            let is_forward = it.starts_with("refs/heads/")
                && now.is_some_and(|now| git(&world.repository(name), &["merge-base", id, now]) == *id);
            assert!(now == Some(id) || is_forward, "{name}: {it} {id} {now:?}");
        }
        // What somebody else had there has a name.
        let lost: Vec<_> = before.iter().filter(|(_, id)| !after.values().any(|now| now == *id)).collect();
        let lost: Vec<_> = (lost.into_iter())
            .filter(|(it, id)| {
                let now = after.get(*it).filter(|_| it.starts_with("refs/heads/"));
                now.is_none_or(|now| git(&world.repository(name), &["merge-base", id, now]) != **id)
            })
            .collect();
        assert!(lost.is_empty(), "{name}: {lost:?}");
        let output = world.output(&["verify", name]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
    let (code, again) = world.json(&["repair", "plan", "--all", "--rebuild", "--exit-code", "--json"]);
    let left: Vec<&Value> = parts(&again).into_iter().filter(|part| part["state"] != "empty").collect();
    assert!(left.is_empty() && code == 0, "{left:#?}");
    let (_, undo) = world.json(&["repair", "undo", &id, "--json"]);
    let (code, undone) = world.json(&["repair", "apply", &undo["plan"]["id"].to_string(), "--json"]);
    assert_eq!(code, 0, "{undone:#}");
    for (name, before) in names.iter().zip(&before) {
        assert_eq!(world.refs(name), *before, "{name}");
    }
}

#[test]
fn killed_while_it_is_built_or_swapped_it_is_old_or_new() {
    let start = World::with(&["everything"]);
    inflict(&start, "everything");
    let copy = || {
        let it = package_import_tests::installation::Installation::new();
        let status = Command::new("cp").arg("-a").arg(start.it.root().join(".")).arg(it.root()).status();
        assert!(status.unwrap().success());
        World { it }
    };
    let plan = |world: &World| {
        let (_, plan) = world.json(&["repair", "plan", "everything", "--rebuild", "--json"]);
        (plan["plan"]["id"].to_string(), plan["packages"][0].clone())
    };
    let whole = copy();
    let (id, _) = plan(&whole);
    assert_eq!(whole.json(&["repair", "apply", &id, "--json"]).0, 0);
    let (old, new) = (start.refs("everything"), whole.refs("everything"));
    let points = [
        "repo::refs-renamed:1",
        "repair::begun:1",
        "repair::step:1",
        "repo::refs-locked:2",
        "repair::refs:1",
        "repair::ended:1",
    ];
    for at in points {
        let world = copy();
        let (id, _) = plan(&world);
        let output = world
            .command(&["repair", "apply", &id, "--json"])
            .env("PACKAGE_IMPORT_KILL_AT", at)
            .output()
            .unwrap();
        assert!(!output.stdout.is_empty(), "{at}: {output:?}");
        let now = world.refs("everything");
        assert!(now == old || now == new, "{at}: {now:#?}");
        let (code, applied) = world.json(&["repair", "apply", &id, "--json"]);
        assert!(code == 0, "{at}: {applied:#}");
        assert_eq!(world.refs("everything"), new, "{at}");
        assert_eq!(plan(&world).1["state"], "empty", "{at}");
        world.it.assert_clean("everything");
    }
}
