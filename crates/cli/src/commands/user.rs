use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Error};
use clap::Subcommand;
use operations::actions::accounts::{AddUser, ChangePassword, RemoveUser};
use operations::questions::{self, Users};
use operations::{Action, Role};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::{Installation, caller};
use crate::exit;
use crate::screen::{self, print, print_json, table};

/// Accounts for the pages of `serve`, where no proxy says who asks
///
/// They stand in web-accounts in the root, which its owner alone may read. A password is read from the standard input: typed
/// twice on a terminal, else its first line.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import user add olga --role operate\n  package-import user list"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account
    Add {
        /// The name
        name: String,
        /// view, operate or admin
        #[arg(long, default_value = "view")]
        role: Role,
    },
    /// Give an account another password, and another role if one is named; sessions end
    Password {
        /// The name
        name: String,
        /// view, operate or admin
        #[arg(long)]
        role: Option<Role>,
    },
    /// Remove an account; its sessions end
    Remove {
        /// The name
        name: String,
    },
    /// All accounts
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let answer = questions::users(installation)?;
    let mut stdout = screen::stdout();
    match &arguments.command {
        Command::Add { name, role } => {
            let add = AddUser { name: name.clone(), role: *role, password: password()? };
            add.perform(installation, &caller(), None)?;
            writeln!(stdout, "{name} may sign in, role {role}")?;
        }
        Command::Password { name, role } => {
            let change = ChangePassword { name: name.clone(), role: *role, password: password()? };
            change.perform(installation, &caller(), None)?;
            writeln!(stdout, "{name} has another password; sessions have ended")?;
        }
        Command::Remove { name } => {
            RemoveUser { name: name.clone() }.perform(installation, &caller(), None)?;
            writeln!(stdout, "{name} has no account any more; sessions have ended")?;
        }
        Command::List { json: true } => print_json(&answer)?,
        Command::List { json: false } => list(&answer)?,
    }
    Ok(exit::DONE)
}

fn list(answer: &Users) -> io::Result<()> {
    if answer.users.is_empty() {
        return writeln!(screen::stdout(), "there are no accounts; `package-import user add` makes one");
    }
    let mut rows = table(&["NAME", "ROLE"]);
    for user in &answer.users {
        rows.add_row([&user.name, user.role.as_str()]);
    }
    print(&rows)
}

/// A password: twice from a terminal, which does not show it; else a line.
fn password() -> Result<String, Error> {
    if !io::stdin().is_terminal() {
        return line();
    }
    let (first, second) = (asked("Password: ")?, asked("Again: ")?);
    if first != second {
        return Err(exit::Usage("these are two passwords".into()).into());
    }
    Ok(first)
}

fn asked(prompt: &str) -> Result<String, Error> {
    let mut stderr = io::stderr();
    write!(stderr, "{prompt}")?;
    stderr.flush()?;
    let before = tcgetattr(io::stdin()).context("cannot ask the terminal")?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Flush, &silent)
        .context("cannot keep the terminal from showing it")?;
    let typed = line();
    tcsetattr(io::stdin(), OptionalActions::Flush, &before).context("cannot set the terminal back")?;
    writeln!(stderr)?;
    typed
}

fn line() -> Result<String, Error> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read a password")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
