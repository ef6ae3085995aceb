use std::path::PathBuf;

use anyhow::{Context, Error};

use super::Installation;
use crate::exit::{self, Usage};

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
    #[arg(long, value_name = "HASH", value_parser = hash)]
    dsc: Option<String>,
    /// With patches applied
    #[arg(long)]
    applied: bool,
    /// The distro [default: debian, or what the configuration says]
    #[arg(long)]
    distro: Option<String>,
}

/// The first digits of a SHA-256, as a tag of other content ends with them.
fn hash(text: &str) -> Result<String, String> {
    let is_hash = (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("{text:?} is not 8 to 64 digits of a SHA-256"))
    }
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let config = installation.config()?;
    let distro = arguments.distro.as_ref().unwrap_or(&config.import.distro);
    let (version, dsc) = match arguments.version.split_once('@') {
        Some((version, dsc)) => (version, Some(hash(dsc).map_err(Usage)?)),
        None => (arguments.version.as_str(), arguments.dsc.clone()),
    };
    let folder = std::path::absolute(&arguments.folder).context("cannot find the current folder")?;
    let what = importer::inspect::Wanted {
        package: &arguments.package,
        version,
        distro,
        dsc: dsc.as_deref(),
        applied: arguments.applied,
    };
    importer::inspect::export(&installation.root, &what, &folder)?;
    Ok(exit::DONE)
}
