use anyhow::Error;
use importer::inspect::{Effort, InspectError};
use operations::Action;
use operations::actions::repack::Repack;

use super::{Installation, caller};
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
    let repack = Repack {
        packages: arguments.packages.clone(),
        effort: if arguments.geometric { Effort::Geometric } else { Effort::Full },
        failed: &|package: &str, error: &InspectError| screen::say!("{package}: {error}"),
    };
    let failed = repack.perform(installation, &caller(), None)?;
    Ok(if failed == 0 { exit::DONE } else { exit::SOME_FAILED })
}
