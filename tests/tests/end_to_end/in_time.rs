//! Requirements 1 and 9 over all checks: an answer in time whatever holds it up, and the right exit code whatever becomes of
//! the answer.

use std::fs;
use std::process::{Child, ChildStdin, Command, Stdio};

use package_import_tests::daemons::plugins::{CHECKS, program};
use package_import_tests::daemons::said::Said;
use package_import_tests::daemons::site::Site;
use package_import_tests::queue::{children, postgres_url, signal, wait_until};
use rustix::process::{Pid, Signal};
use state::open::Location;

/// An installation with one run behind it.
fn site() -> Site {
    let site = Site::new();
    site.well(&["run"]);
    site
}

/// Asks all checks at once, so that what each of them waits is waited once. One that does not answer holds the test up
/// until `wait_until` gives up.
fn all(site: &Site, arguments: &[&str]) -> Vec<(&'static str, Said)> {
    let start = |check: &'static str| {
        let mut command = site.command(check, arguments);
        (check, command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    };
    let mut running: Vec<(&str, Child)> = CHECKS.map(start).into();
    wait_until("every check has answered", || {
        running.iter_mut().all(|(_, child)| child.try_wait().unwrap().is_some())
    });
    running.into_iter().map(|(check, child)| (check, child.wait_with_output().unwrap().into())).collect()
}

fn assert_late(said: &[(&str, Said)], code: i32, about: &str) {
    for (check, said) in said {
        said.assert_well_formed(check);
        assert_eq!(said.code, code, "{}", said.text());
        assert!(said.text().contains(about), "{about}: {}", said.text());
    }
}

#[test]
fn req9_a_pipe_in_the_place_of_a_file() {
    let site = site();
    for name in ["state.db", "config.toml"] {
        let path = site.root().join(name);
        let _ = fs::rename(&path, site.path("kept"));
        assert!(Command::new("mkfifo").args(["-m", "644"]).arg(&path).status().unwrap().success());
        // What would be waited for is not opened.
        let about = if name == "state.db" { "is a named pipe, not a file" } else { "not a regular file" };
        assert_late(&all(&site, &["-t", "2"]), 3, about);
        fs::remove_file(&path).unwrap();
        let _ = fs::rename(site.path("kept"), path);
    }
}

/// A process that has the database for itself, until its input ends.
fn locked(site: &Site) -> (Child, ChildStdin) {
    let mut holder = Command::new("sqlite3");
    let mut holder = holder
        .arg(site.root().join("state.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("sqlite3: {error}: run scripts/install-tools test"));
    let mut input = holder.stdin.take().unwrap();
    let lock = "PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE held (x); SELECT 'it is locked';\n";
    std::io::Write::write_all(&mut input, lock.as_bytes()).unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(holder.stdout.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().contains("it is locked")));
    (holder, input)
}

#[test]
fn req9_an_exclusive_lock() {
    let site = site();
    let (mut holder, _input) = locked(&site);
    assert_late(&all(&site, &["-t", "2"]), 3, "locked");
    assert_late(&all(&site, &["-t", "2", "--timeout-state", "warning"]), 1, "locked");
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn req9_a_server_that_accepts_and_never_answers() {
    let site = site();
    let cluster = throwaway_postgres::Cluster::start("");
    let schema = cluster.schema();
    Location::new(&site.root(), Some(&schema), None).open_or_make().unwrap();
    site.configure(&format!("[checks]\nstate = \"{}\"\n", postgres_url(&schema)));
    let answers = all(&site, &["-t", "20"]);
    assert!(answers.iter().all(|(_, said)| said.text().contains("no run yet")), "{answers:?}");
    let postmaster = Pid::from_raw(cluster.pid()).unwrap();
    signal(postmaster, Signal::STOP);
    let late = all(&site, &["-t", "2"]);
    let late_and_critical = all(&site, &["-t", "2", "--timeout-state", "critical"]);
    signal(postmaster, Signal::CONT);
    assert_late(&late, 3, "no answer");
    assert_late(&late_and_critical, 2, "no answer");
    let answers = all(&site, &["-t", "20"]);
    assert!(answers.iter().all(|(_, said)| said.text().contains("no run yet")), "{answers:?}");
}

#[test]
fn req1_a_reader_that_crashes() {
    let site = site();
    let (mut holder, _input) = locked(&site);
    for check in CHECKS {
        for with in [Signal::KILL, Signal::ABORT] {
            let mut command = site.command(check, &["-t", "60"]);
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut reader = None;
            wait_until("there is a reader", || {
                reader = children(child.id()).first().copied().filter(|pid| is_reader(*pid));
                reader.is_some()
            });
            signal(reader.unwrap(), with);
            let said: Said = child.wait_with_output().unwrap().into();
            said.assert_well_formed(check);
            assert_eq!(said.code, 3, "{said:?}");
            assert!(said.text().contains("the reading process died"), "{}", said.text());
        }
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
}

/// True when a child waits for the lock.
fn is_reader(pid: Pid) -> bool {
    let waits = fs::read_to_string(format!("/proc/{}/wchan", pid.as_raw_nonzero())).unwrap_or_default();
    waits.contains("nanosleep")
}

#[test]
fn req1_an_answer_that_nobody_can_hear_is_not_ok() {
    let site = site();
    let run = |check: &str, redirection: &str| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("exec \"$0\" {redirection}")).arg(site.path("bin").join(program(check)));
        let output: Said = shell.env("PACKAGE_IMPORT_ROOT", site.root()).output().unwrap().into();
        output
    };
    for check in CHECKS {
        for redirection in [">&-", ">/dev/full"] {
            let said = run(check, redirection);
            assert_eq!(said.code, 3, "{check} {redirection}: {said:?}");
            assert!(said.out.is_empty() && said.err.is_empty(), "{check} {redirection}: {said:?}");
        }
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(site.command(check, &[]).stdout(writer).status().unwrap().code(), Some(3), "{check}");
    }
}

#[test]
fn req1_options_that_cannot_be_used_help_and_version() {
    let site = site();
    for check in CHECKS {
        for arguments in [
            &["--nonsense"][..],
            &["positional"],
            &["-w"],
            &["-w", "-5"],
            &["-c", "nan:"],
            &["-t", "0"],
            &["-x|\n\u{1b}[31m"],
            &["--no-data", "perhaps"],
        ] {
            let said = site.check(check, arguments);
            said.assert_well_formed(check);
            assert_eq!(said.code, 3, "{}", said.text());
            assert!(said.arrives().perfdata.is_empty(), "{}", said.text());
        }
        for argument in ["-h", "--help", "-V", "--version"] {
            let said = site.check(check, &[argument]);
            assert_eq!((said.code, said.err.len()), (3, 0), "{said:?}");
            assert!(said.text().contains(&program(check)), "{}", said.text());
        }
    }
}
