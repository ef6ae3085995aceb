//! Destination of lines for people: standard output, a pager, or a frame that is drawn again and again.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::SIGINT;

/// Standard output for people, wherever it goes now.
pub struct Out;

enum Sink {
    Straight,
    Pager(Child),
    Frame(Vec<u8>),
}

static SINK: Mutex<Sink> = Mutex::new(Sink::Straight);

fn sink() -> MutexGuard<'static, Sink> {
    SINK.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *sink() {
            Sink::Straight => io::stdout().write(bytes),
            Sink::Frame(frame) => frame.write(bytes),
            Sink::Pager(pager) => match pager.stdin.as_mut().map(|input| input.write(bytes)) {
                // A reader that has left the pager gets no error.
                Some(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
                Some(written) => written,
                None => Ok(bytes.len()),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut *sink() {
            Sink::Straight => io::stdout().flush(),
            Sink::Pager(_) | Sink::Frame(_) => Ok(()),
        }
    }
}

/// True when the standard output is a terminal that understands escape sequences.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal() && env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// True when headlines and alarms may be coloured (<https://no-color.org>).
pub fn has_colour() -> bool {
    is_terminal() && env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}

/// Sends further output through a pager, if this is a terminal: that of `$PAGER`, else `less`, which ends at once if
/// one screen is enough. `PAGER=` or `PAGER=cat` for none.
pub fn page() {
    let pager = env::var("PAGER").unwrap_or_else(|_| "less".into());
    let mut words = pager.split_whitespace();
    let Some(program) = words.next().filter(|program| *program != "cat" && is_terminal()) else { return };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    // With this variable, `less` starts no shell and no editor.
    command.env("LESSSECURE", "1");
    // Ctrl-C is for the pager, which would be left behind.
    let ignored = signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false)));
    if let (Ok(_), Ok(child)) = (ignored, command.spawn()) {
        *sink() = Sink::Pager(child);
    }
}

/// Waits until the pager was left, if there is one.
pub fn finish() {
    let sink = std::mem::replace(&mut *sink(), Sink::Straight);
    if let Sink::Pager(mut child) = sink {
        drop(child.stdin.take());
        drop(child.wait());
    }
}

/// Keeps further output until [`frame`] takes it.
pub fn begin_frame() {
    *sink() = Sink::Frame(Vec::new());
}

/// Output that was kept.
pub fn frame() -> String {
    match std::mem::replace(&mut *sink(), Sink::Straight) {
        Sink::Frame(frame) => String::from_utf8_lossy(&frame).into_owned(),
        Sink::Straight | Sink::Pager(_) => String::new(),
    }
}
