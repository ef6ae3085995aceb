//! A log for each attempt: `logs/2026-11-24/4711.log`, of limited length. A folder a day, so that old logs are removed
//! at once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// No log is longer.
const LONGEST: usize = 1 << 20;

/// Log of an attempt. A line that cannot be written is left out: a full disk must not fail an import twice.
pub struct Log {
    file: Option<File>,
    started: Instant,
    written: usize,
    kept: String,
}

/// Path of the log of an attempt that began on a day.
pub fn path(root: &Path, day: &str, attempt: i64) -> PathBuf {
    folder(root, day).join(format!("{attempt}.log"))
}

/// Folder of the logs of a day.
pub fn folder(root: &Path, day: &str) -> PathBuf {
    root.join("logs").join(day)
}

/// Days that have logs, oldest first.
pub fn days(root: &Path) -> io::Result<Vec<String>> {
    let folder = root.join("logs");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(with_path("read", &folder, &error)),
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut days: Vec<String> = names.filter(|name| is_day(name)).collect();
    days.sort();
    Ok(days)
}

/// Removes the folders of days before `day` (`2026-11-24`). Returns their names; with `look`, nothing is removed.
pub fn prune(root: &Path, day: &str, look: bool) -> io::Result<Vec<String>> {
    let mut old = days(root)?;
    old.retain(|name| name.as_str() < day);
    for name in old.iter().filter(|_| !look) {
        let path = folder(root, name);
        match fs::remove_dir_all(&path) {
            // Another host that shares the root was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(|error| with_path("remove", &path, &error))?,
        }
    }
    Ok(old)
}

fn with_path(verb: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {verb} {}: {error}", path.display()))
}

/// Other names there are not the importer's.
fn is_day(name: &str) -> bool {
    let shape: String = name.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00"
}

/// Day that is a duration ago, as the name of a folder.
pub fn day_before(age: Duration) -> String {
    day(SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH))
}

/// Today, as the name of a folder.
pub fn today() -> String {
    day(SystemTime::now())
}

fn day(time: SystemTime) -> String {
    let time = humantime::format_rfc3339_seconds(time).to_string();
    time.get(..10).unwrap_or(&time).to_owned()
}

impl Log {
    /// Begins the log of an attempt.
    pub fn begin(root: &Path, attempt: i64) -> Log {
        let path = path(root, &today(), attempt);
        let open = || -> io::Result<File> {
            match bounded::file::create(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(path.parent().unwrap_or(root))?;
                    bounded::file::create(&path)
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
        // After an error it ends: what follows would stand behind half a line. The end of it is kept in the state.
        if self.file.as_mut().is_some_and(|file| file.write_all(line.as_bytes()).is_err()) {
            self.file = None;
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_old_days_go() {
        let root = tempfile::tempdir().unwrap();
        for name in ["2026-08-25", "2026-08-26", "2026-11-24", "notes"] {
            fs::create_dir_all(root.path().join("logs").join(name)).unwrap();
        }
        assert_eq!(prune(root.path(), "2026-08-26", true).unwrap(), ["2026-08-25"]);
        assert_eq!(prune(root.path(), "2026-08-26", false).unwrap(), ["2026-08-25"]);
        assert_eq!(fs::read_dir(root.path().join("logs")).unwrap().count(), 3);
        assert!(prune(&root.path().join("none"), "2026-08-26", false).unwrap().is_empty());
    }
}
