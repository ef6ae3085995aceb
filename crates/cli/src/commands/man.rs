use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{Context, Error};
use clap_mangen::Man;

use super::Installation;
use crate::exit;

/// Print the manual page, or write those of all commands into a folder
#[derive(clap::Args)]
pub struct Arguments {
    /// Where to write package-import.1, package-import-run.1, ...
    folder: Option<PathBuf>,
}

pub fn run(_: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let command = crate::command();
    match &arguments.folder {
        None => Man::new(command).render(&mut io::stdout())?,
        Some(folder) => {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            clap_mangen::generate_to(command, folder)
                .with_context(|| format!("cannot write to {}", folder.display()))?;
        }
    }
    Ok(exit::DONE)
}
