//! The subcommands, one row each. Only those that a command line may mean are built: to build all of them would take
//! longer than most of them run.

use std::ffi::OsString;

use anyhow::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::commands::{self, Installation};

/// A subcommand.
pub struct Subcommand {
    /// Name on the command line.
    pub name: &'static str,
    /// Adds the options and the help.
    arguments: fn(Command) -> Command,
    /// Runs it; the result is the exit code.
    pub run: fn(&Installation, &ArgMatches) -> Result<u8, Error>,
}

/// Rows of subcommands: for each module, its `Arguments` and its `run`.
macro_rules! subcommands {
    ($($module:ident),* $(,)?) => {
        &[$(Subcommand {
            name: stringify!($module),
            arguments: commands::$module::Arguments::augment_args,
            run: |installation, matches| commands::$module::run(installation, &parsed(matches)),
        }),*]
    };
}

/// All subcommands.
const ALL: &[Subcommand] = subcommands![
    import,
    enqueue,
    run,
    poll,
    archives,
    status,
    failures,
    show,
    explain,
    list,
    freshness,
    collisions,
    collision,
    incidents,
    incident,
    rehearse,
    history,
    log,
    queue,
    retry,
    requeue,
    prioritize,
    hold,
    release,
    signature,
    baseline,
    samples,
    suppress,
    unsuppress,
    mute,
    unmute,
    set,
    quiesce,
    resume,
    workers,
    tune,
    metrics,
    serve,
    notify,
    feeds,
    user,
    audit,
    publish,
    remotes,
    clone,
    export,
    verify,
    repair,
    repack,
    backup,
    restore,
    adopt,
    migrate,
    prune,
    completions,
    man,
];

/// The arguments of a subcommand; a value that cannot be used ends the program with a message.
fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> T {
    T::from_arg_matches(matches).unwrap_or_else(|error| error.exit())
}

/// The subcommand with a name.
pub fn find(name: &str) -> Option<&'static Subcommand> {
    ALL.iter().find(|it| it.name == name)
}

/// Adds all subcommands to the program's command.
pub fn add_all(command: Command) -> Command {
    add(command, ALL.iter())
}

/// Adds the subcommands whose names occur among the arguments; all of them if there is none.
pub fn add_named(command: Command, arguments: &[OsString]) -> Command {
    let named = || ALL.iter().filter(|it| arguments.iter().any(|argument| argument == it.name));
    match named().next() {
        Some(_) => add(command, named()),
        None => add_all(command),
    }
}

fn add<'a>(command: Command, subcommands: impl Iterator<Item = &'a Subcommand>) -> Command {
    command.subcommands(subcommands.map(|it| (it.arguments)(Command::new(it.name))))
}
