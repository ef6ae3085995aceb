//! Tests of every action on an installation of this machine: its preview changes nothing, it writes the entries that it
//! declares, and users without its role are refused.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use importer::dsc_arguments::Item;
use importer::inspect::Effort;
use importer::polling::Report;
use importer::protocol::Trust;
use importer::queue::dispatch::{Said, Stop};
use operations::actions::accounts::{AddUser, ChangePassword, RemoveUser};
use operations::actions::backup::{Adopt, Backup, Restore, RestorePackages};
use operations::actions::import::Import;
use operations::actions::migrate::{Migrate, MoveState, UndoMove};
use operations::actions::publish::Publish;
use operations::actions::repack::Repack;
use operations::actions::run::{Listener, Run};
use operations::actions::verify::Verify;
use operations::{ACTIONS, Action, Actor, Class, Installation, Role};
use source_package::version::PackageName;
use state::open::Location;
use state::{Store, audit, transfer};
use tempfile::TempDir;

use crate::actions::reason;
use crate::world::{GOOD, fill};

const OLGA: &str = "olga@host1";

/// An installation with a state, a repository, and a folder as its remote.
struct Machine {
    folder: TempDir,
    seen: RefCell<BTreeSet<&'static str>>,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine { folder: tempfile::tempdir().unwrap(), seen: RefCell::default() };
        let repository = machine.root().join(format!("repos/h/{GOOD}.git"));
        fs::create_dir_all(&repository).unwrap();
        let made = Command::new("git").args(["init", "--quiet", "--bare"]).arg(&repository).status().unwrap();
        assert!(made.success());
        let published = machine.folder.path().join("published");
        let remote =
            format!("[[remotes]]\nname = \"copy\"\nurl = \"{}/{{package}}.git\"\n", published.display());
        fs::create_dir(published).unwrap();
        fs::write(machine.root().join("config.toml"), remote).unwrap();
        fill(&Location::Sqlite(machine.root().join("state.db")).open_or_make().unwrap());
        machine
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn at(&self) -> Installation {
        Installation::new(Some(self.root()), None)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Performs an action on an installation below the folder, after its preview and by others was tried.
    fn see<A: Action<Installation>>(&self, at: &Installation, action: &A, words: &[&str]) -> A::Done {
        let name = A::NAME;
        assert!(self.seen.borrow_mut().insert(name), "{name} is seen twice");
        let before = (listing(self.folder.path()), dump(at));
        let left_before = entries_of(at);
        for role in [Role::View, Role::Operate].into_iter().filter(|role| *role < A::ROLE) {
            let eve = Actor::new("eve", role);
            let errors = [action.preview(at, &eve).err(), action.perform(at, &eve, Some(&reason())).err()];
            for error in errors {
                let error = error.unwrap_or_else(|| panic!("{name} is done for {role}"));
                assert_eq!(error.class(), Class::Refused, "{name}: {error}");
            }
        }
        let olga = Actor::new(OLGA, A::ROLE);
        let preview = action.preview(at, &olga).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The schema is that of this program already.
        assert_eq!(preview.is_empty(), name == "migrate", "{name}: {preview:?}");
        assert_eq!((listing(self.folder.path()), dump(at)), before, "{name}: its preview changed something");

        let done =
            action.perform(at, &olga, Some(&reason())).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut left = entries_of(at);
        left.retain(|it| !left_before.contains(it));
        let mut left: Vec<String> = left.into_iter().map(|(_, action)| action).collect();
        left.sort();
        assert_eq!(left, words, "{name}");
        done
    }
}

/// The state of an installation, whatever it is marked with; none if it has none yet.
fn store(at: &Installation) -> Option<Store> {
    Location::Sqlite(at.root.join("state.db")).connect(false).ok()
}

fn dump(at: &Installation) -> BTreeMap<String, (u64, String)> {
    let Some(store) = store(at) else { return BTreeMap::new() };
    transfer::checksums(&store).unwrap().into_iter().map(|it| (it.table, (it.rows, it.checksum))).collect()
}

/// The entries of the audit trail that olga has made, by number and action.
fn entries_of(at: &Installation) -> BTreeSet<(i64, String)> {
    let Some(store) = store(at) else { return BTreeSet::new() };
    let found = store.read(|tx| audit::list(tx, None, 1000)).unwrap();
    found.into_iter().filter(|it| it.actor == OLGA).map(|it| (it.id, it.action)).collect()
}

/// Every file below a folder, with its content; but for those of the state, which are compared by their rows, and the cache.
fn listing(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "cache" {
            found.insert(path.clone(), Vec::new());
            found.extend(listing(&path));
        } else if path.is_file() && !name.starts_with("state.db") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Stops a run as soon as it has begun.
struct Stopping;

impl Listener for Stopping {
    fn away(&self, error: operations::Error) {
        panic!("{error}");
    }

    fn begun(&self) -> io::Result<Stop> {
        Ok(Arc::new(AtomicUsize::new(1)))
    }

    fn ready(&self, _: &Store) {}

    fn polled(&self, _: &Report) {}

    fn said(&self, _: &Said<'_>) {}
}

#[test]
fn each_is_foreseen_recorded_and_refused_to_who_may_not() {
    let machine = Machine::new();
    let at = machine.at();
    backups(&machine, &at);
    accounts(&machine, &at);
    queue(&machine, &at);
    moves(&machine, &at);
    let listed: BTreeSet<&str> = ACTIONS.iter().filter(|it| it.of_machine).map(|it| it.name).collect();
    assert_eq!(machine.seen.take(), listed, "every action is seen, and no other");
}

fn accounts(machine: &Machine, at: &Installation) {
    let (name, password) = ("ivan".to_owned(), "a long password".to_owned());
    let add = AddUser { name: name.clone(), role: Role::View, password: password.clone() };
    machine.see(at, &add, &["user-add"]);
    let change = ChangePassword { name: name.clone(), role: Some(Role::Operate), password };
    machine.see(at, &change, &["user-password"]);
    machine.see(at, &RemoveUser { name }, &["user-remove"]);
}

fn backups(machine: &Machine, at: &Installation) {
    let destination = machine.path("backups");
    let watch = &|_, _| ();
    let backup = Backup { destination: destination.clone(), keep: 0, logs: false, watch };
    let taken = machine.see(at, &backup, &["backup"]);
    assert_eq!(taken.manifest.repositories, 1);
    let packages = vec![PackageName::new(GOOD).unwrap()];
    let bring = RestorePackages { source: destination.clone(), packages };
    let brought = machine.see(at, &bring, &["requeue", "restore"]);
    assert!(brought.failed.is_empty(), "{brought:?}");
    machine.see(at, &Adopt { watch }, &["adopt"]);
    let other = Installation::new(Some(machine.path("other")), None);
    let restore = Restore { source: destination, state_only: false, watch };
    let restored = machine.see(&other, &restore, &["restore"]);
    assert_eq!(restored.taken_back, 0);
}

fn queue(machine: &Machine, at: &Installation) {
    let dsc = machine.path("zlib_1.0-1.dsc");
    fs::write(&dsc, "Format: 1.0\nSource: zlib\nVersion: 1.0-1\n").unwrap();
    let item = Item { dsc, distro: "debian".into(), suite: Some("sid".into()), trust: Trust::Unsigned };
    let import = Import { items: vec![item], jobs: NonZeroUsize::new(1), begun: &|_| Ok(()), watch: &|_| () };
    machine.see(at, &import, &[]);
    let run = Run {
        service: false,
        jobs: None,
        max_duration: None,
        poll: false,
        wait: false,
        listener: Arc::new(Stopping),
    };
    machine.see(at, &run, &[]);
    let publish = Publish { packages: vec![GOOD.into()], remote: None, watch: &|_| () };
    machine.see(at, &publish, &[]);
    // The program that checks is not this one: both repositories are found to be unreadable.
    let packages = vec![GOOD.into(), "zlib".into()];
    let verify = Verify { packages, watch: &|_| ControlFlow::Continue(()) };
    machine.see(at, &verify, &[]);
    let failed = |_: &str, _: &importer::inspect::InspectError| ();
    machine.see(at, &Repack { packages: Vec::new(), effort: Effort::Full, failed: &failed }, &[]);
}

fn moves(machine: &Machine, at: &Installation) {
    machine.see(at, &Migrate, &[]);
    let url = machine.path("moved.db").display().to_string();
    machine.see(at, &MoveState { url, watch: &|_, _| () }, &["migrate"]);
    machine.see(at, &UndoMove, &["stay"]);
}
