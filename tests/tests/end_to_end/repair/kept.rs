//! What a repair has replaced can be put back for 90 days; then the next run forgets it, and the plan.

use std::path::PathBuf;
use std::process::Command;

use package_import_tests::programs::need;

use super::World;
use super::damages::{DAMAGES, git};

fn kept(world: &World) -> (String, bool) {
    let repository = world.repository("tag-replaced");
    let refs = git(&repository, &["for-each-ref", "--format=%(refname)", "refs/package-import/repair"]);
    (refs, repository.join("package-import-repair").is_dir())
}

fn run_after(world: &World, days: u32) {
    need("faketime", "faketime");
    let listed = Command::new("sh").args(["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"]).output().unwrap();
    let library = PathBuf::from(String::from_utf8(listed.stdout).unwrap().lines().next().unwrap());
    let output = world
        .command(&["run", "--until-empty"])
        .env("LD_PRELOAD", library)
        .env("FAKETIME", format!("+{}", u64::from(days) * 86_400 + 60))
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_a_repair_has_replaced_is_kept_for_ninety_days() {
    let world = World::with(&["tag-replaced", "hook"]);
    let repository = world.repository("tag-replaced");
    // An applied plan, and one that takes it back: that replaces what the first one has made.
    git(&repository, &["update-ref", "-d", "refs/tags/debian/1.0-1"]);
    (DAMAGES.iter().find(|it| it.package == "hook").unwrap().inflict)(&world.repository("hook"));
    let (_, plan) = world.json(&["repair", "plan", "--all", "--json"]);
    let id = plan["plan"]["id"].to_string();
    assert_eq!(world.json(&["repair", "apply", &id, "--json"]).0, 0);
    let (_, undo) = world.json(&["repair", "undo", &id, "--json"]);
    let back = undo["plan"]["id"].to_string();
    assert_eq!(world.json(&["repair", "apply", &back, "--json"]).0, 0);
    let before = kept(&world);
    assert!(before.0.contains(&format!("refs/package-import/repair/{back}/tags/debian/1.0-1")), "{before:?}");
    // Whoever clones does not see it.
    let seen = git(&repository, &["ls-remote", repository.to_str().unwrap()]);
    assert!(seen.contains("refs/tags/debian/1.0-2") && !seen.contains("refs/package-import"), "{seen}");
    world.said(&["prune", "--days", "1"]);
    run_after(&world, 89);
    assert_eq!(kept(&world), before, "it is the eighty-ninth day");
    assert!(world.said(&["repair", "list"]).contains("undo"));
    run_after(&world, 90);
    assert_eq!(kept(&world), (String::new(), false));
    assert!(!world.repository("hook").join("package-import-repair").exists());
    assert!(world.said(&["repair", "list"]).contains("there is no plan"));
    world.it.assert_clean("tag-replaced");
}
