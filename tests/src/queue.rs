//! An installation whose queue is worked through by real runs, on SQLite or PostgreSQL.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use state::Store;
use state::open::Location;

use crate::installation::{Installation, binary};
use crate::synthetic::package;

/// An installation, and where its state is.
pub struct Queue {
    /// Root and files of the installation.
    pub installation: Installation,
    /// A connection string of PostgreSQL; SQLite without.
    pub postgres: Option<String>,
}

impl Queue {
    /// With its state in the root.
    pub fn sqlite() -> Queue {
        Queue { installation: Installation::new(), postgres: None }
    }

    /// With its state in a schema of its own.
    pub fn postgres() -> Queue {
        Queue { installation: Installation::new(), postgres: Some(throwaway_postgres::schema()) }
    }

    /// The program for this root.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("--root").arg(self.installation.root()).args(arguments);
        if let Some(url) = &self.postgres {
            command.env("PACKAGE_IMPORT_STATE", url);
        }
        command
    }

    /// Runs what has to succeed; returns what it printed.
    pub fn well(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let said = text(&output);
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// Puts everything in a folder into the queue.
    pub fn enqueue(&self, folder: &Path) {
        self.well(&["enqueue", "--allow-unsigned", folder.to_str().unwrap()]);
    }

    /// Puts one small package into the queue.
    pub fn enqueue_one(&self) {
        let folder = self.installation.files().join("one");
        write_packages(&folder, 1, "1.0-1", &[]);
        self.enqueue(&folder);
    }

    /// The state, made if there is none.
    pub fn store_or_make(&self) -> Store {
        let root = self.installation.root();
        Location::new(&root, self.postgres.as_deref(), None).open_or_make().unwrap()
    }

    /// Begins a run.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(&[&["run"], arguments].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs until there is nothing left to do but to ask again whether something that is out of reach is back: a run would
    /// wait for that for minutes, and is stopped. It takes as long as the machine needs. Returns whether it ended well, and what it printed.
    pub fn ends_or_parks(&self, mut command: Command) -> (bool, String) {
        let store = self.store_or_make();
        let number = |sql: &str| store.read(|tx| tx.first(sql, &[])).ok().flatten().map(|row| row.int(0));
        let parked = || number("SELECT COUNT(*) FROM dependency WHERE state = 'open' AND parked > 0");
        let probes = || number("SELECT CAST(COALESCE(SUM(probes), 0) AS BIGINT) FROM dependency");
        let before = (parked(), probes());
        let output = self.installation.files().join("run-until-parked");
        let file = fs::File::create(&output).unwrap();
        let mut process =
            command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let mut is_stopped = false;
        while process.try_wait().unwrap().is_none() {
            // What was parked before is parked until it was asked for again.
            let is_asked = before.0 == Some(0) || probes() != before.1;
            let is_busy = number("SELECT COUNT(*) FROM job WHERE state IN ('pending', 'running')") != Some(0);
            if !is_stopped && is_asked && !is_busy && parked() > Some(0) {
                is_stopped = true;
                let pid = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
                let _ = kill_process(pid, Signal::TERM);
            }
            thread::sleep(Duration::from_millis(50));
        }
        (process.wait().unwrap().success(), fs::read_to_string(&output).unwrap())
    }

    /// The same of one that has to end well.
    pub fn run_until_parked(&self, command: Command) -> String {
        let (is_well, said) = self.ends_or_parks(command);
        assert!(is_well, "{said}");
        said
    }

    /// The state itself.
    pub fn store(&self) -> Store {
        let root = self.installation.root();
        Location::new(&root, self.postgres.as_deref(), None).open().unwrap()
    }

    /// The number that a query gives.
    pub fn number(&self, sql: &str) -> i64 {
        self.store().read(|tx| tx.first(sql, &[])).unwrap().map_or(-1, |row| row.int(0))
    }

    /// The texts that a query gives.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.store().read(|tx| tx.query(sql, &[])).unwrap();
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// Lets a time pass in the state: everything that has a time of its own comes sooner.
    pub fn let_pass(&self, milliseconds: i64) {
        let store = self.store();
        let rows = store.read(|tx| tx.query("SELECT package_id FROM job", &[])).unwrap();
        let packages: Vec<i64> = rows.iter().map(|row| row.int(0)).collect();
        for chunk in packages.chunks(100) {
            let sooner =
                "UPDATE job SET due = due - ?2, lease_until = lease_until - ?2 WHERE package_id = ?1";
            store
                .write(|tx| {
                    let each = |id: &i64| tx.execute(sooner, state::values![*id, milliseconds]).map(drop);
                    chunk.iter().try_for_each(each)
                })
                .unwrap();
        }
    }

    /// Lets a time pass for what packages wait for.
    pub fn let_waits_pass(&self, milliseconds: i64) {
        let sooner = "UPDATE wait SET until = until - ?1, since = since - ?1";
        let seen = "UPDATE publication SET first_seen = first_seen - ?1";
        self.store()
            .write(|tx| {
                tx.execute(sooner, state::values![milliseconds])?;
                tx.execute(seen, state::values![milliseconds]).map(drop)
            })
            .unwrap();
        self.let_pass(milliseconds);
    }

    /// The refs of all packages, as the files have them.
    pub fn refs(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let repos = self.installation.root().join("repos");
        for prefix in fs::read_dir(repos).unwrap() {
            for repository in fs::read_dir(prefix.unwrap().path()).unwrap() {
                let path = repository.unwrap().path();
                let read = |name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                found.insert(name, read("packed-refs") + &read("HEAD"));
            }
        }
        found
    }
}

/// The URL for `host=DIR user=U dbname=D options='-c search_path=S'`.
pub fn postgres_url(words: &str) -> String {
    let schema = words.rsplit_once("search_path=").unwrap().1.trim_end_matches('\'');
    let host = words.split_whitespace().find_map(|word| word.strip_prefix("host=")).unwrap();
    format!("postgresql://postgres@{}/postgres?options=-c%20search_path%3D{schema}", host.replace('/', "%2F"))
}

/// Everything that a program printed.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// Writes small packages, one version each, into a folder.
pub fn write_packages(folder: &Path, count: usize, version: &str, below: &[&str]) -> Vec<PathBuf> {
    fs::create_dir_all(folder).unwrap();
    (0..count).map(|number| package(&name(number), version).below(below).write(folder)).collect()
}

/// The name of the package of a number.
pub fn name(number: usize) -> String {
    format!("pkg{number:04}")
}

/// Waits for a process until a time; whether it still runs.
pub fn runs_for(process: &mut Child, duration: Duration) -> bool {
    let end = Instant::now() + duration;
    while Instant::now() < end {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    process.try_wait().unwrap().is_none()
}

/// Waits until something is so, for a minute at most.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert!(is_so(), "waited for a minute: {what}");
}

/// The processes that a process has started.
pub fn children(parent: u32) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>()
        })
        .collect()
}

/// True when a process is stopped.
pub fn is_stopped(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

/// Sends a signal; the process may have ended by itself.
pub fn signal(process: Pid, signal: Signal) {
    let _ = kill_process(process, signal);
}
