//! Measurement of triage: 45 pushes in the proportions that a survey of such collisions found. Changes that a person
//! wants to see are shown, and hardly any others.

use package_import_tests::synthetic::Package;

use super::{World, changed, upload};

/// Change in a push: quilt's noise 29, plausible changes 9, a generated control file 4, translations 2, a script 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Quilt(usize),
    Plausible(usize),
    Control(usize),
    Translation(usize),
    Script,
}

fn all() -> Vec<Change> {
    let quilt = (0..29).map(Change::Quilt);
    let plausible = (0..9).map(Change::Plausible);
    let control = (0..4).map(Change::Control);
    let translation = (0..2).map(Change::Translation);
    quilt.chain(plausible).chain(control).chain(translation).chain([Change::Script]).collect()
}

const PO: &str = "# German\nmsgid \"\"\nmsgstr \"\"\n\"Project-Id-Version: a\\n\"\n\"POT-Creation-Date: 2024-01-01 10:00+0100\\n\"\n\
    \"Content-Type: text/plain; charset=UTF-8\\n\"\n\n#: ../a.templates:1001\nmsgid \"Yes\"\nmsgstr \"Ja\"\n";

const CONTROL: &str = "Source: a\n\nPackage: a\nDepends: b\n";

/// A version with two patches and files of all kinds.
fn version(name: &str, number: &str, below: &[&str]) -> Package {
    upload(name, number, below)
        .patch("second", "line 15", "fifteen")
        .upstream("config.guess", "timestamp='2020'\n")
        .upstream("po/de.po", PO)
        .debian("po/de.po", PO)
        .debian("control", CONTROL)
        .debian("README.source", "Read this.\n")
}

/// The first version of a package for a change.
fn first(name: &str, change: Change) -> Package {
    let first = version(name, "1.0-1", &[]);
    if matches!(change, Change::Control(_)) { first.debian("control.in", CONTROL) } else { first }
}

/// The version after it: another file is changed, and what tools made is made anew.
fn second(name: &str, change: Change) -> Package {
    let second = version(name, "1.0-2", &["1.0-1"]).upstream("src/other.c", changed(9, "nine"));
    if matches!(change, Change::Control(_)) { second.debian("control.in", CONTROL) } else { second }
}

fn push(world: &mut World, name: &str, change: Change) {
    let tip = world.rev(name, "debian/sid");
    let applied = "applied/debian/sid";
    let tree = match change {
        Change::Quilt(number) => {
            let base = match number % 5 {
                0 => tip.clone(),
                1 | 2 => world.rev(name, applied),
                // The first patch alone.
                3 => world.rev(name, "applied/debian/sid^"),
                _ => tip.clone(),
            };
            let series = format!("fix\nsecond\n{number}");
            let pc = [
                (".pc/.version", Some("2\n")),
                (".pc/applied-patches", Some(&*series)),
                (".pc/fix/README", Some("x")),
            ];
            let refreshed = "Subject: fix\n\nIndex: a/README\n===\n--- a.orig/README\t2024\n+++ a/README\t2024\n\
                @@ -5,5 +5,5 @@\n line 5\n line 6\n-line 7\n+seven\n line 8\n line 9\n";
            match number % 5 {
                4 => world.tree(name, &base, &[("debian/patches/fix", Some(refreshed))]),
                1 => world.tree(name, &base, &[]),
                _ => world.tree(name, &base, &pc),
            }
        }
        Change::Plausible(number) => {
            let base = if number == 8 { world.rev(name, applied) } else { tip.clone() };
            let edits: (&str, Option<String>) = match number {
                0 => ("src/main.c", Some(changed(20, "twenty"))),
                1 => ("debian/changelog", Some("a (1.0-3) UNRELEASED; urgency=low\n\n  * Mine.\n".into())),
                2 => ("debian/control", Some(CONTROL.replace("Depends: b", "Depends: b, c"))),
                3 => ("debian/patches/fix", Some("Subject: fix\n\n--- a/README\n+++ b/README\n@@ -6,3 +6,3 @@\n line 6\n-line 7\n+SEVEN\n line 8\n".into())),
                4 => ("debian/po/de.po", Some(PO.replace("\"Ja\"", "\"Jawohl\""))),
                5 => ("debian/README.source", None),
                6 => ("debian/postinst", Some("#!/bin/sh\nset -e\n".into())),
                7 => ("src/other.c", Some(changed(9, "NEUN"))),
                _ => ("src/main.c", Some(changed(30, "thirty"))),
            };
            world.tree(name, &base, &[(edits.0, edits.1.as_deref())])
        }
        Change::Control(number) => {
            let control = format!("{CONTROL}Uploaders: {number}\n");
            world.tree(name, &tip, &[("debian/control", Some(&control))])
        }
        Change::Translation(number) => {
            let path = ["po/de.po", "debian/po/de.po"][number];
            world.tree(
                name,
                &tip,
                &[(path, Some(&PO.replace("2024-01-01", "2025-02-02").replace(":1001", ":2001")))],
            )
        }
        Change::Script => world.tree(name, &tip, &[("config.guess", Some("timestamp='2024'\n"))]),
    };
    let commit = world.commit(name, &tree, &[&tip], "Change it");
    world.push(name, "refs/heads/debian/sid", &commit);
}

#[test]
fn all_that_a_person_wants_to_see_is_shown_and_hardly_more() {
    let mut world = World::new();
    let named: Vec<(String, Change)> =
        all().into_iter().enumerate().map(|(number, change)| (format!("p{number:02}"), change)).collect();
    assert_eq!(named.len(), 45);
    let versions: Vec<Package> = named.iter().map(|(name, change)| first(name, *change)).collect();
    world.import(&versions.iter().collect::<Vec<_>>());
    for (name, change) in &named {
        push(&mut world, name, *change);
    }
    let versions: Vec<Package> = named.iter().map(|(name, change)| second(name, *change)).collect();
    world.import(&versions.iter().collect::<Vec<_>>());
    let listed = world.json(&["collisions", "--json", "--limit", "1000"]);
    let shown: Vec<&str> =
        listed["collisions"].as_array().unwrap().iter().map(|it| it["package"].as_str().unwrap()).collect();
    let (mut missed, mut others) = (Vec::new(), Vec::new());
    for (name, change) in &named {
        match (matches!(change, Change::Plausible(_)), shown.contains(&name.as_str())) {
            (true, false) => missed.push(change),
            (false, true) => others.push(change),
            _ => {}
        }
    }
    println!("shown {}, missed {missed:?}, others {others:?}", shown.len());
    assert!(missed.is_empty(), "a person would have wanted to see {missed:?}");
    assert!(others.len() <= 2, "nobody wants to see {others:?}");
    world.assert_nothing_lost();
}
