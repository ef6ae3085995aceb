//! The walls around the child process that performs one import: input is hostile.
//!
//! The child builds them itself before it reads a byte of the package: no code runs between fork and exec. Its time is
//! the one wall outside: whoever started it ends it (`child`).

use std::path::Path;

use landlock::{
    ABI, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus,
};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use serde::{Deserialize, Serialize};

/// Exit code of a child whose parent has died, which nobody sees.
const EXIT_ORPHANED: i32 = 125;

/// What one child may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// Bytes of memory of its own (data, heap, stacks; not mapped files).
    pub memory: u64,
    /// Seconds for each version.
    pub seconds: u64,
    /// Bytes of the largest file that it may write.
    pub file_size: u64,
}

/// Why the walls could not be built.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A limit was refused.
    #[error("cannot limit {what} of the import: {error}")]
    Limit {
        /// Which.
        what: &'static str,
        /// Why.
        error: rustix::io::Errno,
    },
    /// Landlock is there, but refused.
    #[error("cannot confine the import to its own repository: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// A folder that may be written cannot be opened.
    #[error("cannot open {0} to allow writing there: {1}")]
    Open(std::path::PathBuf, landlock::PathFdError),
}

/// Limits this process and everything it starts; writing is possible below `writable` alone, where the kernel
/// has landlock (Linux 5.13). Returns whether it has.
pub fn enter(walls: &Walls, writable: &[&Path]) -> Result<bool, SandboxError> {
    limit("the memory", Resource::Data, walls.memory)?;
    limit("the file size", Resource::Fsize, walls.file_size)?;
    limit("core dumps", Resource::Core, 0)?;
    confine(writable)
}

/// Ends this process when the one that started it dies, or if it has died already: nobody would hear what this one
/// has to say. To be called before anything is waited for.
pub fn die_with_parent(parent: u32) -> Result<(), SandboxError> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| SandboxError::Limit { what: "the life", error })?;
    let now = rustix::process::getppid().and_then(|pid| u32::try_from(pid.as_raw_pid()).ok());
    // In a container of its own the parent is not to be seen.
    if now.is_some_and(|now| now != parent) {
        std::process::exit(EXIT_ORPHANED);
    }
    Ok(())
}

fn limit(what: &'static str, resource: Resource, value: u64) -> Result<(), SandboxError> {
    let limit = Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(resource, limit).map_err(|error| SandboxError::Limit { what, error })
}

fn confine(writable: &[&Path]) -> Result<bool, SandboxError> {
    let version = ABI::V3;
    let writing = AccessFs::from_write(version);
    let mut rules =
        Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(writing)?.create()?;
    let null = Path::new("/dev/null");
    for path in writable.iter().chain(std::iter::once(&null)) {
        let fd = PathFd::new(path).map_err(|error| SandboxError::Open(path.to_path_buf(), error))?;
        let allowed = if path.is_dir() { writing } else { writing & AccessFs::from_file(version) };
        rules = rules.add_rule(PathBeneath::new(fd, allowed))?;
    }
    Ok(rules.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}
