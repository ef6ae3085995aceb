//! Every code of the documentation is caused by a test: by a list of this folder, or here.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use state::values;

use super::damages::{DAMAGES, git};
use super::{World, elsewhere, upload};

const DOCUMENTED: &str = include_str!("../../../../docs/repair.md");
/// A tree has to be forged together with the state for it.
const OF_ANOTHER_TEST: (&str, &str) = ("upstream-differs", include_str!("../forged_upstream.rs"));

/// What no other list causes: the package, a code, and how it comes about.
type Other = (&'static str, &'static str, fn(&World, &str));

const OTHERS: [Other; 9] = [
    ("blocked", "ref-blocked", |world, name| {
        let repository = world.repository(name);
        let commit = git(&repository, &["rev-parse", "debian/1.0-1^{commit}"]);
        for branch in git(&repository, &["for-each-ref", "--format=%(refname)", "refs/heads/debian"]).lines()
        {
            git(&repository, &["update-ref", "-d", branch]);
        }
        git(&repository, &["update-ref", "refs/heads/debian", &commit]);
    }),
    ("applied-differs", "applied-differs", |world, name| {
        change(world, name, "UPDATE version SET applied_id = commit_id WHERE package_id = PACKAGE");
    }),
    ("tag-differs", "tag-differs", |world, name| {
        change(world, name, "UPDATE version SET commit_id = applied_id WHERE package_id = PACKAGE");
    }),
    ("branch-gone", "branch-gone", |world, name| {
        change(world, name, "UPDATE publication SET suite = 'trixie' WHERE package_id = PACKAGE");
    }),
    ("branch-differs", "branch-differs", |world, name| {
        let repository = world.repository(name);
        // Without a record, all refs count as ours.
        fs::remove_file(repository.join("package-import-record")).unwrap();
        git(&repository, &["update-ref", "refs/heads/applied/debian/sid", "refs/heads/debian/sid"]);
    }),
    ("dsc-differs", "dsc-differs", |world, name| {
        git(&world.repository(name), &["update-ref", "refs/dsc/debian/1.0-1", "refs/dsc/debian/1.0-2"]);
    }),
    ("signed", "signature-gone", |world, name| {
        git(&world.repository(name), &["update-ref", "-d", "refs/dsc/debian/1.0-1@asc"]);
    }),
    ("packed-refs-folder", "unreadable", |world, name| {
        let path = world.repository(name).join("packed-refs");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
    }),
    ("objects-cut", "pack-torn", |world, name| {
        let damage = DAMAGES.iter().find(|it| it.package == "pack-cut").unwrap();
        (damage.inflict)(&world.repository(name));
    }),
];

fn change(world: &World, name: &str, sql: &str) {
    let store = state::open::Location::new(&world.it.root(), None, None).open().unwrap();
    let sql = sql.replace("PACKAGE", "(SELECT id FROM package WHERE name = ?1)");
    assert!(store.write(|tx| tx.execute(&sql, values![name])).unwrap() > 0, "{name}: {sql}");
}

/// The codes that a look has found, by package.
fn found(plan: &Value, name: &str) -> BTreeSet<String> {
    let part = plan["packages"].as_array().unwrap().iter().find(|part| part["package"] == name).unwrap();
    let findings = part["findings"].as_array().unwrap_or_else(|| panic!("{part:#}"));
    findings.iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_code_of_the_documentation_is_caused_by_a_test() {
    let names = OTHERS.map(|(name, ..)| name);
    let world = World::with(&names.iter().copied().filter(|name| *name != "signed").collect::<Vec<_>>());
    let signed = world.write(&upload("signed", "1.0-1", &[]).signed("upstream's"));
    world.it.import_well("debian", "sid", &[&signed]);
    for (name, _, cause) in &OTHERS {
        cause(&world, name);
    }
    let (_, plan) = world.json(&["repair", "plan", "--all", "--json"]);
    for (name, code, _) in &OTHERS {
        let found = found(&plan, name);
        assert!(found.contains(*code), "{name}: {found:?}");
    }
    let (code, text) = OF_ANOTHER_TEST;
    assert!(text.contains(&format!("\"{code}\"")), "{code}");
    let lists = DAMAGES.iter().map(|it| it.code).chain(elsewhere::codes());
    let caused: BTreeSet<&str> = lists.chain(OTHERS.map(|(_, code, _)| code)).chain([code]).collect();
    let findings = DOCUMENTED.split("\n## Findings\n").nth(1).unwrap();
    let documented: BTreeSet<&str> = findings
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|it| it.0)
        .collect();
    assert_eq!(caused, documented);
}
