//! An installation that is watched through NRPE. Time passes by everything on record becoming older; imports, runs, signals and
//! damage are real.

use std::fs;
use std::os::unix::fs::chown;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use package_import_tests::daemons::aged::age;
use package_import_tests::daemons::nrpe::{Nrpe, Transport};
use package_import_tests::daemons::said::Said;
use package_import_tests::daemons::scene::{Counts, Scene};
use package_import_tests::daemons::users::User;
use package_import_tests::queue::{children, signal};
use rustix::process::Signal;

use super::notebook::Notebook;

/// An installation, and the monitoring system's way to it.
pub struct Watched {
    pub scene: Scene,
    pub nrpe: Nrpe,
    book: Notebook,
}

pub const OK: i32 = 0;
pub const WARNING: i32 = 1;
pub const CRITICAL: i32 = 2;
pub const UNKNOWN: i32 = 3;

impl Watched {
    /// One that has polled and imported, and has a backup.
    pub fn new(good: usize, bad: usize, config: &str) -> Watched {
        let scene = Scene::new(Counts { good, bad });
        let nrpe = Nrpe::start(&scene.site, Transport::Plain);
        let watched = Watched { scene, nrpe, book: Notebook::default() };
        watched.configure(config);
        watched.scene.run();
        let backups = watched.scene.site.path("backups");
        fs::create_dir(&backups).unwrap();
        chown(&backups, Some(User::importer().uid), None).unwrap();
        watched
    }

    pub fn configure(&self, more: &str) {
        // The state of this machine's disk must not matter.
        let room = "[checks.database.disk]\nwarning = 100\ncritical = 100\n[checks.database.inodes]\nwarning = 100\ncritical = 100\n";
        self.scene.configure(&format!("{room}{more}"));
    }

    pub fn well(&self, arguments: &[&str]) -> String {
        self.scene.site.well(arguments)
    }

    /// The result at the monitoring system; the check is repeated until it matches, for up to a minute.
    #[track_caller]
    pub fn says(&self, check: &str, code: i32, pieces: &[&str]) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let said: Said = self.nrpe.ask(&format!("check_import_{check}"), 4);
            let text = said.text();
            if said.code == code && pieces.iter().all(|piece| text.contains(piece)) {
                let line = text.split(" | ").next().unwrap();
                let told = line.rsplit_once(", package-import ").map_or(line, |(told, _)| told);
                assert!(told.len() <= 160 || code == UNKNOWN, "{line}");
                let is_alert = matches!(code, WARNING | CRITICAL);
                let helps = line.contains("package-import ") || line.contains("see check_import_");
                assert!(helps || !is_alert, "no next command: {line}");
                self.book.note(check, code, &text, &self.names());
                return;
            }
            let is_late = Instant::now() >= end;
            assert!(
                !is_late,
                "{check}: {code} with {pieces:?} is not what is said: {said:?}\n{}",
                self.told()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// All alerts that [`Watched::says`] has met, and the lines that ended them.
    pub fn told(&self) -> String {
        self.book.lines()
    }

    fn names(&self) -> [(String, &'static str); 3] {
        let site = self.scene.site.path("").display().to_string();
        let host = importer::root::host_name();
        [
            (self.scene.server.host(), "ARCHIVE"),
            (site.trim_end_matches('/').to_owned(), "SITE"),
            (host, "HOST"),
        ]
    }

    /// Other versions of packages, in place of those before: that many are removed is accepted.
    pub fn upload(&mut self, numbers: std::ops::Range<usize>, version: &str, is_good: bool) {
        self.scene.upload(numbers, version, is_good);
        self.well(&["poll", "test", "--accept-removals"]);
        self.scene.run();
    }

    pub fn age(&self, hours: i64) {
        age(&self.scene.site.root(), hours);
    }

    pub fn backup(&self) {
        let folder = self.scene.site.path("backups").display().to_string();
        self.well(&["backup", &folder]);
    }

    /// A service.
    pub fn service(&self, stop_at: Option<&str>) -> Ended {
        let stop = stop_at.map(|point| ("PACKAGE_IMPORT_STOP_AT", point));
        self.service_with(stop.as_slice())
    }

    /// A service with variables of its own.
    pub fn service_with(&self, variables: &[(&str, &str)]) -> Ended {
        let mut command = self.scene.site.importer(&["run", "--service", "--jobs", "1"]);
        command.envs(variables.iter().copied());
        Ended(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub fn host(&self) -> String {
        let workers = self.well(&["workers"]);
        workers.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned()
    }
}

/// A process that is killed with its children when the test ends.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let below = children(self.0.id());
        let _ = self.0.kill();
        below.into_iter().for_each(|child| signal(child, Signal::KILL));
        let _ = self.0.wait();
    }
}

/// Nine days with runs, so that it is known what is normal.
pub fn learn(watched: &Watched) {
    for _ in 0..9 * 4 {
        watched.age(6);
        watched.well(&["run"]);
    }
}

pub fn learned(good: usize, bad: usize) -> Watched {
    let watched = Watched::new(good, bad, "");
    learn(&watched);
    watched.says("failures", OK, &[&format!("{bad} failing, normally {bad}")]);
    watched
}
