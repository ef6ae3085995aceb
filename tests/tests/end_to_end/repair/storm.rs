//! Many packages, damaged at random: what can be mended is, the rest is named, and nothing that was ever published is lost.
//! `STORM=long` makes these as large as an archive's bad day.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use package_import_tests::queue::text;
use package_import_tests::web::Answer;
use serde_json::Value;

use super::damages::{DAMAGES, git};
use super::{Refs, World, read_refs};
use crate::archives::world::{World as Archive, pool};

pub fn is_long() -> bool {
    std::env::var_os("STORM").is_some()
}

/// The number of packages of a long form; `STORM=150` is one in between.
fn long(usual: usize) -> usize {
    std::env::var("STORM").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Numbers that are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// The ids that were published and that no ref leads to any more.
fn lost(world: &World, name: &str, published: &Refs) -> Vec<String> {
    let repository = world.repository(name);
    let all: BTreeSet<String> = git(&repository, &["rev-list", "--objects", "--all"])
        .lines()
        .map(|line| line[..40].to_owned())
        .collect();
    let tags: BTreeSet<String> = read_refs(&repository).into_values().collect();
    let is_lost = |(_, id): &(&String, &String)| !all.contains(*id) && !tags.contains(*id);
    published.iter().filter(is_lost).map(|(name, _)| name.clone()).collect()
}

#[test]
fn after_a_random_mixture_everything_is_clean_or_named_and_nothing_is_lost() {
    let count = if is_long() { long(200) } else { 12 };
    let names: Vec<String> = (0..count).map(|number| format!("p{number:03}")).collect();
    let world = World::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let whole: Vec<Refs> = names.iter().map(|name| world.refs(name)).collect();
    let mut dice = Dice(if is_long() { 7 } else { 3 });
    let mut done: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in &names {
        for _ in 0..=dice.below(3) {
            let damage = &DAMAGES[dice.below(DAMAGES.len())];
            // A damage may be impossible after another one.
            let inflicted = std::panic::catch_unwind(|| (damage.inflict)(&world.repository(name)));
            if inflicted.is_ok() {
                done.entry(name).or_default().push(damage.package);
            }
        }
    }
    let mut rounds = Vec::new();
    for _ in 0..2 {
        let (_, plan) = world.json(&["repair", "plan", "--all", "--json"]);
        let (_, applied) = world.json(&["repair", "apply", &plan["plan"]["id"].to_string(), "--json"]);
        rounds.push(applied);
    }
    let (mut rest, mut built, mut decisions) = (Vec::new(), 0, 0);
    for (name, whole) in names.iter().zip(&whole) {
        let output = world.output(&["verify", name]);
        if output.status.success() {
            let lost = lost(&world, name, whole);
            assert!(lost.is_empty(), "{name}: {:?}: {lost:?}", done.get(name.as_str()));
            continue;
        }
        let (_, plan) = world.json(&["repair", "plan", name, "--json"]);
        let part = &plan["packages"][0];
        let is_named = part["note"].is_string() || !part["findings"].as_array().unwrap().is_empty();
        assert!(is_named, "{name}: {:?}: {part:#}", done.get(name.as_str()));
        // Where record and refs are damaged at once, all is built anew, and that is said.
        if part["note"].as_str().is_some_and(|note| note.contains("--rebuild")) {
            let (_, plan) = world.json(&["repair", "plan", name, "--rebuild", "--json"]);
            drop(world.json(&["repair", "apply", &plan["plan"]["id"].to_string(), "--json"]));
            built += 1;
            if world.output(&["verify", name]).status.success() {
                let lost = lost(&world, name, whole);
                assert!(lost.is_empty(), "{name}: {:?}: {lost:?}", done.get(name.as_str()));
                continue;
            }
        }
        // Ours has another name then, and somebody decides who keeps the plain one.
        let findings = part["findings"].as_array().unwrap();
        if !findings.is_empty() && findings.iter().all(|it| it["code"] == "ref-replaced") {
            let lost = lost(&world, name, whole);
            assert!(lost.is_empty(), "{name}: {:?}: {lost:?}", done.get(name.as_str()));
            decisions += 1;
            continue;
        }
        rest.push(format!("{name}: {:?}: {} {}", done.get(name.as_str()), part["note"], part["findings"]));
    }
    println!(
        "{count} packages: {built} built anew, {decisions} collisions, {} are left\n{}",
        rest.len(),
        rest.join("\n")
    );
    assert!(rest.len() * 20 <= count, "{rest:#?}");
}

/// What was wrong with the packages of the first system, by their share of a thousand; a few more have to wait for a person.
const MIXTURE: [(&str, usize); 6] =
    [("tag", 480), ("reset", 230), ("race", 130), ("state", 100), ("objects", 40), ("person", 20)];

/// The packages whose damage only a person can end: others have pushed content that no import has.
fn of_person(count: usize) -> usize {
    (count / 50).max(3)
}

fn kind(number: usize, count: usize) -> (&'static str, usize) {
    let cured = count - of_person(count);
    if number >= cured {
        return ("person", number - cured);
    }
    let mut at = number * 980 / cured;
    for (kind, share) in MIXTURE {
        if at < share {
            return (kind, number);
        }
        at -= share;
    }
    unreachable!("shares are of a thousand")
}

/// What has to be left of a package that waits for a person.
fn decision(number: usize) -> &'static [&'static str] {
    match number % 3 {
        0 => &["ref-replaced", "tag-differs"],
        1 => &["conflict", "unmerged"],
        _ => &["publish/blocked", "ref-blocked", "blocked"],
    }
}

fn inflict(archive: &Archive, name: &str, (kind, number): (&str, usize)) {
    let repository = archive.queue.installation.repository(name);
    let known = |damage: &str| (DAMAGES.iter().find(|it| it.package == damage).unwrap().inflict)(&repository);
    let sql = |text: &str| {
        let text = text.replace("PACKAGE", &format!("(SELECT id FROM package WHERE name = '{name}')"));
        archive.queue.store().write(|tx| tx.execute(&text, &[])).unwrap();
    };
    let same = |of: &str| git(&repository, &["commit-tree", &format!("{of}^{{tree}}"), "-m", "somebody's"]);
    match (kind, number % 3) {
        // "Upstream, debian and ubuntu tags pointing at different revisions": the content is the same.
        ("tag", 0) => drop(git(&repository, &["tag", "-f", "upstream/1.0", &same("upstream/1.0")])),
        ("tag", 1) => drop(git(&repository, &["tag", "-f", "debian/1.0-1", &same("debian/1.0-1")])),
        ("tag", _) => {
            drop(git(&repository, &["update-ref", "refs/heads/debian/sid", &same("debian/1.0-1")]));
        }
        ("reset", _) => {
            let path = pool(archive, &format!("{name}_1.0-2.dsc"));
            let mut answers = vec![Answer::Raw(Vec::new()); 12];
            answers.push(Answer::File);
            archive.server.on_each(&path, &answers);
        }
        ("race", 0) => known("lock-left"),
        ("race", 1) => known("loose-empty"),
        ("race", _) => known("branch-lock-left"),
        ("state", 0) => sql("DELETE FROM version WHERE package_id = PACKAGE"),
        ("state", 1) => known("record-gone"),
        ("state", _) => {
            sql("DELETE FROM version WHERE package_id = PACKAGE");
            known("branch-deleted");
        }
        ("objects", 0) => known("packs-gone"),
        ("objects", 1) => known("pack-flipped"),
        ("objects", _) => known("packed-refs-gone"),
        // Somebody else's content under a name of ours; a change of theirs that the next version does not have; a ref where a
        // folder of ours has to be.
        (_, 0) => drop(git(&repository, &["tag", "-f", "debian/1.0-1", &pushed(&repository)])),
        (_, 1) => drop(git(&repository, &["update-ref", "refs/heads/debian/sid", &pushed(&repository)])),
        _ => {
            let tip = git(&repository, &["rev-parse", "debian/sid"]);
            for branch in
                git(&repository, &["for-each-ref", "--format=%(refname)", "refs/heads/debian"]).lines()
            {
                git(&repository, &["update-ref", "-d", branch]);
            }
            git(&repository, &["update-ref", "refs/heads/debian", &tip]);
        }
    }
}

/// A commit of somebody else's on top of ours, whose content no import has.
fn pushed(repository: &Path) -> String {
    let file = repository.join("theirs");
    fs::write(&file, "theirs\n").unwrap();
    let blob = git(repository, &["hash-object", "-w", file.to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    let index = tempfile::tempdir().unwrap();
    let of_index = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(repository).args(["-c", "safe.directory=*"]).args(arguments);
        let output = command.env("GIT_INDEX_FILE", index.path().join("index")).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    of_index(&["read-tree", "debian/sid^{tree}"]);
    of_index(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},theirs")]);
    git(repository, &["commit-tree", &of_index(&["write-tree"]), "-p", "debian/sid", "-m", "theirs"])
}

/// Of each kind: the number, what is left for a person, and why.
fn table(count: usize, left: &BTreeMap<String, String>) -> String {
    let mut rows: BTreeMap<&str, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for number in 0..count {
        let row = rows.entry(kind(number, count).0).or_default();
        row.0 += 1;
        if let Some(code) = left.get(&format!("p{number:03}")) {
            *row.1.entry(code).or_default() += 1;
        }
    }
    let row = |(kind, (all, left)): (&&str, &(usize, BTreeMap<&str, usize>))| {
        let why: Vec<String> = left.iter().map(|(code, number)| format!("{number} {code}")).collect();
        format!("| {kind} | {all} | {} | {} |", left.values().sum::<usize>(), why.join(", "))
    };
    let lines: Vec<String> =
        MIXTURE.iter().filter_map(|(kind, _)| rows.get_key_value(kind)).map(row).collect();
    format!(
        "| what was wrong | packages | left for a person | why |\n| --- | --- | --- | --- |\n{}",
        lines.join("\n")
    )
}

#[test]
fn of_five_hundred_failures_few_are_left_for_a_person() {
    let count = if is_long() { long(500) } else { 20 };
    let archive = Archive::new(&["main"]);
    let names: Vec<String> = (0..count).map(|number| format!("p{number:03}")).collect();
    names.iter().for_each(|name| archive.add("main", name, "1.0-1"));
    archive.add("main", "zz", "1.0-1");
    archive.publish();
    archive.queue.well(&["run", "--poll"]);
    names.iter().for_each(|name| archive.add("main", name, "1.0-2"));
    archive.add("main", "zz", "1.0-2");
    archive.publish();
    for (number, name) in names.iter().enumerate() {
        inflict(&archive, name, kind(number, count));
    }
    let run = |arguments: &[&str]| archive.queue.command(arguments).output().unwrap();
    let sql = "SELECT p.name || ' ' || s.stage || '/' || s.code FROM failure f JOIN package p ON p.id = f.package_id
        JOIN signature s ON s.id = f.signature_id ORDER BY 1";
    drop(run(&["run", "--poll"]));
    let first = archive.queue.texts(sql);
    // The mirror's bad hour is over.
    for name in &names {
        archive.server.on(&pool(&archive, &format!("{name}_1.0-2.dsc")), Answer::File);
    }
    let plan: Value = serde_json::from_slice(&run(&["repair", "plan", "--all", "--json"]).stdout).unwrap();
    drop(run(&["repair", "apply", &plan["plan"]["id"].to_string(), "--reason", "the day"]));
    drop(run(&["retry", "--all", "--reason", "the day"]));
    drop(run(&["run", "--poll"]));
    let mut left: BTreeMap<String, String> = BTreeMap::new();
    for line in archive.queue.texts(sql) {
        let (name, code) = line.split_once(' ').unwrap();
        left.insert(name.to_owned(), code.to_owned());
    }
    let found =
        "SELECT p.name || ' ' || f.code FROM finding f JOIN package p ON p.id = f.package_id ORDER BY 1";
    let waits = "SELECT p.name || ' ' || c.kind FROM collision c JOIN package p ON p.id = c.package_id
        WHERE c.kind IN ('conflict', 'tag-differs', 'unmerged', 'blocked') AND c.decision IS NULL ORDER BY 1";
    for line in archive.queue.texts(found).into_iter().chain(archive.queue.texts(waits)) {
        let (name, code) = line.split_once(' ').unwrap();
        left.entry(name.to_owned()).or_insert_with(|| code.to_owned());
    }
    for name in &names {
        let has = archive.tags(name).iter().any(|tag| tag.contains("1.0-2"));
        if !has {
            left.entry(name.clone()).or_insert_with(|| "1.0-2 is not imported".to_owned());
        }
    }
    let told: Vec<String> = (left.iter())
        .map(|(name, code)| format!("{name} ({}): {code}", kind(name[1..].parse().unwrap(), count).0))
        .collect();
    println!("{count} packages, {} failed at first; left: {}\n{}", first.len(), left.len(), told.join("\n"));
    println!("{}", table(count, &left));
    let waits = |number: usize| kind(number, count).0 == "person";
    for number in (0..count).filter(|number| waits(*number)) {
        let (name, wanted) = (format!("p{number:03}"), decision(kind(number, count).1));
        let why = left.remove(&name).unwrap_or_default();
        assert!(
            wanted.contains(&why.as_str()),
            "{name} has to wait for a person, with one of {wanted:?}: {why}"
        );
        let shown = text(&run(&["show", &name]));
        assert!(shown.contains("package-import "), "{name} is shown with its command: {shown}");
    }
    // Fewer than 25 of 500 are left for a person, those included.
    assert!((left.len() + of_person(count)) * 20 < count.max(80), "{told:#?}");
    // One that nothing has happened to is built anew of what the archive has, and is the same.
    let plan = run(&["repair", "plan", "zz", "--rebuild", "--exit-code", "--json"]);
    assert_eq!(plan.status.code(), Some(0), "{plan:?}");
}
