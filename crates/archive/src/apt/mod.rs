//! Source packages through the machine's own apt: its sources, keyrings and proxies, with a private state.
//!
//! apt checks the signature of every index and the hashes of every file. Nothing of the system is changed: lists,
//! cache and the rewritten sources all live in one folder of ours.

mod index;
mod source;
mod sources;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use bounded::Deadline;
use bounded::lock::{LockError, Mode};
use bounded::program::{self, Group};
pub use index::Candidate;
pub use source::AptSource;
use source_package::code::Code;
use source_package::version::Version;

/// Reason why apt could not deliver.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    /// apt is not there, or cannot be started.
    #[error("cannot run {program}: {error}; is apt installed?")]
    Start {
        /// Path of the program.
        program: String,
        /// Error of the system.
        error: io::Error,
    },
    /// apt ended with an error.
    #[error("{program} failed ({status}):\n{output}")]
    Failed {
        /// The program with its verb.
        program: String,
        /// Exit status.
        status: String,
        /// The last lines it printed.
        output: String,
    },
    /// A file of ours or of apt's configuration.
    #[error("cannot {action} {}: {error}", path.display())]
    File {
        /// Verb of what was tried, for the message.
        action: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        error: io::Error,
    },
    /// No source of apt's has the package.
    #[error("no source that apt is configured for has the source package {0}")]
    UnknownPackage(String),
    /// The package is there, but not in this version.
    #[error("no source that apt is configured for has {package} {version}; it has: {available}")]
    UnknownVersion {
        /// Name of the package.
        package: String,
        /// Version that was asked for.
        version: String,
        /// Versions that are available.
        available: String,
    },
    /// Not a single source entry.
    #[error("apt has no sources configured (/etc/apt/sources.list, /etc/apt/sources.list.d)")]
    NoSources,
}

impl AptError {
    /// Code of the failure.
    pub fn code(&self) -> Code {
        match self {
            AptError::Start { .. } => Code::NoApt,
            AptError::Failed { .. } => Code::AptFailed,
            AptError::File { .. } => Code::AptState,
            AptError::UnknownPackage(_) => Code::UnknownPackage,
            AptError::UnknownVersion { .. } => Code::UnknownVersion,
            AptError::NoSources => Code::NoSources,
        }
    }
}

/// apt with a private state.
pub struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

/// One package as asked for on a command line: `NAME` or `NAME=VERSION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Name of the source package.
    pub package: String,
    /// The version; the highest if none is given.
    pub version: Option<String>,
}

impl Wanted {
    /// Reads `NAME` or `NAME=VERSION`.
    pub fn parse(text: &str) -> Wanted {
        match text.split_once('=') {
            Some((package, version)) => {
                Wanted { package: package.to_owned(), version: Some(version.to_owned()) }
            }
            None => Wanted { package: text.to_owned(), version: None },
        }
    }
}

/// Result of a fetch of the indices.
#[derive(Debug)]
pub struct Updated {
    /// Everything that apt printed about it.
    pub messages: String,
    /// The error, if apt ended with one. Indices that could be fetched are new nevertheless.
    pub failed: Option<AptError>,
}

impl Apt {
    /// Prepares a private state in `folder`, with every `deb` entry of the machine's also as `deb-src`.
    ///
    /// # Errors
    /// [`AptError`] when apt is missing, has no sources, or the folder cannot be written.
    pub fn prepare(folder: &Path) -> Result<Apt, AptError> {
        for part in ["lists/partial", "archives/partial", "sources.list.d", "packages"] {
            make_folder(&folder.join(part))?;
        }
        let folder = fs::canonicalize(folder).map_err(file("find", folder))?;
        let system = sources::System::ask()?;
        let parts = folder.join("sources.list.d");
        if sources::rewrite(&system, &parts)? == 0 {
            return Err(AptError::NoSources);
        }
        let set = |key: &str, value: &Path| format!("{key}={}", value.display());
        let options = vec![
            set("Dir::Etc::sourcelist", Path::new("/dev/null")),
            set("Dir::Etc::sourceparts", &parts),
            set("Dir::State::lists", &folder.join("lists")),
            set("Dir::Cache::archives", &folder.join("archives")),
            set("Dir::Cache::pkgcache", Path::new("")),
            set("Dir::Cache::srcpkgcache", Path::new("")),
            "APT::Get::List-Cleanup=true".to_owned(),
        ];
        Ok(Apt { folder, options })
    }

    /// Fetches the indices again. A source that cannot be reached leaves its old index in place. Another process of
    /// ours that does the same in this folder is waited for: apt itself does not wait for its lock.
    ///
    /// # Errors
    /// [`AptError`] when apt could not run. One that ran and failed is part of the answer.
    pub fn update(&self) -> Result<Updated, AptError> {
        let path = self.folder.join("update.lock");
        let _lock = bounded::lock::open(&path, Mode::Exclusive, Deadline::after(OTHERS)).map_err(locked)?;
        let mut command = self.command("apt-get");
        command.args(["update", "-q"]).current_dir(&self.folder);
        let ended = run("apt-get update", command)?;
        Ok(Updated { failed: ended.failed("apt-get update"), messages: ended.errors })
    }

    /// Finds the wanted version in the indices, or all versions, the highest first.
    ///
    /// # Errors
    /// [`AptError::UnknownPackage`] or [`AptError::UnknownVersion`] when no index has it.
    pub fn find(&self, wanted: &Wanted) -> Result<Vec<Candidate>, AptError> {
        let (targets, _) = self.run(
            "apt-get",
            &[
                "indextargets",
                "--format",
                "$(FILENAME)|$(CODENAME)|$(SUITE)|$(ORIGIN)",
                "Created-By: Sources",
            ],
            &self.folder,
        )?;
        let mut candidates = Vec::new();
        for target in targets.lines().filter_map(index::Target::parse) {
            let (text, _) = self.cat(&target.file)?;
            index::scan(&text, &wanted.package, &target, &mut candidates);
        }
        index::choose(wanted, candidates)
    }

    /// Downloads the files of a package; those that are there already and are right are not fetched again.
    /// Returns the path of its `.dsc`.
    ///
    /// # Errors
    /// [`AptError::Failed`] with apt's messages.
    pub fn fetch(&self, candidate: &Candidate) -> Result<PathBuf, AptError> {
        let folder = self.folder.join("packages").join(&candidate.package);
        make_folder(&folder)?;
        let name = format!("{}={}", candidate.package, candidate.version);
        self.run("apt-get", &["source", "-q", "--download-only", "--only-source", &name], &folder)?;
        Ok(folder.join(&candidate.dsc))
    }

    /// An index as text, whatever apt compressed it with.
    fn cat(&self, file: &Path) -> Result<(Vec<u8>, String), AptError> {
        if file.extension().is_none_or(|ending| ending == "Sources")
            && let Ok(text) = bounded::file::read(file, MOST as u64)
        {
            return Ok((text, String::new()));
        }
        let mut command = self.command("/usr/lib/apt/apt-helper");
        command.arg("cat-file").arg(file);
        output("apt-helper cat-file", command)
    }

    fn run(&self, program: &str, arguments: &[&str], folder: &Path) -> Result<(String, String), AptError> {
        let mut command = self.command(program);
        command.args(arguments).current_dir(folder);
        let (text, warnings) = output(&format!("{program} {}", arguments[0]), command)?;
        Ok((String::from_utf8_lossy(&text).into_owned(), warnings))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        for option in &self.options {
            command.arg("-o").arg(option);
        }
        command
    }
}

/// Longest time that another process of ours is waited for that fetches the indices.
const OTHERS: Duration = Duration::from_secs(600);
/// Longest time that apt may take: it has no limit of its own while a server goes on answering, however slowly.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// Largest number of bytes of its output that are read. The text of an index is the longest.
const MOST: usize = 2 << 30;

/// Result of a program that ended.
struct Ended {
    status: ExitStatus,
    text: Vec<u8>,
    errors: String,
}

impl Ended {
    /// The error of a program that ended with one, with the last lines that tell why.
    fn failed(&self, program: &str) -> Option<AptError> {
        if self.status.success() {
            return None;
        }
        let lines: Vec<&str> = self.errors.lines().collect();
        let errors: Vec<&str> = lines.iter().copied().filter(|line| line.starts_with("E: ")).collect();
        let telling = if errors.is_empty() { &lines } else { &errors };
        let output = telling[telling.len().saturating_sub(8)..].join("\n");
        Some(AptError::Failed { program: program.to_owned(), status: self.status.to_string(), output })
    }
}

fn run(program_name: &str, mut command: Command) -> Result<Ended, AptError> {
    let start = |error| AptError::Start { program: program_name.to_owned(), error };
    let deadline = Deadline::after(LONGEST);
    let output = match program::output(&mut command, Group::Ours, None, MOST, deadline, |_| {}) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let program = program_name.to_owned();
            return Err(AptError::Failed { program, status: "hung".into(), output: error.to_string() });
        }
        other => other.map_err(start)?,
    };
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Ended { status: output.status, text: output.stdout, errors })
}

fn output(program_name: &str, command: Command) -> Result<(Vec<u8>, String), AptError> {
    let ended = run(program_name, command)?;
    match ended.failed(program_name) {
        Some(error) => Err(error),
        None => Ok((ended.text, ended.errors)),
    }
}

fn locked(error: LockError) -> AptError {
    match error {
        LockError::Held(held) => AptError::Failed {
            program: "apt-get update".to_owned(),
            status: "not started".to_owned(),
            output: held.to_string(),
        },
        LockError::File { action, path, error } => AptError::File { action, path, error },
    }
}

fn make_folder(path: &Path) -> Result<(), AptError> {
    fs::create_dir_all(path).map_err(file("make the folder", path))
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AptError {
    let path = path.to_owned();
    move |error| AptError::File { action, path, error }
}

/// Compares two versions of an index; a text that is no version sorts first.
fn newer(a: &str, b: &str) -> std::cmp::Ordering {
    match (Version::new(a), Version::new(b)) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (a, b) => a.is_ok().cmp(&b.is_ok()),
    }
}
