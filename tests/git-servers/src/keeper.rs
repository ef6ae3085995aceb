//! Keeps a server running for as long as somebody holds it.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A program that ends with this.
pub struct Keeper(Child);

impl Keeper {
    /// Starts a program that stays in the foreground.
    pub fn start(program: &str, arguments: &[&str], log: &Path) -> Keeper {
        // In a group of its own, so that all that it has started ends with it.
        let script = "setsid \"$@\" </dev/null & p=$!; read x; kill -- -$p; wait $p";
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script, "keeper", program]).args(arguments);
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        Keeper(command.spawn().unwrap())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A port of this machine that nobody uses.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody answers.
pub fn wait_for_port(port: u16) {
    wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok(), "a port");
}

/// Waits until somebody answers.
pub fn wait_for_socket(path: &Path) {
    wait_for(|| UnixStream::connect(path).is_ok(), "a socket");
}

fn wait_for(mut is_there: impl FnMut() -> bool, what: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_there() {
        assert!(Instant::now() < end, "nobody listens at {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
