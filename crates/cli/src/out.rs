//! Where the lines for people go: straight out, through a pager, or into a frame that is drawn again and again.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Error;
use signal_hook::consts::SIGINT;

use crate::exit::Usage;
use crate::screen;

/// The standard output for people, wherever that is now.
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
                // Whoever has read enough is not told of the rest.
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

/// Whether the standard output is a terminal that obeys codes.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal() && env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Whether headlines and alarms may stand out (<https://no-color.org>).
pub fn has_colour() -> bool {
    is_terminal() && env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}

/// What comes from here on is read through a pager, if this is a terminal: that of `$PAGER`, else `less`, which ends at once
/// where one screen is enough. `PAGER=` or `PAGER=cat` for none.
pub fn page() {
    let pager = env::var("PAGER").unwrap_or_else(|_| "less".into());
    let mut words = pager.split_whitespace();
    let Some(program) = words.next().filter(|program| *program != "cat" && is_terminal()) else { return };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    // A pager starts no shell for whoever may only look at this.
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

/// How long a frame stays.
const PAUSE: Duration = Duration::from_secs(2);

/// Shows a screen once, or again and again until Ctrl-C. What cannot be read now is said, and tried again.
pub fn shown(watch: bool, mut show: impl FnMut() -> Result<u8, Error>) -> Result<u8, Error> {
    if !watch {
        return show();
    }
    if !is_terminal() {
        return Err(Usage("--watch needs a terminal; without it the screen is printed once".into()).into());
    }
    let mut before = "\u{1b}[2J";
    loop {
        *sink() = Sink::Frame(Vec::new());
        let result = show();
        let frame = match std::mem::replace(&mut *sink(), Sink::Straight) {
            Sink::Frame(frame) => String::from_utf8_lossy(&frame).into_owned(),
            Sink::Straight | Sink::Pager(_) => String::new(),
        };
        let frame = match result {
            Ok(_) => frame,
            Err(error) => format!("{}\n{frame}", screen::plain(&format!("Error: {error:#}"))),
        };
        let mut stdout = io::stdout().lock();
        write!(stdout, "{before}{}", drawn(&frame, rows()))?;
        stdout.flush()?;
        drop(stdout);
        before = "";
        thread::sleep(PAUSE);
    }
}

/// As many lines as the terminal has.
fn rows() -> usize {
    let rows = rustix::termios::tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_row));
    rows.ok().filter(|rows| *rows > 3).unwrap_or(24)
}

/// A frame over the last one. What has no room is left out, and that is said.
fn drawn(frame: &str, rows: usize) -> String {
    let lines: Vec<&str> = frame.lines().collect();
    let room = rows.saturating_sub(2);
    let mut text = "\u{1b}[H".to_owned();
    for line in lines.iter().take(room) {
        text += &format!("\u{1b}[2K{line}\n");
    }
    let more = lines.len().saturating_sub(room);
    let more =
        if more > 0 { format!("{} below; ", screen::count(more as i64, "more line")) } else { String::new() };
    text + &format!("\u{1b}[2K\u{1b}[J{more}every 2 s, until Ctrl-C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_room_on_the_terminal() {
        let frame: String = (0..50).map(|number| format!("line {number}\n")).collect();
        let text = drawn(&frame, 24);
        assert!(text.starts_with("\u{1b}[H\u{1b}[2Kline 0\n"), "{text:?}");
        assert!(text.contains("line 21\n") && !text.contains("line 22\n"), "{text:?}");
        assert!(text.ends_with("\u{1b}[J28 more lines below; every 2 s, until Ctrl-C"), "{text:?}");
        assert_eq!(text.lines().count(), 23);
        assert!(drawn("a\n", 24).ends_with("a\n\u{1b}[2K\u{1b}[Jevery 2 s, until Ctrl-C"));
    }
}
