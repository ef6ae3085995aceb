//! Remotes on servers, by ssh with PostgreSQL and by https with SQLite: what is damaged here, there or at both ends is found, and
//! mended from the end that has it. No remote that is away or lacks something is waited for or believed.

use std::fs;

use package_import_tests::queue::text;
use serde_json::Value;

use super::damages::{DAMAGES, git};
use super::from_remote::lose_dsc;
use crate::publishing::world::{Kind, Site};

/// Refs and what they name.
type Refs = Vec<(String, String)>;

/// Damages of a repository; the files that it was imported from are away.
const HERE: [&str; 4] = ["packs", "flipped", "dsc", "folder"];
/// Damages of refs: each of them here, on the server, and at both ends.
const REFS: [(&str, &[&str]); 2] = [
    ("tag", &["refs/tags/debian/1.0-1"]),
    (
        "rest",
        &[
            "refs/heads/debian/sid",
            "refs/tags/upstream/1.0",
            "refs/dsc/debian/1.0-2",
            "refs/tags/applied/debian/1.0-2",
        ],
    ),
];

/// Packages of two versions that are published, and whose files are away.
fn site(kind: Kind, names: &[String]) -> (Site, Vec<Refs>) {
    let site = Site::new(kind);
    for name in names {
        site.import(name, 1);
        site.import(name, 2);
    }
    site.queue.well(&["run"]);
    let whole: Vec<Refs> = names.iter().map(|name| site.here(name)).collect();
    for (name, whole) in names.iter().zip(&whole) {
        assert_eq!(&site.there(name), whole, "{name} is published");
        fs::remove_dir_all(site.queue.installation.files().join(name)).unwrap();
    }
    (site, whole)
}

fn json(site: &Site, arguments: &[&str]) -> Value {
    let output = site.queue.command(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
}

/// Plans and applies; returns the part of the package, as it was planned and as it ended. With PostgreSQL a machine without a
/// repository leaves both to a worker.
fn mend(site: &Site, name: &str) -> (Value, Value) {
    let plan = json(site, &["repair", "plan", name, "--json"]);
    let id = plan["plan"]["id"].to_string();
    let done = |open: &str| {
        let show = || json(site, &["repair", "show", &id, "--json"])["packages"][0].clone();
        let part = show();
        if part["state"] != open {
            return part;
        }
        site.queue.well(&["run"]);
        show()
    };
    let planned = done("asked");
    json(site, &["repair", "apply", &id, "--reason", "a test", "--json"]);
    (planned, done("wanted"))
}

fn inflict(site: &Site, name: &str) {
    let repository = site.own(name).path;
    let known = |kind: &str| (DAMAGES.iter().find(|it| it.package == kind).unwrap().inflict)(&repository);
    match name {
        "packs" => known("packs-gone"),
        "flipped" => known("pack-flipped"),
        "dsc" => lose_dsc(&repository),
        _ => fs::remove_dir_all(repository).unwrap(),
    }
}

fn is_well(site: &Site, name: &str, whole: &Refs) {
    assert_eq!(&site.here(name), whole, "{name} here");
    assert_eq!(&site.there(name), whole, "{name} on the server");
    let said = site.queue.command(&["verify", name]).output().unwrap();
    assert!(said.status.success(), "{name}: {}", text(&said));
    let plan = site.queue.command(&["repair", "plan", name, "--exit-code"]).output().unwrap();
    assert_eq!(plan.status.code(), Some(0), "{name}: {}", text(&plan));
    assert_eq!(site.forced(name), Vec::<String>::new(), "{name}");
}

fn objects_come_back(kind: Kind) {
    let names = HERE.map(str::to_owned);
    let (mut site, whole) = site(kind, &names);
    HERE.iter().for_each(|name| inflict(&site, name));
    // A server that is away is named, and nothing is changed.
    site.close();
    let before = site.here("packs");
    let (_, refused) = mend(&site, "packs");
    assert_eq!(refused["state"], "failed", "{refused:#}");
    let log = site.queue.well(&["log", "packs"]);
    assert!(log.contains("remote git is of no use for the repair: "), "{log}");
    assert_eq!(site.here("packs"), before);
    site.open();
    for (name, whole) in names.iter().zip(&whole) {
        let (planned, applied) = mend(&site, name);
        let steps = planned["steps"].as_array().unwrap();
        assert!(steps.iter().any(|step| step.to_string().contains("remote git")), "{name}: {planned:#}");
        assert!(steps.iter().all(|step| step["imports"] == 0), "{name}: {planned:#}");
        assert_eq!(applied["state"], "applied", "{name}: {applied:#}");
        site.queue.well(&["run"]);
        is_well(&site, name, whole);
    }
}

#[test]
fn objects_a_dsc_and_a_repository_come_back_by_ssh() {
    objects_come_back(Kind::Ssh);
}

#[test]
fn objects_a_dsc_and_a_repository_come_back_by_https() {
    objects_come_back(Kind::Web);
}

fn refs_come_back(kind: Kind) {
    let named = |(what, refs): (&str, &'static [&str])| {
        ["here", "there", "both"].map(|place| (format!("{what}-{place}"), place, refs))
    };
    let cases: Vec<_> = REFS.into_iter().flat_map(named).collect();
    let names: Vec<String> = cases.iter().map(|(name, ..)| name.clone()).collect();
    let (site, whole) = site(kind, &names);
    for (name, place, refs) in &cases {
        for it in *refs {
            if *place != "there" {
                git(&site.own(name).path, &["update-ref", "-d", it]);
            }
            if *place != "here" {
                site.server(name).git(&["update-ref", "-d", it]);
            }
        }
    }
    // The server is looked at, by hand; what is damaged here is not published as if it were meant.
    for ((name, place, refs), whole) in cases.iter().zip(&whole) {
        let said = site.queue.command(&["publish", name]).output().unwrap();
        let there = site.there(name);
        let lacks = |it: &&&str| !there.iter().any(|(name, _)| name == **it);
        assert_eq!(
            refs.iter().filter(lacks).count(),
            if *place == "both" { refs.len() } else { 0 },
            "{}",
            text(&said)
        );
        if *place != "both" {
            assert_eq!(&there, whole, "{name}: {}", text(&said));
        }
        if *place == "there" {
            continue;
        }
        let (planned, applied) = mend(&site, name);
        assert!(!planned["findings"].as_array().unwrap().is_empty(), "{name}: {planned:#}");
        assert_eq!(applied["state"], "applied", "{name}: {applied:#}");
    }
    site.queue.well(&["run"]);
    for (name, whole) in names.iter().zip(&whole) {
        site.queue.well(&["publish", name]);
        is_well(&site, name, whole);
    }
}

#[test]
fn refs_that_are_lost_here_there_or_at_both_ends_come_back_by_ssh() {
    refs_come_back(Kind::Ssh);
}

#[test]
fn refs_that_are_lost_here_there_or_at_both_ends_come_back_by_https() {
    refs_come_back(Kind::Web);
}
