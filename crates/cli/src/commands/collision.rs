use std::io::{self, Write};

use anyhow::Error;
use clap::Subcommand;
use operations::{Action, Reason, actions, questions};
use packaging_repo::collision::difference::{Difference, File};
use packaging_repo::collision::{Decision, Kind};
use state::publication::collisions::{self, Collision};

use super::{Installation, caller};
use crate::exit::{self, Usage};
use crate::screen::{self, count, paragraph, plain, print_json, title};
use crate::time::at;

/// Look at one collision, or decide what becomes of it
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import collision show 17\n  package-import collision resolve 17 --drop --reason 'rejected by the team'"
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Show(Show),
    Resolve(Resolve),
}

/// What it is, and what would be lost: the difference between the version and the same with their changes
#[derive(clap::Args)]
struct Show {
    /// The number of the collision
    id: i64,

    /// Names of files alone
    #[arg(long)]
    names: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Decide what becomes of it; the decision is recorded, and carried out at once or by the next run
///
/// Nothing that was pushed is lost, whatever is decided: it stays in the history of its branch, or gets another name.
#[derive(clap::Args)]
struct Resolve {
    /// The number of the collision
    id: i64,

    /// The change is not wanted: the branches below collisions/ go; a ref in the way gets a name there
    #[arg(long, group = "decision")]
    drop: bool,

    /// Everything stays as it is, and nobody is told any more
    #[arg(long, group = "decision")]
    keep: bool,

    /// Ours gets the plain name of the tag; theirs goes below refs/tags/collisions/
    #[arg(long, group = "decision")]
    take_tag: bool,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Reason,

    /// Only write it down: the next run carries it out
    #[arg(long)]
    later: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Lines of differences that are shown of all files, and the longest line.
const LINES: usize = 4000;
const LONGEST: usize = 2000;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    match &arguments.verb {
        Verb::Show(arguments) => show(installation, arguments),
        Verb::Resolve(arguments) => resolve(installation, arguments),
    }
}

fn show(installation: &Installation, arguments: &Show) -> Result<u8, Error> {
    let answer = questions::collision(&installation.open()?, arguments.id)?;
    if arguments.json {
        print_json(&answer.json())?;
        return Ok(exit::DONE);
    }
    facts(&answer.collision)?;
    match &answer.difference {
        Ok(Some(difference)) => print(difference, arguments.names)?,
        Ok(None) => {}
        Err(error) => {
            screen::say!("the difference cannot be shown here: {}", plain(error));
            return Ok(exit::SOME_FAILED);
        }
    }
    Ok(exit::DONE)
}

fn facts(it: &Collision) -> io::Result<()> {
    let mut stdout = screen::stdout();
    writeln!(stdout, "{}", title(&format!("Collision {} of {}: {}", it.id, it.package, it.kind)))?;
    let mut say = |line: String| writeln!(stdout, "{}", paragraph(2, &line));
    say(format!("{}: {}", it.name, it.kind.parse::<Kind>().map_or("", Kind::message)))?;
    let made = it.made.map_or(String::new(), |made| format!(", made {}", at(made)));
    say(format!(
        "by {}{made}, found {}",
        it.who.as_deref().unwrap_or("somebody who is not named"),
        at(it.since)
    ))?;
    let object = |id: &Option<String>| id.clone().unwrap_or_else(|| "nothing".into());
    say(format!("ours: {}; theirs: {}", object(&it.ours), object(&it.theirs)))?;
    if let Some(aside) = &it.aside {
        say(format!("set aside as {aside}"))?;
    }
    if let Some(offer) = &it.offer {
        say(format!("merged with the version: {offer}"))?;
    }
    if let Some(decision) = &it.decision {
        let by = it.decided_by.as_deref().unwrap_or("somebody");
        let reason = it.reason.as_deref().unwrap_or("no reason given");
        say(format!("{decision} was decided by {by}, {}: {reason}", it.decided.map_or(String::new(), at)))?;
    }
    if let Some(trouble) = &it.trouble {
        say(format!("that cannot be done: {trouble}"))?;
    }
    match (it.ended, it.ending.as_deref()) {
        (Some(ended), how) => say(format!("ended {}: {}", at(ended), how.unwrap_or("unknown"))),
        (None, _) => {
            let ways = match it.kind.as_str() {
                "tag-differs" => "--keep or --take-tag",
                "blocked" => "--drop",
                _ => "--drop or --keep",
            };
            say(format!("Next: package-import collision resolve {} {ways} --reason WHY", it.id))
        }
    }
}

fn print(difference: &Difference, names: bool) -> io::Result<()> {
    let mut stdout = screen::stdout();
    writeln!(stdout, "\n--- {}\n+++ {}", plain(&difference.from.what), plain(&difference.to.what))?;
    if difference.files.is_empty() {
        return writeln!(stdout, "the same files");
    }
    let (mut left, mut hidden) = (LINES, 0);
    for file in &difference.files {
        let remark = file.remark.as_ref().map_or(String::new(), |remark| format!(" ({remark})"));
        writeln!(stdout, "{} {}{}", file.what, plain(&String::from_utf8_lossy(&file.path)), plain(&remark))?;
        if names {
            continue;
        }
        for line in text(file).lines() {
            if left == 0 {
                hidden += 1;
                continue;
            }
            left -= 1;
            let cut: String = line.chars().take(LONGEST).collect();
            writeln!(stdout, "{}", cut.trim_end_matches('\r'))?;
        }
    }
    if hidden > 0 {
        writeln!(stdout, "and {} more; look at the branch itself", count(hidden, "line"))?;
    }
    Ok(())
}

fn text(file: &File) -> String {
    String::from_utf8_lossy(&file.lines).into_owned()
}

fn resolve(installation: &Installation, arguments: &Resolve) -> Result<u8, Error> {
    let decision = match (arguments.drop, arguments.keep, arguments.take_tag) {
        (true, ..) => Decision::Drop,
        (_, true, _) => Decision::Keep,
        (_, _, true) => Decision::TakeTag,
        _ => return Err(Usage("say what is decided: --drop, --keep or --take-tag".into()).into()),
    };
    let opened = installation.open()?;
    let action = actions::collision::Resolve { id: arguments.id, decision };
    let decided = action.perform(&opened, &caller(), Some(&arguments.reason))?;
    let why_not = if arguments.later {
        None
    } else {
        actions::collision::carry_out(installation, &decided.package).err()
    };
    let after = opened.store.read(|tx| collisions::get(tx, decided.id))?.unwrap_or(decided);
    if arguments.json {
        print_json(&serde_json::json!({ "collision": after }))?;
    } else {
        told(&after, decision, why_not.as_ref())?;
    }
    Ok(if after.trouble.is_some() { exit::SOME_FAILED } else { exit::DONE })
}

fn told(it: &Collision, decision: Decision, why_not: Option<&operations::Error>) -> io::Result<()> {
    let mut stdout = screen::stdout();
    match (&it.trouble, it.ended) {
        (Some(trouble), _) => {
            writeln!(stdout, "{}", paragraph(0, &format!("{decision} cannot be done: {trouble}")))
        }
        (None, Some(_)) => writeln!(stdout, "collision {} has ended: {decision}", it.id),
        (None, None) => {
            let why = why_not.map_or(String::new(), |error| format!(" (not here: {error})"));
            let line =
                format!("collision {}: {decision} is decided; the next run carries it out{why}", it.id);
            writeln!(stdout, "{}", paragraph(0, &line))
        }
    }
}
