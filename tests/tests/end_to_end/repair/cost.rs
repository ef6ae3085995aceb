//! A plan says what it costs, and what others may notice, before all else.

use std::fs;

use package_import_tests::queue::text;
use serde_json::Value;

use super::damages::DAMAGES;
use crate::archives::world::World as Archive;

/// The size of what an archive has of a package.
fn listed(archive: &Archive, name: &str) -> u64 {
    let paths = archive.archive.pool().into_iter().filter(|path| path.contains(&format!("/{name}_")));
    paths.map(|path| fs::metadata(archive.archive.root().join(&path[1..])).unwrap().len()).sum()
}

#[test]
fn a_plan_says_first_what_others_may_notice_and_what_it_costs() {
    let archive = Archive::new(&["main"]);
    for version in ["1.0-1", "1.0-2"] {
        archive.add("main", "lost", version);
        archive.add("main", "torn", version);
        archive.publish();
        archive.queue.well(&["run", "--poll"]);
    }
    let repository = |name: &str| archive.queue.installation.repository(name);
    let inflict = |name: &str, kind: &str| {
        (DAMAGES.iter().find(|it| it.package == kind).unwrap().inflict)(&repository(name));
    };
    inflict("lost", "packs-gone");
    inflict("torn", "head-gone");
    inflict("torn", "record-broken");
    let run = |arguments: &[&str]| archive.queue.command(arguments).output().unwrap();
    let plan: Value = serde_json::from_slice(&run(&["repair", "plan", "--all", "--json"]).stdout).unwrap();
    let all = listed(&archive, "lost");
    assert!(all > 0);
    assert_eq!(plan["summary"]["bytes"], all, "both revisions have one upstream tarball: {plan:#}");
    assert_eq!(plan["summary"]["imports"], 2, "{plan:#}");
    let torn = plan["packages"].as_array().unwrap().iter().find(|part| part["package"] == "torn").unwrap();
    let marks: Vec<&str> =
        torn["steps"].as_array().unwrap().iter().map(|step| step["mark"].as_str().unwrap()).collect();
    assert_eq!((marks[0], marks.contains(&"create")), ("replace", true), "{torn:#}");
    let mut show = archive.queue.command(&["repair", "show", &plan["plan"]["id"].to_string()]);
    let said = text(&show.env("COLUMNS", "80").output().unwrap());
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let place = |text: &str| words.find(text).unwrap_or_else(|| panic!("{text}: {said}"));
    let cost = place("2 versions imported again; at most ");
    let dangers = place("Others may notice: lost: > pack objects/pack/");
    let record = place(" torn: ! record package-import-record: ");
    assert!(cost < dangers && dangers < record && record < place(" lost: planned "), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}
