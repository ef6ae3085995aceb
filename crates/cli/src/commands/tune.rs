use std::io::Write;

use anyhow::Error;
use operations::questions;

use super::Installation;
use crate::exit;
use crate::screen::{self, count, print_json};
use crate::time::took;

/// What this machine could carry, from what imports have cost
#[derive(clap::Args)]
pub struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let costs = questions::tune(&installation.open()?)?;
    if arguments.json {
        print_json(&costs)?;
        return Ok(exit::DONE);
    }
    let mut stdout = screen::stdout();
    if costs.attempts == 0 {
        writeln!(stdout, "nothing was imported yet: there is nothing to go by")?;
        return Ok(exit::DONE);
    }
    let machine = questions::capacity(&costs);
    let mib = |bytes: i64| bytes >> 20;
    writeln!(stdout, "{} looked at", count(costs.attempts, "import"))?;
    writeln!(
        stdout,
        "one takes {} on average, {} % of it a processor's",
        took(costs.wall_ms / costs.attempts),
        machine.busy
    )?;
    writeln!(
        stdout,
        "memory of one: median {} MiB, 95 % {} MiB, largest {} MiB",
        mib(costs.rss_p50),
        mib(costs.rss_p95),
        mib(costs.rss_max)
    )?;
    writeln!(
        stdout,
        "this machine: {} processors carry {} at a time,",
        machine.processors, machine.by_processors
    )?;
    writeln!(stdout, "  {} MiB of memory carry {}", mib(machine.memory), machine.by_memory)?;
    let (per_hour, jobs) = (machine.per_hour, machine.jobs());
    writeln!(stdout, "about {per_hour} imports an hour; try `package-import set jobs={jobs}`")?;
    Ok(exit::DONE)
}
