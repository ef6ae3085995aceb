use std::io::Write;

use anyhow::Error;
use importer::queue::limits::Limits;
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
    let machine = Limits::of_machine();
    let mib = |bytes: i64| bytes >> 20;
    let cores = i64::try_from(machine.jobs).unwrap_or(1);
    let busy = (costs.cpu_ms * 100 / costs.wall_ms.max(1)).clamp(1, 100);
    // While one import waits for a disk or a network another could use the processor, but future waits are not known:
    // never more is advised than the machine has processors.
    let by_processors = cores.max(1);
    let by_memory = (machine.memory / costs.rss_p95.max(1)).max(1);
    let per_hour = 3_600_000 * cores * costs.attempts / costs.cpu_ms.max(1);
    writeln!(stdout, "{} looked at", count(costs.attempts, "import"))?;
    writeln!(
        stdout,
        "one takes {} on average, {busy} % of it a processor's",
        took(costs.wall_ms / costs.attempts)
    )?;
    writeln!(
        stdout,
        "memory of one: median {} MiB, 95 % {} MiB, largest {} MiB",
        mib(costs.rss_p50),
        mib(costs.rss_p95),
        mib(costs.rss_max)
    )?;
    writeln!(stdout, "this machine: {cores} processors carry {by_processors} at a time,")?;
    writeln!(stdout, "  {} MiB of memory carry {by_memory}", mib(machine.memory))?;
    let jobs = by_processors.min(by_memory);
    writeln!(stdout, "about {per_hour} imports an hour; try `package-import set jobs={jobs}`")?;
    Ok(exit::DONE)
}
