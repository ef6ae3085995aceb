//! Child that performs one import: its start, its events, and the judgement of its end.

use std::cell::RefCell;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use bounded::Deadline;
use bounded::program::{Group, Left, Running, Said};
use packaging_repo::refs::fence::Fence;
use packaging_repo::repository::Repository;
use packaging_repo::verify::{LONGEST, Problem};
use source_package::version::PackageName;
use wait4::{ResourceUsage, Wait4};

use crate::collisions::News;
use crate::ending;
use crate::failure::{Code, Failure, Stage};
use crate::protocol::{Event, ForeignRef, Repaired, Report, Request, Task, Unrecorded};

/// Largest number of bytes of a child's standard error that are kept.
const STDERR_KEPT: usize = 64 << 10;
/// Largest number of bytes of an event.
const LONGEST_EVENT: usize = 16 << 20;

/// The hidden subcommand of our own binary that performs an import.
pub const SUBCOMMAND: &str = "import-package";

/// Variables of the environment that a child gets. It needs no others, and its input is hostile: it must not see the
/// secrets of a service.
const ENVIRONMENT: &[&str] = &["PATH", "RUST_BACKTRACE"];
/// Hidden subcommand of a program with crash points.
#[cfg(feature = "failpoints")]
const CRASH_POINTS: &[&str] = crate::crash::VARIABLE_NAMES;
#[cfg(not(feature = "failpoints"))]
const CRASH_POINTS: &[&str] = &[];

/// Time to wait for the lock of a repository whose child has died, to tidy up at once.
const TIDYING: Duration = Duration::from_secs(1);

/// End of a child process.
pub struct Ended {
    /// Reports by the version's place in the request; `None` for those that were not reached.
    pub reports: Vec<Option<Report>>,
    /// Version that it was reading last.
    pub last: Option<usize>,
    /// Failure that kept it from finishing, if any.
    pub failure: Option<Failure>,
    /// Its largest memory, in bytes.
    pub peak_rss: u64,
    /// Its processor time in milliseconds.
    pub cpu_ms: u64,
    /// Bytes that it read and wrote.
    pub moved: (u64, u64),
    /// Foreign refs.
    pub foreign: Vec<ForeignRef>,
    /// Collisions found, ended and not resolved.
    pub collisions: News,
    /// Result of checking a repository: its problems, and its foreign refs.
    pub checked: Option<(Vec<Problem>, Option<Vec<ForeignRef>>)>,
    /// Fingerprint of the refs of the repository, if it is a cache.
    pub stands: Option<String>,
    /// Result of a repair, and versions that the state does not know.
    pub repaired: Option<(Repaired, Vec<Unrecorded>)>,
    /// Standard error of the child.
    pub stderr: String,
}

/// Runs a child for `request`. `on_start` gets its process number; `on_event` is called for each of its events.
pub fn run(
    program: &Path,
    request: &Request,
    on_start: impl FnOnce(u32),
    mut on_event: impl FnMut(&Event),
) -> Result<Ended, Failure> {
    let worker = |what: &str, error: io::Error| {
        Failure::new(
            Stage::Worker,
            Code::CannotStart,
            format!("cannot {what} {}: {error}", program.display()),
        )
    };
    let input = serde_json::to_vec(request).map_err(|error| worker("ask", error.into()))?;
    let mut running = Running::start(&mut command(program), Group::Own, Some(input))
        .map_err(|error| worker("start", error))?;
    on_start(running.child.id());
    let mut ended = Ended {
        reports: request.versions.iter().map(|_| None).collect(),
        last: None,
        failure: None,
        peak_rss: 0,
        cpu_ms: 0,
        moved: (0, 0),
        foreign: Vec::new(),
        collisions: News::default(),
        checked: None,
        stands: None,
        repaired: None,
        stderr: String::new(),
    };
    // A large repository takes longer to be checked than a version to be imported.
    let longest = match &request.task {
        Task::Import => request.limits.time,
        Task::Verify(_) | Task::Repair(_) => request.limits.time.saturating_add(LONGEST.as_secs()),
    };
    let clock = RefCell::new(Clock::new(longest, request.limits.lock_wait));
    let (mut begun, mut kept) = (Vec::new(), Vec::new());
    let left = running.follow(
        || clock.borrow().left(),
        |said| match said {
            Said::Out(bytes) => lines(&mut begun, bytes, |line| {
                if let Ok(event) = serde_json::from_slice::<Event>(line) {
                    clock.borrow_mut().hear(&event);
                    on_event(&event);
                    ended.take(event);
                }
            }),
            Said::Err(bytes) => {
                let room = STDERR_KEPT.saturating_sub(kept.len());
                kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
        },
    );
    ended.stderr = String::from_utf8_lossy(&kept).into_owned();
    if left == Left::Undead {
        ended.failure = Some(Failure::new(Stage::Worker, Code::Stuck, STUCK));
        ended.last = None;
        return Ok(ended);
    }
    let usage = running.child.wait4().map_err(|error| worker("wait for", error))?;
    let late = (left == Left::Killed).then(|| clock.borrow().failure());
    ended.judge(&usage.status, &usage.rusage, late);
    if !usage.status.success() {
        // If tidying up fails now, the next import does it.
        let _ = settle(request);
    }
    Ok(ended)
}

/// Message about a child that a signal does not end.
const STUCK: &str = "the import's process was killed because its time was up, and does not end: it waits for the disk, \
    or for the server of a network file system";

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(SUBCOMMAND).env_clear();
    for name in ENVIRONMENT.iter().chain(CRASH_POINTS) {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Passes on each whole line, and keeps the beginning of the last.
fn lines(begun: &mut Vec<u8>, bytes: &[u8], mut on_line: impl FnMut(&[u8])) {
    begun.extend_from_slice(bytes);
    let mut start = 0;
    while let Some(length) = begun.get(start..).and_then(|rest| rest.iter().position(|&it| it == b'\n')) {
        on_line(begun.get(start..start + length).unwrap_or_default());
        start += length + 1;
    }
    begun.drain(..start);
    // No real event is this long; one that never ends must not fill the memory of this process.
    if begun.len() > LONGEST_EVENT {
        begun.clear();
    }
}

/// Tidies up after a killed child, unless another attempt has the package by now.
fn settle(request: &Request) -> Result<(), packaging_repo::Error> {
    let (Some((epoch, token)), Ok(package)) = (request.fence, PackageName::new(&request.package)) else {
        return Ok(());
    };
    let repository = Repository::open_or_init(&request.root.join("repos"), &package)?;
    repository.settle(&repository.lock_fenced(Fence { epoch, token }, Deadline::after(TIDYING))?)
}

/// The time that a version may take. It begins anew with each one: otherwise the version that is being read when the
/// time of all is up would be blamed for those before it. It begins with the process, so that nothing comes before it.
struct Clock {
    limit: Duration,
    end: Option<Instant>,
    has_begun: bool,
}

impl Clock {
    fn new(seconds: u64, lock_wait: u64) -> Clock {
        let limit = Duration::from_secs(seconds);
        // A limit beyond the range of times counts as no limit.
        let end = Instant::now().checked_add(limit.saturating_add(Duration::from_secs(lock_wait)));
        Clock { limit, end, has_begun: false }
    }

    fn hear(&mut self, event: &Event) {
        if matches!(event, Event::Reading(_) | Event::Publishing) {
            self.end = Instant::now().checked_add(self.limit);
            self.has_begun = true;
        }
    }

    fn left(&self) -> Option<Duration> {
        self.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    fn failure(&self) -> Failure {
        if !self.has_begun {
            let message = "the import's process did not begin with its first version in time: the disk or the machine \
                is too slow, or the process was stopped";
            return Failure::new(Stage::Worker, Code::Stuck, message);
        }
        let message = "took longer than limits.time allows; raise it if the package is really that large";
        Failure::new(Stage::Worker, Code::OutOfTime, message)
    }
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
            // From here on an error is not that of a single version.
            Event::Publishing => self.last = None,
            Event::Moving(_) | Event::Unwalled(_) | Event::Waiting(_) => {}
            Event::Stands(fingerprint) => self.stands = Some(fingerprint),
            Event::Foreign(foreign) => self.foreign = foreign,
            Event::Collisions(news) => self.collisions.add(news),
            Event::Checked(problems, foreign) => self.checked = Some((problems, foreign)),
            Event::Moved(read, written) => self.moved = (read, written),
            Event::Repaired(done, unrecorded) => self.repaired = Some((*done, unrecorded)),
            Event::Broken(failure) => {
                self.last = None;
                self.failure = Some(failure);
            }
        }
    }

    fn judge(&mut self, status: &ExitStatus, usage: &ResourceUsage, late: Option<Failure>) {
        self.peak_rss = usage.maxrss;
        self.cpu_ms = u64::try_from((usage.utime + usage.stime).as_millis()).unwrap_or(u64::MAX);
        if self.failure.is_none() && !status.success() {
            // A signal from outside is not the fault of the version that was being read. To go on without that
            // version would make it late for ever, and no later version would descend from it.
            let from_outside = late.is_none() && status.signal().is_some_and(ending::is_from_outside);
            let is_stuck = late.as_ref().is_some_and(|late| late.code == Code::Stuck);
            self.failure = Some(late.unwrap_or_else(|| ending::cause(status, &self.stderr)));
            if from_outside || is_stuck {
                self.last = None;
            }
        }
        for report in self.reports.iter_mut().flatten() {
            report.peak_rss = Some(usage.maxrss);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_pieces() {
        let (mut begun, mut heard) = (Vec::new(), Vec::new());
        for piece in ["a", "b\nc\n", "", "\nd"] {
            lines(&mut begun, piece.as_bytes(), |line| {
                heard.push(String::from_utf8_lossy(line).into_owned())
            });
        }
        assert_eq!((heard, &begun[..]), (vec!["ab".into(), "c".into(), String::new()], &b"d"[..]));
        lines(&mut begun, &vec![b'x'; LONGEST_EVENT + 1], |_| {});
        assert!(begun.is_empty());
    }
}
