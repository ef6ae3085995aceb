use anyhow::Error;
use importer::inspect::Effort;

use super::Installation;
use crate::exit;
use crate::screen;

/// Repack repositories with deltas: smaller, and faster to clone
///
/// Exit code 0: all are repacked. 1: some are not, each said with the reason on standard error.
#[derive(clap::Args)]
pub struct Arguments {
    /// The source packages [default: all]
    packages: Vec<String>,
    /// Join small packs only; by default everything is repacked
    #[arg(long)]
    geometric: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let packages = match arguments.packages.as_slice() {
        [] => importer::inspect::packages(&installation.root)?,
        named => named.to_vec(),
    };
    let effort = if arguments.geometric { Effort::Geometric } else { Effort::Full };
    let limits = installation.config()?.limits;
    let mut all_done = true;
    for package in &packages {
        // A repository that cannot be repacked now does not stop the others.
        if let Err(error) = importer::inspect::repack(&installation.root, package, effort, &limits) {
            all_done = false;
            screen::say!("{package}: {error}");
        }
    }
    Ok(if all_done { exit::DONE } else { exit::SOME_FAILED })
}
