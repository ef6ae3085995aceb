use std::path::PathBuf;

use anyhow::Error;
use operations::copies::{self, DscPrefix, Export};

use super::Installation;
use crate::exit;

/// Write the unpacked source of a version into a new folder, as dpkg-source would
///
/// Escaped names, empty folders and named pipes, which a checkout does not give, are restored.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import export --applied hello 2.10-3 /tmp/hello-2.10\n  package-import export hello 2.10-3@0f1e2d3c4b5a /tmp/hello-2.10-again"
)]
pub struct Arguments {
    /// The source package
    package: String,
    /// The version; VERSION@HASH is --dsc HASH
    version: String,
    /// The folder to make
    folder: PathBuf,
    /// Of several contents of the version, which one: how the SHA-256 of its .dsc begins, at least 8 digits of it
    /// [default: the first one]
    #[arg(long, value_name = "HASH")]
    dsc: Option<DscPrefix>,
    /// With patches applied
    #[arg(long)]
    applied: bool,
    /// The distro [default: debian, or what the configuration says]
    #[arg(long)]
    distro: Option<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let wanted = Export {
        package: &arguments.package,
        version: &arguments.version,
        dsc: arguments.dsc.as_ref(),
        applied: arguments.applied,
        distro: arguments.distro.as_deref(),
    };
    copies::export(installation, &wanted, &arguments.folder)?;
    Ok(exit::DONE)
}
