use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use anyhow::Error;
use operations::Opened;
use operations::questions::{self, LogWanted};

use super::Installation;
use crate::exit::{self, Usage};
use crate::screen::{self, paragraph};

/// The log of a package's last attempt, or of any attempt by its number
///
/// The whole log is in logs/ on the machine where the attempt was made; of a failed one the end can be read from
/// everywhere.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import log hello\n  package-import log --follow hello\n  package-import log --attempt 4711"
)]
pub struct Arguments {
    /// A source package, or the number of an attempt
    #[arg(value_name = "PACKAGE|ATTEMPT", required_unless_present = "attempt", conflicts_with = "attempt")]
    what: Option<String>,

    /// The attempt of this number
    #[arg(long, value_name = "N")]
    attempt: Option<i64>,

    /// Print what comes until the attempt ends
    #[arg(short, long)]
    follow: bool,
}

/// Interval of looking at a log that is followed.
const PAUSE: Duration = Duration::from_millis(300);

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let wanted = match (arguments.attempt, &arguments.what) {
        (Some(attempt), _) => LogWanted::Attempt(attempt),
        (None, Some(what)) => what.parse().map_or_else(|_| LogWanted::Last(what.clone()), LogWanted::Attempt),
        (None, None) => return Err(Usage("name a package, or an attempt".into()).into()),
    };
    let at = installation.open()?;
    if arguments.follow {
        return follow(&at, questions::number(&at, &wanted)?);
    }
    let log = questions::log_of(&at, &wanted)?;
    screen::page();
    print(log.text.as_bytes())?;
    if let Some(remark) = &log.remark {
        writeln!(screen::stdout(), "{}", paragraph(0, remark))?;
    }
    Ok(exit::DONE)
}

fn follow(at: &Opened, attempt: i64) -> Result<u8, Error> {
    let mut from = 0;
    loop {
        let piece = questions::follow(at, attempt, from)?;
        // Only whole lines, but at the end.
        let whole = match piece.bytes.iter().rposition(|byte| *byte == b'\n') {
            _ if piece.is_last => piece.bytes.len(),
            Some(end) => end + 1,
            None => 0,
        };
        print(piece.bytes.get(..whole).unwrap_or_default())?;
        from += whole as u64;
        if piece.is_last {
            return Ok(exit::DONE);
        }
        thread::sleep(PAUSE);
    }
}

/// Lines of a log. A log may contain text of a hostile package: control characters are made visible.
fn print(bytes: &[u8]) -> io::Result<()> {
    let clean: String =
        String::from_utf8_lossy(bytes).chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let mut stdout = screen::stdout();
    stdout.write_all(clean.as_bytes())?;
    stdout.flush()
}
