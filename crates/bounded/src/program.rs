//! Other programs, followed until they end or their time is over.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open, waitid,
};

use crate::Deadline;

/// Group of processes that a program belongs to, which decides about the signals that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A group of its own: signals from a terminal do not reach it, and it is ended with all processes that it has
    /// started.
    Own,
    /// That of this process.
    Ours,
}

/// Time that a killed program may take to end. One that is stuck in the kernel takes longer, and is left alone.
const DYING: Duration = Duration::from_secs(10);
/// Interval of looking for the end of a program where the kernel cannot report it.
const LOOK: Duration = Duration::from_millis(5);

/// Piece of a program's output.
pub enum Said<'b> {
    /// On its standard output.
    Out(&'b [u8]),
    /// On its standard error.
    Err(&'b [u8]),
}

/// State in which [`Running::follow`] left a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It has ended by itself, or by another process; it has not been waited for.
    Ended,
    /// Its time was over: it was killed; it has not been waited for.
    Killed,
    /// Its time was over, it was killed and does not end.
    Undead,
}

/// A program that runs.
pub struct Running {
    /// The process.
    pub child: Child,
    group: Group,
    end: Option<OwnedFd>,
    stdin: Option<ChildStdin>,
    input: Vec<u8>,
    written: usize,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Running {
    /// Starts a program that reads `input`. Without input it has the standard input that `command` gives it.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(command: &mut Command, group: Group, input: Option<Vec<u8>>) -> io::Result<Running> {
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        if group == Group::Own {
            command.process_group(0);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        if let Some(stdin) = &stdin {
            let flags = rustix::fs::fcntl_getfl(stdin)?;
            rustix::fs::fcntl_setfl(stdin, flags | rustix::fs::OFlags::NONBLOCK)?;
        }
        let end = pid(&child).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        Ok(Running { child, group, end, stdin, input: input.unwrap_or_default(), written: 0, stdout, stderr })
    }

    /// Ends it, with all that it has started if it leads a group.
    pub fn kill(&self) {
        let Some(pid) = pid(&self.child) else { return };
        // One that has ended by itself needs no end.
        let _ = match self.group {
            Group::Own => kill_process_group(pid, Signal::KILL),
            Group::Ours => kill_process(pid, Signal::KILL),
        };
    }

    /// Writes its input and passes on its output, until it ends. `left` is called before each wait and returns the
    /// time that is left; once that is zero, the program is killed. Output that other processes write to its pipes
    /// after its end is not waited for.
    pub fn follow(
        &mut self,
        mut left: impl FnMut() -> Option<Duration>,
        mut on: impl FnMut(Said<'_>),
    ) -> Left {
        let mut dying: Option<Deadline> = None;
        let mut buffer = [0; 8192];
        loop {
            let time = match &dying {
                Some(deadline) => Some(deadline.left()),
                None => left(),
            };
            if time == Some(Duration::ZERO) {
                if dying.is_some() {
                    return Left::Undead;
                }
                self.kill();
                dying = Some(Deadline::after(DYING));
                continue;
            }
            let [stdin, stdout, stderr, mut ended] = self.wait(time);
            if stdin {
                self.feed();
            }
            let mut said = false;
            if stdout {
                let read = read(&mut self.stdout, &mut buffer);
                said |= !read.is_empty();
                on(Said::Out(read));
            }
            if stderr {
                let read = read(&mut self.stderr, &mut buffer);
                said |= !read.is_empty();
                on(Said::Err(read));
            }
            if self.end.is_none() {
                ended = self.has_ended();
            }
            if ended && !said {
                return if dying.is_some() { Left::Killed } else { Left::Ended };
            }
        }
    }

    /// Waits until there is something to do, or the time is up: room for input, output, errors, the end.
    fn wait(&self, left: Option<Duration>) -> [bool; 4] {
        let (read, write) = (PollFlags::IN, PollFlags::OUT);
        let streams: [(Option<BorrowedFd<'_>>, PollFlags); 4] = [
            (self.stdin.as_ref().map(AsFd::as_fd), write),
            (self.stdout.as_ref().map(AsFd::as_fd), read),
            (self.stderr.as_ref().map(AsFd::as_fd), read),
            (self.end.as_ref().map(AsFd::as_fd), read),
        ];
        let mut polled: Vec<PollFd<'_>> = streams
            .iter()
            .filter_map(|(stream, flags)| Some(PollFd::from_borrowed_fd((*stream)?, *flags)))
            .collect();
        let left = match self.end {
            Some(_) => left,
            None => Some(left.map_or(LOOK, |left| left.min(LOOK))),
        };
        // A time that is no number of seconds for the kernel is none.
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        while let Err(error) = poll(&mut polled, left.as_ref()) {
            if error != Errno::INTR {
                // Not again at once: the deadline is looked at meanwhile.
                std::thread::sleep(LOOK);
                return [false; 4];
            }
        }
        let mut ready = polled.iter().map(|fd| !fd.revents().is_empty());
        streams.map(|(stream, _)| stream.is_some() && ready.next().unwrap_or_default())
    }

    fn feed(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        let rest = self.input.get(self.written..).unwrap_or_default();
        match stdin.write(rest) {
            Ok(count) => self.written += count,
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            // A program that ends early closes its input; its status has the reason.
            Err(_) => self.written = self.input.len(),
        }
        if self.written >= self.input.len() {
            self.stdin = None;
        }
    }

    /// True when it has ended. It can still be waited for.
    fn has_ended(&self) -> bool {
        let Some(pid) = pid(&self.child) else { return true };
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(pid), how), Ok(None) | Err(Errno::INTR))
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
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
    buffer.get(..count).unwrap_or_default()
}

/// Output of a program, and its end.
#[derive(Debug)]
pub struct Output {
    /// Exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// Runs a program to its end. Of its standard output and of its standard error, `most` bytes each are kept. `started`
/// gets its process number.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] if it was killed because the deadline was over.
pub fn output(
    command: &mut Command,
    group: Group,
    input: Option<Vec<u8>>,
    most: usize,
    deadline: Deadline,
    started: impl FnOnce(u32),
) -> io::Result<Output> {
    let mut running = Running::start(command, group, input)?;
    started(running.child.id());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let keep = |kept: &mut Vec<u8>, more: &[u8]| {
        let room = most.saturating_sub(kept.len());
        kept.extend_from_slice(more.get(..room).unwrap_or(more));
    };
    let left = running.follow(
        || Some(deadline.left()),
        |said| match said {
            Said::Out(bytes) => keep(&mut stdout, bytes),
            Said::Err(bytes) => keep(&mut stderr, bytes),
        },
    );
    let late = || {
        let message = format!("it did not end within {} s and was killed", deadline.limit().as_secs());
        io::Error::new(io::ErrorKind::TimedOut, message)
    };
    if left == Left::Undead {
        return Err(late());
    }
    let status = running.child.wait()?;
    if left == Left::Killed { Err(late()) } else { Ok(Output { status, stdout, stderr }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn run(script: &str, input: &[u8], limit: Duration) -> io::Result<Output> {
        let limit = Deadline::after(limit);
        output(&mut sh(script), Group::Own, Some(input.to_vec()), 1 << 20, limit, |_| {})
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn input_and_output_larger_than_a_pipe() {
        let text = vec![b'x'; 400_000];
        let output = run("cat; echo bad >&2; exit 3", &text, LONG).unwrap();
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(3), &text[..]));
        assert_eq!(output.stderr, b"bad\n");
    }

    #[test]
    fn one_that_does_not_read_is_not_waited_for() {
        let output = run("exec 0<&-; echo done", &vec![b'x'; 400_000], LONG).unwrap();
        assert_eq!(output.stdout, b"done\n");
    }

    #[test]
    fn one_that_hangs_is_ended_with_what_it_has_started() {
        for script in
            ["sleep 1000", "sleep 1000 & wait", "trap '' TERM; sleep 1000", "exec >&- 2>&-; sleep 1000"]
        {
            let error = run(script, b"", Duration::from_millis(100)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
        }
    }

    #[test]
    fn who_keeps_its_output_open_does_not_keep_us() {
        let output = run("sleep 1000 & echo $!; exit 0", b"", LONG).unwrap();
        let pid: i32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
        assert!(output.status.success());
    }
}
