use std::io::Write;

use anyhow::Error;
use operations::questions::{self, CollisionsWanted};
use packaging_repo::collision::Kind;
use state::publication::collisions::Collision;

use super::Installation;
use crate::exit;
use crate::screen::{self, print, print_json, short, table};
use crate::time::at;

/// Refs of repositories that somebody else made or moved, and that wait for a person's decision
///
/// Kinds: unmerged (changes that the version has not), conflict (changes to what the version changes, too), tag-differs (a tag
/// of our name with other content), blocked (a ref in the way of ours: nothing can be imported). `collision show ID` says what
/// would be lost, `collision resolve ID` ends one. They end by themselves once a version has the change, or the ref is gone.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import collisions\n  package-import collisions hello --all\n  package-import collisions --kind conflict"
)]
pub struct Arguments {
    /// Of this source package [default: all]
    package: Option<String>,

    /// Of this kind
    #[arg(long)]
    kind: Option<Kind>,

    /// Those that have ended, too, newest first
    #[arg(long)]
    all: bool,

    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a person's name.
const LONGEST: usize = 60;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let wanted = CollisionsWanted {
        package: arguments.package.as_deref(),
        kind: arguments.kind,
        all: arguments.all,
        limit: arguments.limit,
    };
    let answer = questions::collisions(&installation.open()?, &wanted)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    let found = answer.collisions;
    if found.is_empty() {
        writeln!(screen::stdout(), "no collision waits for a decision")?;
        return Ok(exit::DONE);
    }
    let mut rows = table(&["ID", "PACKAGE", "KIND", "SINCE", "REF, BY WHOM"]).cut(2);
    for it in &found {
        let who = it.who.as_deref().map_or(String::new(), |who| format!(" by {}", short(who, LONGEST)));
        let end = it.ended.map_or(String::new(), |ended| format!(", ended {}: {}", at(ended), ending(it)));
        let what = format!("{}{who}{end}{}", it.name, decided(it));
        rows.add_row([&it.id.to_string(), &it.package, &it.kind, &at(it.since), &what]);
    }
    print(&rows)?;
    Ok(exit::DONE)
}

fn ending(it: &Collision) -> &str {
    it.ending.as_deref().unwrap_or("unknown")
}

/// Text about a decision that is not carried out yet.
fn decided(it: &Collision) -> String {
    match (&it.decision, &it.trouble) {
        (Some(decision), Some(why)) => format!(", {decision} is not possible: {}", short(why, 200)),
        (Some(decision), None) if it.ended.is_none() => format!(", {decision} is decided"),
        _ => String::new(),
    }
}

/// One in a line.
pub fn line(it: &Collision) -> String {
    let who = it.who.as_deref().map_or("somebody else".to_owned(), |who| short(who, LONGEST));
    let what = match it.kind.as_str() {
        "unmerged" => "has changes that the version has not",
        "conflict" => "has changes to what the version changes, too",
        "tag-differs" => "has other content than ours",
        "blocked" => "is in the way: nothing can be imported",
        "contained" => "had changes that the version has, too; joined",
        "noise" => "had changes that mean nothing; joined",
        _ => "was removed, set back or replaced; put back",
    };
    let end = match (it.ended, it.kind.as_str()) {
        (None, _) => format!("; package-import collision show {}", it.id),
        (Some(_), "contained" | "noise" | "rewritten") => String::new(),
        (Some(_), _) => format!("; ended: {}", ending(it)),
    };
    format!("{} by {who} {what}{end}", it.name)
}
