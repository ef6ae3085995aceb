//! Discrepancies with the state, with what archives list, and with remotes; and those that only a person can end.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use state::{Store, values};

use super::damages::git;
use super::{Refs, World, listing, read_refs};

/// An installation that publishes into a folder.
struct Site {
    world: World,
    remote: tempfile::TempDir,
}

impl Site {
    fn with(names: &[&str]) -> Site {
        let site = Site { world: World::with(names), remote: tempfile::tempdir().unwrap() };
        site.world.it.configure(&format!(
            "[import]\nrepack = false\n[[remotes]]\nname = 'git'\nurl = '{}/{{package}}.git'\n",
            site.remote.path().display()
        ));
        site.run();
        site
    }

    fn run(&self) {
        let output = self.world.output(&["run", "--until-empty"]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    }

    fn store(&self) -> Store {
        state::open::Location::new(&self.world.it.root(), None, None).open().unwrap()
    }

    fn change(&self, package: &str, sql: &str) {
        let sql = sql.replace("PACKAGE", "(SELECT id FROM package WHERE name = ?1)");
        let changed = self.store().write(|tx| tx.execute(&sql, values![package])).unwrap();
        assert!(changed > 0, "{package}: {sql}");
    }

    fn there(&self, package: &str) -> Refs {
        read_refs(&self.remote.path().join(format!("{package}.git")))
    }
}

/// A damage that is not of the repository's files.
struct Elsewhere {
    package: &'static str,
    code: &'static str,
    inflict: fn(&Site, &str),
    /// A person has to do something: no step.
    by_person: bool,
}

const fn of(package: &'static str, code: &'static str, inflict: fn(&Site, &str)) -> Elsewhere {
    Elsewhere { package, code, inflict, by_person: false }
}

const fn person(package: &'static str, code: &'static str, inflict: fn(&Site, &str)) -> Elsewhere {
    Elsewhere { package, code, inflict, by_person: true }
}

/// A version that an archive lists and nobody has asked for.
const LISTED: &str =
    "INSERT INTO publication (package_id, archive, distro, suite, component, version, dsc, dsc_sha256, trust,
        files, published, first_seen, gone)
    VALUES (PACKAGE, 'a', 'debian', 'sid', 'main', '9-1', 'pool/x.dsc', 'x', 'index', '[]', 1, 1, GONE)";

/// The codes of the list below.
pub fn codes() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|it| it.code)
}

const ALL: &[Elsewhere] = &[
    of("version-lost", "version-unknown", |it, name| {
        it.change(name, "DELETE FROM version WHERE package_id = PACKAGE AND version = '1.0-1'");
    }),
    of("versions-lost", "repository-unknown", |it, name| {
        it.change(name, "DELETE FROM version WHERE package_id = PACKAGE");
    }),
    of("listed", "listed-not-queued", |it, name| it.change(name, &LISTED.replace("GONE", "NULL"))),
    of("taken-for-gone", "listed-not-queued", |it, name| it.change(name, &LISTED.replace("GONE", "5"))),
    of("repository-removed", "repository-gone", |it, name| {
        fs::remove_dir_all(it.world.repository(name)).unwrap();
    }),
    of("repository-emptied", "repository-gone", |it, name| {
        fs::remove_dir_all(it.world.repository(name)).unwrap();
        fs::create_dir(it.world.repository(name)).unwrap();
    }),
    of("remote-behind", "remote-behind", |it, name| {
        it.change(name, "UPDATE publish SET there = 'x' WHERE package_id = PACKAGE");
    }),
    of("remote-forgotten", "remote-behind", |it, name| {
        it.change(name, "UPDATE publish SET here = NULL, there = NULL WHERE package_id = PACKAGE");
    }),
    of("remote-lacks-a-branch", "remote-behind", |it, name| {
        git(&it.remote.path().join(format!("{name}.git")), &["update-ref", "-d", "refs/heads/debian/sid"]);
        it.change(name, "UPDATE publish SET there = 'x' WHERE package_id = PACKAGE");
    }),
    person("remote-foreign", "remote-foreign", |it, name| {
        it.change(name, "UPDATE publish SET foreign_refs = 2 WHERE package_id = PACKAGE");
    }),
    person("branch-foreign", "branch-foreign", |it, name| {
        let repository = it.world.repository(name);
        let tree = git(&repository, &["rev-parse", "upstream/1.0:src"]);
        let commit = git(&repository, &["commit-tree", &tree, "-m", "mine"]);
        git(&repository, &["branch", "debian/sidd", &commit]);
    }),
    person("tag-foreign", "tag-foreign", |it, name| {
        git(&it.world.repository(name), &["tag", "debian/9", "debian/sid"]);
    }),
    person("ref-foreign", "ref-foreign", |it, name| {
        git(&it.world.repository(name), &["update-ref", "refs/notes/x", "debian/sid"]);
    }),
    person("file-strange", "file-strange", |it, name| {
        let path = it.world.repository(name).join("objects/pipe");
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }),
    person("folder-of-another", "owner-wrong", |it, name| {
        std::os::unix::fs::chown(it.world.repository(name).join("refs"), Some(1234), None).unwrap();
    }),
];

fn part<'a>(plan: &'a Value, package: &str) -> &'a Value {
    let mut parts = plan["packages"].as_array().unwrap().iter();
    parts.find(|part| part["package"] == package).unwrap_or_else(|| panic!("{package}: {plan:#}"))
}

fn rows(site: &Site) -> Vec<String> {
    let sql = "SELECT p.name || ' ' || v.distro || ' ' || v.version || ' ' || v.tag || ' ' || v.commit_id FROM version v
        JOIN package p ON p.id = v.package_id ORDER BY 1";
    let rows = site.store().read(|tx| tx.query(sql, &[])).unwrap();
    rows.iter().map(|row| row.text(0)).collect()
}

#[test]
fn what_the_state_archives_and_remotes_say_is_compared_and_mended() {
    let names: Vec<&str> = ALL.iter().map(|it| it.package).collect();
    let site = Site::with(&names);
    let world = &site.world;
    let whole: BTreeMap<&str, Refs> = names.iter().map(|name| (*name, world.refs(name))).collect();
    let known = rows(&site);
    ALL.iter().for_each(|it| (it.inflict)(&site, it.package));
    let files = listing(&world.it.root().join("repos"));
    let (code, plan) = world.json(&["repair", "plan", "--all", "--exit-code", "--json"]);
    assert_eq!(code, 3, "{plan:#}");
    assert_eq!(listing(&world.it.root().join("repos")), files, "a plan has changed something");
    for it in ALL {
        let part = part(&plan, it.package);
        let has = part["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == it.code);
        assert!(has, "{}: {part:#}", it.package);
        let state = if it.by_person { "empty" } else { "planned" };
        assert_eq!(part["state"], state, "{}: {part:#}", it.package);
    }
    let id = plan["plan"]["id"].to_string();
    let (code, applied) = world.json(&["repair", "apply", &id, "--reason", "a test", "--json"]);
    assert_eq!(code, 0, "{applied:#}");
    site.run();
    assert_eq!(rows(&site), known);
    let (_, again) = world.json(&["repair", "plan", "--all", "--json"]);
    for it in ALL {
        let part = part(&again, it.package);
        assert_eq!(part["state"], "empty", "{}: {part:#}", it.package);
        let has = part["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == it.code);
        assert_eq!(has, it.by_person, "{}: {part:#}", it.package);
        if !it.by_person {
            assert_eq!(world.refs(it.package), whole[it.package], "{}", it.package);
        }
        if it.code == "remote-behind" {
            assert_eq!(site.there(it.package), whole[it.package], "{}", it.package);
        }
    }
}
