//! Git, without anybody's configuration: not the machine's, not the user's, and not the repository's either. It works in
//! a folder of ours that has nothing but a `HEAD`; the objects of a repository are lent to it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bounded::Deadline;
use bounded::program::{self, Group};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};

use crate::ObjectId;
use crate::answers::{self, Answer};
use crate::problem::{Problem, said};

/// Largest number of bytes of Git's output that are kept.
const SAID: usize = 256 << 20;
/// The longest trace that is read.
const TRACE: u64 = 16 << 20;
/// Time limit of a question about local objects.
const HERE: Duration = Duration::from_secs(600);

/// Configuration of every call of Git. `core.fsync`: fetched objects are durable before a ref names them. Old histories
/// have trees that today's Git would not make; they are accepted as they are.
const CONFIGURATION: [(&str, &str); 17] = [
    ("safe.directory", "*"),
    ("core.hooksPath", "/dev/null"),
    ("core.fsync", "all"),
    ("core.fsyncMethod", "fsync"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.unpackLimit", "1"),
    ("fetch.writeCommitGraph", "false"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "120"),
    ("pack.windowMemory", "256m"),
    ("pack.threads", "1"),
    ("protocol.allow", "never"),
    ("protocol.version", "2"),
];

/// A program that works without anybody's configuration.
#[derive(Debug)]
pub struct Git {
    folder: tempfile::TempDir,
    empty: PathBuf,
    count: AtomicU64,
    /// Running programs: each leads a group of processes.
    running: Mutex<BTreeSet<u32>>,
    is_stopping: AtomicBool,
}

/// One call of Git.
#[derive(Default)]
pub struct Call<'a> {
    /// The command and its arguments.
    pub arguments: Vec<OsString>,
    /// The folder of objects that it works with.
    pub objects: Option<&'a Path>,
    /// Refs that it knows: a `packed-refs`.
    pub refs: Option<&'a Path>,
    /// Further configuration.
    pub configuration: Vec<(String, String)>,
    /// More of the environment.
    pub environment: Vec<(String, OsString)>,
    /// Standard input.
    pub input: Option<Vec<u8>>,
    /// The most bytes that a file may get.
    pub file_size: Option<u64>,
    /// True when an HTTP server is asked.
    pub is_http: bool,
}

/// Result of a call.
#[derive(Debug)]
pub struct Ran {
    /// Its status, 0 if all went well; none if a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
    /// Answer of an HTTP server.
    pub answer: Answer,
}

impl Git {
    /// Creates its folder.
    ///
    /// # Errors
    /// [`Problem::Local`] when that fails.
    pub fn open() -> Result<Git, Problem> {
        let cannot = |error: io::Error| Problem::Local(format!("cannot make a folder for git: {error}"));
        let folder = tempfile::Builder::new().prefix("package-import-git.").tempdir().map_err(cannot)?;
        let empty = folder.path().join("empty");
        make_folder(&empty).map_err(cannot)?;
        let (running, is_stopping) = (Mutex::default(), AtomicBool::new(false));
        Ok(Git { folder, empty, count: AtomicU64::new(0), running, is_stopping })
    }

    /// A folder that nobody else reads.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A number that is given once.
    pub fn number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::SeqCst)
    }

    /// Ends all that runs, and whatever begins afterwards.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.running().iter().for_each(|pid| end(*pid));
    }

    fn running(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Runs it to its end, or for as long as it may take.
    ///
    /// # Errors
    /// [`Problem::Local`] when Git cannot be started, [`Problem::Late`] when the limit is over. A failure of Git
    /// itself is in the result.
    pub fn run(&self, call: &Call<'_>, limit: Duration) -> Result<Ran, Problem> {
        let number = self.number();
        let own = call.refs.map(|refs| self.with_refs(refs, number)).transpose()?;
        let trace = self.folder.path().join(format!("trace-{number}"));
        let mut command =
            self.command(call, own.as_ref().map_or(self.empty.as_path(), tempfile::TempDir::path));
        if call.is_http {
            command.env("GIT_TRACE_CURL", &trace).env("GIT_TRACE_CURL_NO_DATA", "1");
        }
        let mut own_pid = None;
        let started = |pid: u32| {
            own_pid = Some(pid);
            self.running().insert(pid);
            if self.is_stopping.load(Ordering::SeqCst) {
                end(pid);
            }
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            if let (Some(pid), Some(most)) = (pid, call.file_size) {
                let limit = Rlimit { current: Some(most), maximum: Some(most) };
                // One that has ended already needs no limit.
                let _ = prlimit(Some(pid), Resource::Fsize, limit);
            }
        };
        let input = Some(call.input.clone().unwrap_or_default());
        let deadline = Deadline::after(limit);
        let ran = program::output(&mut command, Group::Own, input, SAID, deadline, started);
        own_pid.map(|pid| self.running().remove(&pid));
        let answer = bounded::file::read(&trace, TRACE)
            .map(|text| answers::parse(&String::from_utf8_lossy(&text)))
            .unwrap_or_default();
        let _ = fs::remove_file(&trace);
        let ran = ran.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Problem::Late(limit),
            io::ErrorKind::NotFound => Problem::Local(format!("cannot run git: {error}; is it installed?")),
            _ => Problem::Local(format!("cannot run git: {error}")),
        })?;
        Ok(Ran {
            status: ran.status.code(),
            stdout: ran.stdout,
            stderr: String::from_utf8_lossy(&ran.stderr).into_owned(),
            answer,
        })
    }

    fn command(&self, call: &Call<'_>, git_dir: &Path) -> Command {
        let mut command = Command::new("git");
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env("LC_ALL", "C")
            .env("GIT_DIR", git_dir)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "/bin/false")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .current_dir(self.folder.path());
        if let Some(objects) = call.objects {
            command.env("GIT_OBJECT_DIRECTORY", objects);
        }
        let more = call.configuration.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = CONFIGURATION.into_iter().chain(more).collect();
        command.env("GIT_CONFIG_COUNT", all.len().to_string());
        for (place, (key, value)) in all.into_iter().enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{place}"), key)
                .env(format!("GIT_CONFIG_VALUE_{place}"), value);
        }
        for (name, value) in &call.environment {
            command.env(name, value);
        }
        command.args(&call.arguments);
        command
    }

    /// A folder that knows the refs of a repository, and nothing else of it.
    fn with_refs(&self, refs: &Path, number: u64) -> Result<tempfile::TempDir, Problem> {
        let make = || -> io::Result<tempfile::TempDir> {
            let own = tempfile::Builder::new().prefix(&format!("refs-{number}-")).tempdir_in(&self.folder)?;
            make_folder(own.path())?;
            match fs::copy(refs, own.path().join("packed-refs")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(own),
            }
        };
        make().map_err(|error| Problem::Local(format!("cannot copy {}: {error}", refs.display())))
    }

    /// Tells whether one commit is an ancestor of another, both in a folder of objects. `None` if one of them is
    /// missing, or is no commit.
    pub fn is_ancestor(&self, objects: &Path, old: ObjectId, new: ObjectId) -> Result<Option<bool>, Problem> {
        let (old, new) = (old.to_string(), new.to_string());
        let call = Call {
            arguments: words(["merge-base", "--is-ancestor", &old, &new]),
            objects: Some(objects),
            ..Call::default()
        };
        match self.run(&call, HERE)?.status {
            Some(0) => Ok(Some(true)),
            Some(1) => Ok(Some(false)),
            _ => Ok(None),
        }
    }
}

fn end(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // One that has ended by itself needs no end.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// Words as arguments.
pub fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.iter().map(|word| OsStr::new(word).to_owned()).collect()
}

/// Message about a call that failed.
pub fn why(ran: &Ran) -> String {
    let words = said(&ran.stderr);
    match (words.is_empty(), ran.status) {
        (false, _) => words,
        (true, Some(status)) => format!("git ended with {status} and said nothing"),
        (true, None) => "git was killed".into(),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path.join("refs"))?;
    fs::create_dir_all(path.join("objects"))?;
    fs::write(path.join("HEAD"), "ref: refs/heads/none\n")
}
