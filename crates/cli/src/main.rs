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
mod table;
mod time;
mod told;
mod watch;
mod way_on;
mod words;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Import Debian-format source packages into Git, a repository for each.
#[derive(Parser)]
#[command(name = "package-import", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    place: Place,

    #[command(subcommand)]
    command: Command,
}

/// What every subcommand takes.
#[derive(clap::Args)]
struct Place {
    /// The folder of this installation [default: /var/lib/package-import, or the user's state folder]
    #[arg(long, global = true, env = "PACKAGE_IMPORT_ROOT", value_name = "DIR", hide_env_values = true)]
    root: Option<PathBuf>,

    /// The configuration [default: config.toml in the root, then in /etc/package-import]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    Import(commands::import::Arguments),
    Enqueue(commands::enqueue::Arguments),
    Run(commands::run::Arguments),
    Poll(commands::poll::Arguments),
    Archives(commands::archives::Arguments),
    Status(commands::status::Arguments),
    Failures(commands::failures::Arguments),
    Show(commands::show::Arguments),
    Explain(commands::explain::Arguments),
    List(commands::list::Arguments),
    Freshness(commands::freshness::Arguments),
    Collisions(commands::collisions::Arguments),
    Collision(commands::collision::Arguments),
    Incidents(commands::incidents::Arguments),
    Incident(commands::incident::Arguments),
    Rehearse(commands::rehearse::Arguments),
    History(commands::history::Arguments),
    Log(commands::log::Arguments),
    Queue(commands::queue::Arguments),
    Retry(commands::retry::Arguments),
    Requeue(commands::requeue::Arguments),
    Prioritize(commands::prioritize::Arguments),
    Hold(commands::hold::Arguments),
    Release(commands::release::Arguments),
    Signature(commands::signature::Arguments),
    Baseline(commands::baseline::Arguments),
    Samples(commands::samples::Arguments),
    Suppress(commands::suppress::Arguments),
    Unsuppress(commands::unsuppress::Arguments),
    Mute(commands::mute::Arguments),
    Unmute(commands::unmute::Arguments),
    Set(commands::set::Arguments),
    Quiesce(commands::quiesce::Arguments),
    Resume(commands::resume::Arguments),
    Workers(commands::workers::Arguments),
    Tune(commands::tune::Arguments),
    Metrics(commands::metrics::Arguments),
    Serve(commands::serve::Arguments),
    Notify(commands::notify::Arguments),
    Feeds(commands::feeds::Arguments),
    User(commands::user::Arguments),
    Audit(commands::audit::Arguments),
    Publish(commands::publish::Arguments),
    Remotes(commands::remotes::Arguments),
    Clone(commands::clone::Arguments),
    Export(commands::export::Arguments),
    Verify(commands::verify::Arguments),
    Repair(commands::repair::Arguments),
    Repack(commands::repack::Arguments),
    Backup(commands::backup::Arguments),
    Restore(commands::restore::Arguments),
    Adopt(commands::adopt::Arguments),
    Migrate(commands::migrate::Arguments),
    Prune(commands::prune::Arguments),
    Completions(commands::completions::Arguments),
    Man(commands::man::Arguments),
}

fn main() -> ExitCode {
    // File descriptors that this process inherited are not passed on to its children.
    close_fds::set_fds_cloexec(3, &[]);
    owner::keep_others_out();
    // The child of an import has no options: to build all subcommands first would cost it more than a small package.
    if std::env::args_os().nth(1).is_some_and(|name| name == importer::child::SUBCOMMAND) {
        return exit::code(commands::import_package::run());
    }
    let (cli, name) = parse();
    state::open::introduce(&name, &importer::root::host_name());
    bounded::waiting::listen(|text| drop(writeln!(screen::stderr(), "{text}")));
    let installation = commands::Installation::new(cli.place.root, cli.place.config);
    let is_of_a_root = !matches!(cli.command, Command::Completions(_) | Command::Man(_));
    let owned = if is_of_a_root { owner::become_owner(&installation.root) } else { Ok(()) };
    let result = owned.and_then(|()| run(&installation, &cli.command));
    out::finish();
    exit::code(result)
}

/// Command line, and the name of its subcommand.
fn parse() -> (Cli, String) {
    let mut command = Cli::command();
    // The grouped help is for errors and for those who ask for help: to lay it out costs more than to parse.
    let matches = command
        .try_get_matches_from_mut(std::env::args_os())
        .unwrap_or_else(|_| help::grouped(Cli::command()).get_matches());
    // The program ends soon enough: to free all subcommands piece by piece would only take time.
    std::mem::forget(command);
    let name = matches.subcommand_name().unwrap_or_default().to_owned();
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => (cli, name),
        Err(error) => error.exit(),
    }
}

fn run(installation: &commands::Installation, command: &Command) -> Result<u8, anyhow::Error> {
    match command {
        Command::Import(arguments) => commands::import::run(installation, arguments),
        Command::Enqueue(arguments) => commands::enqueue::run(installation, arguments),
        Command::Run(arguments) => commands::run::run(installation, arguments),
        Command::Poll(arguments) => commands::poll::run(installation, arguments),
        Command::Archives(arguments) => commands::archives::run(installation, arguments),
        Command::Status(arguments) => commands::status::run(installation, arguments),
        Command::Failures(arguments) => commands::failures::run(installation, arguments),
        Command::Freshness(arguments) => commands::freshness::run(installation, arguments),
        Command::Show(arguments) => commands::show::run(installation, arguments),
        Command::Explain(arguments) => commands::explain::run(installation, arguments),
        Command::List(arguments) => commands::list::run(installation, arguments),
        Command::Collisions(arguments) => commands::collisions::run(installation, arguments),
        Command::Collision(arguments) => commands::collision::run(installation, arguments),
        Command::Incidents(arguments) => commands::incidents::run(installation, arguments),
        Command::Incident(arguments) => commands::incident::run(installation, arguments),
        Command::Rehearse(arguments) => commands::rehearse::run(installation, arguments),
        Command::History(arguments) => commands::history::run(installation, arguments),
        Command::Log(arguments) => commands::log::run(installation, arguments),
        Command::Queue(arguments) => commands::queue::run(installation, arguments),
        Command::Retry(arguments) => commands::retry::run(installation, arguments),
        Command::Requeue(arguments) => commands::requeue::run(installation, arguments),
        Command::Prioritize(arguments) => commands::prioritize::run(installation, arguments),
        Command::Hold(arguments) => commands::hold::run(installation, arguments),
        Command::Release(arguments) => commands::release::run(installation, arguments),
        Command::Signature(arguments) => commands::signature::run(installation, arguments),
        Command::Baseline(arguments) => commands::baseline::run(installation, arguments),
        Command::Samples(arguments) => commands::samples::run(installation, arguments),
        Command::Suppress(arguments) => commands::suppress::run(installation, arguments),
        Command::Unsuppress(arguments) => commands::unsuppress::run(installation, arguments),
        Command::Mute(arguments) => commands::mute::run(installation, arguments),
        Command::Unmute(arguments) => commands::unmute::run(installation, arguments),
        Command::Set(arguments) => commands::set::run(installation, arguments),
        Command::Quiesce(arguments) => commands::quiesce::run(installation, arguments),
        Command::Resume(arguments) => commands::resume::run(installation, arguments),
        Command::Workers(arguments) => commands::workers::run(installation, arguments),
        Command::Tune(arguments) => commands::tune::run(installation, arguments),
        Command::Metrics(arguments) => commands::metrics::run(installation, arguments),
        Command::Serve(arguments) => commands::serve::run(installation, arguments),
        Command::Notify(arguments) => commands::notify::run(installation, arguments),
        Command::Feeds(arguments) => commands::feeds::run(installation, arguments),
        Command::User(arguments) => commands::user::run(installation, arguments),
        Command::Audit(arguments) => commands::audit::run(installation, arguments),
        Command::Publish(arguments) => commands::publish::run(installation, arguments),
        Command::Remotes(arguments) => commands::remotes::run(installation, arguments),
        Command::Clone(arguments) => commands::clone::run(installation, arguments),
        Command::Export(arguments) => commands::export::run(installation, arguments),
        Command::Verify(arguments) => commands::verify::run(installation, arguments),
        Command::Repair(arguments) => commands::repair::run(installation, arguments),
        Command::Repack(arguments) => commands::repack::run(installation, arguments),
        Command::Backup(arguments) => commands::backup::run(installation, arguments),
        Command::Restore(arguments) => commands::restore::run(installation, arguments),
        Command::Adopt(arguments) => commands::adopt::run(installation, arguments),
        Command::Migrate(arguments) => commands::migrate::run(installation, arguments),
        Command::Prune(arguments) => commands::prune::run(installation, arguments),
        Command::Completions(arguments) => commands::completions::run(Cli::command(), arguments),
        Command::Man(arguments) => commands::man::run(Cli::command(), arguments),
    }
}
