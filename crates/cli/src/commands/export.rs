use std::path::PathBuf;

use anyhow::{Context, Error};

use super::Installation;
use crate::exit;

/// Write the unpacked source of a version into a new folder, as dpkg-source would
///
/// Escaped names, empty folders and named pipes, which a checkout does not give, are restored.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  package-import export --applied hello 2.10-3 /tmp/hello-2.10")]
pub struct Arguments {
    /// The source package
    package: String,
    /// The version
    version: String,
    /// The folder to make
    folder: PathBuf,
    /// With patches applied
    #[arg(long)]
    applied: bool,
    /// The distro [default: debian, or what the configuration says]
    #[arg(long)]
    distro: Option<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let config = installation.config()?;
    let distro = arguments.distro.as_ref().unwrap_or(&config.import.distro);
    let folder = std::path::absolute(&arguments.folder).context("cannot find the current folder")?;
    let what = importer::inspect::Wanted {
        package: &arguments.package,
        version: &arguments.version,
        distro,
        applied: arguments.applied,
    };
    importer::inspect::export(&installation.root, &what, &folder)?;
    Ok(exit::DONE)
}
