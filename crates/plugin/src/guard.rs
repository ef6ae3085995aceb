//! The time limit: the reading is done by a child, and its parent answers in time whatever becomes of it.
//!
//! A thread that waits for a hanging mount cannot be interrupted, and its process cannot even end. So the process that
//! the monitoring system waits for touches no file: it starts itself once more, with a pipe as the child's only way
//! out, and prints what comes through it. If nothing comes in time it says so, kills the child, and leaves it to the
//! system if even that must wait.
//!
//! The child is always there. It costs about a millisecond (`docs/writing-a-check.md`), and a check that could do
//! without it only on some disks would have two ways to fail instead of one.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::process::{Pid, PidfdFlags, Signal, getppid, pidfd_open, set_parent_process_death_signal};

use crate::status::Status;
use crate::stdout::{is_ready, read_some, write_all};

/// The first argument of a child, with the process id of its parent behind it.
const READER: &str = "--reader-of=";
/// The marks in the pipe: what is being done, the answer, and its end.
const STAGE: u8 = b'>';
const ANSWER: u8 = b'=';
const END: u8 = b'\x04';

/// Whether this process is a child.
static READING: AtomicBool = AtomicBool::new(false);

/// What came of the reading.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What to print, and with which status to exit.
    Answer(Status, String),
    /// Nothing in time, and what the child was at.
    Late(String),
    /// It ended without an answer, and what it was at.
    Died(String),
}

/// Takes the mark of a child from the arguments; whether there was one.
pub(crate) fn is_reader(arguments: &mut Vec<OsString>) -> bool {
    let mark =
        arguments.first().and_then(|first| first.to_str()).and_then(|first| first.strip_prefix(READER));
    let Some(parent) = mark.map(ToOwned::to_owned) else { return false };
    arguments.remove(0);
    READING.store(true, Ordering::Relaxed);
    // Whoever ends the parent ends the child. If it has ended already, that signal will not come.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid().map(|pid| pid.as_raw_nonzero().to_string()) != Some(parent) {
        std::process::exit(Status::Unknown.code().into());
    }
    true
}

/// Tells the parent what comes next, for the case that it never ends.
pub(crate) fn stage(text: &str) {
    if READING.load(Ordering::Relaxed) {
        let line: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
        let bytes = [&[STAGE], line.as_bytes(), b"\n"].concat();
        let _ = write_all(rustix::stdio::stdout(), &bytes, far());
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

/// Has a child read, and waits for its answer until the deadline.
pub(crate) fn ask(arguments: &[OsString], deadline: Instant) -> io::Result<Outcome> {
    let mut child = start(arguments)?;
    let outcome = listen(&mut child, deadline);
    if !matches!(outcome, Outcome::Answer(..)) {
        let _ = child.kill();
    }
    reap(&mut child);
    Ok(outcome)
}

fn start(arguments: &[OsString]) -> io::Result<Child> {
    // This very file, even if an upgrade has just replaced it.
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command
        .arg(format!("{READER}{}", std::process::id()))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

fn listen(child: &mut Child, deadline: Instant) -> Outcome {
    // More than the longest output; a child that is out of its mind must not fill the memory.
    const MOST: usize = 1 << 20;
    let mut said = Vec::new();
    let Some(mut pipe) = child.stdout.take() else { return Outcome::Died(String::new()) };
    loop {
        if !is_ready(&pipe, PollFlags::IN, deadline) {
            return Outcome::Late(last_stage(&said));
        }
        match read_some(&mut pipe, &mut said) {
            Ok(0) => return Outcome::Died(last_stage(&said)),
            Ok(_) => {
                if let Some(outcome) = parse(&said) {
                    return outcome;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Outcome::Died(last_stage(&said)),
        }
        if said.len() > MOST {
            return Outcome::Died(last_stage(&said));
        }
    }
}

/// The answer, if it is complete.
fn parse(said: &[u8]) -> Option<Outcome> {
    let mut rest = said.strip_suffix(&[END])?;
    loop {
        match rest.split_first()? {
            (&STAGE, after) => {
                let end = after.iter().position(|byte| *byte == b'\n')?;
                rest = after.get(end + 1..)?;
            }
            (&ANSWER, after) => {
                let (code, text) = after.split_first()?;
                let status = Status::of_code(code.wrapping_sub(b'0'))?;
                return Some(Outcome::Answer(status, String::from_utf8_lossy(text).into_owned()));
            }
            _ => return None,
        }
    }
}

fn last_stage(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let stage = |line: &str| line.strip_prefix(char::from(STAGE)).map(ToOwned::to_owned);
    text.lines().filter_map(stage).next_back().unwrap_or_default()
}

/// Takes the ended child away, so that none stay behind where nobody else does it; but waits for it only briefly:
/// one that hangs in the system ends when it can.
fn reap(child: &mut Child) {
    const BRIEFLY: Duration = Duration::from_millis(200);
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(Ok(handle)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) {
        is_ready(&handle, PollFlags::IN, Instant::now() + BRIEFLY);
    }
    let _ = child.try_wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn req9_only_a_whole_answer_counts() {
        let answer = |text: &str| Some(Outcome::Answer(Status::Warning, text.into()));
        assert_eq!(parse(b"=1IMPORT X\n\x04"), answer("IMPORT X\n"));
        assert_eq!(parse(b">reading a\n>reading b\n=1x\x04"), answer("x"));
        for part in [b"".as_slice(), b"=1x", b"=", b"\x04", b"=\x04", b"=9x\x04", b">reading", b"noise\x04"] {
            assert_eq!(parse(part), None, "{part:?}");
        }
        assert_eq!(last_stage(b">reading a\n>reading b\n"), "reading b");
        assert_eq!(last_stage(b""), "");
    }
}
