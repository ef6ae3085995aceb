//! Every kind of damage, each on a package of its own.

use std::collections::BTreeMap;

use serde_json::Value;

use super::damages::{DAMAGES, Damage, LONG};
use super::{Refs, World, listing};

/// The refs after a plan, as it announces them.
fn planned(before: &Refs, part: &Value) -> Refs {
    let mut refs = before.clone();
    for step in part["steps"].as_array().unwrap().iter().filter(|step| step["act"] == "ref") {
        let name = step["subject"].as_str().unwrap();
        assert_eq!(before.get(name).map(String::as_str), step["before"].as_str(), "{step}");
        match step["after"].as_str() {
            Some(id) => refs.insert(name.to_owned(), id.to_owned()),
            None => refs.remove(name),
        };
    }
    // The file of a ref that leads nowhere goes.
    for step in part["steps"].as_array().unwrap().iter().filter(|step| step["act"] == "loose-ref") {
        if step["reason"].as_str().unwrap().starts_with("leads to object") {
            refs.remove(step["subject"].as_str().unwrap());
        }
    }
    refs
}

#[test]
fn every_damage_is_planned_mended_and_taken_back() {
    let is_long = std::env::var_os("STORM").is_some();
    let damages: Vec<&Damage> = DAMAGES.iter().filter(|it| is_long || !LONG.contains(&it.package)).collect();
    let names: Vec<&str> = damages.iter().map(|it| it.package).collect();
    let world = World::with(&names);
    let whole: BTreeMap<&str, Refs> = names.iter().map(|name| (*name, world.refs(name))).collect();
    for damage in &damages {
        (damage.inflict)(&world.repository(damage.package));
    }
    let before: BTreeMap<&str, Refs> = names.iter().map(|name| (*name, world.refs(name))).collect();
    let files = listing(&world.it.root().join("repos"));

    let (code, plan) = world.json(&["repair", "plan", "--all", "--exit-code", "--json"]);
    assert_eq!(code, 3, "{plan:#}");
    assert_eq!(listing(&world.it.root().join("repos")), files, "a plan has changed something");
    let id = plan["plan"]["id"].to_string();
    let parts: BTreeMap<&str, &Value> = plan["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["package"].as_str().unwrap(), part))
        .collect();
    for damage in &damages {
        let part = parts[damage.package];
        let codes: Vec<&str> =
            part["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
        assert!(codes.contains(&damage.code), "{}: {part:#}", damage.package);
        assert_eq!(part["state"], "planned", "{}: {part:#}", damage.package);
    }

    let (code, applied) = world.json(&["repair", "apply", &id, "--reason", "a test", "--json"]);
    let mut wrong = Vec::new();
    for part in applied["packages"].as_array().unwrap() {
        if part["state"] != "applied" {
            wrong.push(format!("{}: {} {}", part["package"], part["state"], part["note"]));
        }
    }
    assert!(wrong.is_empty() && code == 0, "{wrong:#?}");
    for damage in &damages {
        let (name, part) = (damage.package, parts[damage.package]);
        let after = world.refs(name);
        let builds = part["steps"].as_array().unwrap().iter().any(|step| step["act"] == "rebuild");
        if !builds {
            assert_eq!(after, planned(&before[name], part), "{name}: {part:#}");
        }
        let is_kept = |(name, id): (&String, &String)| {
            after.get(name) == Some(id) || after.values().any(|other| other == id)
        };
        // Branches go on over what was pushed; tags and all else are what they were.
        let lost: Vec<_> = whole[name]
            .iter()
            .filter(|(name, _)| !name.starts_with("refs/heads/"))
            .filter(|it| !is_kept(*it))
            .collect();
        assert!(lost.is_empty(), "{name}: {lost:?}");
    }
    let (code, again) = world.json(&["repair", "plan", "--all", "--exit-code", "--json"]);
    let left: Vec<&Value> =
        again["packages"].as_array().unwrap().iter().filter(|part| part["state"] != "empty").collect();
    assert!(code == 0 && left.is_empty(), "{left:#?}");
    for damage in damages.iter().filter(|it| it.heals) {
        let output = world.output(&["verify", damage.package]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {said}", damage.package);
    }

    let (code, undo) = world.json(&["repair", "undo", &id, "--json"]);
    assert_eq!(code, 0, "{undo:#}");
    let (code, undone) =
        world.json(&["repair", "apply", &undo["plan"]["id"].to_string(), "--reason", "back", "--json"]);
    assert_eq!(code, 0, "{undone:#}");
    for damage in &damages {
        assert_eq!(world.refs(damage.package), before[damage.package], "{}", damage.package);
    }
}
