//! One file a subcommand of `baseline`.

mod accept;
mod backtest;
mod set;
mod show;
mod unset;

use std::io::Write;

use ::baseline::Verdict;
use anyhow::Error;
use clap::Subcommand;

use super::Installation;
use crate::exit;
use crate::screen;

/// What is normal: learned from the last 15 weeks, accepted or set
///
/// The checks alert when more fails than normally does. Figures: failing (packages that fail, with jobs that are parked;
/// held and suppressed ones are left out), failed (new failures a day), signature:ID.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(show::Arguments),
    Accept(accept::Arguments),
    Set(set::Arguments),
    Unset(unset::Arguments),
    Backtest(backtest::Arguments),
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    match &arguments.command {
        Command::Show(arguments) => show::run(installation, arguments),
        Command::Accept(arguments) => accept::run(installation, arguments),
        Command::Set(arguments) => set::run(installation, arguments),
        Command::Unset(arguments) => unset::run(installation, arguments),
        Command::Backtest(arguments) => backtest::run(arguments),
    }
}

/// Prints the new verdict.
fn tell(verdict: &Verdict) -> Result<u8, Error> {
    writeln!(screen::stdout(), "{}: {}", verdict.state, verdict.text)?;
    Ok(exit::DONE)
}
