use std::io::{self, Write};

use anyhow::Error;
use clap::Subcommand;
use operations::Action;
use operations::actions::channels::{SendDue, TestChannel};
use operations::telling::{self, Channels, Listed};

use super::{Installation, caller};
use crate::exit;
use crate::screen::{self, print, print_json, short, table};
use crate::time::{ago, at};

/// Tell people what is due, by the channels of [notify] in config.toml
///
/// A run does so by itself; this is for installations without one on this machine, from cron. What a channel does not take is
/// tried again, by whoever is next.
///
/// Exit code 0: whatever was due was told, or nothing was. 1: a channel did not take it, and which was said.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import notify\n  package-import notify test team\n  package-import notify list"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Send a trial by a channel
    Test {
        /// The channel, as [[notify.mail]] or [[notify.webhook]] names it
        channel: String,
    },
    /// All channels: what each is told and when, and whether it works
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    importer::arm_crash_points();
    let opened = installation.open()?;
    match &arguments.command {
        None => {
            let round = SendDue.perform(&opened, &caller(), None)?;
            for channel in &round.sent {
                writeln!(screen::stdout(), "told {channel}")?;
            }
            for (channel, why) in &round.failed {
                screen::say!("channel {channel}: {why}");
            }
            Ok(if round.failed.is_empty() { exit::DONE } else { exit::SOME_FAILED })
        }
        Some(Command::Test { channel }) => {
            TestChannel { channel: channel.clone() }.perform(&opened, &caller(), None)?;
            writeln!(screen::stdout(), "channel {channel} has taken it")?;
            Ok(exit::DONE)
        }
        Some(Command::List { json }) => {
            let answer = telling::list(&opened)?;
            match json {
                true => print_json(&answer)?,
                false => show(&answer)?,
            }
            Ok(exit::DONE)
        }
    }
}

fn show(answer: &Channels) -> io::Result<()> {
    if answer.channels.is_empty() {
        return writeln!(
            screen::stdout(),
            "no channel: [[notify.mail]] and [[notify.webhook]] in config.toml make one"
        );
    }
    let mut rows = table(&["CHANNEL", "KIND", "AT ONCE", "DIGEST", "LAST TOLD", "STATE"]);
    for it in &answer.channels {
        let last = it.status.as_ref().and_then(|status| status.sent);
        let last = last.map_or("never".to_owned(), |sent| ago(answer.now, sent));
        rows.add_row([&it.channel, &it.kind, &at_once(it), &digest(it), &last, &state(it)]);
    }
    print(&rows)
}

fn at_once(it: &Listed) -> String {
    match (it.here, it.now.is_empty()) {
        (false, _) => String::new(),
        (true, true) => "nothing".into(),
        (true, false) => it.now.join(" "),
    }
}

fn digest(it: &Listed) -> String {
    match it.digest.is_empty() {
        true => String::new(),
        false => format!("{} UTC", it.digest.join(" ")),
    }
}

fn state(it: &Listed) -> String {
    let Some(status) = &it.status else { return "not told anything yet".into() };
    match (status.failing, it.here) {
        (Some(since), _) => {
            let why = short(status.error.as_deref().unwrap_or_default(), 60);
            format!("fails since {}: {why}", at(since))
        }
        (None, true) => "works".into(),
        (None, false) => format!("works, on {}", status.host),
    }
}
