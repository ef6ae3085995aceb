use std::io::{self, Write};

use anyhow::Error;
use operations::questions::{self, Workers};
use state::read::hosts::Host;

use super::Installation;
use crate::exit;
use crate::screen::{self, print, print_json, short, table};
use crate::time::{ago, span, took};
use crate::watch;

/// Hosts, and what they do now
#[derive(clap::Args)]
pub struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Show it again every 2 seconds, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    watch: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    watch::shown(arguments.watch, || once(installation, arguments))
}

fn once(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let answer = questions::workers(&installation.open()?)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    if !arguments.watch {
        screen::page();
    }
    show(&answer)?;
    Ok(exit::DONE)
}

/// Word for the progress of a host, and the time since it has stalled.
fn life(host: &Host, now: i64) -> String {
    match host.since {
        Some(since) => format!("{} for {}", host.life, span(now - since)),
        None => host.life.clone(),
    }
}

fn show(answer: &Workers) -> io::Result<()> {
    let mut rows = table(&["HOST", "STATE", "LIFE", "LAST SEEN", "RUNS", "JOBS", "REASON"]);
    for host in &answer.hosts {
        let why = host.trouble.as_deref().or(host.reason.as_deref()).unwrap_or_default();
        let reason = short(why, 60);
        rows.add_row([
            &host.host,
            &host.state,
            &life(host, answer.now),
            &ago(answer.now, host.heartbeat),
            &host.runs.to_string(),
            &host.running.to_string(),
            &reason,
        ]);
    }
    print(&rows)?;
    if answer.hosts.is_empty() {
        writeln!(screen::stdout(), "no host has imported yet")?;
    }
    if answer.running.is_empty() {
        return Ok(());
    }
    let mut rows = table(&["HOST", "PACKAGE", "ATTEMPT", "LANE", "FOR", "USUALLY"]);
    for job in &answer.running {
        let usual = job.usual_ms.map_or("not known".into(), took);
        let running = span(answer.now - job.started);
        rows.add_row([&job.host, &job.package, &job.attempt.to_string(), &job.lane, &running, &usual]);
    }
    print(&rows)
}
