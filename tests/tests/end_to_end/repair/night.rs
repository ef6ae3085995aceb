//! Damages that are on no list, and an operator who types only what the program says: the first command of `Next:` that is not
//! about reading, the command that a finding has, and `run`.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::damages::DAMAGES;
use super::{World, upload};

/// The commands below the last `Next:` of an answer, without the name of the program.
fn next(said: &str) -> Vec<Vec<String>> {
    let Some((_, hints)) = said.rsplit_once("Next:") else { return Vec::new() };
    let commands = hints.lines().filter_map(|line| line.trim().strip_prefix("package-import "));
    commands.map(|command| command.split_whitespace().map(str::to_owned).collect()).collect()
}

/// The command of the system that a finding has.
fn of_system(said: &str) -> Option<String> {
    let text = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let command = &text[text.find("chown -R --reference=")?..];
    Some(command.split(' ').take(4).collect::<Vec<_>>().join(" "))
}

impl World {
    fn type_in(&self, command: &[String], typed: &mut Vec<String>) -> String {
        typed.push(command.join(" "));
        self.said(&command.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Follows what is said until nothing fails, at most so often. Returns what was typed.
    fn follow(&self, most: usize) -> Vec<String> {
        let mut typed = Vec::new();
        for _ in 0..most {
            let status = self.said(&["status"]);
            let acts = |it: &Vec<String>| ["repair", "adopt", "retry"].contains(&it[0].as_str());
            let hints = next(&status).into_iter().filter(acts);
            // What was typed before, and did not help, comes after what was not.
            let often = |it: &Vec<String>| typed.iter().filter(|done| **done == it.join(" ")).count();
            let Some(command) = hints.min_by_key(often) else {
                assert!(!status.contains(" fail:"), "nothing is said that would end it: {status}");
                return typed;
            };
            let mut said = self.type_in(&command, &mut typed);
            if let Some(command) = of_system(&said) {
                assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
                typed.push(command);
                said = self.type_in(&["verify".to_owned()], &mut typed);
            }
            self.follow_answers(said, &mut typed);
            self.said(&["run", "--until-empty"]);
        }
        panic!("no end: {typed:#?}\n{}", self.said(&["status"]));
    }

    /// Types what an answer names next, and what the answer to that names.
    fn follow_answers(&self, mut said: String, typed: &mut Vec<String>) {
        while let Some(command) = next(&said).first().filter(|it| !it.contains(&"undo".to_owned())) {
            said = self.type_in(command, typed);
        }
    }

    fn import(&self, name: &str, version: &str) -> String {
        let file = self.write(&upload(name, version, &["1.0-2", "1.0-1"]));
        let file: &Path = &file;
        let arguments = ["import", "--allow-unsigned", "--distro", "debian", "--suite", "sid"];
        self.said(&[&arguments[..], &[file.to_str().unwrap()]].concat())
    }

    fn is_well_with(&self, name: &str, version: &str) {
        let refs = self.refs(name);
        assert!(refs.contains_key(&format!("refs/tags/debian/{version}")), "{name}: {refs:#?}");
        let verify = self.output(&["verify", name]);
        assert!(verify.status.success(), "{name}: {}", String::from_utf8_lossy(&verify.stdout));
        let status = self.said(&["status"]);
        assert!(!status.contains("damaged") && next(&status).is_empty(), "{status}");
        self.it.assert_clean(name);
    }
}

fn all_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all_of(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn half_a_pack_is_named_by_the_import_that_meets_it() {
    let world = World::with(&["half"]);
    (DAMAGES.iter().find(|it| it.package == "pack-cut").unwrap().inflict)(&world.repository("half"));
    let said = world.import("half", "1.0-3");
    assert!(said.contains("package-import repair plan half"), "{said}");
    let shown = world.said(&["show", "half"]);
    assert!(shown.contains("half: wedged") && shown.contains("verify/repository-damaged"), "{shown}");
    assert!(
        shown.contains("  package-import repair plan half\n") && !shown.contains("import retry half"),
        "{shown}"
    );
    let typed = world.follow(6);
    assert!(typed[0].starts_with("repair plan --"), "{typed:#?}");
    assert_eq!(typed.len(), 2, "{typed:#?}");
    world.is_well_with("half", "1.0-3");
}

#[test]
fn a_ref_file_of_zeros_is_as_an_empty_one() {
    let world = World::with(&["zeros"]);
    let path = world.repository("zeros").join("refs/heads/debian/sid");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, [0; 41]).unwrap();
    let said = world.import("zeros", "1.0-3");
    assert!(said.contains("imported into debian/sid"), "{said}");
    assert_eq!(world.follow(6), Vec::<String>::new());
    world.is_well_with("zeros", "1.0-3");
}

/// What keeps the program from reading any repository is no reason to import all of them again.
#[test]
fn without_the_installations_key_no_repository_counts_as_gone() {
    let world = World::with(&["keyless"]);
    let key = world.it.root().join("package-import-key");
    let aside = key.with_extension("aside");
    fs::rename(&key, &aside).unwrap();
    fs::create_dir(&key).unwrap();
    let (_, plan) = world.json(&["repair", "plan", "--all", "--json"]);
    let part = &plan["packages"][0];
    assert_eq!(part["findings"][0]["code"], "unreadable", "{part:#}");
    assert_eq!(part["steps"].as_array().map(Vec::len), Some(0), "{part:#}");
    world.import("keyless", "1.0-3");
    let shown = world.said(&["show", "keyless"]);
    assert!(!shown.contains("wedged") && !shown.contains("repository-damaged"), "{shown}");
    fs::remove_dir(&key).unwrap();
    fs::rename(&aside, &key).unwrap();
    world.import("keyless", "1.0-3");
    world.is_well_with("keyless", "1.0-3");
}

#[test]
fn a_repository_of_another_user_has_the_command_that_gives_it_back() {
    let world = World::with(&["owned"]);
    let repository = world.repository("owned");
    all_of(&repository).iter().for_each(|path| chown(path, Some(1234), Some(1234)).unwrap());
    world.import("owned", "1.0-3");
    let shown = world.said(&["show", "owned"]);
    assert!(shown.contains("owned: wedged") && shown.contains("chown -R"), "{shown}");
    let typed = world.follow(6);
    assert!(typed.iter().any(|it| it == "retry owned"), "{typed:#?}");
    world.is_well_with("owned", "1.0-3");
}

#[test]
fn a_state_of_last_week_beside_newer_repositories_is_adopted() {
    let world = World::with(&["older", "other"]);
    let (state, kept) = (world.it.root().join("state.db"), tempfile::tempdir().unwrap());
    world.said(&["backup", kept.path().to_str().unwrap()]);
    for name in ["older", "other"] {
        world.import(name, "1.0-3");
    }
    // Copied by hand: no command of ours has seen it.
    let backup = fs::read_dir(kept.path()).unwrap().next().unwrap().unwrap().path();
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", state.display()));
    }
    fs::copy(backup.join("state.db"), &state).unwrap();
    let said = world.import("older", "1.0-4");
    assert!(said.contains("package-import adopt"), "{said}");
    // Somebody looks first.
    world.said(&["repair", "plan", "--all"]);
    let typed = world.follow(6);
    assert_eq!(typed[0], "adopt", "{typed:#?}");
    world.is_well_with("older", "1.0-4");
    world.is_well_with("other", "1.0-3");
}

/// Each damage of the list, and an upload of each package: `STORM=long` takes all of them.
#[test]
fn an_operator_who_only_follows_what_is_said_comes_to_the_end() {
    let is_long = super::storm::is_long();
    let some = ["pack-cut", "tag-deleted", "config-hooks", "record-broken"];
    let damages: Vec<_> = DAMAGES
        .iter()
        .filter(|it| it.heals && (is_long || some.contains(&it.package)))
        .filter(|it| it.code != "branch-moved")
        .collect();
    let names: Vec<&str> = damages.iter().map(|it| it.package).collect();
    let world = World::with(&names);
    damages.iter().for_each(|it| (it.inflict)(&world.repository(it.package)));
    names.iter().for_each(|name| drop(world.import(name, "1.0-3")));
    let mut typed = world.follow(40);
    // No import meets a hook, or a tag behind it that is gone: a check does.
    let said = world.type_in(&["verify".to_owned()], &mut typed);
    world.follow_answers(said, &mut typed);
    typed.extend(world.follow(40));
    println!("{} damages: {}", names.len(), typed.join("; "));
    for name in names {
        world.is_well_with(name, "1.0-3");
    }
}
