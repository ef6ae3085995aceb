use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Error};
use operations::feeds::{self, Which};

use super::Installation;
use crate::{exit, replaced};

/// Write Atom feeds as files, for a web server: failures, collisions, and the packages that are named
///
/// Each file is written beside its place and renamed. `serve` has the same below /feeds/. Links need `url` of [notify].
#[derive(clap::Args)]
#[command(after_help = "Example:\n  package-import feeds --to /var/www/feeds hello dash")]
pub struct Arguments {
    /// The folder: failures.atom, collisions.atom, packages/NAME.atom
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// Packages that get a feed of their own
    packages: Vec<String>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let opened = installation.open()?;
    let folder = std::path::absolute(&arguments.to).context("cannot find the current folder")?;
    let packages = arguments.packages.iter().map(|name| Which::Package(name.clone()));
    for which in [Which::Failures, Which::Collisions].into_iter().chain(packages) {
        let feed = feeds::read(&opened, &which)?;
        let path = folder.join(format!("{}.atom", which.name()));
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| replaced::write(&path, &feed.render(), ""))
            .with_context(|| exit::Unwritable(path))?;
    }
    Ok(exit::DONE)
}
