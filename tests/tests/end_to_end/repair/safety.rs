//! A plan that does not hold any more is refused as a whole; a repair that is killed leaves every ref old or new, and goes on.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use package_import_tests::installation::Installation;
use serde_json::Value;

use super::damages::{DAMAGES, edit, git};
use super::{Refs, World};

fn inflict(world: &World, name: &str, kinds: &[&str]) {
    for kind in kinds {
        let damage = DAMAGES.iter().find(|it| it.package == *kind).unwrap();
        (damage.inflict)(&world.repository(name));
    }
}

fn copy(world: &World) -> World {
    let it = Installation::new();
    let status = Command::new("cp").arg("-a").arg(world.it.root().join(".")).arg(it.root()).status();
    assert!(status.unwrap().success());
    World { it }
}

fn plan(world: &World, name: &str) -> (String, Value) {
    let (code, plan) = world.json(&["repair", "plan", name, "--json"]);
    assert_eq!(code, 0, "{plan:#}");
    (plan["plan"]["id"].to_string(), plan["packages"][0].clone())
}

/// A change of the ground on which a plan stands, with its words.
type Change = (&'static str, fn(&World));

#[test]
fn a_plan_whose_ground_has_changed_is_refused_as_a_whole() {
    let changes: [Change; 5] = [
        ("the ref is there again", |world| {
            let tip = git(&world.repository("a0"), &["rev-parse", "debian/1.0-2^{commit}"]);
            git(&world.repository("a0"), &["update-ref", "refs/heads/debian/sid", &tip]);
        }),
        ("somebody else has pushed", |world| {
            let tip = git(&world.repository("a0"), &["rev-parse", "debian/1.0-1^{commit}"]);
            git(&world.repository("a0"), &["update-ref", "refs/heads/debian/sid", &tip]);
        }),
        ("another ref is gone", |world| {
            git(&world.repository("a0"), &["update-ref", "-d", "refs/tags/debian/1.0-1"]);
        }),
        ("HEAD leads elsewhere", |world| {
            fs::write(world.repository("a0").join("HEAD"), "ref: refs/heads/x\n").unwrap();
        }),
        ("the hook is another", |world| {
            edit(&world.repository("a0"), "hooks/post-update", |text| text + "#\n")
        }),
    ];
    let start = World::with(&["a0"]);
    inflict(&start, "a0", &["branch-deleted", "hook"]);
    for (what, change) in changes {
        let world = copy(&start);
        let (id, _) = plan(&world, "a0");
        change(&world);
        let before = world.refs("a0");
        let (code, applied) = world.json(&["repair", "apply", &id, "--json"]);
        let part = &applied["packages"][0];
        assert!(code == 1 && part["state"] == "stale", "{what}: {part:#}");
        assert!(part["note"].as_str().unwrap().starts_with("stale: "), "{what}: {part:#}");
        assert_eq!(world.refs("a0"), before, "{what}");
        assert!(world.repository("a0").join("hooks/post-update").exists(), "{what}");
        let (id, part) = plan(&world, "a0");
        assert!(!part["steps"].as_array().unwrap().is_empty());
        let (code, applied) = world.json(&["repair", "apply", &id, "--json"]);
        assert_eq!(code, 0, "{what}: {applied:#}");
    }
}

#[test]
fn killed_at_any_step_every_ref_is_old_or_new_and_the_repair_goes_on() {
    let start = World::with(&["a0"]);
    inflict(
        &start,
        "a0",
        &["hook", "branch-replaced", "tag-deleted", "branch-lock-left", "packed-refs-garbage", "head-gone"],
    );
    let whole = copy(&start);
    let (id, _) = plan(&whole, "a0");
    let (code, applied) = whole.json(&["repair", "apply", &id, "--json"]);
    assert_eq!(code, 0, "{applied:#}");
    let (old, new) = (start.refs("a0"), whole.refs("a0"));
    let points = [
        ("repair::begun", 1),
        ("repair::step", 1),
        ("repair::step", 2),
        ("repair::step", 3),
        ("repair::head", 1),
        ("repair::objects", 1),
        ("repo::refs-folded", 1),
        ("repo::refs-locked", 1),
        ("repo::refs-written", 2),
        ("repo::refs-synced", 2),
        ("repo::refs-checked", 2),
        ("repo::record-renamed", 1),
        ("repo::refs-renamed", 2),
        ("repo::refs-durable", 2),
        ("repair::refs", 1),
        ("repair::ended", 1),
    ];
    let mut killed = 0;
    for (point, at) in points {
        let world = copy(&start);
        let (id, _) = plan(&world, "a0");
        let at = format!("{point}:{at}");
        let output = world
            .command(&["repair", "apply", &id, "--json"])
            .env("PACKAGE_IMPORT_KILL_AT", &at)
            .output()
            .unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        killed += usize::from(said["packages"][0]["state"] != "applied");
        let now: Refs = world.refs("a0");
        let is_either =
            |(name, id): (&String, &String)| old.get(name) == Some(id) || new.get(name) == Some(id);
        assert!(now.iter().all(is_either), "{at}: {now:#?}");
        let moved: BTreeMap<&String, bool> = (old.keys().chain(new.keys()))
            .filter(|name| old.get(*name) != new.get(*name))
            .map(|name| (name, now.get(name) == new.get(name)))
            .collect();
        let all: Vec<bool> = moved.values().copied().collect();
        assert!(all.iter().all(|it| *it) || !all.iter().any(|it| *it), "{at}: mixed: {moved:?}");
        let (code, applied) = world.json(&["repair", "apply", &id, "--json"]);
        assert!(code == 0, "{at}: {applied:#}");
        assert_eq!(world.refs("a0"), new, "{at}");
        let (_, part) = plan(&world, "a0");
        assert_eq!(part["state"], "empty", "{at}: {part:#}");
        world.it.assert_clean("a0");
    }
    assert!(killed >= 12, "{killed}");
}
