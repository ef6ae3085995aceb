use std::io;

use anyhow::Error;
use clap_complete::Shell;

use super::Installation;
use crate::exit;

/// Print the completions for a shell
///
/// bash: package-import completions bash > /etc/bash_completion.d/package-import
#[derive(clap::Args)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

pub fn run(_: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let command = crate::command();
    // Hidden subcommands are not offered.
    let shown = command.get_subcommands().filter(|it| !it.is_hide_set()).cloned();
    let mut command =
        clap::Command::new("package-import").args(command.get_arguments().cloned()).subcommands(shown);
    clap_complete::generate(arguments.shell, &mut command, "package-import", &mut io::stdout());
    Ok(exit::DONE)
}
