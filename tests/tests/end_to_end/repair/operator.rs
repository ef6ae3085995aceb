//! An operator's account of PostgreSQL on a machine that has no file of the installation: plans are made, carried out and taken
//! back by a worker, and the answers come through the state.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use package_import_tests::installation::binary;
use package_import_tests::queue::text;
use serde_json::Value;

use super::damages::DAMAGES;
use super::{Refs, read_refs, upload};
use crate::fleet::world::Fleet;

/// Those of the short form.
const SOME: [&str; 4] = ["hook", "branch-replaced", "record-broken", "packs-gone"];
/// Damages of the state: one of two versions is not on record any more, and both.
const OF_STATE: [(&str, &str); 2] = [
    ("version-lost", "DELETE FROM version WHERE version = '1.0-1' AND package_id = PACKAGE"),
    ("versions-lost", "DELETE FROM version WHERE package_id = PACKAGE"),
];

/// All damages of a repository, and those of the state; without `STORM=long` some.
fn mixture() -> Vec<&'static str> {
    if std::env::var_os("STORM").is_none() {
        return SOME.into();
    }
    DAMAGES.iter().map(|it| it.package).chain(OF_STATE.map(|(name, _)| name)).collect()
}

struct Site {
    fleet: Fleet,
    worker: String,
    operator: String,
    elsewhere: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let mut fleet = Fleet::new();
        let (worker, operator) = (fleet.login(Some("worker")), fleet.login(Some("operator")));
        fleet.queue.installation.configure("[import]\nrepack = false\n");
        let mut files: Vec<String> = Vec::new();
        for name in mixture() {
            for (version, below) in [("1.0-1", &[][..]), ("1.0-2", &["1.0-1"])] {
                let folder = tempfile::tempdir_in(fleet.queue.installation.files()).unwrap().keep();
                files.push(upload(name, version, below).write(&folder).display().to_string());
            }
        }
        let arguments = ["import", "--allow-unsigned", "--distro", "debian", "--suite", "sid"];
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let said = fleet.run(&worker, &[&arguments[..], &files].concat());
        assert!(said.status.success(), "{}", text(&said));
        Site { fleet, worker, operator, elsewhere: tempfile::tempdir().unwrap() }
    }

    fn output(&self, arguments: &[&str]) -> Output {
        Command::new(binary())
            .arg("--root")
            .arg(self.elsewhere.path())
            .args(arguments)
            .env("PACKAGE_IMPORT_STATE", &self.operator)
            .output()
            .unwrap()
    }

    /// As the operator, elsewhere.
    fn operate(&self, arguments: &[&str]) -> Value {
        let output = self.output(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", text(&output)))
    }

    fn inflict(&self, name: &str) {
        let queue = &self.fleet.queue;
        match OF_STATE.iter().find(|(it, _)| *it == name) {
            Some((_, sql)) => {
                let package = format!("(SELECT id FROM package WHERE name = '{name}')");
                let sql = sql.replace("PACKAGE", &package);
                assert!(queue.store().write(|tx| tx.execute(&sql, &[])).unwrap() > 0, "{name}");
            }
            None => {
                let damage = DAMAGES.iter().find(|it| it.package == name).unwrap();
                (damage.inflict)(&queue.installation.repository(name));
            }
        }
    }

    fn work(&self) {
        let said = self.fleet.run(&self.worker, &["run", "--until-empty"]);
        assert!(matches!(said.status.code(), Some(0 | 1)), "{}", text(&said));
    }

    fn refs(&self) -> BTreeMap<&'static str, Refs> {
        let read = |name: &&'static str| (*name, read_refs(&self.fleet.queue.installation.repository(name)));
        mixture().iter().map(read).collect()
    }

    /// The states of a plan's parts.
    fn states(&self, id: &str) -> Vec<String> {
        let shown = self.operate(&["repair", "show", id]);
        let parts = shown["packages"].as_array().unwrap().iter();
        parts.map(|part| part["state"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn an_operator_without_files_mends_a_mixture_through_a_worker() {
    let site = Site::new();
    let whole = site.refs();
    mixture().into_iter().for_each(|name| site.inflict(name));
    let before = site.refs();
    let plan = site.operate(&["repair", "plan", "--all"]);
    let id = plan["plan"]["id"].to_string();
    assert_eq!(site.states(&id), vec!["asked"; mixture().len()]);
    site.work();
    assert_eq!(
        site.states(&id),
        vec!["planned"; mixture().len()],
        "{:#}",
        site.operate(&["repair", "show", &id])
    );
    assert_eq!(site.refs(), before, "a plan has changed something");
    // Carried out by a worker: two first, then the rest.
    site.operate(&["repair", "apply", &id, "--canary", "2", "--reason", "a disk"]);
    site.work();
    let applied = site.states(&id).iter().filter(|state| *state == "applied").count();
    assert_eq!(applied, 2, "{:?}", site.states(&id));
    site.operate(&["repair", "apply", &id, "--reason", "a disk"]);
    site.work();
    assert_eq!(
        site.states(&id),
        vec!["applied"; mixture().len()],
        "{:#}",
        site.operate(&["repair", "show", &id])
    );
    for (name, refs) in &whole {
        let now = &site.refs()[name];
        let tags = refs.iter().filter(|(it, _)| !it.starts_with("refs/heads/"));
        let lost: Vec<_> = tags.filter(|(_, id)| !now.values().any(|other| other == *id)).collect();
        assert!(lost.is_empty(), "{name}: {lost:?}");
    }
    let again = site.operate(&["repair", "plan", "--all"])["plan"]["id"].to_string();
    site.work();
    assert_eq!(
        site.states(&again),
        vec!["empty"; mixture().len()],
        "{:#}",
        site.operate(&["repair", "show", &again])
    );
    let undo = site.operate(&["repair", "undo", &id])["plan"]["id"].to_string();
    site.work();
    site.operate(&["repair", "apply", &undo, "--reason", "back"]);
    site.work();
    // Objects that were brought in stay.
    let undone = site.states(&undo);
    let is_done = |state: &String| state == "applied" || state == "empty";
    assert!(undone.iter().all(is_done), "{:#}", site.operate(&["repair", "show", &undo]));
    let applied = undone.iter().filter(|state| *state == "applied").count();
    assert!(applied * 3 >= mixture().len() * 2, "{undone:?}");
    assert_eq!(site.refs(), before);
    assert!(!site.elsewhere.path().join("repos").exists(), "an operator makes no repository");
    let audit = text(&site.output(&["audit", "hook"]));
    assert!(audit.contains("repair-apply") && audit.contains("a disk"), "{audit}");
}
