//! Requirements 10, 11 and 12 of the checks, and the promise that a check never harms what it checks: as the monitoring user,
//! on an installation that belongs to somebody else, in every moment of an importer's life.
//!
//! What is put in is the truth that verdicts are compared with: so many packages that can be imported, and so many that
//! cannot. `STORM=long` asks every check 1,000 times, else about 60.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Stdio};

use package_import_tests::daemons::plugins::CHECKS;
use package_import_tests::daemons::said::Said;
use package_import_tests::daemons::scene::{Counts, Scene};
use package_import_tests::daemons::users::User;
use package_import_tests::queue::{postgres_url, wait_until};

/// How often every check is asked in a phase.
fn rounds() -> usize {
    if std::env::var_os("STORM").is_some_and(|value| value == "long") { 170 } else { 10 }
}

/// What every check of one moment said.
type Round = BTreeMap<&'static str, Said>;

/// An installation, how many bad packages it may know of, and which checks have had something to judge.
struct Watch {
    scene: Scene,
    bad: usize,
    on_postgres: bool,
    asked: usize,
    judged: BTreeMap<&'static str, usize>,
}

impl Watch {
    fn new(counts: Counts) -> Watch {
        Watch::configured(counts, "")
    }

    /// With its state in PostgreSQL.
    fn on_postgres(counts: Counts) -> Watch {
        let url = postgres_url(&throwaway_postgres::schema());
        Watch::configured(counts, &format!("[state]\nurl = \"{url}\"\n[checks]\nstate = \"{url}\"\n"))
    }

    fn configured(counts: Counts, state: &str) -> Watch {
        let room = "[checks.database.disk]\nwarning = 100\ncritical = 100\n[checks.database.inodes]\nwarning = 100\ncritical = 100\n";
        let scene = Scene::new(counts);
        scene.configure(&format!("{state}{room}"));
        Watch { scene, bad: counts.bad, on_postgres: !state.is_empty(), asked: 0, judged: BTreeMap::new() }
    }

    fn publish(&mut self, counts: Counts) {
        self.scene.publish(counts);
        self.bad += counts.bad;
    }

    /// Asks every check once, one line each.
    fn ask(&mut self) -> Round {
        self.asked += 1;
        CHECKS.map(|check| (check, self.ask_one(check))).into_iter().collect()
    }

    fn ask_one(&mut self, check: &'static str) -> Said {
        let said = self.scene.site.check(check, &[]);
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

    /// Asks while nobody writes: nothing in the root changes, and every answer is the same.
    fn ask_at_rest(&mut self, rounds: usize) -> Round {
        let mut first: Option<Round> = None;
        for _ in 0..rounds {
            let mut round = Round::new();
            for check in CHECKS {
                let before = self.scene.site.listing();
                let said = self.ask_one(check);
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

    /// The number of packages that fail, if it is said.
    fn failing(&self, round: &Round) -> Option<usize> {
        round["failures"].figure("failing").map(|failing| failing as usize)
    }

    /// No more can fail than cannot be imported, and what fails goes on failing.
    fn assert_between(&self, round: &Round, least: usize) -> usize {
        let Some(failing) = self.failing(round) else { return least };
        let bad = self.bad;
        let why = || self.scene.site.check("archive", &["-v"]).text();
        assert!((least..=bad).contains(&failing), "{least} <= {failing} <= {bad}: {round:?}: {}", why());
        failing
    }

    /// Everything was imported that can be: the verdicts are known exactly.
    fn assert_settled(&self, round: &Round) {
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
    fn assert_owners(&self) {
        let (importer, monitor) = (User::importer(), User::monitor());
        let files = ["state.db", "state.db-wal", "state.db-shm"];
        for name in files.into_iter().filter(|_| !self.on_postgres) {
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
    fn start(&self, name: &str) -> (Child, std::path::PathBuf) {
        let errors = self.scene.site.path(name);
        let mut command = self.scene.site.importer(&["run", "--poll", "--jobs", "2"]);
        let file = fs::File::create(&errors).unwrap();
        (command.stdout(Stdio::null()).stderr(file).spawn().unwrap(), errors)
    }

    /// Asks until the run has ended, and as often as wanted at least.
    fn ask_while_it_runs(&mut self, (mut run, errors): (Child, std::path::PathBuf), rounds: usize) {
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

/// What a check may say before the importer has done anything worth a verdict.
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

/// From nothing to a run that is killed, and the one after it.
fn live(watch: &mut Watch, rounds: usize) {
    // Before the first start there is nothing.
    let round = watch.ask_at_rest(2);
    assert!(
        round.values().all(|said| said.code == 3 && said.text().contains("has the importer run")),
        "{round:?}"
    );

    // The first start: the database comes into being under the eyes of the checks.
    let run = watch.start("first-start");
    watch.ask_while_it_runs(run, rounds);
    assert_eq!(
        watch.judged.len(),
        CHECKS.len(),
        "every check has something to judge now: {:?}",
        watch.judged
    );

    // Idle.
    let round = watch.ask_at_rest(rounds);
    watch.assert_settled(&round);
    watch.assert_owners();

    // More to do, with the database there.
    watch.publish(Counts { good: 24, bad: 3 });
    let run = watch.start("second-run");
    watch.ask_while_it_runs(run, rounds);
    let round = watch.ask();
    watch.assert_settled(&round);

    // Killed in the middle of its work.
    watch.publish(Counts { good: 30, bad: 2 });
    let least = watch.failing(&round).unwrap();
    kill_in_the_middle(watch);
    let round = watch.ask_at_rest(rounds);
    watch.assert_between(&round, least);
    watch.assert_owners();
    let run = watch.start("after-the-kill");
    watch.ask_while_it_runs(run, rounds);
    let round = watch.ask();
    watch.assert_settled(&round);
}

#[test]
fn an_importer_with_postgresql() {
    let mut watch = Watch::on_postgres(Counts { good: 24, bad: 6 });
    live(&mut watch, rounds());
    println!("every check was asked {} times", watch.asked);
}

#[test]
fn req10_req11_an_importer_that_starts_runs_idles_is_killed_and_is_upgraded() {
    let rounds = rounds();
    let mut watch = Watch::new(Counts { good: 24, bad: 6 });

    live(&mut watch, rounds);

    // Upgraded half-way, killed there, and upgraded.
    upgrade_that_is_killed(&watch);
    let round = watch.ask_at_rest(rounds);
    watch.assert_settled(&round);
    upgrade(&mut watch, rounds);
    let round = watch.ask_at_rest(2);
    watch.assert_settled(&round);
    watch.publish(Counts { good: 6, bad: 1 });
    let run = watch.start("after-the-upgrade");
    watch.ask_while_it_runs(run, 2);
    let round = watch.ask_at_rest(2);
    watch.assert_settled(&round);
    println!("every check was asked {} times", watch.asked);
}

/// Kills the run and whatever it has started once some of its work is done, and asks meanwhile.
fn kill_in_the_middle(watch: &mut Watch) {
    let done = |watch: &Watch| {
        let said = watch.scene.site.check("runs", &["-v"]);
        said.text().contains("open")
            && watch.scene.site.check("queue", &[]).figure("waiting").unwrap_or(0.0) > 0.0
    };
    let (mut run, _) = watch.start("killed");
    wait_until("the run is in the middle of its work", || {
        watch.ask();
        assert!(run.try_wait().unwrap().is_none(), "it ended before it could be killed");
        done(watch)
    });
    let children = package_import_tests::queue::children(run.id());
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until("its children have gone too", || {
        children.iter().all(|child| rustix::process::test_kill_process(*child).is_err())
    });
}

/// What a later release might do to the schema: a table, columns and an index more, every view made anew over them.
fn later_schema() -> Vec<String> {
    let views = include_str!("../../crates/state/src/schema/views.sql");
    let mut steps: Vec<String> = [
        "CREATE TABLE later (id INTEGER PRIMARY KEY, note TEXT)",
        "ALTER TABLE package ADD COLUMN later BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE failure ADD COLUMN later TEXT",
        "CREATE INDEX package_later ON package (later)",
        "INSERT INTO later (note) SELECT name FROM package",
    ]
    .map(str::to_owned)
    .to_vec();
    let without_remarks: Vec<&str> =
        views.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    steps.extend(
        without_remarks
            .join("\n")
            .split(';')
            .map(str::trim)
            .filter(|step| !step.is_empty())
            .map(str::to_owned),
    );
    // Older programs may go on writing, as in a rolling upgrade.
    steps.push(
        "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'schema'".into(),
    );
    steps
}

/// A process of the importer's user that works on the database, and keeps its log as every writer has to.
fn shell(watch: &Watch, script: &str) -> Child {
    let mut shell = User::importer().command("sqlite3");
    shell.arg("-bail").arg(watch.scene.site.root().join("state.db"));
    let mut shell =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = shell.stdin.take().unwrap();
    let script = format!(".filectrl persist_wal 1\n.timeout 10000\n{script}");
    std::thread::spawn(move || {
        input.write_all(script.as_bytes()).unwrap();
        // Its end of the pipe stays open until it has ended or is killed.
        std::mem::forget(input);
    });
    shell
}

/// Waits until a word comes.
fn read_until(shell: &mut Child, word: &str) {
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(word)), "sqlite3 ended before {word}");
}

/// An upgrade whose process is killed before it could commit.
fn upgrade_that_is_killed(watch: &Watch) {
    // A cache as small as this spills what is not committed into the log.
    let steps = later_schema().join(";\n");
    let script = format!("PRAGMA cache_size = 1;\nBEGIN IMMEDIATE;\n{steps};\nSELECT 'half-way';\n");
    let mut shell = shell(watch, &script);
    read_until(&mut shell, "half-way");
    shell.kill().unwrap();
    shell.wait().unwrap();
}

/// The upgrade itself, and what the views are made from made anew again and again, with the checks asking beside it.
fn upgrade(watch: &mut Watch, rounds: usize) {
    let steps = later_schema();
    let all = format!("BEGIN IMMEDIATE;\n{};\nCOMMIT;\n", steps.join(";\n"));
    let views: Vec<&str> = steps.iter().map(String::as_str).filter(|step| step.contains("VIEW")).collect();
    let views = format!("BEGIN IMMEDIATE;\n{};\nCOMMIT;\n", views.join(";\n")).repeat(10 * rounds);
    let mut shell = shell(watch, &format!("{all}{views}SELECT 'upgraded';\n.quit\n"));
    let mut asked = 0;
    while shell.try_wait().unwrap().is_none() || asked < rounds {
        let round = watch.ask();
        watch.assert_settled(&round);
        asked += 1;
    }
    let output = shell.wait_with_output().unwrap();
    assert!(output.stdout.ends_with(b"upgraded\n") && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn req12_no_check_keeps_anything_anywhere() {
    let watch = Watch::new(Counts { good: 2, bad: 1 });
    watch.scene.run();
    let home = watch.scene.site.path("home");
    fs::create_dir(&home).unwrap();
    let monitor = User::monitor();
    std::os::unix::fs::chown(&home, Some(monitor.uid), Some(monitor.gid)).unwrap();
    for check in CHECKS {
        let before = watch.scene.site.listing();
        let mut command = watch.scene.site.command(check, &[]);
        for name in [
            "HOME",
            "XDG_STATE_HOME",
            "XDG_CACHE_HOME",
            "XDG_RUNTIME_DIR",
            "XDG_CONFIG_HOME",
            "TMPDIR",
            "STATE_DIRECTORY",
        ] {
            command.env(name, &home);
        }
        let said: Said = command.current_dir(&home).output().unwrap().into();
        said.assert_well_formed(check);
        assert_eq!(said.code, 0, "{}", said.text());
        assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "{check} has written something");
        assert_eq!(watch.scene.site.listing(), before, "{check}");
    }
}
