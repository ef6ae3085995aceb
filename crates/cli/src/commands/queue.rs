use std::io::{self, Write};

use anyhow::Error;
use operations::LookBack;
use operations::questions::{self, Queue};
use state::read::queue::LaneLoad;
use state::waits::NEVER;
use state::words::Lane;

use super::Installation;
use crate::exit;
use crate::screen::{self, more, print, print_json, short, table};
use crate::time::{ago, span, until};
use crate::watch;

/// What waits, in the order in which it will be done, and when it is done
#[derive(clap::Args)]
pub struct Arguments {
    /// Only this lane: operator, upload, retry, rescan, verify or maintain
    #[arg(long)]
    lane: Option<Lane>,

    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// As it was at a time: 08:32, 'yesterday 08:32', '2h ago', '2026-11-24 08:32' (UTC)
    #[arg(long, value_name = "TIME")]
    at: Option<LookBack>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Show it again every 2 seconds, until Ctrl-C
    #[arg(long, conflicts_with_all = ["json", "at"])]
    watch: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 100;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    watch::shown(arguments.watch, || once(installation, arguments))
}

fn once(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let answer = questions::queue(&installation.open_at(arguments.at)?, arguments.lane, arguments.limit)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    if !arguments.watch {
        screen::page();
    }
    let wanted = |load: &&LaneLoad| arguments.lane.is_none_or(|lane| load.lane == lane.as_str());
    let waiting: i64 = answer.lanes.iter().filter(wanted).map(|load| load.waiting).sum();
    let pace = match (answer.pace.per_hour, answer.pace.left) {
        (Some(pace), Some(left)) if arguments.lane.is_none() => {
            format!(": {pace} an hour now, done in {}", span(left))
        }
        _ => String::new(),
    };
    writeln!(screen::stdout(), "{waiting} waiting{pace}")?;
    if arguments.lane.is_none() {
        say_later(&answer)?;
    }
    let mut rows = table(&["PLACE", "PACKAGE", "LANE", "STATE", "SINCE"]);
    for job in &answer.running {
        rows.add_row(["", &job.package, &job.lane, "running", &ago(answer.now, job.started)]);
    }
    for job in &answer.next {
        rows.add_row([
            &job.place.to_string(),
            &job.package,
            &job.lane,
            &job.state,
            &ago(answer.now, job.entered),
        ]);
    }
    print(&rows)?;
    more(answer.next.len(), waiting, "job")?;
    if !answer.waits.is_empty() && arguments.lane.is_none() {
        let mut rows = table(&["PACKAGE", "WAITS FOR", "GOES ON WITHOUT"]);
        for wait in &answer.waits {
            let end = if wait.until == NEVER { String::new() } else { until(answer.now, wait.until) };
            rows.add_row([&wait.package, &short(&wait.reason, LONGEST), &end]);
        }
        writeln!(screen::stdout())?;
        print(&rows)?;
    }
    Ok(exit::DONE)
}

/// Prints the numbers of jobs outside of the lanes.
fn say_later(answer: &Queue) -> io::Result<()> {
    let later = &answer.later;
    let next = later.next_retry.map_or(String::new(), |due| format!(", the next {}", until(answer.now, due)));
    let parts = [
        (later.parked, format!("{} parked by an outage (`package-import status`)", later.parked)),
        (later.retrying, format!("{} failed and tried again later{next}", later.retrying)),
        (later.held, format!("{} held", later.held)),
    ];
    for (_, text) in parts.iter().filter(|(count, _)| *count > 0) {
        writeln!(screen::stdout(), "{text}")?;
    }
    Ok(())
}
