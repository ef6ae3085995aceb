//! An installation on which every action has something to do.

use std::collections::BTreeMap;
use std::fs;

use importer::config::Config;
use importer::dsc_arguments::Item;
use importer::protocol::Trust;
use operations::Opened;
use state::events::Event;
use state::finish::{self, Cause, Finished, Usage};
use state::open::Location;
use state::policy::Retries;
use state::publication::collisions;
use state::queue::{self, Wish};
use state::repair::plans::{self, PartState, PlanKind};
use state::runs::{self, NewRun, Process};
use state::words::{Class, Lane, Outcome, Tasks};
use state::{Store, events, samples, transfer};
use tempfile::TempDir;

pub struct World {
    pub at: Opened,
    pub location: Location,
    _folder: TempDir,
}

/// Packages that fail with one signature, and one that is imported.
pub const BROKEN: [&str; 3] = ["bash", "curl", "dash"];
pub const GOOD: &str = "hello";
pub const HOST: &str = "host1";

pub fn worlds() -> Vec<World> {
    vec![sqlite(), postgres()]
}

pub fn sqlite() -> World {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("state.db"));
    world(location, folder)
}

pub fn postgres() -> World {
    let location = Location::Postgres { url: throwaway_postgres::schema(), passfile: None };
    world(location, tempfile::tempdir().unwrap())
}

/// One archive has a history that can be asked.
const CONFIG: &str = r#"
[[archives]]
name = "debian"
distro = "debian"
mirrors = ["file:///nonexistent/debian"]
keyrings = ["/usr/share/keyrings/debian-archive-keyring.gpg"]

[[archives.suites]]
name = "sid"

[archives.history]
url = "https://history.example.org"
keyrings = ["/usr/share/keyrings/debian-keyring.gpg"]

[[notify.mail]]
name = "team"
from = "imports@example.org"
to = ["team@example.org"]
sendmail = "/bin/true"
"#;

fn world(location: Location, folder: TempDir) -> World {
    let root = folder.path().to_owned();
    fs::write(root.join("config.toml"), CONFIG).unwrap();
    let config = Config::load(None, &root).unwrap();
    let store = location.open_or_make().unwrap();
    fill(&store);
    World { at: Opened { root, config, store }, location, _folder: folder }
}

pub fn fill(store: &Store) {
    let process = Process { pid: 1, start: 2, boot: "boot".into() };
    let run = NewRun { host: HOST, mode: "service", process: &process, version: "0.1", jobs: 2 };
    let run = store.write(|tx| runs::begin(tx, &run)).unwrap();
    for package in BROKEN.iter().chain([&GOOD]) {
        let claim = store
            .write(|tx| {
                let id = queue::package_id(tx, package)?;
                queue::enqueue(tx, id, Lane::Upload, Tasks::IMPORT)?;
                queue::claim(tx, &Wish { run, lease: 60_000, importer: "0.1", ..Wish::default() })
            })
            .unwrap()
            .unwrap();
        let failed = *package != GOOD;
        let finished = Finished {
            attempt: claim.attempt,
            package_id: claim.package_id,
            package: claim.package.clone(),
            outcome: if failed { Outcome::Failed } else { Outcome::Imported },
            cause: failed.then(|| Cause {
                stage: "verify".into(),
                code: "checksum-mismatch".into(),
                class: Class::Permanent,
                message: "a.tar has SHA-256 1 instead of the expected 2".into(),
                distro: Some("debian".into()),
                version: Some("1-1".into()),
            }),
            usage: Usage { wall_ms: 10, cpu_ms: 5, peak_rss: 1 << 20, bytes_in: 0, bytes_out: 0 },
            versions: 1,
            first_tries: (1, i64::from(failed)),
            log: Some("the end of a log\n".into()),
            parked_on: None,
            wait: None,
            importer: "0.1".into(),
        };
        store.write(|tx| finish::finish(tx, &finished, &Retries::default())).unwrap();
    }
    samples::take(store).unwrap();
    store.write(|tx| runs::end(tx, run, "empty", None)).unwrap();
    // Five hundred days ago: an entry that can be forgotten.
    store
        .write(|tx| {
            events::record(tx, "olga", "set", "jobs", None, None, Some("1"))?;
            tx.execute("UPDATE event SET at = at - 43200000000", &[])
        })
        .unwrap();
}

impl World {
    /// The short id of the signature that [`BROKEN`] fails with.
    pub fn signature(&self) -> String {
        self.at.store.read(|tx| tx.first("SELECT short FROM signature", &[])).unwrap().unwrap().text(0)
    }

    /// The number of a collision of a package.
    pub fn collision(&self) -> i64 {
        let found = [collisions::Found {
            name: "refs/heads/debian/sid".into(),
            kind: "unmerged".into(),
            waits: true,
            theirs: Some("1".repeat(40)),
            ..collisions::Found::default()
        }];
        let settled = self.at.store.write(|tx| {
            let package = state::operate::known(tx, GOOD)?;
            collisions::settle(tx, package, &found, &[])?;
            collisions::of_package(tx, package)
        });
        settled.unwrap()[0].id
    }

    /// Everything in the database, a checksum a table.
    pub fn dump(&self) -> BTreeMap<String, (u64, String)> {
        let tables = transfer::checksums(&self.at.store).unwrap();
        tables.into_iter().map(|it| (it.table, (it.rows, it.checksum))).collect()
    }

    /// The number of the newest entry of the audit trail.
    pub fn last_event(&self) -> i64 {
        let newest = self.at.store.read(|tx| events::list(tx, None, 1)).unwrap();
        newest.first().map_or(0, |event| event.id)
    }

    /// The entries of the audit trail that came after one.
    pub fn events_after(&self, last: i64) -> Vec<Event> {
        let mut found = self.at.store.read(|tx| events::list(tx, None, 1000)).unwrap();
        found.retain(|event| event.id > last);
        found
    }

    /// A plan of repair that can be carried out.
    pub fn plan(&self) -> i64 {
        let by = state::events::By { actor: "somebody", reason: None };
        let made = self.at.store.write(|tx| {
            let package = state::operate::known(tx, GOOD)?;
            let id = plans::begin(tx, PlanKind::Repair, None, by)?;
            plans::put(tx, (id, package), PartState::Planned, Some("{}"), None, by)?;
            Ok(id)
        });
        made.unwrap()
    }

    /// It was carried out.
    pub fn plan_is_done(&self, id: i64) {
        let by = state::events::By { actor: "somebody", reason: None };
        let put = self.at.store.write(|tx| {
            let package = state::operate::known(tx, GOOD)?;
            plans::put(tx, (id, package), PartState::Applied, Some("{}"), None, by)
        });
        put.unwrap();
    }

    /// Makes a counter wrong, so that there is something to correct.
    pub fn miscount(&self) {
        self.at
            .store
            .write(|tx| {
                tx.counter("failing", 5);
                Ok(())
            })
            .unwrap();
    }

    /// A `.dsc` beside the root, which nobody has signed.
    pub fn item(&self) -> Item {
        let dsc = self.at.root.join("zlib_1.0-1.dsc");
        fs::write(&dsc, "Format: 1.0\nSource: zlib\nVersion: 1.0-1\n").unwrap();
        Item { dsc, distro: "debian".into(), suite: Some("sid".into()), trust: Trust::Unsigned }
    }
}
