use std::io::{self, Write};

use anyhow::Error;
use clap::Subcommand;
use operations::questions::{self, IncidentShown};

use super::Installation;
use crate::exit;
use crate::screen::{self, count, paragraph, plain, print_json, title};
use crate::time::{at, span};

/// Look at one incident: what was observed, what alerted, what people did, what came back and when
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import incident show k3v9q2m\n  package-import incident show k3v9q2m --markdown > post-mortem.md"
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Show(Show),
}

/// Its timeline, how many packages it has hit, how late they were because of it
#[derive(clap::Args)]
struct Show {
    /// The incident, as `incidents` lists it
    id: String,

    /// As Markdown: the first draft of a post-mortem
    #[arg(long, conflicts_with = "json")]
    markdown: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let Verb::Show(show) = &arguments.verb;
    let shown = questions::incident(&installation.open()?, &show.id)?;
    if show.json {
        print_json(&shown)?;
    } else if show.markdown {
        write!(screen::stdout(), "{}", shown.markdown())?;
    } else {
        screen::page();
        screen(&shown)?;
    }
    Ok(exit::DONE)
}

fn screen(shown: &IncidentShown) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let it = &shown.incident;
    writeln!(stdout, "{}", title(&plain(&format!("{} {}: {}", it.id, it.kind.as_str(), it.title()))))?;
    let ended = match it.ended {
        Some(ended) => format!("{}, after {}", at(ended), span(ended - it.began)),
        None => format!("not yet, after {}", span(shown.now - it.began)),
    };
    writeln!(stdout, "Began:    {}\nEnded:    {ended}", at(it.began))?;
    if let Some(cause) = &it.cause {
        writeln!(stdout, "{}", paragraph(0, &format!("Cause:    {}", plain(cause))))?;
    }
    writeln!(stdout, "Packages: {}, {} well again", it.packages, it.back)?;
    if let (Some(median), Some(worst), Some(package)) =
        (it.late.median, it.late.worst, &it.late.worst_package)
    {
        writeln!(
            stdout,
            "Late:     half of them {} at most, the last {} ({package})",
            span(median),
            span(worst)
        )?;
    }
    if !it.examples.is_empty() {
        let more = it.packages - i64::try_from(it.examples.len()).unwrap_or(0);
        let more = if more > 0 { format!(" and {}", count(more, "other")) } else { String::new() };
        writeln!(stdout, "{}", paragraph(0, &format!("Hit:      {}{more}", it.examples.join(", "))))?;
    }
    writeln!(stdout)?;
    for entry in &shown.timeline {
        let who = entry.who.as_ref().map_or(String::new(), |who| format!("{who}: "));
        let line = format!("{} {}: {who}{}", at(entry.at), entry.kind.as_str(), entry.text);
        writeln!(stdout, "{}", paragraph(0, &plain(&line)))?;
    }
    writeln!(stdout, "Next:\n  package-import incident show {} --markdown", it.id)
}
