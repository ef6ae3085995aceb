//! Repacks repositories, with Git itself.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use bounded::Deadline;
use bounded::program::{self, Group};

use crate::Error;
use crate::refs::lock::Guard;
use crate::repository::Repository;

mod interrupted;

pub(crate) use interrupted::tidy;

/// Thoroughness of a repack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Everything into one pack, with a new search for deltas: after the first import, and when as much has been added
    /// since.
    Full,
    /// Small packs are joined; large ones stay as they are.
    Geometric,
}

/// Callback for the process group of a program that has been started.
pub type Started<'a> = &'a dyn Fn(u32);

/// Number of packs from which on reading becomes slow.
const MANY: usize = 10;

/// Repack that a repository needs; `None` if it needs none. A pack of an import, written fast and not small, is told
/// from one of a repack by the reverse index (`gitformat-pack(5)`), which only the latter has.
pub fn due(repository: &Path) -> Option<Effort> {
    let (mut packed, mut rough, mut many) = (0, 0, 0);
    for entry in fs::read_dir(repository.join("objects/pack")).ok()?.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|it| it != "pack") {
            continue;
        }
        // A pack that a repack has just removed counts as size 0.
        let size = entry.metadata().map_or(0, |it| it.len());
        if path.with_extension("rev").exists() {
            packed += size;
        } else {
            rough += size;
            many += 1;
        }
    }
    // A repository that has grown by half is repacked: over its life the total written is a few times its final size.
    if rough > packed / 2 {
        return Some(Effort::Full);
    }
    (many >= MANY || interrupted::is_marked(repository)).then_some(Effort::Geometric)
}

/// Repacks a repository that the caller has locked; fetches go on meanwhile. `started` gets the process group of Git,
/// so that the caller can end it early without harm. Without `started`, Git is in this process's group and ends with it
/// at a terminal. If a repack is killed at any moment, the next holder of the lock finishes or undoes it.
///
/// # Errors
/// [`Error::NoGit`] when there is no Git, [`Error::Git`] when it fails or the deadline is over.
pub fn repack(
    repository: &Repository,
    guard: &Guard,
    effort: Effort,
    started: Option<Started<'_>>,
    deadline: Deadline,
) -> Result<(), Error> {
    repository.remove_leftovers(guard)?;
    // `-a -d` alone would drop what no ref names; `-k` keeps it, in case somebody is about to name it. `-F` compresses
    // what imports only stored, where `-f` would copy what becomes no delta as it is.
    let arguments: &[&str] = match effort {
        Effort::Full => &["-q", "-d", "-F", "-a", "-k", "--window=250", "--depth=50"],
        Effort::Geometric => &["-q", "-d", "-F", "--geometric=2"],
    };
    interrupted::mark(repository.path())?;
    let mut command = command(repository.path(), "repack", arguments);
    command.stdin(Stdio::null());
    // Git holds the lock, too: should any of its processes outlive this one, no importer tidies up while it runs.
    guard.hand_to(&mut command)?;
    let group = if started.is_some() { Group::Own } else { Group::Ours };
    let told = |pid| started.map_or((), |started| started(pid));
    let packed = run(&mut command, "repack", group, None, deadline, told);
    tidy(repository.path())?;
    packed
}

/// Configuration of every call of Git. The repository may belong to another user than the caller; Git before 2.41
/// writes reverse indices only if told to (see [`due`]); the memory of a repack's window is limited.
const CONFIGURATION: [(&str, &str); 3] =
    [("safe.directory", "*"), ("pack.writeReverseIndex", "true"), ("pack.windowMemory", "256m")];

/// Largest number of bytes of Git's messages that are kept.
const SAID: usize = 1 << 20;

/// Runs Git in a repository until it ends or the deadline is over, without the caller's Git configuration.
pub(crate) fn git(
    repository: &Repository,
    verb: &'static str,
    arguments: &[&str],
    stdin: Stdio,
    deadline: Deadline,
) -> Result<(), Error> {
    let mut command = command(repository.path(), verb, arguments);
    command.stdin(stdin);
    run(&mut command, verb, Group::Ours, None, deadline, |_| ())
}

/// A Git command for a repository, without the caller's Git configuration.
pub(crate) fn command(git_dir: &Path, verb: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    // Called from a hook, Git would look for objects elsewhere.
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    configure(&mut command, &[]);
    command
        .arg("--git-dir")
        .arg(git_dir)
        .arg(verb)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        // Otherwise a push of `refs/replace/` could put other objects in place of ours.
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("LC_ALL", "C");
    command
}

/// Sets the configuration of every call, and more entries.
pub(crate) fn configure(command: &mut Command, more: &[(&str, &str)]) {
    let all = CONFIGURATION.iter().chain(more);
    for (place, (key, value)) in all.clone().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{place}"), key).env(format!("GIT_CONFIG_VALUE_{place}"), value);
    }
    command.env("GIT_CONFIG_COUNT", all.count().to_string());
}

/// Runs it until it ends or the deadline passes.
pub(crate) fn run(
    command: &mut Command,
    verb: &'static str,
    group: Group,
    input: Option<Vec<u8>>,
    deadline: Deadline,
    told: impl FnOnce(u32),
) -> Result<(), Error> {
    let output = program::output(command, group, input, SAID, deadline, told).map_err(|error| {
        let hint = if error.kind() == io::ErrorKind::NotFound { "; is git installed?" } else { "" };
        Error::NoGit { verb, cause: format!("{error}{hint}") }
    })?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stderr, output.stdout].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    // Git says of each object of a torn pack that it is torn.
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if lines.len() < 10 && !lines.contains(&line) {
            lines.push(line);
        }
    }
    let cause = if lines.is_empty() { output.status.to_string() } else { lines.join("; ") };
    Err(Error::Git { verb, cause })
}
