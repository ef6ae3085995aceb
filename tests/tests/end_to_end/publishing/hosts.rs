//! Hosts that share one PostgreSQL and one Git server, and nothing else: their repositories are a cache.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use package_import_tests::installation::{Installation, binary};
use package_import_tests::queue::{Queue, is_stopped, name, signal, text, wait_until, write_packages};
use package_import_tests::rounds::{Rounds, is_long, number};
use rustix::process::{Pid, Signal};
use throwaway_git_servers::{Recorder, Ssh, git, template};

/// All refs of each package.
type All = BTreeMap<String, Vec<(String, String)>>;

/// A pseudo-random number from a seed.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap()
}

/// Hosts with a root each.
pub struct Hosts {
    /// The state, and a folder for the files of packages. Its root is not that of any host.
    pub queue: Queue,
    ssh: Option<Ssh>,
    folder: tempfile::TempDir,
    packages: usize,
}

impl Hosts {
    pub fn new(count: usize, packages: usize, by_ssh: bool, more: &str) -> Hosts {
        let hosts = Hosts {
            queue: Queue::postgres(),
            ssh: by_ssh.then(Ssh::start),
            folder: tempfile::tempdir().unwrap(),
            packages,
        };
        fs::create_dir(hosts.folder.path().join("git")).unwrap();
        for host in 0..count {
            fs::create_dir(hosts.root(host)).unwrap();
            hosts.configure(host, &format!("[repos]\nmode = 'cache'\n{more}"));
        }
        hosts.enqueue(1);
        for host in 1..count {
            let key = "package-import-key";
            fs::copy(hosts.root(0).join(key), hosts.root(host).join(key)).unwrap();
        }
        hosts
    }

    fn configure(&self, host: usize, more: &str) {
        let remote = match &self.ssh {
            None => format!("url = '{}/git/{{package}}.git'\n", self.folder.path().display()),
            Some(ssh) => format!(
                "url = '{}{}/{{package}}.git'\nkey = '{}'\nknown_hosts = '{}'\n\
                 create = 'git init -q --bare --template={} --initial-branch={{branch}} {{path}}'\n",
                ssh.url(),
                ssh.folder().display(),
                ssh.key().display(),
                ssh.known_hosts().display(),
                template(ssh.folder()).display()
            ),
        };
        let text = format!(
            "[import]\ndefault_branch = 'debian/sid'\nrepack = false\n{more}[[remotes]]\nname = 'git'\n{remote}"
        );
        fs::write(self.root(host).join("config.toml"), text).unwrap();
    }

    fn root(&self, host: usize) -> PathBuf {
        self.folder.path().join(format!("host{host}"))
    }

    pub fn repos(&self, host: usize) -> PathBuf {
        self.root(host).join("repos")
    }

    pub fn command(&self, host: usize, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("--root").arg(self.root(host)).args(arguments);
        command.env("PACKAGE_IMPORT_STATE", self.queue.postgres.as_ref().unwrap());
        command.env("PACKAGE_IMPORT_HOST", format!("host{host}"));
        command
    }

    pub fn well(&self, host: usize, arguments: &[&str]) -> String {
        let output = self.command(host, arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    fn start(&self, host: usize, more: (&str, &str)) -> Child {
        let mut command = self.command(host, &["run", "--jobs", "2"]);
        command.env(more.0, more.1).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs hosts at the same time until the queue is empty.
    pub fn run(&self, hosts: &[usize]) {
        let runs: Vec<Child> = hosts
            .iter()
            .map(|host| {
                let jobs = if is_long() { "8" } else { "2" };
                let mut command = self.command(*host, &["run", "--jobs", jobs]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for run in runs {
            let output = run.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", text(&output));
        }
    }

    /// Queues revision `number` of all packages.
    pub fn enqueue(&self, number: usize) {
        let folder = versions(&self.queue.installation, self.packages, number);
        self.well(0, &["enqueue", "--allow-unsigned", &folder]);
    }

    pub fn path(&self, package: &str) -> PathBuf {
        let base = self.ssh.as_ref().map_or(self.folder.path().join("git"), |ssh| ssh.folder().to_owned());
        base.join(format!("{package}.git"))
    }

    pub fn server(&self, package: &str) -> Recorder {
        Recorder { path: self.path(package) }
    }

    fn there(&self) -> All {
        (0..self.packages).map(|number| (name(number), self.server(&name(number)).refs())).collect()
    }

    /// Expires the leases of dead hosts, and the reservations for their caches.
    fn let_pass(&self) {
        self.queue.let_pass(120_000);
        let sql = "UPDATE job SET entered = entered - 60000 WHERE state = 'pending'";
        self.queue.store().write(|tx| tx.execute(sql, &[])).unwrap();
    }

    /// Expires the leases of all hosts but one, and the reservations for their caches: that one works, and would lose its own.
    fn let_pass_for_others(&self, host: usize) {
        let others =
            "UPDATE job SET lease_until = 1 WHERE state = 'running' AND run_id NOT IN (SELECT r.id FROM run r
            JOIN host h ON h.id = r.host_id WHERE h.name = ?1)";
        let reserved = "UPDATE job SET entered = entered - 60000 WHERE state = 'pending'";
        self.queue
            .store()
            .write(|tx| {
                tx.execute(others, state::values![format!("host{host}")])?;
                tx.execute(reserved, &[]).map(drop)
            })
            .unwrap();
    }

    /// Lets another host do the work of a dead one: it runs repeatedly, until the queue is empty.
    pub fn run_instead(&self, host: usize) {
        for _ in 0..20 {
            self.let_pass();
            let mut run = self.start(host, ("NOTHING", ""));
            let mut looks = 0;
            wait_until("it has done what there is", || {
                looks += 1;
                if looks % 20 == 0 {
                    self.let_pass_for_others(host);
                }
                run.try_wait().unwrap().is_some()
            });
            assert!(run.wait().unwrap().success());
            if self.queue.number("SELECT COUNT(*) FROM job") == 0 {
                return;
            }
        }
    }

    /// Asserts that everything was imported once, with the result of a single host.
    fn assert_done(&self, revisions: usize, expected: &All) {
        let count = |sql: &str| usize::try_from(self.queue.number(sql)).unwrap();
        assert_eq!(count("SELECT COUNT(*) FROM version"), self.packages * revisions);
        assert_eq!(count("SELECT COUNT(*) FROM job"), 0);
        assert_eq!(count("SELECT COUNT(*) FROM failure"), 0);
        assert_eq!(self.there(), *expected);
        assert_eq!(count("SELECT COUNT(*) FROM publish WHERE state = 'done'"), self.packages);
        assert_eq!(count("SELECT COUNT(*) FROM publication WHERE reached IS NULL"), 0);
        for number in 0..self.packages {
            let server = self.server(&name(number));
            server.git(&["fsck", "--strict"]);
            let pushes = server.pushes();
            assert!(self.ssh.is_none() || !pushes.is_empty(), "the server records what is pushed");
            assert!(pushes.iter().all(|it| !it.starts_with("FORCED")));
        }
    }

    /// Removes the cache of a host.
    pub fn drop_cache(&self, host: usize) {
        let _ = fs::remove_dir_all(self.repos(host));
    }

    fn cached(&self, host: usize) -> usize {
        let prefixes = fs::read_dir(self.repos(host)).into_iter().flatten().flatten();
        prefixes.map(|prefix| fs::read_dir(prefix.path()).into_iter().flatten().count()).sum()
    }
}

fn versions(installation: &Installation, packages: usize, number: usize) -> String {
    let below: Vec<String> = (1..number).rev().map(|number| format!("1.0-{number}")).collect();
    let below: Vec<&str> = below.iter().map(String::as_str).collect();
    let folder = installation.files().join(format!("revision{number}"));
    write_packages(&folder, packages, &format!("1.0-{number}"), &below);
    folder.to_str().unwrap().to_owned()
}

/// The refs after a single host has imported these revisions.
fn alone(packages: usize, revisions: usize) -> All {
    let queue = Queue::sqlite();
    queue.installation.configure("[import]\ndefault_branch = 'debian/sid'\nrepack = false\n");
    for number in 1..=revisions {
        let folder = versions(&queue.installation, packages, number);
        queue.well(&["enqueue", "--allow-unsigned", &folder]);
        queue.well(&["run"]);
    }
    let refs = |package: &str| Recorder { path: queue.installation.repository(package) }.refs();
    (0..packages).map(|number| (name(number), refs(&name(number)))).collect()
}

/// The long form prints what docs/scaling.md says: `PACKAGES=N` takes another number than 2,000.
#[test]
fn hosts_with_nothing_in_common_import_as_one_does() {
    let (counts, packages) = match is_long() {
        true => (&[1, 2, 5, 20][..], number("PACKAGES").unwrap_or(2000)),
        false => (&[3][..], 12),
    };
    let expected = [alone(packages, 1), alone(packages, 2)];
    for count in counts {
        let [fresh, again] =
            together(*count, packages, &expected).map(|took| packages as f64 / took.as_secs_f64());
        println!(
            "{count} hosts: {packages} fresh packages, {fresh:.1} a second; then a version each, {again:.1}"
        );
    }
}

/// Hosts import two versions of each package. Returns how long each took.
fn together(count: usize, packages: usize, expected: &[All; 2]) -> [Duration; 2] {
    let hosts = Hosts::new(count, packages, true, "");
    let all: Vec<usize> = (0..count).collect();
    let started = Instant::now();
    hosts.run(&all);
    let fresh = started.elapsed();
    hosts.assert_done(1, &expected[0]);
    // One of the hosts has lost its whole cache.
    hosts.drop_cache(count - 1);
    hosts.enqueue(2);
    let started = Instant::now();
    hosts.run(&all);
    let again = started.elapsed();
    hosts.assert_done(2, &expected[1]);
    let twice = "SELECT COUNT(*) FROM attempt WHERE outcome = 'imported'";
    assert_eq!(hosts.queue.number(twice), i64::try_from(2 * packages).unwrap(), "no import was done twice");
    let head = git(&["--git-dir", &hosts.path(&name(0)).to_string_lossy(), "symbolic-ref", "HEAD"]);
    assert_eq!(head, "refs/heads/debian/sid");
    let where_before =
        "SELECT COUNT(*) FROM (SELECT a.package_id FROM attempt a JOIN run r ON r.id = a.run_id
        WHERE a.outcome = 'imported' GROUP BY a.package_id HAVING COUNT(DISTINCT r.host_id) = 1) AS t";
    assert!(hosts.queue.number(where_before) > 0, "hosts prefer what they have");
    [fresh, again]
}

#[test]
fn a_host_that_stands_still_moves_nothing_when_it_goes_on() {
    const POINTS: [&str; 4] = ["cache::taking-over", "cache::begun", "cache::published", "run::child-ended"];
    let rounds = Rounds::new(POINTS.len(), 1000);
    let expected = alone(1, 2);
    let mut trial = 0;
    while rounds.goes_on(trial) {
        frozen(trial, POINTS[trial % POINTS.len()], &expected);
        trial += 1;
    }
    println!("a frozen host: {trial} trials, no ref moved");
}

fn frozen(trial: usize, point: &str, expected: &All) {
    let round = trial / 4;
    let hosts = Hosts::new(2, 1, round % 2 == 1, "");
    hosts.run(&[0]);
    hosts.enqueue(2);
    // The missing repository is fetched first.
    hosts.drop_cache(0);
    let mut frozen = hosts.start(0, ("PACKAGE_IMPORT_STOP_AT", &format!("{point}:1")));
    let pid = Pid::from_child(&frozen);
    wait_until("it stands still", || is_stopped(pid));
    hosts.run_instead(1);
    let before = hosts.there();
    hosts.assert_done(2, expected);
    // Another host imports another version meanwhile.
    if round % 3 == 2 {
        hosts.enqueue(3);
        hosts.run_instead(1);
    }
    let later = hosts.there();
    signal(pid, Signal::CONT);
    assert!(frozen.wait().unwrap().success(), "{point}");
    assert_eq!(hosts.there(), later, "{point}");
    if round % 3 != 2 {
        assert_eq!(before, later, "{point}");
        hosts.assert_done(2, &later);
    }
}

#[test]
fn a_host_that_is_killed_leaves_its_packages_to_others() {
    let points = [
        "cache::taking-over",
        "repo::pack-sealed",
        "cache::begun",
        "mirror::copied",
        "mirror::packed",
        "cache::published",
        "run::child-ended",
        "run::versions-recorded",
        "run::finished",
    ];
    let expected = alone(1, 2);
    for point in points {
        let hosts = Hosts::new(2, 1, false, "");
        hosts.run(&[0]);
        hosts.enqueue(2);
        hosts.drop_cache(0);
        let mut killed = hosts.start(0, ("PACKAGE_IMPORT_KILL_AT", &format!("{point}:1")));
        let _ = killed.wait().unwrap();
        // It never comes back, nor does its cache.
        hosts.run_instead(1);
        hosts.drop_cache(1);
        hosts.assert_done(2, &expected);
        // The other host gets everything from the server alone.
        hosts.enqueue(3);
        hosts.run_instead(1);
        hosts.assert_done(3, &alone(1, 3));
    }
}

#[test]
fn caches_that_are_removed_at_any_instant_lose_nothing() {
    let (packages, revisions) = if is_long() { (200, 6) } else { (6, 3) };
    let hosts = Hosts::new(2, packages, false, "");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut seed = 11;
            while !is_over.load(Ordering::SeqCst) {
                let prefix = hosts.repos(next(&mut seed) % 2).join("p");
                let repository = prefix.join(format!("{}.git", name(next(&mut seed) % packages)));
                // The whole repository, or only a part.
                let parts =
                    ["", "objects/pack", "package-import", "packed-refs", "package-import-record", "HEAD"];
                let place = repository.join(parts[next(&mut seed) % parts.len()]);
                let _ = fs::remove_dir_all(&place).or_else(|_| fs::remove_file(&place));
                std::thread::yield_now();
            }
        });
        for number in 1..=revisions {
            if number > 1 {
                hosts.enqueue(number);
            }
            let runs = [0, 1].map(|host| hosts.start(host, ("NOTHING", "")));
            for mut run in runs {
                run.wait().unwrap();
            }
        }
        is_over.store(true, Ordering::SeqCst);
    });
    // Imports that failed because of a removed cache are tried again. A host that has just ended may have been left a job.
    let expected = alone(packages, revisions);
    for _ in 0..5 {
        hosts.command(0, &["retry", "--all"]).output().unwrap();
        hosts.queue.let_pass(86_400_000 * 30);
        hosts.run(&[0, 1]);
        if hosts.there() == expected {
            break;
        }
    }
    let there = hosts.there();
    let left = hosts.queue.texts(
        "SELECT p.name || ' ' || f.state || ' ' || f.stage || '/' || f.code || ': ' || f.message FROM failure f
            JOIN package p ON p.id = f.package_id
         UNION ALL SELECT p.name || ' job ' || j.state || ' ' || j.lane || ' ' || CAST(j.tasks AS TEXT) FROM job j
            JOIN package p ON p.id = j.package_id
         UNION ALL SELECT p.name || ' attempt ' || a.outcome || ' ' || COALESCE(a.log, '') FROM attempt a
            JOIN package p ON p.id = a.package_id
         UNION ALL SELECT p.name || ' publication ' || u.version || ' ' || COALESCE(CAST(u.done AS TEXT), 'open') FROM publication u
            JOIN package p ON p.id = u.package_id",
    );
    for (package, refs) in &expected {
        assert_eq!(there[package], *refs, "{package}: {left:#?}");
    }
    hosts.assert_done(revisions, &expected);
}

#[test]
fn a_cache_keeps_to_its_limit_and_to_what_is_published() {
    let hosts = Hosts::new(1, 3, false, "limit = 1\n");
    hosts.run(&[0]);
    assert_eq!(hosts.cached(0), 0, "all is published, and over the limit");
    hosts.enqueue(2);
    // The server is unreachable: what was imported stays.
    let (git, away) = (hosts.folder.path().join("git"), hosts.folder.path().join("away"));
    fs::rename(&git, &away).unwrap();
    let mut run = hosts.start(0, ("NOTHING", ""));
    let parked = "SELECT COUNT(*) FROM job WHERE state IN ('parked', 'retrying')";
    wait_until("all wait for it", || hosts.queue.number(parked) == 3);
    signal(Pid::from_child(&run), Signal::TERM);
    run.wait().unwrap();
    assert_eq!(
        hosts.queue.number("SELECT COUNT(*) FROM version"),
        3,
        "what is not published is not imported"
    );
    fs::rename(&away, &git).unwrap();
    let sql = "UPDATE dependency SET state = 'closed', next_probe = NULL";
    hosts.queue.store().write(|tx| tx.execute(sql, &[])).unwrap();
    hosts.queue.let_pass(86_400_000);
    hosts.run(&[0]);
    hosts.assert_done(2, &alone(3, 2));
    assert_eq!(hosts.cached(0), 0);
}

#[test]
fn what_others_push_is_brought_here_judged_and_never_lost() {
    let hosts = Hosts::new(2, 1, false, "");
    hosts.run(&[0]);
    let clone = tempfile::tempdir().unwrap();
    let path = clone.path().to_string_lossy().into_owned();
    git(&["clone", "-q", "-b", "debian/sid", &hosts.path(&name(0)).to_string_lossy(), &path]);
    fs::write(clone.path().join("theirs"), "their change\n").unwrap();
    git(&["-C", &path, "add", "theirs"]);
    git(&["-C", &path, "commit", "-q", "-m", "theirs"]);
    git(&["-C", &path, "tag", "-a", "-m", "mine", "debian/1.0-2"]);
    git(&["-C", &path, "push", "-q", "origin", "debian/sid", "debian/1.0-2"]);
    let (theirs, tag) =
        (git(&["-C", &path, "rev-parse", "HEAD"]), git(&["-C", &path, "rev-parse", "debian/1.0-2"]));
    hosts.enqueue(2);
    hosts.drop_cache(0);
    hosts.run(&[1]);
    let server = hosts.server(&name(0));
    assert_eq!(server.at("refs/tags/debian/1.0-2"), Some(tag), "theirs keeps the name");
    assert!(server.refs().iter().any(|(name, _)| name.starts_with("refs/tags/reimport/debian/1.0-2/")));
    let aside = format!("refs/heads/collisions/debian/sid/{}", &theirs[..12]);
    assert_eq!(server.at(&aside), Some(theirs.clone()));
    server.git(&["merge-base", "--is-ancestor", &theirs, "refs/heads/debian/sid"]);
    assert!(server.pushes().iter().all(|it| !it.starts_with("FORCED")));
    let kinds = hosts.queue.texts("SELECT kind FROM collision WHERE ended IS NULL ORDER BY kind");
    assert_eq!(kinds, ["tag-differs", "unmerged"]);
    // A branch is moved while nothing is to be imported: the next check finds it.
    git(&["-C", &path, "pull", "-q", "--no-rebase", "origin", "debian/sid"]);
    fs::write(clone.path().join("more"), "more\n").unwrap();
    git(&["-C", &path, "add", "more"]);
    git(&["-C", &path, "commit", "-q", "-m", "more"]);
    git(&["-C", &path, "push", "-q", "origin", "debian/sid"]);
    hosts.well(0, &["publish", &name(0)]);
    let more = git(&["-C", &path, "rev-parse", "HEAD"]);
    assert_ne!(server.at("refs/heads/debian/sid"), Some(more.clone()));
    server.git(&["merge-base", "--is-ancestor", &more, "refs/heads/debian/sid"]);
}

#[test]
fn what_the_server_has_lost_comes_back_from_a_cache_or_from_the_archive() {
    let hosts = Hosts::new(2, 1, false, "");
    hosts.run(&[0]);
    let before = hosts.there();
    hosts.server(&name(0)).git(&["update-ref", "-d", "refs/tags/debian/1.0-1"]);
    hosts.well(0, &["publish", &name(0)]);
    assert_eq!(hosts.there(), before, "from the cache");
    fs::remove_dir_all(hosts.path(&name(0))).unwrap();
    hosts.well(0, &["publish", &name(0)]);
    assert_eq!(hosts.there(), before, "all of it");
    // No host has it any more: that is reported, and it is imported again.
    fs::remove_dir_all(hosts.path(&name(0))).unwrap();
    hosts.drop_cache(0);
    hosts.enqueue(2);
    let failed = "SELECT COUNT(*) FROM failure f JOIN signature s ON s.id = f.signature_id WHERE s.code = 'repository-lost'";
    let _: Output = hosts.command(1, &["run"]).output().unwrap();
    assert_eq!(hosts.queue.number(failed), 1);
    hosts.well(1, &["requeue", &name(0), "--reason", "the server has lost it"]);
    hosts.run(&[1]);
    hosts.assert_done(2, &alone(1, 2));
}

#[test]
fn hosts_that_do_not_fit_are_refused() {
    let hosts = Hosts::new(2, 1, false, "");
    hosts.run(&[0]);
    // Another key.
    let key = hosts.root(1).join("package-import-key");
    let text_of_key = fs::read_to_string(&key).unwrap();
    fs::write(&key, format!("{}\n", "0".repeat(64))).unwrap();
    let said = text(&hosts.command(1, &["run"]).output().unwrap());
    assert!(said.contains("package-import-key"), "{said}");
    fs::write(&key, text_of_key).unwrap();
    // Permanent repositories.
    hosts.configure(1, "");
    let output = hosts.command(1, &["run"]).output().unwrap();
    assert!(!output.status.success() && text(&output).contains("mode = \"cache\""), "{}", text(&output));
    // A forged row.
    hosts.configure(1, "[repos]\nmode = 'cache'\n");
    let forged =
        "UPDATE repository SET record = REPLACE(record, 'debian/1.0-1', 'debian/9.0-1'), done = NULL";
    hosts.queue.store().write(|tx| tx.execute(forged, &[])).unwrap();
    hosts.enqueue(2);
    hosts.command(1, &["run"]).output().unwrap();
    let failed = "SELECT COUNT(*) FROM failure f JOIN signature s ON s.id = f.signature_id WHERE s.code = 'broken-record'";
    assert_eq!(hosts.queue.number(failed), 1);
    // No remote, or two.
    fs::write(hosts.root(1).join("config.toml"), "[repos]\nmode = 'cache'\n").unwrap();
    let output = hosts.command(1, &["run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[test]
fn what_was_imported_before_is_put_on_record_by_the_host_that_has_it() {
    let hosts = Hosts::new(2, 2, false, "");
    hosts.configure(0, "");
    hosts.run(&[0]);
    hosts.configure(0, "[repos]\nmode = 'cache'\n");
    hosts.run(&[0]);
    assert_eq!(hosts.queue.number("SELECT COUNT(*) FROM repository WHERE done IS NOT NULL"), 2);
    hosts.enqueue(2);
    hosts.run_instead(1);
    hosts.assert_done(2, &alone(2, 2));
}
