//! Asks all checks as the monitoring user, and holds what they say against what was put in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::SystemTime;

use package_import_tests::daemons::plugins::CHECKS;
use package_import_tests::daemons::said::Said;
use package_import_tests::daemons::scene::{Counts, Scene};
use package_import_tests::daemons::users::User;
use package_import_tests::queue::postgres_url;

/// Answers of all checks at one moment.
pub type Round = BTreeMap<&'static str, Said>;

/// An installation, how many bad packages it may know of, and which checks have had something to judge.
pub struct Watch {
    pub scene: Scene,
    bad: usize,
    /// The server that has the state, if it is not a file.
    pub server: Option<String>,
    pub asked: usize,
    pub judged: BTreeMap<&'static str, usize>,
}

impl Watch {
    pub fn new(counts: Counts) -> Watch {
        Watch::configured(counts, None)
    }

    /// With its state in PostgreSQL.
    pub fn on_postgres(counts: Counts) -> Watch {
        Watch::configured(counts, Some(postgres_url(&throwaway_postgres::schema())))
    }

    fn configured(counts: Counts, server: Option<String>) -> Watch {
        let state = server.as_ref().map_or_else(String::new, |url| {
            format!("[state]\nurl = \"{url}\"\n[checks]\nstate = \"{url}\"\n")
        });
        let room = "[checks.database.disk]\nwarning = 100\ncritical = 100\n[checks.database.inodes]\nwarning = 100\ncritical = 100\n";
        let scene = Scene::new(counts);
        scene.configure(&format!("{state}{room}"));
        Watch { scene, bad: counts.bad, server, asked: 0, judged: BTreeMap::new() }
    }

    pub fn publish(&mut self, counts: Counts) {
        self.scene.publish(counts);
        self.bad += counts.bad;
    }

    /// Asks every check once, one line each.
    pub fn ask(&mut self) -> Round {
        self.asked += 1;
        CHECKS.map(|check| (check, self.ask_one(check, &[]))).into_iter().collect()
    }

    fn ask_one(&mut self, check: &'static str, arguments: &[&str]) -> Said {
        let said = self.scene.site.check(check, arguments);
        said.assert_well_formed(check);
        if said.text().contains("breaker") {
            let why = self.scene.site.check("archive", &["-v"]).text();
            panic!("nothing is out of reach here: {} {why}", said.text());
        }
        match said.code {
            // Once there is something to judge there always is.
            3 => {
                assert!(!self.judged.contains_key(check), "no data any more: {}", said.text());
                assert_no_data_yet(&said);
            }
            _ => *self.judged.entry(check).or_default() += 1,
        }
        said
    }

    /// Asks while nobody writes: nothing in the root changes, and every answer is the same. Time stands still: a slow
    /// machine takes minutes to ask so often, and after two a run that was killed is silent.
    pub fn ask_at_rest(&mut self, rounds: usize) -> Round {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let now = format!("--now={now}");
        let mut first: Option<Round> = None;
        for _ in 0..rounds {
            let mut round = Round::new();
            for check in CHECKS {
                let before = self.scene.site.listing();
                let said = self.ask_one(check, &[&now]);
                assert_eq!(
                    self.scene.site.listing(),
                    before,
                    "requirement 11: {check} has changed something"
                );
                round.insert(check, said);
            }
            self.asked += 1;
            let first = first.get_or_insert_with(|| round.clone());
            for check in CHECKS {
                assert_eq!(first[check].code, round[check].code, "{first:?} {round:?}");
                assert_eq!(first[check].figure("failing"), round[check].figure("failing"), "{check}");
            }
        }
        first.unwrap()
    }

    /// Number of packages that fail, if it is given.
    pub fn failing(&self, round: &Round) -> Option<usize> {
        round["failures"].figure("failing").map(|failing| failing as usize)
    }

    /// No more can fail than cannot be imported, and what fails goes on failing.
    pub fn assert_between(&self, round: &Round, least: usize) -> usize {
        let Some(failing) = self.failing(round) else { return least };
        let bad = self.bad;
        let why = || self.scene.site.check("archive", &["-v"]).text();
        assert!((least..=bad).contains(&failing), "{least} <= {failing} <= {bad}: {round:?}: {}", why());
        failing
    }

    /// Everything was imported that can be: the verdicts are known exactly.
    pub fn assert_settled(&self, round: &Round) {
        assert_eq!(self.failing(round), Some(self.bad), "{round:?}");
        for check in CHECKS {
            assert_eq!(round[check].code, 0, "{}", round[check].text());
        }
        let figure = |check: &str, label| round[check].figure(label);
        assert_eq!(figure("queue", "waiting"), Some(0.0), "{round:?}");
        assert_eq!(figure("queue", "running"), Some(0.0), "{round:?}");
        assert_eq!(figure("wedged", "wedged"), Some(0.0), "{round:?}");
        assert_eq!(figure("archive", "suites"), Some(1.0), "{round:?}");
        assert_eq!(figure("runs", "open"), Some(0.0), "{round:?}");
        assert_eq!(figure("workers", "silent"), Some(0.0), "{round:?}");
    }

    /// Nothing in the root belongs to the monitoring user, and the database and its files are those of the importer.
    pub fn assert_owners(&self) {
        let (importer, monitor) = (User::importer(), User::monitor());
        let files = ["state.db", "state.db-wal", "state.db-shm"];
        for name in files.into_iter().filter(|_| self.server.is_none()) {
            let meta = fs::metadata(self.scene.site.root().join(name)).unwrap();
            assert_eq!(
                (meta.uid(), meta.gid(), meta.mode() & 0o7777),
                (importer.uid, monitor.gid, 0o640),
                "{name}"
            );
        }
        no_file_of(monitor.uid, &self.scene.site.root());
    }

    /// Starts a run, and keeps what it complains about.
    pub fn start(&self, name: &str) -> (Child, PathBuf) {
        let errors = self.scene.site.path(name);
        let mut command = self.scene.site.importer(&["run", "--poll", "--jobs", "2"]);
        let file = fs::File::create(&errors).unwrap();
        (command.stdout(Stdio::null()).stderr(file).spawn().unwrap(), errors)
    }

    /// Asks until the run has ended, and as often as wanted at least.
    pub fn ask_while_it_runs(&mut self, (mut run, errors): (Child, PathBuf), rounds: usize) {
        let (mut least, mut asked) = (0, 0);
        while run.try_wait().unwrap().is_none() || asked < rounds {
            let round = self.ask();
            least = self.assert_between(&round, least);
            no_file_of(User::monitor().uid, &self.scene.site.root());
            asked += 1;
        }
        let complaints = fs::read_to_string(errors).unwrap();
        assert!(run.wait().unwrap().success() && complaints.is_empty(), "the importer failed: {complaints}");
        self.assert_owners();
    }
}

/// Asserts an answer that is allowed before the importer has data.
fn assert_no_data_yet(said: &Said) {
    let text = said.text();
    let known = [
        "there is no ",
        "has no check_v1_",
        "relation check_v1_",
        "no run yet",
        "no archive was polled yet",
        "nothing was measured yet",
        "there are no data yet",
        // Made a moment ago, and not yet given its rights.
        "permission denied",
    ];
    assert!(known.iter().any(|known| text.contains(known)), "{text}");
}

fn no_file_of(uid: u32, path: &Path) {
    // Files of the importer come and go while it runs.
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    assert_ne!(meta.uid(), uid, "requirement 11: {} belongs to the monitoring user", path.display());
    if meta.is_dir() {
        let Ok(entries) = fs::read_dir(path) else { return };
        entries.flatten().for_each(|entry| no_file_of(uid, &entry.path()));
    }
}
