//! How wide a terminal is, and what it does not obey.

use std::env;
use std::io;

/// Without a terminal, lines are as long as this.
const WIDTH: u16 = 100;

/// As wide as `$COLUMNS` says, or the terminal is.
pub fn width() -> u16 {
    let given = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col);
    given.or_else(terminal).filter(|width| *width >= 20).unwrap_or(WIDTH)
}

/// Text out of the database as one line that no terminal obeys.
pub fn plain(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) { ' ' } else { c })
        .collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
