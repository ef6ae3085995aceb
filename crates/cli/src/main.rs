//! `package-import`: the operator's command. No logic lives here: a subcommand reads its arguments, calls the
//! library and shows what came back.

mod commands;
mod exit;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Import Debian-format source packages into Git, a repository for each.
#[derive(Parser)]
#[command(name = "package-import", version, max_term_width = 100)]
struct Cli {
    /// The folder of this installation [default: /var/lib/package-import, or the user's state folder]
    #[arg(long, global = true, env = "PACKAGE_IMPORT_ROOT", value_name = "DIR", hide_env_values = true)]
    root: Option<PathBuf>,

    /// The configuration [default: config.toml in the root, then in /etc/package-import]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Import(commands::import::Arguments),
    Enqueue(commands::enqueue::Arguments),
    Run(commands::run::Arguments),
    Export(commands::export::Arguments),
    Verify(commands::verify::Arguments),
    Show(commands::show::Arguments),
    Repack(commands::repack::Arguments),
    #[command(name = "import-package", hide = true)]
    ImportPackage(commands::import_package::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let installation = commands::Installation::new(cli.root, cli.config);
    let result = match cli.command {
        Command::Import(arguments) => commands::import::run(&installation, &arguments),
        Command::Enqueue(arguments) => commands::enqueue::run(&installation, &arguments),
        Command::Run(arguments) => commands::run::run(&installation, &arguments),
        Command::Export(arguments) => commands::export::run(&installation, &arguments),
        Command::Verify(arguments) => commands::verify::run(&installation, &arguments),
        Command::Show(arguments) => commands::show::run(&installation, &arguments),
        Command::Repack(arguments) => commands::repack::run(&installation, &arguments),
        Command::ImportPackage(arguments) => commands::import_package::run(&arguments),
    };
    exit::code(result)
}
