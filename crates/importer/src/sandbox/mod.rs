//! The walls around the child process that performs one import: input is hostile.
//!
//! The child builds them itself before it reads a byte of the package: no code runs between fork and exec. Only its
//! time, its environment and its open files are limited from outside, by the process that started it (`child`).
//!
//! - limits of the kernel: memory, size of files, no core dumps;
//! - no capabilities ([`rights`]);
//! - landlock ([`files`]): it reads the files of its request and, where a signature is checked, keyrings and what `gpgv`
//!   needs of the system, writes to its repository, and reaches no server and no other process; no file can be executed
//!   where no program is needed;
//! - seccomp ([`calls`]): system calls that it has no use for do not exist.

mod calls;
mod files;
mod filter;
mod rights;

use std::path::PathBuf;

use landlock::ABI;
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use serde::{Deserialize, Serialize};

pub use files::{of_check, of_request};

/// Exit code of a child whose parent has died, which nobody sees.
const EXIT_ORPHANED: i32 = 125;

/// Limits of one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// Bytes of memory of its own (data, heap, stacks; not mapped files).
    pub memory: u64,
    /// Seconds for each version.
    pub seconds: u64,
    /// Bytes of the largest file that it may write.
    pub file_size: u64,
}

/// Files that one child has to reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The folder that it writes to.
    pub repository: PathBuf,
    /// Files that it reads, and folders of which it reads all files.
    pub readable: Vec<PathBuf>,
    /// Programs that it starts; without any, no file can be executed.
    pub programs: &'static [&'static str],
}

/// A wall that this kernel does not build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wall {
    /// Files of others.
    Files,
    /// Servers on the network.
    Network,
    /// Other processes.
    Processes,
    /// System calls without use.
    Calls,
}

impl Wall {
    /// Its name, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Wall::Files => "files",
            Wall::Network => "network",
            Wall::Processes => "processes",
            Wall::Calls => "calls",
        }
    }

    /// The wall that a name stands for.
    pub fn from_word(word: &str) -> Option<Wall> {
        [Wall::Files, Wall::Network, Wall::Processes, Wall::Calls].into_iter().find(|it| it.as_str() == word)
    }

    /// Consequence of a missing wall, and the reason why it is missing.
    pub fn consequence(self) -> &'static str {
        match self {
            Wall::Files => {
                "a hostile package that takes over its import could read and write whatever this user can (no landlock: \
                 Linux 5.13, switched on by lsm=)"
            }
            Wall::Network => {
                "a hostile package that takes over its import could reach servers (no seccomp, and landlock is older \
                 than Linux 6.7)"
            }
            Wall::Processes => {
                "a hostile package that takes over its import could send signals to other processes of this user (no \
                 seccomp, and landlock is older than Linux 6.12)"
            }
            Wall::Calls => {
                "a hostile package that takes over its import could use all of the kernel (no seccomp on this machine)"
            }
        }
    }
}

/// Reason why the walls could not be built.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A limit was refused.
    #[error("cannot limit {what} of the import: {error}")]
    Limit {
        /// Name of the limit.
        what: &'static str,
        /// Error of the system.
        error: rustix::io::Errno,
    },
    /// Landlock is there, but refused.
    #[error("cannot confine the import to its own repository: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// Seccomp is there, but refused.
    #[error("cannot take system calls from the import: {0}")]
    Seccomp(String),
    /// A folder that has to be written cannot be opened.
    #[error("cannot open {0} to allow writing there: {1}")]
    Open(PathBuf, landlock::PathFdError),
}

/// Limits this process and everything that it starts. Returns the walls that this kernel does not build.
///
/// # Errors
/// [`SandboxError`] when the kernel refuses a limit that it offers. A limit that it does not offer is in the result.
pub fn enter(walls: &Walls, needs: &Needs) -> Result<Vec<Wall>, SandboxError> {
    limit("the memory", Resource::Data, walls.memory)?;
    limit("the file size", Resource::Fsize, walls.file_size)?;
    limit("core dumps", Resource::Core, 0)?;
    rights::drop_all(&needs.readable).map_err(|error| SandboxError::Limit { what: "the rights", error })?;
    let landlock = files::confine(needs)?;
    let has_scopes = landlock.is_some_and(|abi| abi >= ABI::V6);
    let has_calls = calls::restrict(has_scopes)?;
    let mut missing = Vec::new();
    if landlock.is_none() {
        missing.push(Wall::Files);
    }
    if !has_calls {
        if landlock.is_none_or(|abi| abi < ABI::V4) {
            missing.push(Wall::Network);
        }
        if !has_scopes {
            missing.push(Wall::Processes);
        }
        missing.push(Wall::Calls);
    }
    Ok(missing)
}

/// Ends this process when the one that started it dies, or if it has died already: nobody would read the results.
/// To be called before anything is waited for.
pub fn die_with_parent(parent: u32) -> Result<(), SandboxError> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| SandboxError::Limit { what: "the life", error })?;
    let now = rustix::process::getppid().and_then(|pid| u32::try_from(pid.as_raw_pid()).ok());
    // In a container of its own the parent cannot be seen.
    if now.is_some_and(|now| now != parent) {
        std::process::exit(EXIT_ORPHANED);
    }
    Ok(())
}

fn limit(what: &'static str, resource: Resource, value: u64) -> Result<(), SandboxError> {
    let limit = Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(resource, limit).map_err(|error| SandboxError::Limit { what, error })
}
