//! Automatic repairs, by checks in the queue and by imports, if configured; known findings are muted, until there are
//! more of them.

use std::fs;

use package_import_tests::programs::built;

use super::damages::DAMAGES;
use super::{World, upload};

fn inflict(world: &World, name: &str) {
    let damage = DAMAGES.iter().find(|it| it.package == name).unwrap();
    (damage.inflict)(&world.repository(name));
}

const ITSELF: [&str; 6] =
    ["branch-deleted", "packed-refs-gone", "packed-refs-crlf", "head-gone", "head-nowhere", "lock-left"];

#[test]
fn a_check_in_the_queue_mends_what_needs_no_person_and_lists_the_rest() {
    let names: Vec<&str> = ITSELF.iter().copied().chain(["hook", "record-broken"]).collect();
    let world = World::with(&names);
    names.iter().for_each(|name| inflict(&world, name));
    world.said(&[&["enqueue", "--lane", "verify"][..], &names[..]].concat());
    world.said(&["run", "--until-empty"]);
    for name in ITSELF {
        let said = world.said(&["verify", name]);
        assert!(said.contains(", 0 with problems"), "{name}: {said}");
        let audit = world.said(&["audit", name]);
        assert!(audit.contains("repair") && audit.contains("package-import"), "{name}: {audit}");
    }
    let shown = world.said(&["show", "hook"]);
    assert!(shown.contains("hooks-foreign") && shown.contains("package-import repair plan hook"), "{shown}");
    let status = world.said(&["status"]);
    assert!(status.contains("repositories are damaged") && status.contains("hooks-foreign"), "{status}");
    let wedged = world.said(&["failures", "--state", "wedged"]);
    assert!(wedged.contains("hook") && wedged.contains("record-broken"), "{wedged}");
    let metrics = world.said(&["metrics", "--textfile", "-"]);
    assert!(metrics.contains("package_import_damaged_packages{code=\"hooks-foreign\"} 1"), "{metrics}");
    let plans = world.said(&["repair", "list"]);
    assert!(plans.contains("automatic"), "{plans}");
    let failures = world.said(&["failures"]);
    assert!(
        failures.contains("DAMAGE") && failures.contains("repair plan --code hooks-foreign"),
        "{failures}"
    );
    let said = wedged_says(&world);
    assert!(said.contains(" damaged=2") && said.contains("2 damaged repositories"), "{said}");
    // What is muted does not count.
    world.said(&["mute", "hooks-foreign", "--until", "2d", "--reason", "ours"]);
    let said = wedged_says(&world);
    assert!(said.contains(" damaged=1") && said.contains("record-broken in record-broken"), "{said}");
}

fn wedged_says(world: &World) -> String {
    let mut check = std::process::Command::new(built("check_import_wedged"));
    let output = check.arg("--state").arg(world.it.root().join("state.db")).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A job that imports and repairs looks at versions before they are on record: they are no findings afterwards.
#[test]
fn nothing_is_found_of_what_a_job_has_just_imported() {
    let world = World::with(&["a0"]);
    let store = state::open::Location::new(&world.it.root(), None, None).open().unwrap();
    store.write(|tx| tx.execute("DELETE FROM version", &[])).unwrap();
    drop(store);
    let next = world.write(&upload("a0", "1.0-3", &["1.0-2", "1.0-1"]));
    let enqueue = ["enqueue", "--allow-unsigned", "--distro", "debian", "--suite", "sid"];
    assert!(world.command(&enqueue).arg(&next).output().unwrap().status.success());
    let (_, plan) = world.json(&["repair", "plan", "a0", "--json"]);
    assert_eq!(plan["packages"][0]["findings"][0]["code"], "repository-unknown", "{plan:#}");
    let id = plan["plan"]["id"].to_string();
    let (code, applied) = world.json(&["repair", "apply", &id, "--reason", "a test", "--json"]);
    assert_eq!((code, &applied["packages"][0]["state"]), (0, &"applied".into()), "{applied:#}");
    assert!(world.refs("a0").contains_key("refs/tags/debian/1.0-3"), "the same job imports");
    let (_, failures) = world.json(&["failures", "--json"]);
    assert_eq!(failures["findings"].as_array().map(Vec::len), Some(0), "{failures:#}");
    assert!(world.output(&["verify", "a0"]).status.success());
}

#[test]
fn an_import_mends_what_it_meets_and_goes_on() {
    let names = ["head-gone", "packed-refs-garbage", "lock-left"];
    let world = World::with(&names);
    names.iter().for_each(|name| inflict(&world, name));
    let files: Vec<_> =
        names.iter().map(|name| world.write(&upload(name, "1.0-3", &["1.0-2", "1.0-1"]))).collect();
    world.it.import_well("debian", "sid", &files.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>());
    for name in names {
        world.it.assert_clean(name);
    }
}

#[test]
fn nothing_is_mended_where_that_is_not_wanted() {
    let world = World::with(&["head-gone"]);
    world.it.configure("[import]\nrepack = false\n[repair]\nautomatic = false\n");
    inflict(&world, "head-gone");
    world.said(&["enqueue", "--lane", "verify", "head-gone"]);
    world.said(&["run", "--until-empty"]);
    assert!(!world.repository("head-gone").join("HEAD").exists());
    let shown = world.said(&["show", "head-gone"]);
    assert!(shown.contains("head-missing") && shown.contains("repair plan head-gone"), "{shown}");
}

#[test]
fn what_is_muted_does_not_count_until_there_is_more_of_it() {
    let world = World::with(&["a0", "b0"]);
    let hook = |name: &str| {
        let damage = DAMAGES.iter().find(|it| it.package == "hook").unwrap();
        (damage.inflict)(&world.repository(name));
    };
    hook("a0");
    world.said(&["verify"]);
    assert!(world.said(&["status"]).contains("hooks-foreign"));
    let said = world.said(&["mute", "hooks-foreign", "--until", "90d", "--reason", "the mirror's"]);
    assert!(said.contains("1 finding not counted"), "{said}");
    assert!(!world.said(&["status"]).contains("repositories are damaged"));
    assert!(world.said(&["mute"]).contains("the mirror's"));
    hook("b0");
    world.said(&["verify"]);
    assert!(world.said(&["status"]).contains("2 hooks-foreign"), "{}", world.said(&["status"]));
    assert!(world.said(&["mute"]).contains("nothing is muted"));
    assert!(world.said(&["audit", "hooks-foreign"]).contains("2 are there"));
    let refused = world.output(&["unmute", "hooks-foreign"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(fs::metadata(world.repository("a0").join("hooks/post-update")).is_ok());
}
