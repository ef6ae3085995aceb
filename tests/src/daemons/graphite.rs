//! A receiver of what Icinga makes of perfdata: it sends each value and threshold that it could read to Graphite.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// Paths of figures, and their last values.
type Figures = Arc<Mutex<BTreeMap<String, f64>>>;

/// A listening receiver.
pub struct Graphite {
    /// Port that it listens on.
    pub port: u16,
    figures: Figures,
}

impl Default for Graphite {
    fn default() -> Self {
        Graphite::new()
    }
}

impl Graphite {
    /// Listens on loopback, for as long as the process lives.
    pub fn new() -> Graphite {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let figures = Figures::default();
        let kept = figures.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                thread::spawn(move || {
                    BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| keep(&kept, &line));
                });
            }
        });
        Graphite { port, figures }
    }

    /// Values received for a figure of a service: value, `warn` and `crit`, as far as they came.
    pub fn figure(&self, service: &str, label: &str) -> [Option<f64>; 3] {
        let figures = self.figures.lock().unwrap();
        let start = format!("icinga2.importer.services.{service}.");
        ["value", "warn", "crit"].map(|part| {
            let end = format!(".perfdata.{label}.{part}");
            let found = figures.iter().find(|(path, _)| path.starts_with(&start) && path.ends_with(&end));
            found.map(|(_, value)| *value)
        })
    }
}

/// Stores a line `path value time`.
fn keep(figures: &Figures, line: &str) {
    let mut words = line.split(' ');
    if let (Some(path), Some(Ok(value))) = (words.next(), words.next().map(str::parse)) {
        figures.lock().unwrap().insert(path.to_owned(), value);
    }
}
