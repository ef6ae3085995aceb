//! A root with a version of each package and the next of each in the queue, as often as it is wanted.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use package_import_tests::installation::copy_binary;
use package_import_tests::oracle::is_root;
use package_import_tests::programs::built;
use package_import_tests::queue::Queue;
use package_import_tests::synthetic::package;

use super::harm::{OWNER, copy};

/// No command takes longer, whatever has happened: all their own limits are shorter. It says that something hangs, not that it is
/// fast.
const LONGEST: Duration = Duration::from_secs(240);
/// No command needs more memory.
const MEMORY: u64 = 8 << 30;
pub const PACKAGES: [&str; 3] = ["a0", "b0", "c0"];

/// The installation to be damaged.
pub struct World {
    pub queue: Queue,
    program: PathBuf,
}

/// The result of a command.
pub struct Said {
    pub code: i32,
    pub text: String,
}

pub struct Calm {
    pub world: World,
    /// The refs of each package when all is imported.
    pub refs: Vec<String>,
    /// The duration of such a run.
    pub duration: Duration,
}

/// The world before any damage.
pub fn calm() -> &'static Calm {
    static CALM: OnceLock<Calm> = OnceLock::new();
    CALM.get_or_init(|| {
        let world = World::new(for_everybody());
        let it = &world.queue.installation;
        it.configure("[limits]\ntime = \"20s\"\nlock_wait = \"2s\"\n");
        let write = |version: &str, below: &[&str]| {
            let folder = it.files().join(version);
            fs::create_dir(&folder).unwrap();
            for name in PACKAGES {
                package(name, version).below(below).patch("p", "line 7", version).write(&folder);
            }
            world.well(&["enqueue", "--allow-unsigned", folder.to_str().unwrap()]);
        };
        world.own();
        write("1.0-1", &[]);
        world.well(&["run"]);
        write("1.0-2", &["1.0-1"]);
        let end = world.copy();
        let began = Instant::now();
        end.well(&["run"]);
        let duration = began.elapsed();
        let refs = PACKAGES.map(|name| end.queue.installation.git(name, &["for-each-ref"])).to_vec();
        Calm { world, refs, duration }
    })
}

/// The program, where other users can run it.
fn for_everybody() -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path();
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let program = folder.join("package-import");
    copy_binary(&program);
    program
}

impl World {
    fn new(program: PathBuf) -> World {
        let queue = Queue::sqlite();
        let root = queue.installation.root();
        // Owner and others have to get there.
        fs::set_permissions(root.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
        World { queue, program }
    }

    pub fn root(&self) -> PathBuf {
        self.queue.installation.root()
    }

    fn own(&self) {
        if is_root() {
            let owner = format!("{OWNER}:{OWNER}");
            let status = Command::new("chown").args(["-R", &owner]).arg(self.root()).status();
            assert!(status.unwrap().success());
        }
    }

    /// Another one like it, whose files of packages are the same.
    pub fn copy(&self) -> World {
        let new = World::new(self.program.clone());
        copy(&self.root().join("."), &new.root());
        new
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("prlimit");
        command.arg(format!("--as={MEMORY}")).arg("--").arg(&self.program);
        command.arg("--root").arg(self.root()).args(arguments);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn start(&self, arguments: &[&str], variable: Option<(&str, String)>) -> Child {
        self.command(arguments).envs(variable).spawn().unwrap()
    }

    /// Runs a command that has to end by itself.
    pub fn say(&self, arguments: &[&str], what: &str) -> Said {
        ends(self.start(arguments, None), &format!("{what}: {arguments:?}"))
    }

    pub fn well(&self, arguments: &[&str]) -> String {
        let said = self.say(arguments, "");
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.text);
        said.text
    }

    /// Asks a check.
    pub fn check(&self, name: &str, what: &str) -> Said {
        let mut command = Command::new(built(&format!("check_import_{name}")));
        command.env("PACKAGE_IMPORT_ROOT", self.root()).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ends(command.spawn().unwrap(), &format!("{what}: {name}"))
    }

    pub fn repository(&self, name: &str) -> PathBuf {
        self.queue.installation.repository(name)
    }
}

/// Waits for a command, which has to end by itself and without a crash.
pub fn ends(mut child: Child, what: &str) -> Said {
    let began = Instant::now();
    // Read on, so that it does not wait for this.
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let read = |from: Option<Box<dyn std::io::Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            from.map(|mut from| from.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let (out, err) = (read(out.map(|it| Box::new(it) as _)), read(err.map(|it| Box::new(it) as _)));
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > LONGEST {
            let _ = child.kill();
            panic!("{what}: does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let status = child.wait().unwrap();
    let text = out.join().unwrap() + &err.join().unwrap();
    assert!(!text.contains("panicked"), "{what}: {text}");
    assert!(!text.contains("memory allocation"), "{what}: {text}");
    let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
    Said { code, text }
}

/// The name that people know a place by.
pub fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
