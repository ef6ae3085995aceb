use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Error};
use operations::questions;

use super::Installation;
use crate::{exit, replaced};

/// Write figures for Prometheus, in the format of node_exporter's textfile collector
///
/// The file is written beside its place and renamed: nobody reads half of it. Call it from cron, or after each run.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  package-import metrics --textfile /var/lib/prometheus/node-exporter/package_import.prom"
)]
pub struct Arguments {
    /// The file, whose name has to end in .prom; - is the standard output
    #[arg(long, value_name = "PATH")]
    textfile: PathBuf,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let metrics = questions::metrics(&installation.open()?)?;
    let text = web::render_metrics(&metrics, false);
    if arguments.textfile.as_os_str() == "-" {
        io::stdout().write_all(text.as_bytes())?;
    } else {
        let path = std::path::absolute(&arguments.textfile).context("cannot find the current folder")?;
        replaced::write(&path, &text, "; - is the standard output")
            .with_context(|| exit::Unwritable(path))?;
    }
    Ok(exit::DONE)
}
