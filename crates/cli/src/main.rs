//! `package-import`: the operator's command. It has no logic: a subcommand reads its arguments, calls the
//! library and shows the result.

mod commands;
mod eta;
mod exit;
mod help;
mod interrupt;
mod out;
mod owner;
mod replaced;
mod screen;
mod show;
mod subcommands;
mod table;
mod time;
mod told;
mod watch;
mod way_on;
mod words;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, Parser};

/// Import Debian-format source packages into Git, a repository for each.
#[derive(Parser)]
#[command(
    name = "package-import",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    place: Place,
}

/// Options of every subcommand.
#[derive(clap::Args)]
struct Place {
    /// The folder of this installation [default: /var/lib/package-import, or the user's state folder]
    #[arg(long, global = true, env = "PACKAGE_IMPORT_ROOT", value_name = "DIR", hide_env_values = true)]
    root: Option<PathBuf>,

    /// The configuration [default: config.toml in the root, then in /etc/package-import]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    // File descriptors that this process inherited are not passed on to its children.
    close_fds::set_fds_cloexec(3, &[]);
    owner::keep_others_out();
    // The child of an import has no options: to build all subcommands first would cost it more than a small package.
    if std::env::args_os().nth(1).is_some_and(|name| name == importer::child::SUBCOMMAND) {
        return exit::code(commands::import_package::run());
    }
    let matches = parse();
    let place = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).place;
    let Some((subcommand, matches)) =
        matches.subcommand().and_then(|(name, it)| Some((subcommands::find(name)?, it)))
    else {
        help::grouped(command()).error(ErrorKind::MissingSubcommand, "no subcommand was given").exit()
    };
    state::open::introduce(subcommand.name, &importer::root::host_name());
    bounded::waiting::listen(|text| drop(writeln!(screen::stderr(), "{text}")));
    let installation = commands::Installation::new(place.root, place.config);
    let is_of_a_root = !matches!(subcommand.name, "completions" | "man");
    let owned = if is_of_a_root { owner::become_owner(&installation.root) } else { Ok(()) };
    let result = owned.and_then(|()| (subcommand.run)(&installation, matches));
    out::finish();
    exit::code(result)
}

/// The program's command with all subcommands.
fn command() -> Command {
    subcommands::add_all(Cli::command())
}

/// Parses the command line.
fn parse() -> ArgMatches {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut small = subcommands::add_named(Cli::command(), arguments.get(1..).unwrap_or_default());
    let parsed = small.try_get_matches_from_mut(&arguments);
    // The program ends soon enough: to free the command piece by piece would only take time.
    std::mem::forget(small);
    // Errors and the help are of the command with all subcommands, in groups.
    parsed.unwrap_or_else(|_| help::grouped(command()).get_matches())
}
