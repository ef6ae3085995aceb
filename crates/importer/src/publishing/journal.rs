//! A journal of what this host has published, and could not publish: `logs/DAY/publish.log`, a line each. Publishing has no
//! job, no lease and no fencing token, so it is no attempt; the state keeps the present condition of a package on a remote,
//! the journal keeps what led there. It goes with the logs of its day.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::queue::logs;

/// Name of the journal in the folder of a day.
const NAME: &str = "publish.log";
/// Largest number of refs that a line names.
const NAMED: usize = 50;
/// Largest number of bytes of the words of a server in a line.
const WORDS: usize = 4 << 10;
/// Largest number of bytes that are read of the journal of one day, from its end.
const READ: u64 = 64 << 20;

/// Result of publishing one package.
pub(super) struct Entry<'a> {
    /// Name of the package.
    pub(super) package: &'a str,
    /// Name of the remote.
    pub(super) remote: &'a str,
    /// Duration.
    pub(super) took: Duration,
    /// Names of the refs that were moved.
    pub(super) moved: &'a [String],
    /// Number of branches of others that were fetched, and that an import joins.
    pub(super) taken_in: usize,
    /// Foreign and refused refs, as the state's row has them.
    pub(super) detail: Option<&'a str>,
    /// The failure, if it was not published: code and message.
    pub(super) failure: Option<(&'a str, &'a str)>,
}

impl Entry<'_> {
    /// True for an entry that tells something: most looks find everything as it was.
    fn is_news(&self) -> bool {
        !self.moved.is_empty() || self.taken_in > 0 || self.failure.is_some()
    }

    /// The line: time, remote, package, duration, result.
    fn line(&self, now: SystemTime) -> String {
        let mut parts = Vec::new();
        if let Some((code, message)) = self.failure {
            parts.push(format!("not published: publish/{code}: {message}"));
        }
        if !self.moved.is_empty() {
            let named: Vec<&str> = self.moved.iter().take(NAMED).map(String::as_str).collect();
            let rest = self.moved.len() - named.len();
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            parts.push(format!("{} moved: {}{rest}", self.moved.len(), named.join(" ")));
        }
        if self.taken_in > 0 {
            parts.push(format!("{} of others fetched, to be joined", self.taken_in));
        }
        parts.extend(self.detail.map(|detail| format!("left as they are: {detail}")));
        let text: String =
            parts.join("; ").chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect();
        let now = humantime::format_rfc3339_millis(now);
        format!("{now} {} {} {:.3} s {text}\n", self.remote, self.package, self.took.as_secs_f64())
    }
}

/// Adds an entry. A journal that cannot be written keeps nothing from being published.
pub(super) fn note(root: &Path, entry: &Entry<'_>) {
    if !entry.is_news() {
        return;
    }
    let now = SystemTime::now();
    let write = || -> io::Result<()> {
        let day = logs::today();
        fs::create_dir_all(logs::folder(root, &day))?;
        bounded::file::append_or_create(&path(root, &day))?.write_all(entry.line(now).as_bytes())
    };
    // The state has the result; only the course is not kept.
    let _ = write();
}

/// The newest lines about a package, oldest first, of one remote or of all.
///
/// # Errors
/// A folder of logs that cannot be read.
pub fn of_package(
    root: &Path,
    package: &str,
    remote: Option<&str>,
    at_most: usize,
) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for day in logs::days(root)?.iter().rev() {
        if found.len() >= at_most {
            break;
        }
        let text = match bounded::file::read_end(&path(root, day), READ) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?.0,
        };
        let text = String::from_utf8_lossy(&text);
        let is_of = |line: &&str| {
            let mut words = line.split(' ').skip(1);
            let (of, name) = (words.next(), words.next());
            name == Some(package) && (remote.is_none() || of == remote)
        };
        found.extend(text.lines().rev().filter(is_of).take(at_most - found.len()).map(str::to_owned));
    }
    found.reverse();
    Ok(found)
}

fn path(root: &Path, day: &str) -> PathBuf {
    logs::folder(root, day).join(NAME)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry<'a>(package: &'a str, remote: &'a str, moved: &'a [String]) -> Entry<'a> {
        let took = Duration::from_millis(1500);
        Entry { package, remote, took, moved, taken_in: 0, detail: None, failure: None }
    }

    #[test]
    fn the_newest_lines_of_a_package_are_found_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let moved = ["refs/heads/debian/sid".to_owned()];
        note(root.path(), &entry("hello", "git", &moved));
        note(root.path(), &entry("hello", "git", &[]));
        note(root.path(), &entry("hello-2", "git", &moved));
        note(root.path(), &entry("hello", "other", &moved));
        let failed =
            Entry { failure: Some(("remote-away", "no\nroute \u{1b}[31m")), ..entry("hello", "git", &[]) };
        note(root.path(), &failed);
        let lines = of_package(root.path(), "hello", Some("git"), 10).unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with("git hello 1.500 s 1 moved: refs/heads/debian/sid"), "{lines:?}");
        assert!(lines[1].ends_with("not published: publish/remote-away: no route  [31m"), "{lines:?}");
        assert_eq!(of_package(root.path(), "hello", None, 10).unwrap().len(), 3);
        assert_eq!(of_package(root.path(), "hello", Some("git"), 1).unwrap(), lines[1..]);
    }

    #[test]
    fn a_line_is_limited() {
        let moved: Vec<String> = (0..5000).map(|number| format!("refs/tags/debian/1.0-{number}")).collect();
        let line = entry("hello", "git", &moved).line(SystemTime::UNIX_EPOCH);
        assert!(line.len() < 5000 && line.contains("and 4950 more"), "{line}");
    }
}
