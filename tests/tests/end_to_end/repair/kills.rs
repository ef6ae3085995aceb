//! Repairs, and what takes them back, are killed at each of their steps, over random mixtures of damages: refs are the old ones or
//! the new ones, never mixed, and the next process ends what was begun. `STORM=long` kills five hundred times.

use std::panic::catch_unwind;
use std::process::Command;

use package_import_tests::installation::Installation;
use serde_json::Value;

use super::damages::{DAMAGES, Damage};
use super::storm::{Dice, is_long};
use super::{Refs, World};

/// Points of the importer's own, and of those beneath it. Each is killed at as often as it is passed.
const POINTS: [&str; 14] = [
    "repair::begun",
    "repair::step",
    "repair::head",
    "repair::objects",
    "repo::refs-folded",
    "repo::refs-locked",
    "repo::refs-written",
    "repo::refs-synced",
    "repo::refs-checked",
    "repo::record-renamed",
    "repo::refs-renamed",
    "repo::refs-durable",
    "repair::refs",
    "repair::ended",
];
/// Those of the short form.
const SOME: [&str; 3] = ["repair::step", "repo::refs-renamed", "repair::refs"];
const PACKAGE: &str = "a0";

fn copy(world: &World) -> World {
    let it = Installation::new();
    let status = Command::new("cp").arg("-a").arg(world.it.root().join(".")).arg(it.root()).status();
    assert!(status.unwrap().success());
    World { it }
}

/// A plan that can be carried out, what the refs were before, and what they are afterwards.
struct Trial {
    start: World,
    plan: String,
    part: Value,
    old: Refs,
    new: Refs,
}

impl Trial {
    /// Of a plan that is made; also returns where it is carried out.
    fn of(start: World, plan: &Value) -> Option<(Trial, World)> {
        let part = plan["packages"][0].clone();
        if part["state"] != "planned" {
            return None;
        }
        let (plan, whole) = (plan["plan"]["id"].to_string(), copy(&start));
        drop(whole.json(&["repair", "apply", &plan, "--json"]));
        let (old, new) = (start.refs(PACKAGE), whole.refs(PACKAGE));
        Some((Trial { start, plan, part, old, new }, whole))
    }

    /// Kills it at a point. False if the point was not passed so often.
    fn kill(&self, at: &str) -> bool {
        let world = copy(&self.start);
        let mut command = world.command(&["repair", "apply", &self.plan, "--json"]);
        let output = command.env("PACKAGE_IMPORT_KILL_AT", at).output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if said["packages"][0]["state"] == "applied" {
            return false;
        }
        self.is_old_or_new(&world, at);
        drop(world.json(&["repair", "apply", &self.plan, "--json"]));
        assert_eq!(world.refs(PACKAGE), self.new, "{at}\n{:#}", self.part);
        true
    }

    fn is_old_or_new(&self, world: &World, at: &str) {
        let (now, old, new) = (world.refs(PACKAGE), &self.old, &self.new);
        // The file of a ref at which Git stops is set aside as a file, before refs move.
        let steps = self.part["steps"].as_array().unwrap();
        let files: Vec<&str> = (steps.iter().filter(|step| step["act"] == "loose-ref"))
            .map(|step| step["subject"].as_str().unwrap())
            .collect();
        let changed: Vec<bool> = (old.keys().chain(new.keys()))
            .filter(|name| old.get(*name) != new.get(*name) && !files.contains(&name.as_str()))
            .map(|name| now.get(name) == new.get(name))
            .collect();
        let is_one = changed.iter().all(|it| *it) || !changed.iter().any(|it| *it);
        assert!(is_one, "{at}: {now:#?}\n{:#}", self.part);
    }

    /// Kills it at every point, each time that it is passed.
    fn kills(&self, points: &[&str]) -> usize {
        points.iter().map(|point| (1..).take_while(|hit| self.kill(&format!("{point}:{hit}"))).count()).sum()
    }
}

/// A damaged package with a plan: that, and what takes it back.
fn trials(damages: &[&Damage]) -> Option<(Trial, Option<Trial>)> {
    let start = World::with(&[PACKAGE]);
    for damage in damages {
        // A damage may be impossible after another one.
        drop(catch_unwind(|| (damage.inflict)(&start.repository(PACKAGE))));
    }
    let (_, plan) = start.json(&["repair", "plan", PACKAGE, "--json"]);
    let (applied, whole) = Trial::of(start, &plan)?;
    let (_, undo) = whole.json(&["repair", "undo", &applied.plan, "--json"]);
    let undone = Trial::of(whole, &undo).map(|(trial, _)| trial);
    Some((applied, undone))
}

#[test]
fn an_undo_that_is_killed_is_old_or_new_and_goes_on() {
    let kinds = ["hook", "branch-replaced", "tag-deleted", "head-gone"];
    let damages: Vec<&Damage> = DAMAGES.iter().filter(|it| kinds.contains(&it.package)).collect();
    let (_, undone) = trials(&damages).unwrap();
    let kills = undone.unwrap().kills(&SOME);
    assert!(kills >= 4, "{kills}");
}

/// The process dies once the repair is on record, before it has looked at what is left.
#[test]
fn what_a_killed_process_has_mended_is_found_no_more() {
    let world = World::with(&[PACKAGE]);
    for kind in ["hook", "branch-deleted"] {
        (DAMAGES.iter().find(|it| it.package == kind).unwrap().inflict)(&world.repository(PACKAGE));
    }
    let (_, plan) = world.json(&["repair", "plan", PACKAGE, "--json"]);
    world.said(&["repair", "apply", "--later", &plan["plan"]["id"].to_string()]);
    let mut run = world.command(&["run", "--until-empty"]);
    let killed = run.env("PACKAGE_IMPORT_KILL_AT", "repair::recorded:1").output().unwrap();
    assert_eq!(killed.status.code(), None, "{killed:?}");
    assert!(world.said(&["status"]).contains("damaged"), "nobody has looked yet");
    world.said(&["run", "--until-empty"]);
    let status = world.said(&["status"]);
    assert!(!status.contains("damaged") && !status.contains("Next:"), "{status}");
}

#[test]
fn killed_anywhere_in_any_mixture_it_is_old_or_new() {
    if !is_long() {
        return;
    }
    let mut dice = Dice(11);
    let kinds: Vec<&Damage> = DAMAGES.iter().filter(|it| !it.code.contains("record")).collect();
    let (mut applied, mut undone) = (0, 0);
    while applied + undone < 500 {
        let damages: Vec<&Damage> = (0..2 + dice.below(3)).map(|_| kinds[dice.below(kinds.len())]).collect();
        let Some((apply, undo)) = trials(&damages) else { continue };
        applied += apply.kills(&POINTS);
        undone += undo.map_or(0, |undo| undo.kills(&POINTS));
        let names: Vec<&str> = damages.iter().map(|it| it.package).collect();
        println!("{applied} kills of repairs, {undone} of what takes them back; last: {}", names.join(", "));
    }
}
