use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use anyhow::Error;
use operations::Opened;
use operations::questions::{self, LogWanted};

use super::Installation;
use crate::exit::{self, Usage};
use crate::screen::{self, paragraph, plain};

/// The log of a package's last attempt, or of any attempt by its number; or what was published of it
///
/// The whole log is in logs/ on the machine where the attempt was made; of a failed one the end can be read from
/// everywhere. With --published: a line for each time that refs of the package were moved on a remote by this machine, or
/// could not be.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import log hello\n  package-import log --follow hello\n  package-import log --attempt 4711\n  package-import log --published hello"
)]
pub struct Arguments {
    /// A source package, or the number of an attempt
    #[arg(value_name = "PACKAGE|ATTEMPT", required_unless_present = "attempt", conflicts_with = "attempt")]
    what: Option<String>,

    /// The attempt of this number
    #[arg(long, value_name = "N")]
    attempt: Option<i64>,

    /// What this machine has published of the package, and could not publish
    #[arg(long, conflicts_with_all = ["attempt", "follow"])]
    published: bool,

    /// On this remote alone
    #[arg(long, value_name = "NAME", requires = "published")]
    remote: Option<String>,

    /// Print what comes until the attempt ends
    #[arg(short, long)]
    follow: bool,
}

/// Interval of looking at a log that is followed.
const PAUSE: Duration = Duration::from_millis(300);

/// Largest number of lines about publishing.
const LINES: usize = 200;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    if let (true, Some(package)) = (arguments.published, &arguments.what) {
        let at = installation.open()?;
        return published(&at, package, arguments.remote.as_deref());
    }
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

fn published(at: &Opened, package: &str, remote: Option<&str>) -> Result<u8, Error> {
    let lines = questions::published_log(at, package, remote, LINES)?;
    screen::page();
    for line in &lines {
        writeln!(screen::stdout(), "{}", plain(line))?;
    }
    if lines.is_empty() {
        let text = "this machine has moved none of its refs on a remote, as far as its logs go; \
            `package-import show` says what is published";
        writeln!(screen::stdout(), "{}", paragraph(0, text))?;
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
