//! The life of an installation in simulated time: packages are uploaded and really imported, some really fail, and the
//! importer judges its figures as it does in a year of real time.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use baseline::State;
use importer::config::Config;
use importer::queue::dispatch::{self, Dispatcher, Summary, Until};
use importer::queue::session::{Session, Start};
use state::store::FixedClock;
use state::{Store, samples};

use crate::daemons::plugins;
use crate::installation::binary;
use crate::queue::{Queue, postgres_url};
use crate::synthetic::package;

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY: i64 = 24 * HOUR;

/// Kind of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upload {
    /// It can be imported.
    Good,
    /// A tarball is not the one that its `.dsc` lists.
    Damaged,
    /// A tarball is not there.
    Incomplete,
    /// Its format is one that nobody supports.
    Strange,
}

/// Answer of a check: its state, and the text between its name and its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// State of the answer.
    pub state: State,
    /// Text of the answer.
    pub text: String,
}

/// An installation that lives faster than its tests.
pub struct Story {
    /// The installation.
    pub queue: Queue,
    clock: FixedClock,
    uploads: Mutex<usize>,
}

impl Story {
    /// An empty installation; it is 00:00 UTC on a Monday that is still to come.
    pub fn new(queue: Queue) -> Story {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let weeks = (i64::try_from(now.as_secs()).unwrap() / 86_400 + 3) / 7 + 1;
        let clock = Arc::new(AtomicI64::new((weeks * 7 - 3) * DAY));
        let story = Story { queue, clock, uploads: Mutex::new(0) };
        drop(story.queue.store_or_make());
        story
    }

    /// The state, by the clock of the story.
    pub fn store(&self) -> Store {
        self.queue.store().with_clock(Arc::clone(&self.clock))
    }

    /// Present time, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Lets time pass in which nothing runs.
    pub fn sleep(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Lets hours pass in which a run is open: a sample in each.
    pub fn hours(&self, hours: i64) {
        let store = self.store();
        for _ in 0..hours {
            samples::take(&store).unwrap();
            self.sleep(HOUR);
        }
    }

    /// Uploads new packages. Returns their folders, each of a package.
    pub fn upload(&self, count: usize, how: Upload) -> Vec<PathBuf> {
        let mut uploads = self.uploads.lock().unwrap();
        let folders: Vec<PathBuf> = (0..count)
            .map(|number| self.queue.installation.files().join(format!("up{:05}", *uploads + number)))
            .collect();
        *uploads += count;
        drop(uploads);
        folders.iter().for_each(|folder| write(folder, how));
        self.enqueue(&folders);
        folders
    }

    /// Uploads other files in the place of some that were there.
    pub fn replace(&self, folders: &[PathBuf], how: Upload) {
        folders.iter().for_each(|folder| write(folder, how));
        self.enqueue(folders);
    }

    fn enqueue(&self, folders: &[PathBuf]) {
        if folders.is_empty() {
            return;
        }
        let paths = folders.iter().map(|folder| folder.to_str().unwrap());
        let arguments: Vec<&str> = ["enqueue", "--allow-unsigned"].into_iter().chain(paths).collect();
        self.queue.well(&arguments);
    }

    /// A run over the queue, as cron starts it.
    pub fn run(&self) -> Summary {
        self.run_some(usize::MAX)
    }

    /// A run that begins nothing new after so many jobs.
    pub fn run_some(&self, jobs: usize) -> Summary {
        let root = self.queue.installation.root();
        let config = Config::load(None, &root).unwrap();
        let start = Start {
            store: self.store(),
            root,
            config,
            program: binary().to_owned(),
            host: &importer::root::host_name(),
            mode: "until-empty",
            jobs: 4,
        };
        let session = Session::begin(start, true).unwrap();
        let stop = Arc::new(AtomicUsize::new(0));
        let ended = AtomicUsize::new(0);
        let say = |said: dispatch::Said<'_>| {
            if matches!(said, dispatch::Said::Ended(_)) && ended.fetch_add(1, Ordering::SeqCst) + 1 >= jobs {
                stop.store(1, Ordering::SeqCst);
            }
        };
        let dispatcher = Dispatcher {
            session: Arc::clone(&session),
            until: Until::Empty,
            deadline: None,
            stop: Arc::clone(&stop),
            jobs: Some(4),
            say: &say,
        };
        let summary = thread::scope(|scope| {
            let run = scope.spawn(|| dispatcher.run());
            let store = self.store();
            while !run.is_finished() {
                thread::sleep(Duration::from_millis(5));
                self.wait_for_what_is_parked(&store);
            }
            run.join().unwrap()
        });
        samples::take(&session.store).unwrap();
        session.close(&summary.why, None).unwrap();
        summary
    }

    /// While everything waits for a dependency, time passes, half a lease at once: the run asks for it now and then, and gives up.
    fn wait_for_what_is_parked(&self, store: &Store) {
        let sum = |tx: &mut state::tx::Tx<'_>, names: &[&str]| {
            names.iter().map(|name| samples::counter(tx, name)).sum::<Result<i64, _>>()
        };
        let busy = ["queue_operator", "queue_upload", "queue_retry", "running"];
        let (busy, parked) = store.read(|tx| Ok((sum(tx, &busy)?, sum(tx, &["parked"])?))).unwrap();
        if parked > 0 && busy == 0 {
            self.sleep(30_000);
        }
    }

    /// Present answer of the check.
    pub fn check(&self) -> Said {
        let program = plugins::path("failures");
        let mut command = Command::new(program);
        command
            .arg(format!("--now={}", self.now()))
            .env("PACKAGE_IMPORT_ROOT", self.queue.installation.root());
        if let Some(words) = &self.queue.postgres {
            command.arg("--state").arg(postgres_url(words));
        }
        let output = command.output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        let (_, rest) = line.split_once(" - ").unwrap();
        let text = rest.split_once(" | ").map_or(rest, |(text, _)| text).trim_end().to_owned();
        let state = match output.status.code() {
            Some(0) => State::Ok,
            Some(1) => State::Warning,
            Some(2) => State::Critical,
            _ => State::Unknown,
        };
        Said { state, text }
    }

    /// The number of packages that fail.
    pub fn failing(&self) -> i64 {
        self.queue.number("SELECT failing FROM check_v1_live")
    }
}

fn write(folder: &PathBuf, how: Upload) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::create_dir_all(folder).unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let dsc = package(name, "1.0-1").write(folder);
    let tarball = folder.join(format!("{name}_1.0.orig.tar.gz"));
    match how {
        Upload::Good => {}
        Upload::Damaged => {
            let mut bytes = fs::read(&tarball).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&tarball, bytes).unwrap();
        }
        Upload::Incomplete => fs::remove_file(&tarball).unwrap(),
        Upload::Strange => {
            let text = fs::read_to_string(&dsc).unwrap();
            fs::write(&dsc, text.replace("3.0 (quilt)", "3.0 (git)")).unwrap();
        }
    }
}

/// An ordinary life: every day some uploads, a few of which fail and are mended a day later.
pub struct Life {
    /// The installation.
    pub story: Story,
    /// Uploads of a day.
    pub uploads: usize,
    /// Number of packages that fail.
    pub bad: usize,
    mended_next: Mutex<Vec<PathBuf>>,
}

impl Life {
    /// An installation in which so many packages fail for good, with uploads every day. The first queue is drained.
    pub fn begin(failing: usize, uploads: usize, bad: usize) -> Life {
        Life::begin_on(Queue::sqlite(), failing, uploads, bad)
    }

    /// The same on any database.
    pub fn begin_on(queue: Queue, failing: usize, uploads: usize, bad: usize) -> Life {
        let story = Story::new(queue);
        story.upload(failing, Upload::Damaged);
        story.upload(uploads, Upload::Good);
        story.run();
        Life { story, uploads, bad, mended_next: Mutex::default() }
    }

    /// Days as every other; each begins with what was mended of the day before.
    pub fn days(&self, days: usize) {
        for _ in 0..days {
            self.day(self.uploads, self.bad);
        }
    }

    /// A day with so many uploads, so many of which fail. Everything happens at 08:00, and a run is open all day.
    pub fn day(&self, uploads: usize, bad: usize) {
        let mended = std::mem::take(&mut *self.mended_next.lock().unwrap());
        self.story.hours(8);
        self.story.replace(&mended, Upload::Good);
        self.story.upload(uploads - bad, Upload::Good);
        *self.mended_next.lock().unwrap() = self.story.upload(bad, Upload::Damaged);
        self.story.run();
        self.story.hours(16);
    }
}
