//! A screen that is shown again and again.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use anyhow::Error;

use crate::exit::Usage;
use crate::{out, screen};

/// Time for which a frame stays.
const PAUSE: Duration = Duration::from_secs(2);

/// Shows a screen once, or repeatedly until Ctrl-C. An error of reading is shown, and the reading is repeated.
pub fn shown(watch: bool, mut show: impl FnMut() -> Result<u8, Error>) -> Result<u8, Error> {
    if !watch {
        return show();
    }
    if !out::is_terminal() {
        return Err(Usage("--watch needs a terminal; without it the screen is printed once".into()).into());
    }
    let mut before = "\u{1b}[2J";
    loop {
        out::begin_frame();
        let result = show();
        let frame = out::frame();
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

/// Number of the terminal's lines.
fn rows() -> usize {
    let rows = rustix::termios::tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_row));
    rows.ok().filter(|rows| *rows > 3).unwrap_or(24)
}

/// Frame over the last one. Lines without room are left out, with a remark.
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
