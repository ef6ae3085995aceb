//! Nothing is waited for without end, and nobody is blamed for what somebody else did: locks that others hold, named
//! pipes in the place of files, signals from outside.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use bounded::Deadline;
use bounded::lock::{Mode, lock};
use bounded::program::{Group, Output, output};
use package_import_tests::installation::Installation;
use package_import_tests::queue::{Queue, children};
use package_import_tests::synthetic::package;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

/// Longer than anything here may take, however slow the machine is: what hangs, hangs for ever.
const HUNG: Duration = Duration::from_secs(300);

fn ends(command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    output(command.stdin(Stdio::null()), Group::Own, None, 1 << 20, Deadline::after(HUNG), |_| {})
        .unwrap_or_else(|error| panic!("{shown}: {error}"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn regular_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            regular_files(&path, found);
        } else if metadata.is_file() {
            found.push(path);
        }
    }
}

fn one_package(queue: &Queue, version: &str) -> PathBuf {
    package("hello", version).write(&queue.installation.files())
}

#[test]
fn a_lock_that_is_held_is_said_and_is_nobodys_fault() {
    let queue = Queue::sqlite();
    queue.installation.configure("[limits]\nlock_wait = \"1s\"\n");
    let first = one_package(&queue, "1.0-1");
    queue.installation.import_well("debian", "sid", &[&first]);
    let path = queue.installation.repository("hello").join("package-import.flock");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "others cannot even open it");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let held = File::open(&path).unwrap();
    lock(&held, &path, Mode::Exclusive, Deadline::now()).unwrap();
    let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
    let (code, reports) = queue.installation.import("debian", "sid", &[&second]);
    assert_eq!((code, &reports[0]["stage"], &reports[0]["code"]), (1, &"worker".into(), &"lock-held".into()));
    let message = reports[0]["message"].as_str().unwrap();
    assert!(message.contains(&format!("locked by process {}", std::process::id())), "{message}");
    assert_eq!(queue.texts("SELECT class FROM failure"), ["infrastructure"]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "that of an older version is mended");
    let repacked = ends(&mut queue.command(&["repack", "hello"]));
    assert_eq!(repacked.status.code(), Some(1));
    assert!(said(&repacked).contains("hello: ") && said(&repacked).contains("locked by process"));
    drop(held);
    queue.installation.import_well("debian", "sid", &[&second]);
    assert_eq!(queue.number("SELECT count(*) FROM failure"), 0);
    queue.well(&["repack", "hello"]);
}

/// Whatever file of a root somebody has locked, no command waits for it without end.
#[test]
fn no_file_of_a_root_can_stop_a_command() {
    let queue = Queue::sqlite();
    queue.installation.configure("[limits]\nlock_wait = \"1s\"\n");
    let first = one_package(&queue, "1.0-1");
    queue.installation.import_well("debian", "sid", &[&first]);
    queue.well(&["run"]);
    let backups = queue.installation.files().join("backups");
    queue.well(&["backup", backups.to_str().unwrap()]);
    let (mut files, mut held) = (Vec::new(), Vec::new());
    regular_files(&queue.installation.root(), &mut files);
    regular_files(&backups, &mut files);
    assert!(files.iter().any(|path| path.ends_with("package-import.flock")));
    for path in &files {
        let file = File::open(path).unwrap();
        lock(&file, path, Mode::Exclusive, Deadline::now()).unwrap();
        held.push(file);
    }
    let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
    let other = package("other", "1.0-1").write(&queue.installation.files());
    let metrics = queue.installation.files().join("package-import.prom");
    let export = queue.installation.files().join("exported");
    let commands: [&[&str]; 17] = [
        &["import", "--allow-unsigned", second.to_str().unwrap()],
        &["enqueue", "--allow-unsigned", other.to_str().unwrap()],
        &["run"],
        &["status"],
        &["failures"],
        &["show", "hello"],
        &["history", "hello"],
        &["log", "hello"],
        &["queue"],
        &["workers"],
        &["tune"],
        &["metrics", "--textfile", metrics.to_str().unwrap()],
        &["verify"],
        &["repack"],
        &["export", "hello", "1.0-1", export.to_str().unwrap()],
        &["prune"],
        &["backup", backups.to_str().unwrap()],
    ];
    for arguments in commands {
        let ended = ends(&mut queue.command(arguments));
        let (code, said) = (ended.status.code().unwrap(), said(&ended));
        let needs_lock = matches!(arguments[0], "import" | "repack" | "backup");
        assert!(said.contains("is locked by process") || !needs_lock, "{arguments:?}: {said}");
        assert_eq!(code == 0, !needs_lock, "{arguments:?}: {said}");
    }
    assert_eq!(queue.number("SELECT count(*) FROM attempt WHERE ended IS NULL"), 0);
    assert_eq!(
        queue.number("SELECT count(*) FROM version WHERE version = '1.0-1'"),
        2,
        "the other is imported"
    );
}

#[test]
fn a_pipe_is_no_file() {
    let queue = Queue::sqlite();
    let files = queue.installation.files();
    let dsc = one_package(&queue, "1.0-1");
    let pipe = files.join("pipe.dsc");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (dsc, pipe) = (dsc.to_str().unwrap(), pipe.to_str().unwrap());
    let commands: [(&[&str], i32); 4] = [
        (&["status", "--config", pipe], 2),
        (&["import", "--keyring", pipe, dsc], 2),
        (&["import", "--allow-unsigned", pipe], 1),
        (&["enqueue", "--keyring", pipe, dsc], 2),
    ];
    for (arguments, code) in commands {
        let ended = ends(&mut queue.command(arguments));
        let said = said(&ended);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains("not a regular file") && said.contains(pipe), "{arguments:?}: {said}");
    }
    // One in the place of what a repository has.
    queue.installation.import_well("debian", "sid", &[Path::new(dsc)]);
    let packed = queue.installation.repository("hello").join("packed-refs");
    fs::remove_file(&packed).unwrap();
    assert!(Command::new("mkfifo").arg(&packed).status().unwrap().success());
    for command in ["show", "log"] {
        ends(&mut queue.command(&[command, "hello"]));
    }
}

fn state_of(pid: i32) -> Option<char> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(") ")?.1.chars().next()
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(HUNG);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(!deadline.is_over(), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A command with a child that stands still in the middle of an import, and that child.
fn frozen(command: &mut Command) -> (Child, i32) {
    let parent = command
        .env("PACKAGE_IMPORT_STOP_AT", "repo::refs-locked:1")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let child = until("the child stops", || {
        let mut found = children(parent.id()).into_iter().map(|pid| pid.as_raw_pid());
        found.find(|&pid| state_of(pid) == Some('T'))
    });
    (parent, child)
}

fn pid(number: i32) -> Pid {
    Pid::from_raw(number).unwrap()
}

fn with_one_version() -> Queue {
    let queue = Queue::sqlite();
    let first = one_package(&queue, "1.0-1");
    queue.installation.import_well("debian", "sid", &[&first]);
    queue
}

#[test]
fn an_import_that_is_interrupted_is_over_at_once() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let queue = with_one_version();
        let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
        let arguments = ["import", "--allow-unsigned", second.to_str().unwrap()];
        let (mut parent, child) = frozen(&mut queue.command(&arguments));
        // As a terminal does: to the whole group.
        kill_process_group(pid(i32::try_from(parent.id()).unwrap()), signal).unwrap();
        assert_eq!(parent.wait().unwrap().signal(), Some(signal.as_raw()));
        until("the child has ended", || test_kill_process(pid(child)).is_err().then_some(()));
        assert_eq!(queue.texts("SELECT outcome FROM attempt ORDER BY id DESC LIMIT 1"), ["cancelled"]);
        assert_eq!(queue.number("SELECT count(*) FROM attempt WHERE ended IS NULL"), 0);
        assert_eq!(queue.number("SELECT count(*) FROM failure"), 0);
        assert_eq!(queue.number("SELECT count(*) FROM run WHERE ended IS NULL"), 0);
        queue.well(&["run"]);
        assert_eq!(queue.number("SELECT count(*) FROM version WHERE version = '1.1-1'"), 1);
        queue.installation.assert_clean("hello");
    }
}

#[test]
fn who_ends_a_child_from_outside_is_not_the_package() {
    let cases = [
        (Signal::HUP, "killed", "infrastructure"),
        (Signal::INT, "killed", "infrastructure"),
        (Signal::KILL, "killed", "infrastructure"),
        (Signal::TERM, "killed", "infrastructure"),
        (Signal::USR1, "signal-USR1", "infrastructure"),
        (Signal::ABORT, "signal-ABRT", "unknown"),
        (Signal::FPE, "signal-FPE", "unknown"),
    ];
    for (signal, code, class) in cases {
        let queue = with_one_version();
        let folder = queue.installation.files().join("second");
        fs::create_dir(&folder).unwrap();
        package("hello", "1.1-1").below(&["1.0-1"]).write(&folder);
        queue.enqueue(&folder);
        let (mut parent, child) = frozen(&mut queue.command(&["run"]));
        kill_process(pid(child), signal).unwrap();
        let _ = kill_process(pid(child), Signal::CONT);
        assert!(parent.wait().unwrap().success(), "the run goes on");
        let found = queue.texts("SELECT code || ' ' || class FROM failure");
        assert_eq!(found, [format!("{code} {class}")]);
    }
}

#[test]
fn a_terminal_does_not_end_the_children_of_a_run() {
    let queue = with_one_version();
    let folder = queue.installation.files().join("second");
    fs::create_dir(&folder).unwrap();
    package("hello", "1.1-1").below(&["1.0-1"]).write(&folder);
    queue.enqueue(&folder);
    let (mut parent, child) = frozen(&mut queue.command(&["run"]));
    kill_process_group(pid(i32::try_from(parent.id()).unwrap()), Signal::INT).unwrap();
    kill_process(pid(child), Signal::CONT).unwrap();
    assert!(parent.wait().unwrap().success());
    assert_eq!(queue.texts("SELECT outcome FROM attempt ORDER BY id DESC LIMIT 1"), ["imported"]);
}

#[test]
fn a_child_dies_with_its_parent() {
    let queue = with_one_version();
    let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
    let arguments = ["import", "--allow-unsigned", second.to_str().unwrap()];
    let (mut parent, child) = frozen(&mut queue.command(&arguments));
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("the child has ended", || state_of(child).is_none_or(|state| state == 'Z').then_some(()));
    queue.installation.import_well("debian", "sid", &[&second]);
}

/// A child that does not even come to its first version is ended, too.
#[test]
fn the_clock_begins_with_the_child() {
    let it = Installation::new();
    it.configure("[limits]\nlock_wait = \"1s\"\ntime = \"1s\"\n");
    let dsc = package("hello", "1.0-1").write(&it.files());
    let mut command = it.command("debian", "sid", &[&dsc]);
    let ended = ends(command.env("PACKAGE_IMPORT_STOP_AT", "repo::init:1"));
    assert_eq!(ended.status.code(), Some(1));
    assert!(said(&ended).contains("\"code\":\"stuck\""), "{}", said(&ended));
    it.import_well("debian", "sid", &[&dsc]);
}

/// A child gets none of its parent's environment and open files, which may have a service's secrets.
#[test]
fn a_child_inherits_nothing() {
    let queue = with_one_version();
    let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
    // A file that the caller has left open, as a shell does by `3<FILE`.
    let script = "exec 7</etc/passwd; exec \"$0\" \"$@\"";
    let importer = queue.command(&[]);
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).arg(importer.get_program()).args(importer.get_args());
    command.args(["import", "--allow-unsigned", second.to_str().unwrap()]);
    command.env("PGPASSWORD", "secret").env("PACKAGE_IMPORT_STATE", "").env("LD_PRELOAD", "");
    let (mut parent, child) = frozen(&mut command);
    let environment = fs::read_to_string(format!("/proc/{child}/environ")).unwrap();
    let names: Vec<&str> = environment.split_terminator('\0').filter_map(|it| it.split('=').next()).collect();
    let expected = ["PATH", "RUST_BACKTRACE", "PACKAGE_IMPORT_STOP_AT"];
    assert!(names.iter().all(|name| expected.contains(name)), "{names:?}");
    let mut open: Vec<String> = Vec::new();
    for entry in fs::read_dir(format!("/proc/{child}/fd")).unwrap() {
        open.push(fs::read_link(entry.unwrap().path()).unwrap().to_string_lossy().into_owned());
    }
    assert!(open.iter().all(|target| !target.contains("passwd")), "{open:?}");
    let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1", "2"));
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    kill_process(pid(child), Signal::CONT).unwrap();
    assert!(parent.wait().unwrap().success());
}

#[test]
fn a_wall_that_is_missing_is_said() {
    let queue = with_one_version();
    let all_there = queue.well(&["status"]);
    assert!(!all_there.contains("Wall missing"), "{all_there}");
    let set = "INSERT INTO meta (name, value) VALUES ('walls/host1', 'files,calls')";
    queue.store().write(|tx| tx.execute(set, &[]).map(drop)).unwrap();
    let said = queue.well(&["status"]);
    assert!(
        said.contains("Wall missing on host1 (files): ") && said.contains("Wall missing on host1 (calls): ")
    );
    assert!(queue.well(&["status", "--json"]).contains("\"unwalled\":[{\"host\":\"host1\""));
}

/// A command that goes on, and the file that it says things in.
struct Speaking {
    child: Child,
    said: PathBuf,
}

impl Speaking {
    fn start(queue: &Queue, name: &str, arguments: &[&str]) -> Speaking {
        let said = queue.installation.files().join(name);
        let file = File::create(&said).unwrap();
        let mut command = queue.command(arguments);
        command.stdin(Stdio::null());
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Speaking { child, said }
    }

    fn says(&self, words: &str) {
        let said = || fs::read_to_string(&self.said).unwrap();
        let deadline = Deadline::after(HUNG);
        while !said().contains(words) {
            assert!(!deadline.is_over(), "{words:?} is not in {:?}", said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn ends_well(mut self) {
        assert!(self.child.wait().unwrap().success(), "{}", fs::read_to_string(&self.said).unwrap());
    }
}

#[test]
fn an_import_says_whose_import_of_the_package_it_waits_for() {
    let queue = with_one_version();
    let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
    let arguments = ["import", "--allow-unsigned", second.to_str().unwrap()];
    let (mut first, child) = frozen(&mut queue.command(&arguments));
    let other = Speaking::start(&queue, "other", &arguments);
    let attempt = queue.number("SELECT MAX(id) FROM attempt");
    other.says("waiting for 5 s for hello: attempt ");
    other.says(&format!("attempt {attempt} on "));
    other.says(&format!("(process {}, import), which began ", first.id()));
    kill_process(pid(child), Signal::CONT).unwrap();
    assert!(first.wait().unwrap().success());
    other.ends_well();
    assert_eq!(queue.number("SELECT COUNT(*) FROM version WHERE version = '1.1-1'"), 1);
}

#[test]
fn a_run_says_which_run_it_waits_for() {
    let queue = with_one_version();
    let mut service = queue.start(&["--service"]);
    until("the service runs", || {
        (queue.number("SELECT COUNT(*) FROM run WHERE mode = 'service'") == 1).then_some(())
    });
    let other = Speaking::start(&queue, "other", &["run", "--wait"]);
    other.says("waiting for 5 s for the end of another run");
    other.says(&format!("(service), process {}", service.id()));
    kill_process(pid(i32::try_from(service.id()).unwrap()), Signal::TERM).unwrap();
    assert!(service.wait().unwrap().success());
    other.ends_well();
}

#[test]
fn an_import_says_who_has_locked_the_repository() {
    let queue = with_one_version();
    let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
    let path = queue.installation.repository("hello").join("package-import.flock");
    let held = File::open(&path).unwrap();
    lock(&held, &path, Mode::Exclusive, Deadline::now()).unwrap();
    let arguments = ["import", "--allow-unsigned", second.to_str().unwrap()];
    let import = Speaking::start(&queue, "import", &arguments);
    import.says("hello: waiting for 5 s for a lock: ");
    import.says(&format!("is locked by process {}", std::process::id()));
    drop(held);
    import.ends_well();
}

/// Files on this machine need no mirror: an outage of one does not make their import wait.
#[test]
fn an_import_of_files_does_not_wait_for_an_outage() {
    let queue = with_one_version();
    let store = queue.store();
    let rule = state::breaker::Rule::default();
    let park = |tx: &mut state::tx::Tx<'_>| {
        let open =
            state::breaker::note(tx, "deb.example.org", (0, 99), Some("connection refused"), None, &rule)?;
        let id = state::queue::package_id(tx, "hello")?;
        state::queue::enqueue(tx, id, state::words::Lane::Upload, state::words::Tasks::IMPORT)?;
        tx.execute("UPDATE job SET state = 'parked', dependency_id = ?1", state::values![open.0.id])
    };
    assert_eq!(store.write(park).unwrap(), 1);
    store.write(|tx| state::counters::repair(tx, "me").map(drop)).unwrap();
    let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
    queue.well(&["import", "--allow-unsigned", second.to_str().unwrap()]);
    assert_eq!(store.read(state::counters::verify).unwrap(), []);
}
