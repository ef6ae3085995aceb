//! The time limit: a child process reads, and its parent answers in time whatever happens to the child.
//!
//! A thread that waits for a hanging mount cannot be interrupted, and its process cannot even end. So the process that
//! the monitoring system waits for touches no file: it forks a child, whose only outputs are pipes, and prints what it
//! reads from them. If nothing comes in time, it reports that, kills the child, and leaves it to the system if even
//! that must wait.
//!
//! The child does everything else, reading the options included, so that nothing is done twice. Until it has sent the
//! limit that they set, the default limit is used. It writes its present step to a second pipe, which the parent reads
//! only after the limit: so the parent is not woken up for every step.
//!
//! There is always a child. `docs/writing-a-check.md` has its cost; a check that needed it only on some disks would
//! have two ways to fail instead of one.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, getppid, kill_process, pidfd_open,
    set_parent_process_death_signal, waitpid,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use crate::process::{Side, split};
use crate::status::Status;
use crate::stdout::{is_ready, read_some, write_all};

/// Marks in the pipes: another limit than the default, the answer, its end; the present step.
const LIMIT: u8 = b'<';
const ANSWER: u8 = b'=';
const END: u8 = b'\x04';
const STAGE: char = '>';

/// True when this process is a child.
static READING: AtomicBool = AtomicBool::new(false);

/// Time limit, and the status after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub timeout: Duration,
    pub late: Status,
}

impl Limit {
    /// Under the ten seconds after which `check_nrpe` gives up.
    pub const DEFAULT: Limit = Limit { timeout: Duration::from_secs(8), late: Status::Unknown };
}

/// Result of the child.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Status to exit with, and text to print.
    Answer(Status, String),
    /// There was no answer in time; the last step of the child.
    Late(String),
    /// It ended without an answer; its last step.
    Died(String),
}

/// Tells the parent another limit than the default.
pub(crate) fn limit(limit: Limit) {
    if limit != Limit::DEFAULT {
        let line = format!("{}{} {}\n", char::from(LIMIT), limit.timeout.as_millis(), limit.late.code());
        let _ = write_all(rustix::stdio::stdout(), line.as_bytes(), far());
    }
}

/// Notes the next step, for the case that it never ends.
pub(crate) fn stage(text: &str) {
    if READING.load(Ordering::Relaxed) {
        let line: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
        let _ = write_all(rustix::stdio::stderr(), format!("{STAGE}{line}\n").as_bytes(), far());
    }
}

/// Hands the answer to the parent and ends the child.
pub(crate) fn answer(status: Status, output: &str) -> ! {
    let text: String = output.chars().filter(|c| u32::from(*c) != u32::from(END)).collect();
    let bytes = [&[ANSWER, b'0' + status.code()], text.as_bytes(), &[END]].concat();
    let _ = write_all(rustix::stdio::stdout(), &bytes, far());
    std::process::exit(0)
}

/// The parent kills a child that writes too late.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// The child, and its pipes.
struct Reader {
    pid: Pid,
    answer: PipeReader,
    stages: PipeReader,
}

/// Result of a child, which may not have ended yet.
pub(crate) struct Asked {
    pub limit: Limit,
    pub outcome: Outcome,
    child: Pid,
}

/// Has a child read, and waits for its answer as long as the limit allows that it told. `read` must end by [`answer`];
/// the process must have one thread.
pub(crate) fn ask(read: impl FnOnce(), start: Instant) -> io::Result<Asked> {
    let mut reader = begin(read)?;
    let mut limit = Limit::DEFAULT;
    let outcome = listen(&mut reader, start, &mut limit);
    if !matches!(outcome, Outcome::Answer(..)) {
        let _ = kill_process(reader.pid, Signal::KILL);
    }
    Ok(Asked { limit, outcome, child: reader.pid })
}

fn begin(read: impl FnOnce()) -> io::Result<Reader> {
    let parent = getpid();
    let (answer, out) = io::pipe()?;
    let (stages, notes) = io::pipe()?;
    match split()? {
        Side::Parent(pid) => Ok(Reader { pid, answer, stages }),
        Side::Child => {
            drop((answer, stages));
            // Without an answer the parent says that the reading process died.
            if become_reader(parent, out, notes).is_ok() {
                read();
            }
            std::process::exit(Status::Unknown.code().into())
        }
    }
}

/// Cuts the child off from the caller's output, and ends it with its parent.
fn become_reader(parent: Pid, out: PipeWriter, notes: PipeWriter) -> io::Result<()> {
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(out)?;
    dup2_stderr(notes)?;
    READING.store(true, Ordering::Relaxed);
    // The end of the parent ends the child. If it has ended already, that signal will not come.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() == Some(parent) { Ok(()) } else { Err(io::Error::other("the parent has ended")) }
}

fn listen(reader: &mut Reader, start: Instant, limit: &mut Limit) -> Outcome {
    // More than the longest output; a child that is out of its mind must not fill the memory.
    const MOST: usize = 1 << 20;
    let mut said = Vec::new();
    loop {
        if !is_ready(&reader.answer, PollFlags::IN, start + limit.timeout) {
            return Outcome::Late(stages(&mut reader.stages));
        }
        match read_some(&mut reader.answer, &mut said) {
            Ok(1..) if said.len() <= MOST => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(_) | Err(_) => return Outcome::Died(stages(&mut reader.stages)),
        }
        let (told, answer) = parse(&said);
        *limit = told.unwrap_or(*limit);
        if let Some((status, text)) = answer {
            return Outcome::Answer(status, text);
        }
    }
}

/// Limit, if the child has sent one, and answer, if it is complete.
fn parse(said: &[u8]) -> (Option<Limit>, Option<(Status, String)>) {
    let (limit, rest) = match said.strip_prefix(&[LIMIT]) {
        Some(after) => match after.iter().position(|byte| *byte == b'\n') {
            Some(end) => (parse_limit(after.get(..end).unwrap_or(&[])), after.get(end + 1..).unwrap_or(&[])),
            None => return (None, None),
        },
        None => (None, said),
    };
    (limit, parse_answer(rest))
}

fn parse_limit(line: &[u8]) -> Option<Limit> {
    let (timeout, late) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let timeout = Duration::from_millis(timeout.parse().ok()?);
    Some(Limit { timeout, late: Status::of_code(late.parse().ok()?)? })
}

fn parse_answer(text: &[u8]) -> Option<(Status, String)> {
    let (code, text) = text.strip_prefix(&[ANSWER])?.strip_suffix(&[END])?.split_first()?;
    let status = Status::of_code(code.wrapping_sub(b'0'))?;
    Some((status, String::from_utf8_lossy(text).into_owned()))
}

/// Step that the child noted last.
fn stages(pipe: &mut PipeReader) -> String {
    let mut noted = Vec::new();
    // Reads only the bytes that are there: a child that hangs will not close the pipe.
    while noted.len() < 1 << 16 && is_ready(&*pipe, PollFlags::IN, Instant::now()) {
        if !matches!(read_some(pipe, &mut noted), Ok(1..)) {
            break;
        }
    }
    last_stage(&String::from_utf8_lossy(&noted))
}

fn last_stage(noted: &str) -> String {
    noted.lines().filter_map(|line| line.strip_prefix(STAGE)).next_back().unwrap_or_default().to_owned()
}

impl Asked {
    /// Takes the ended child away, so that none stay behind where nobody else does it; but waits for it only briefly:
    /// one that hangs in the system ends when it can. It ends while its answer is printed, so this comes after that.
    pub(crate) fn reap(&self) {
        const BRIEFLY: Duration = Duration::from_millis(200);
        let is_gone = || !matches!(waitpid(Some(self.child), WaitOptions::NOHANG), Ok(None));
        if is_gone() {
            return;
        }
        if let Ok(handle) = pidfd_open(self.child, PidfdFlags::empty()) {
            is_ready(&handle, PollFlags::IN, Instant::now() + BRIEFLY);
        }
        is_gone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn req9_only_a_whole_answer_counts() {
        let answer = |text: &str| Some((Status::Warning, text.to_owned()));
        let limit = Limit { timeout: Duration::from_millis(700), late: Status::Critical };
        assert_eq!(parse(b"=1IMPORT X\n\x04"), (None, answer("IMPORT X\n")));
        assert_eq!(parse(b"<700 2\n=1x\x04"), (Some(limit), answer("x")));
        assert_eq!(parse(b"<700 2\n=1x"), (Some(limit), None));
        for part in
            [b"".as_slice(), b"=1x", b"=", b"\x04", b"=\x04", b"=9x\x04", b"<700 2", b"<x\n", b"noise\x04"]
        {
            assert_eq!(parse(part), (None, None), "{part:?}");
        }
        assert_eq!(last_stage(">reading a\n>reading b\nthread overflowed its stack\n"), "reading b");
        assert_eq!(last_stage(""), "");
    }
}
