//! Pages of a monitoring system that notifies: one line for each, in a file.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::free_address;

/// Port of a machine that its monitoring system asks whether it is alive.
const ALIVE: u16 = 2222;

/// A watched machine: alive as long as something listens at its port.
pub struct Machine {
    /// Its address on loopback.
    pub address: String,
    listener: Option<TcpListener>,
}

impl Default for Machine {
    fn default() -> Self {
        Machine::new()
    }
}

impl Machine {
    /// One that is alive.
    pub fn new() -> Machine {
        let mut machine = Machine { address: free_address(ALIVE), listener: None };
        machine.starts();
        machine
    }

    /// Nothing listens any more.
    pub fn dies(&mut self) {
        self.listener = None;
    }

    /// It is back.
    pub fn starts(&mut self) {
        self.listener = Some(TcpListener::bind((self.address.as_str(), ALIVE)).unwrap());
    }

    /// Port that tells whether it is alive.
    pub fn port(&self) -> u16 {
        ALIVE
    }
}

/// File that notification commands append to.
#[derive(Clone, Debug)]
pub struct Pager {
    file: PathBuf,
}

impl Pager {
    /// One that writes into a folder, which the monitoring system's user owns.
    pub fn new(folder: &Path) -> Pager {
        Pager { file: folder.join("pages") }
    }

    /// Shell command that pages with two words: the type of the notification, and its object.
    pub fn command(&self, kind: &str, object: &str) -> String {
        format!("echo {kind} {object} >>{}", self.file.display())
    }

    /// All pages so far, such as `PROBLEM import-database`.
    pub fn pages(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// A shipped definition with its intervals of more than a minute made three minutes, so that a test need not wait for half
/// an hour. Limits and attempts stay.
pub fn hurried(text: &str, is_interval: impl Fn(&str) -> Option<String>) -> String {
    text.lines().map(|line| is_interval(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

/// State of a service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settled {
    /// The exit code of its check.
    pub code: i32,
    /// True when it is not going to be asked again before it is believed.
    pub is_hard: bool,
    /// Seconds since 1970 at which it was asked.
    pub asked: f64,
}
