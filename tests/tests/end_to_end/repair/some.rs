//! Plans for some packages: those that fail with a signature, or have a finding of a code; a few of them first.

use super::damages::git;
use super::{Refs, World, upload};

const FAILING: [&str; 3] = ["a0", "b0", "c0"];
const WELL: &str = "d0";

/// Three packages whose next import fails, because the objects of the last ones are lost, and one that is well.
fn world() -> World {
    let world = World::with(&[FAILING[0], FAILING[1], FAILING[2], WELL]);
    world.it.configure("[import]\nrepack = false\n[repair]\nautomatic = false\n");
    for name in FAILING {
        let repository = world.repository(name);
        for entry in std::fs::read_dir(repository.join("objects/pack")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "pack") {
                std::fs::remove_file(path).unwrap();
            }
        }
        let next = world.write(&upload(name, "1.0-3", &["1.0-2", "1.0-1"]));
        world.it.import("debian", "sid", &[&next]);
    }
    world
}

fn names(plan: &serde_json::Value) -> Vec<&str> {
    plan["packages"].as_array().unwrap().iter().map(|part| part["package"].as_str().unwrap()).collect()
}

#[test]
fn a_plan_for_a_signature_has_its_packages_and_goes_by_a_canary() {
    let world = world();
    let (_, failures) = world.json(&["failures", "--packages", "--json"]);
    let failing = failures["packages"].as_array().unwrap();
    assert_eq!(failing.len(), FAILING.len(), "{failures:#}");
    let signature = failing[0]["signature"].as_str().unwrap().to_owned();
    let (code, plan) = world.json(&["repair", "plan", "--signature", &signature, "--exit-code", "--json"]);
    assert_eq!((code, names(&plan)), (3, FAILING.to_vec()), "{plan:#}");
    let (code, by_code) = world.json(&["repair", "plan", "--code", "pack-gone", "--json"]);
    assert_eq!((code, names(&by_code)), (0, FAILING.to_vec()), "{by_code:#}");
    let id = plan["plan"]["id"].to_string();
    let states = |plan: &serde_json::Value| -> Vec<String> {
        let parts = plan["packages"].as_array().unwrap().iter();
        parts.map(|part| part["state"].as_str().unwrap().to_owned()).collect()
    };
    let before: Vec<Refs> = FAILING.iter().map(|name| world.refs(name)).collect();
    let (code, first) =
        world.json(&["repair", "apply", &id, "--canary", "1", "--reason", "one first", "--json"]);
    assert_eq!((code, states(&first)), (0, vec!["applied".into(), "planned".into(), "planned".into()]));
    assert!(world.output(&["verify", FAILING[0]]).status.success());
    for (name, before) in FAILING.iter().zip(&before).skip(1) {
        assert_eq!(&world.refs(name), before, "{name} was not asked for");
    }
    let (code, rest) = world.json(&["repair", "apply", &id, "--reason", "the rest", "--json"]);
    assert_eq!((code, states(&rest)), (0, vec!["applied".to_owned(); 3]), "{rest:#}");
    for name in FAILING {
        git(&world.repository(name), &["fsck", "--connectivity-only"]);
    }
    let unknown = world.output(&["repair", "plan", "--signature", "nosuch0"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
}
