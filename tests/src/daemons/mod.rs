//! The real monitoring daemons on an installation as it is in production, and what arrives at them.
//!
//! Each daemon runs in the foreground on an address of its own on loopback, so that the shipped definitions, which name
//! the usual ports, can be loaded as they are. Each is ended by its process id.

pub mod aged;
pub mod graphite;
pub mod icinga;
pub mod nagios;
pub mod nrpe;
pub mod pages;
pub mod plugins;
pub mod said;
pub mod scene;
pub mod site;
pub mod tls;
pub mod users;

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Time limit of something that takes a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that ends when it is dropped.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it; what it prints goes to a file in the folder.
    pub fn start(mut command: Command, folder: &Path) -> Daemon {
        let log = folder.join("printed");
        let file = File::create(&log).unwrap();
        let program = command.get_program().to_owned();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).process_group(0);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run scripts/install-tools test", program.display()));
        Daemon { child, log }
    }

    /// Waits until something is so, and gives up when the daemon ends.
    pub fn wait_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            let ended = self.child.try_wait().unwrap();
            let printed = || fs::read_to_string(&self.log).unwrap_or_default();
            assert!(ended.is_none(), "the daemon ended ({ended:?}): {}", printed());
            assert!(Instant::now() < end, "waited for a minute: {what}: {}", printed());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = kill_process(self.pid(), Signal::TERM);
        let end = Instant::now() + Duration::from_secs(10);
        while self.child.try_wait().is_ok_and(|status| status.is_none()) {
            if Instant::now() > end {
                let _ = kill_process_group(self.pid(), Signal::KILL);
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// An address on loopback where nobody listens at a port. The whole of 127.0.0.0/8 is this machine, so tests that run
/// beside each other need not agree on ports.
pub fn free_address(port: u16) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    loop {
        let process = usize::try_from(std::process::id()).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let address = format!("127.{}.{}.{}", 1 + process / 250 % 250, 1 + process % 250, 1 + number % 250);
        if TcpListener::bind((address.as_str(), port)).is_ok() {
            return address;
        }
    }
}

/// True when a port accepts connections.
fn listens(address: &str, port: u16) -> bool {
    std::net::TcpStream::connect((address, port)).is_ok()
}

/// A file of this repository, as it ships.
pub fn shipped(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
