use std::io::Write;
use std::sync::{Mutex, PoisonError};

use anyhow::Error;
use importer::publishing::by_hand::Looked;
use importer::publishing::perform::Ended;
use operations::actions::publish::Publish;
use operations::{Action, questions};
use serde_json::{Value, json};
use state::publishing::read::RemoteStatus;

use super::{Installation, caller};
use crate::exit;
use crate::screen::{self, count, print_json, short};

/// Publish repositories on remotes now
///
/// Without a package: all that is to be published now. A run does the same beside its imports; this is for who does not want
/// to wait, and for a remote that is new. Refs are made and moved forward, never overwritten; what somebody else has pushed
/// stays, is kept here under refs/heads/collisions/, and is said.
///
/// Exit code 0: all that was asked for is there. 1: some is not, each said with the reason.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import publish\n  package-import publish hello --dry-run\n  package-import publish hello --remote git"
)]
pub struct Arguments {
    /// Source packages
    packages: Vec<String>,

    /// Only on this remote
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,

    /// Say what would be made, moved and left, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 300;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    if arguments.dry_run {
        return dry_run(installation, arguments);
    }
    let all = Mutex::new(Vec::new());
    let watch = |ended: &Ended| {
        if arguments.json {
            all.lock().unwrap_or_else(PoisonError::into_inner).push(ended_json(ended));
        } else {
            // A reader that has gone is no reason to stop.
            let _ = writeln!(screen::stdout(), "{}", line(ended));
        }
    };
    let (packages, remote) = (arguments.packages.clone(), arguments.remote.clone());
    let done = Publish { packages, remote, watch: &watch }.perform(installation, &caller(), None)?;
    if arguments.json {
        let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        print_json(&json!({ "packages": all }))?;
    } else {
        writeln!(screen::stdout(), "{}", left(&done.remotes))?;
    }
    Ok(if done.failed > 0 { exit::SOME_FAILED } else { exit::DONE })
}

fn dry_run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let (mut all, mut failed) = (Vec::new(), false);
    let mut result = Ok(());
    questions::publishing(installation, &arguments.packages, arguments.remote.as_deref(), |looked| {
        failed |= looked.result.is_err();
        if arguments.json {
            all.push(looked_json(&looked));
        } else {
            result = say_looked(&looked);
        }
    })?;
    result?;
    if arguments.json {
        print_json(&json!({ "packages": all }))?;
    }
    Ok(if failed { exit::SOME_FAILED } else { exit::DONE })
}

fn say_looked(looked: &Looked) -> std::io::Result<()> {
    let mut stdout = screen::stdout();
    let head = format!("{} on {}", looked.package, looked.remote);
    match &looked.result {
        Err(problem) => {
            writeln!(stdout, "{head}: publish/{}: {}", problem.code(), short(&problem.to_string(), LONGEST))
        }
        Ok(steps) if steps.is_empty() => writeln!(stdout, "{head}: all is published"),
        Ok(steps) => {
            writeln!(stdout, "{head}:")?;
            steps.iter().try_for_each(|(name, decision)| writeln!(stdout, "  {} {name}", decision.as_str()))
        }
    }
}

fn looked_json(looked: &Looked) -> Value {
    let (package, remote) = (&looked.package, &looked.remote);
    match &looked.result {
        Err(problem) => {
            json!({ "package": package, "remote": remote, "code": problem.code(), "message": problem.to_string() })
        }
        Ok(steps) => {
            let steps: Vec<Value> =
                steps.iter().map(|(name, it)| json!({ "ref": name, "decision": it.as_str() })).collect();
            json!({ "package": package, "remote": remote, "refs": steps })
        }
    }
}

/// Text about the packages that are unpublished.
fn left(remotes: &[RemoteStatus]) -> String {
    let lines: Vec<String> = remotes
        .iter()
        .map(|it| format!("{}: {} unpublished", it.remote, count(it.unpublished, "package")))
        .collect();
    lines.join(", ")
}

fn ended_json(ended: &Ended) -> Value {
    let (package, remote) = (&ended.package, &ended.remote);
    match &ended.result {
        Ok((moved, there)) => json!({
            "package": package, "remote": remote, "moved": moved, "foreign": there.foreign,
            "refused": there.refused, "kept": there.kept, "fingerprint": there.there,
        }),
        Err(trouble) => {
            json!({ "package": package, "remote": remote, "code": trouble.code, "message": trouble.message })
        }
    }
}

/// Line about the end of publishing a package.
pub(super) fn line(ended: &Ended) -> String {
    let head = format!("{} on {}", ended.package, ended.remote);
    match &ended.result {
        Err(trouble) => format!("{head}: publish/{}: {}", trouble.code, short(&trouble.message, LONGEST)),
        Ok((moved, there)) => {
            let moved = match moved {
                0 => "nothing new".to_owned(),
                some => format!("{} published", count(i64::try_from(*some).unwrap_or(i64::MAX), "ref")),
            };
            let foreign = match there.foreign {
                0 => String::new(),
                some => format!(", {} of somebody else left alone", count(some, "ref")),
            };
            let refused = match there.refused {
                0 => String::new(),
                some => format!(", {} refused by the server", count(some, "ref")),
            };
            format!("{head}: {moved}{foreign}{refused}")
        }
    }
}
