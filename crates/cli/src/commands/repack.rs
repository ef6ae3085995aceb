use anyhow::Error;
use importer::inspect::Effort;

use super::Installation;
use crate::exit;

/// Repack repositories with deltas: smaller, and faster to clone
#[derive(clap::Args)]
pub struct Arguments {
    /// The source packages [default: all]
    packages: Vec<String>,
    /// Join small packs only; by default everything is packed anew
    #[arg(long)]
    geometric: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let packages = match arguments.packages.as_slice() {
        [] => importer::inspect::packages(&installation.root)?,
        named => named.to_vec(),
    };
    let effort = if arguments.geometric { Effort::Geometric } else { Effort::Full };
    for package in &packages {
        importer::inspect::repack(&installation.root, package, effort)?;
    }
    Ok(exit::DONE)
}
