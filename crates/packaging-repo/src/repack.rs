//! Keeps repositories in shape, with Git's own means.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Error;
use crate::repository::Repository;

/// How thoroughly a repository is repacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Everything into one pack, deltas looked for anew. Once after the first import.
    Full,
    /// Small packs are joined; large ones stay as they are.
    Geometric,
}

/// As many packs slow down whoever reads: each import adds one, and Git's own housekeeping joins them at 50.
const MANY: usize = 50;

/// Whether a repository at a path has so many packs that it is worth to join them.
pub fn is_due(repository: &Path) -> bool {
    let Ok(entries) = fs::read_dir(repository.join("objects/pack")) else { return false };
    entries.flatten().filter(|entry| entry.path().extension().is_some_and(|it| it == "pack")).count() >= MANY
}

/// Repacks. Imports of the same package wait meanwhile; fetches go on.
pub fn repack(repository: &Repository, effort: Effort) -> Result<(), Error> {
    let guard = repository.lock()?;
    repository.remove_leftovers(&guard)?;
    match effort {
        // `-a -d` alone would drop what no ref names; `-k` keeps it, in case somebody is about to name it.
        Effort::Full => {
            git(repository, "repack", &["-q", "-a", "-d", "-k", "-f", "--window=250", "--depth=50"])
        }
        Effort::Geometric => git(repository, "repack", &["-q", "-d", "--geometric=2"]),
    }
}

/// Runs Git in a repository, without the configuration of whoever calls.
pub(crate) fn git(repository: &Repository, verb: &'static str, arguments: &[&str]) -> Result<(), Error> {
    let failed = |cause: String| Error::Git { verb, cause };
    let mut command = Command::new("git");
    // Called from a hook, Git would look for objects elsewhere.
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    let output = command
        .arg("--git-dir")
        .arg(repository.path())
        .arg(verb)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        // The repository may belong to another user than the operator who looks at it.
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| failed(format!("cannot run it: {error}; is git installed?")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stderr, output.stdout].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(10).collect();
    Err(failed(if lines.is_empty() { output.status.to_string() } else { lines.join("; ") }))
}
