//! Starts the child that performs one import, follows what it says and judges how it ended.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use packaging_repo::fence::Fence;
use packaging_repo::repository::Repository;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use source_package::version::PackageName;
use wait4::{ResourceUsage, Wait4};

use crate::failure::{Failure, Stage};
use crate::protocol::{Event, ForeignRef, Report, Request};

/// As much of what a child writes to its standard error is kept.
const STDERR_KEPT: usize = 64 << 10;

/// The hidden subcommand of our own binary that performs an import.
pub const SUBCOMMAND: &str = "import-package";

/// SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM: somebody else sends these, and the version that was being read has no
/// part in it. To go on without it would make it late for ever, and its successor nobody's descendant.
const FROM_OUTSIDE: [i32; 5] = [1, 2, 3, 9, 15];

/// How a child ended.
pub struct Ended {
    /// Reports by the version's place in the request; `None` for those that it did not get to.
    pub reports: Vec<Option<Report>>,
    /// The version that it was reading last.
    pub last: Option<usize>,
    /// Why it did not finish, if it did not.
    pub failure: Option<Failure>,
    /// Its largest memory, in bytes.
    pub peak_rss: u64,
    /// Its processor time in milliseconds.
    pub cpu_ms: u64,
    /// Bytes that it read and wrote.
    pub moved: (u64, u64),
    /// Refs that are not where the importer has put them.
    pub foreign: Vec<ForeignRef>,
    /// What it wrote to its standard error.
    pub stderr: String,
}

/// Runs a child for `request`. `on_start` is told its number; `on_event` is called for each of its events.
pub fn run(
    program: &PathBuf,
    request: &Request,
    on_start: impl FnOnce(u32),
    mut on_event: impl FnMut(&Event),
) -> Result<Ended, Failure> {
    let worker = |what: &str, error: io::Error| {
        Failure::new(Stage::Worker, "cannot-start", format!("cannot {what} {}: {error}", program.display()))
    };
    let mut child = Command::new(program)
        .arg(SUBCOMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| worker("start", error))?;
    on_start(child.id());
    // A child that cannot even read its request says so on its standard error.
    let _ = send(&mut child, request);
    let mut ended = Ended {
        reports: request.versions.iter().map(|_| None).collect(),
        last: None,
        failure: None,
        peak_rss: 0,
        cpu_ms: 0,
        moved: (0, 0),
        foreign: Vec::new(),
        stderr: String::new(),
    };
    let mut clock = Clock::new(request.limits.walls().seconds);
    let stderr = follow(&mut child, &mut clock, |line, clock| {
        if let Ok(event) = serde_json::from_slice::<Event>(line) {
            clock.hear(&event);
            on_event(&event);
            ended.take(event);
        }
    });
    let usage = child.wait4().map_err(|error| worker("wait for", error))?;
    ended.judge(&usage.status, &usage.rusage, &stderr, clock.is_over);
    ended.stderr = stderr;
    if !usage.status.success() {
        // What cannot be tidied up now, the next import tidies up.
        let _ = settle(request);
    }
    Ok(ended)
}

/// Tidies up after a child that was killed, unless somebody else has the package by now.
fn settle(request: &Request) -> Result<(), packaging_repo::Error> {
    let (Some((epoch, token)), Ok(package)) = (request.fence, PackageName::new(&request.package)) else {
        return Ok(());
    };
    let repository = Repository::open_or_init(&request.root.join("repos"), &package)?;
    repository.settle(&repository.lock_fenced(Fence { epoch, token })?)
}

fn send(child: &mut Child, request: &Request) -> io::Result<()> {
    let Some(mut stdin) = child.stdin.take() else { return Ok(()) };
    stdin.write_all(&serde_json::to_vec(request)?)
}

/// The time that a version may take. It begins anew with each one: otherwise the version that is being read when the
/// time of all is up would be blamed for those before it.
struct Clock {
    limit: Duration,
    end: Option<Instant>,
    is_over: bool,
}

impl Clock {
    fn new(seconds: u64) -> Clock {
        Clock { limit: Duration::from_secs(seconds), end: None, is_over: false }
    }

    fn hear(&mut self, event: &Event) {
        if matches!(event, Event::Reading(_) | Event::Publishing) {
            // A limit beyond all times is none.
            self.end = Instant::now().checked_add(self.limit);
        }
    }

    fn left(&self) -> Option<Duration> {
        self.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    fn failure() -> Failure {
        let message = "took longer than limits.time allows; raise it if the package is really that large";
        Failure::new(Stage::Worker, "out-of-time", message)
    }

    /// Ends the child, whatever it hangs in, once its time is up.
    fn enforce(&mut self, child: &mut Child) {
        if self.left() == Some(Duration::ZERO) {
            self.is_over = true;
            self.end = None;
            // One that has ended by itself needs no end.
            let _ = child.kill();
        }
    }
}

/// Reads what a child says until it ends: each line of its output is passed on, its standard error is returned. Both at
/// once, so that it need not wait for either; without a thread, which would cost as much as the rest of this.
fn follow(child: &mut Child, clock: &mut Clock, mut on_line: impl FnMut(&[u8], &mut Clock)) -> String {
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut begun, mut kept) = (Vec::new(), Vec::new());
    let mut buffer = [0; 8192];
    while stdout.is_some() || stderr.is_some() {
        let streams = (stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd));
        let [of_stdout, of_stderr] = wait(streams, clock.left());
        if of_stdout {
            let read = read(&mut stdout, &mut buffer);
            begun.extend_from_slice(read);
            while let Some(end) = begun.iter().position(|&byte| byte == b'\n') {
                on_line(&begun[..end], clock);
                begun.drain(..=end);
            }
        }
        if of_stderr {
            let read = read(&mut stderr, &mut buffer);
            let room = STDERR_KEPT - kept.len();
            kept.extend_from_slice(read.get(..room).unwrap_or(read));
        }
        // Not before what it has said is heard: it may have begun with the next version.
        clock.enforce(child);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Waits until one of two streams has something, or has ended, or the time is up.
fn wait((a, b): (Option<BorrowedFd<'_>>, Option<BorrowedFd<'_>>), left: Option<Duration>) -> [bool; 2] {
    let is_there = [a.is_some(), b.is_some()];
    let mut polled: Vec<PollFd<'_>> =
        [a, b].into_iter().flatten().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    // A time that is no number of seconds for the kernel is none.
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    while let Err(error) = poll(&mut polled, left.as_ref()) {
        if error != Errno::INTR {
            // Reading waits, too, and tells what is wrong.
            return is_there;
        }
    }
    let mut ready = polled.iter().map(|fd| !fd.revents().is_empty());
    is_there.map(|is_there| is_there && ready.next().unwrap_or_default())
}

/// Reads once. At its end, or when it cannot be read, the stream is closed.
fn read<'b>(stream: &mut Option<impl Read>, buffer: &'b mut [u8]) -> &'b [u8] {
    let count = loop {
        match stream.as_mut().map_or(Ok(0), |stream| stream.read(buffer)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(count) => break count,
            Err(_) => break 0,
        }
    };
    if count == 0 {
        *stream = None;
    }
    &buffer[..count]
}

impl Ended {
    fn take(&mut self, event: Event) {
        match event {
            Event::Reading(index) => self.last = Some(index),
            Event::Finished(index, report) => {
                if let Some(slot) = self.reports.get_mut(index) {
                    *slot = Some(*report);
                }
            }
            // From here on no single version is to blame.
            Event::Publishing => self.last = None,
            Event::Moving(_) => {}
            Event::Foreign(foreign) => self.foreign = foreign,
            Event::Moved(read, written) => self.moved = (read, written),
            Event::Broken(failure) => {
                self.last = None;
                self.failure = Some(failure);
            }
        }
    }

    fn judge(&mut self, status: &ExitStatus, usage: &ResourceUsage, stderr: &str, out_of_time: bool) {
        self.peak_rss = usage.maxrss;
        self.cpu_ms = u64::try_from((usage.utime + usage.stime).as_millis()).unwrap_or(u64::MAX);
        if self.failure.is_none() && !status.success() {
            self.failure = Some(if out_of_time { Clock::failure() } else { cause(status, stderr) });
            if !out_of_time && status.signal().is_some_and(|signal| FROM_OUTSIDE.contains(&signal)) {
                self.last = None;
            }
        }
        for report in self.reports.iter_mut().flatten() {
            report.peak_rss = Some(usage.maxrss);
        }
    }
}

/// Each way to die has its own code: what to do about it differs.
fn cause(status: &ExitStatus, stderr: &str) -> Failure {
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
    let (code, message) = match (status.code(), status.signal()) {
        (_, Some(25)) => ("file-too-large", "wrote a file larger than limits.file_size".into()),
        (_, Some(6)) if stderr.contains("memory allocation of") => {
            ("out-of-memory", "needed more memory than limits.memory allows".into())
        }
        (_, Some(9)) => {
            ("killed", "the import was killed (signal 9): by somebody, or for lack of memory".into())
        }
        (_, Some(signal)) => ("crashed", format!("the import ended by signal {signal}: {last}")),
        (code, None) => ("crashed", format!("the import ended with code {}: {last}", code.unwrap_or(-1))),
    };
    Failure { stage: Stage::Worker, code: code.into(), message }
}
