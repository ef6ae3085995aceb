//! A log for each attempt: `logs/2026-11-24/4711.log`, capped.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// No log is longer.
const LONGEST: usize = 1 << 20;

/// The log of an attempt. What cannot be written is left out: a full disk must not fail an import twice.
pub struct Log {
    file: Option<File>,
    started: Instant,
    written: usize,
    kept: String,
}

/// Where the log of an attempt is that began on a day.
pub fn path(root: &Path, day: &str, attempt: i64) -> PathBuf {
    root.join("logs").join(day).join(format!("{attempt}.log"))
}

/// Today, as the name of a folder.
fn today() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.get(..10).unwrap_or(&now).to_owned()
}

impl Log {
    /// Begins the log of an attempt.
    pub fn begin(root: &Path, attempt: i64) -> Log {
        let path = path(root, &today(), attempt);
        let open = || -> io::Result<File> {
            match File::create(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(path.parent().unwrap_or(root))?;
                    File::create(&path)
                }
                other => other,
            }
        };
        Log { file: open().ok(), started: Instant::now(), written: 0, kept: String::new() }
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) {
        let line = format!("{:9.3} {}\n", self.started.elapsed().as_secs_f64(), text.trim_end());
        self.kept.push_str(&line);
        self.cut();
        if self.written + line.len() > LONGEST {
            self.file = None;
        }
        self.written += line.len();
        if let Some(file) = &mut self.file {
            let _ = file.write_all(line.as_bytes());
        }
    }

    /// Its end, as much as is kept in the database.
    pub fn end(self) -> String {
        self.kept
    }

    fn cut(&mut self) {
        let most = state::finish::LOG_KEPT;
        if self.kept.len() > most * 2 {
            self.kept = tail(&self.kept, most);
        }
    }
}

/// The last part of a text, by whole lines.
pub fn tail(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let from = (text.len() - most..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let rest = text.get(from..).unwrap_or_default();
    rest.split_once('\n').map_or(rest, |(_, whole)| whole).to_owned()
}
