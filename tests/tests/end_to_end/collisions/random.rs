//! Random pushes and uploads in random order, against an independent truth: Git's own merge.

use std::collections::BTreeMap;

use super::{World, upload};

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// The files of a package, as uploads and people change them.
type Files = BTreeMap<String, String>;

fn start() -> Files {
    let text: String = (1..=30).map(|number| format!("line {number}\n")).collect();
    ["a.c", "b.c", "lib/c.c", "lib/deep/d.c"]
        .into_iter()
        .map(|path| (path.to_owned(), text.clone()))
        .collect()
}

/// A change or two: a line replaced, added or removed, a file made or removed, a file where a folder was.
fn change(files: &mut Files, random: &mut Random, who: &str) {
    for _ in 0..=random.below(3) {
        let paths: Vec<String> = files.keys().cloned().collect();
        let path = paths[random.below(paths.len())].clone();
        let mut lines: Vec<String> = files[&path].lines().map(str::to_owned).collect();
        let at = random.below(lines.len().max(1)).min(lines.len().saturating_sub(1));
        match random.below(12) {
            0..=4 if !lines.is_empty() => lines[at] = format!("{who} {}", random.below(4)),
            5 | 6 => lines.insert(at, format!("{who} new {}", random.below(1000))),
            7 | 8 if lines.len() > 3 => drop(lines.remove(at)),
            9 => {
                files.insert(format!("new{}/file", random.below(3)), format!("{who} {}\n", random.below(3)));
                continue;
            }
            10 if files.len() > 3 => {
                files.remove(&path);
                continue;
            }
            // The same by both, now and then.
            _ => lines.push("the same\n".trim_end().to_owned()),
        }
        files.insert(path, lines.iter().map(|line| format!("{line}\n")).collect());
    }
}

fn package(name: &str, number: usize, files: &Files) -> package_import_tests::synthetic::Package {
    let below: Vec<String> = (1..number).rev().map(|it| format!("1.{it}-1")).collect();
    let below: Vec<&str> = below.iter().map(String::as_str).collect();
    let mut package = package_import_tests::synthetic::package(name, &format!("1.{number}-1")).below(&below);
    for (path, content) in files {
        package = package.upstream(path, content.clone());
    }
    package
}

/// Kind of a push by Git: by its merge of base, version and theirs.
fn truth(world: &World, name: &str, base: &str, version: &str, theirs: &str) -> &'static str {
    let tree = |it: &str| world.rev(name, &format!("{it}^{{tree}}"));
    if tree(version) == tree(theirs) {
        return "adopted";
    }
    let base = format!("--merge-base={base}");
    let output = world.git(name, &["merge-tree", "--write-tree", &base, version, theirs], b"", None);
    let merged = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
    match output.status.code() {
        Some(0) if merged == tree(version) => "contained",
        Some(0) => "unmerged",
        Some(1) => "conflict",
        other => panic!("git merge-tree: {other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn whatever_is_pushed_the_verdict_is_gits_and_nothing_is_lost() {
    let is_long = std::env::var_os("STORM").is_some_and(|value| value == "long");
    let (packages, rounds) = if is_long { (200, 8) } else { (24, 3) };
    let mut random = Random(0x00c0_1115_1015_u64 | 1);
    let mut world = World::new();
    let names: Vec<String> = (0..packages).map(|number| format!("r{number:03}")).collect();
    let mut uploaded: Vec<Files> = names.iter().map(|_| start()).collect();
    let first: Vec<_> = names.iter().zip(&uploaded).map(|(name, files)| package(name, 1, files)).collect();
    world.import(&first.iter().collect::<Vec<_>>());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tags: BTreeMap<(String, String), String> = BTreeMap::new();
    for round in 2..2 + rounds {
        let mut expected = Vec::new();
        for (name, files) in names.iter().zip(&mut uploaded) {
            let before = world.rev(name, "debian/sid");
            let mut theirs = files.clone();
            change(&mut theirs, &mut random, "theirs");
            // Uploads often have what people had pushed.
            if random.below(3) == 0 {
                *files = theirs.clone();
            }
            if random.below(4) > 0 {
                change(files, &mut random, "ours");
            }
            let listed = world.ask(name, &["ls-tree", "-r", "--name-only", &before]);
            let gone: Vec<&str> = listed
                .lines()
                .filter(|path| {
                    !path.starts_with("debian/") && *path != "README" && !theirs.contains_key(*path)
                })
                .collect();
            let mut edits: Vec<(&str, Option<&str>)> = gone.into_iter().map(|path| (path, None)).collect();
            edits.extend(theirs.iter().map(|(path, content)| (path.as_str(), Some(content.as_str()))));
            let tree = world.tree(name, &before, &edits);
            if tree == world.rev(name, &format!("{before}^{{tree}}")) {
                continue;
            }
            let commit = world.commit(name, &tree, &[&before], "Theirs");
            world.push(name, "refs/heads/debian/sid", &commit);
            expected.push((name.clone(), before, commit));
        }
        let all: Vec<_> =
            names.iter().zip(&uploaded).map(|(name, files)| package(name, round, files)).collect();
        world.import(&all.iter().collect::<Vec<_>>());
        for (name, before, theirs) in &expected {
            let version = world.rev(name, &format!("debian/1.{round}-1^{{commit}}"));
            let truth = truth(&world, name, before, &version, theirs);
            *seen.entry(truth).or_default() += 1;
            let rows = world.collisions(name);
            let found = rows.iter().find(|it| it["theirs"] == **theirs);
            let kind = found.map_or("adopted", |it| it["kind"].as_str().unwrap());
            assert_eq!(
                kind, truth,
                "{name}, round {round}: base {before}, version {version}, theirs {theirs}"
            );
            // The offered tree is the one that Git makes.
            if let Some(offer) = found.and_then(|it| it["offer"].as_str()) {
                let base = format!("--merge-base={before}");
                let merged = world.ask(name, &["merge-tree", "--write-tree", &base, &version, theirs]);
                assert_eq!(world.rev(name, &format!("{offer}^{{tree}}")), merged, "{name}, round {round}");
            }
            assert!(world.is_ancestor(name, before, "debian/sid"), "{name}: only forward");
            assert!(world.is_ancestor(name, theirs, "debian/sid"), "{name}: theirs is in the history");
            assert_eq!(world.rev(name, "debian/sid^{tree}"), world.rev(name, &format!("{version}^{{tree}}")));
            for (tag, id) in world.refs(name).into_iter().filter(|(tag, _)| tag.starts_with("refs/tags/")) {
                let known = tags.entry((name.clone(), tag.clone())).or_insert_with(|| id.clone());
                assert_eq!(*known, id, "{name}: {tag} is never written again");
            }
        }
    }
    println!("{seen:?}");
    world.assert_nothing_lost();
    assert!(["contained", "unmerged", "conflict"].iter().all(|kind| seen.contains_key(kind)), "{seen:?}");
    let _ = upload;
}
