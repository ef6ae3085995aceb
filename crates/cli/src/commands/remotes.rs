use std::io::{self, Write};

use anyhow::Error;
use operations::actions::remotes::LeaveRemote;
use operations::questions::{self, Remotes};
use operations::{Action, Reason};
use serde_json::Value;
use state::publishing::read::{PackageStatus, RemoteStatus};

use super::{Installation, caller};
use crate::exit;
use crate::screen::{self, count, paragraph, print, print_json, short, table, title};
use crate::time::{ago, at, until};

/// Where repositories are published: what is not there, and why
///
/// With the name of one: packages that could not be published, and those with refs that somebody else has moved or the server
/// refuses. Nothing of what others push is ever overwritten.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import remotes\n  package-import remotes git\n  package-import remotes git --leave --reason 'moved to another server'"
)]
pub struct Arguments {
    /// The remote, as `[[remotes]]` names it
    remote: Option<String>,

    /// Do not follow it any more: what it lacks is no lag (take it out of config.toml first)
    #[arg(long, requires = "remote", requires = "reason")]
    leave: bool,

    /// Why
    #[arg(long, value_name = "WHY", requires = "leave")]
    reason: Option<Reason>,

    /// At most so many packages
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 300;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let opened = installation.open()?;
    if let (true, Some(remote)) = (arguments.leave, &arguments.remote) {
        LeaveRemote { remote: remote.clone() }.perform(&opened, &caller(), arguments.reason.as_ref())?;
        writeln!(screen::stdout(), "{remote} is not followed any more")?;
        return Ok(exit::DONE);
    }
    let answer = questions::remotes(&opened, arguments.remote.as_deref(), arguments.limit)?;
    match arguments.json {
        true => print_json(&answer)?,
        false => show(&answer, arguments.remote.is_some())?,
    }
    Ok(exit::DONE)
}

fn show(answer: &Remotes, is_one: bool) -> io::Result<()> {
    let mut stdout = screen::stdout();
    if answer.remotes.is_empty() {
        return writeln!(stdout, "repositories are not published anywhere: docs/publishing.md says how");
    }
    for it in &answer.remotes {
        one(answer.now, it)?;
        if let Some(day) = answer.day.iter().find(|day| day.remote == it.remote) {
            let (published, failed) = (count(day.published, "package"), count(day.failed, "failure"));
            writeln!(stdout, "  in the last 24 hours {published} published, {failed}")?;
        }
    }
    if !is_one || answer.packages.is_empty() {
        return Ok(());
    }
    let mut rows = table(&["PACKAGE", "SINCE", "WHAT"]).cut(2);
    for it in &answer.packages {
        let since = it.since.or(it.published).map_or(String::new(), |since| ago(answer.now, since));
        rows.add_row([&it.package, &since, &what(it)]);
    }
    print(&rows)
}

fn one(now: i64, it: &RemoteStatus) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let state = match (it.state.as_str(), it.since) {
        ("away", Some(since)) => format!("away since {} ({})", at(since), ago(now, since)),
        ("paused", Some(end)) => format!("paused by the server, goes on {}", until(now, end)),
        (state, _) => state.to_owned(),
    };
    writeln!(stdout, "{}: {state}", title(&it.remote))?;
    writeln!(stdout, "  {}", it.url)?;
    if let Some(cause) = &it.cause {
        writeln!(stdout, "{}", paragraph(2, &short(cause, LONGEST)))?;
    }
    if let Some(next) = it.next_probe {
        writeln!(stdout, "  looked for again {}", until(now, next))?;
    }
    writeln!(stdout, "{}", paragraph(2, &lag(now, it)))?;
    for (number, what) in [
        (it.failing, "could not be published"),
        (it.foreign, "with refs that somebody else has moved there"),
        (it.refused, "with refs that the server refuses"),
    ] {
        if number > 0 {
            writeln!(stdout, "  {} {what} (package-import remotes {})", count(number, "package"), it.remote)?;
        }
    }
    for line in abilities(it.abilities.as_deref()) {
        writeln!(stdout, "{}", paragraph(2, &line))?;
    }
    match it.published {
        Some(at) => writeln!(stdout, "  last read back {}", ago(now, at)),
        None => writeln!(stdout, "  nothing is published there yet"),
    }
}

/// Text about unpublished packages: number, oldest, and reason.
fn lag(now: i64, it: &RemoteStatus) -> String {
    let (Some(oldest), Some(package)) = (it.oldest, &it.oldest_package) else {
        return "all is published".to_owned();
    };
    let why = it.oldest_why.as_ref().map_or(String::new(), |why| format!(": {}", short(why, LONGEST)));
    let unpublished = count(it.unpublished, "package");
    format!(
        "{unpublished} unpublished, the oldest ({package}) since {} ({}){why}",
        at(oldest),
        ago(now, oldest)
    )
}

/// Lines about a server's abilities, as far as operators need them.
fn abilities(text: Option<&str>) -> Vec<String> {
    let known: Value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut lines = Vec::new();
    if known["atomic"] == Value::Bool(false) {
        lines.push("the server cannot move refs all or none: tags go first, branches after them".to_owned());
    }
    if let Some(refuses) = known["refuses"].as_object() {
        for (folder, why) in refuses {
            let why = short(why.as_str().unwrap_or_default(), LONGEST);
            lines.push(format!("{folder} stays here: the server does not take it ({why})"));
        }
    }
    lines
}

/// Line about remotes for the status screen.
pub(super) fn summary(now: i64, remotes: &[RemoteStatus]) -> io::Result<()> {
    let mut stdout = screen::stdout();
    for it in remotes {
        let state = if it.state == "open" { String::new() } else { format!(" {},", it.state) };
        let head = title(&format!("Remote {}:", it.remote));
        writeln!(stdout, "{}", paragraph(0, &format!("{head}{state} {}", lag(now, it))))?;
    }
    Ok(())
}

/// Text about a package on a remote.
pub(super) fn of_package(now: i64, it: &PackageStatus) -> String {
    let there = it.published.map_or("never yet".to_owned(), |at| ago(now, at));
    let head = match it.since {
        None => format!("on {}: all is published (read back {there})", it.remote),
        Some(since) => {
            let due = it.due.map_or(String::new(), |due| format!(", tried again {}", until(now, due)));
            format!("on {}: not published since {} ({}){due}", it.remote, at(since), ago(now, since))
        }
    };
    let what = what(it);
    if what.is_empty() { head } else { format!("{head}; {what}") }
}

/// Failure and foreign refs of a package on a remote.
fn what(it: &PackageStatus) -> String {
    let mut parts = Vec::new();
    if let (Some(code), Some(message)) = (&it.code, &it.message) {
        parts.push(format!("publish/{code}: {}", short(message, LONGEST)));
    }
    let detail: Value =
        it.detail.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let names = |key: &str, name: &dyn Fn(&Value) -> Option<String>| -> Vec<String> {
        detail[key].as_array().into_iter().flatten().filter_map(name).take(3).collect()
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for name in names("foreign", &|it| text(&it["name"])) {
        parts.push(format!("{name} was moved there by somebody else, and stays"));
    }
    for pair in
        names("blocked", &|it| Some(format!("{} keeps {} from being made", text(&it[1])?, text(&it[0])?)))
    {
        parts.push(pair);
    }
    for pair in names("refused", &|it| Some(format!("{} is refused ({})", text(&it[0])?, text(&it[1])?))) {
        parts.push(pair);
    }
    if let Some(head) = detail["head"].as_str() {
        let now = if head.is_empty() { "a branch that is not there" } else { head };
        parts.push(format!(
            "a clone checks out {now}: set the default branch on the server, or `head` for the remote"
        ));
    }
    if it.kept > 0 {
        parts.push(format!("{} stay here, as the server takes none of their kind", count(it.kept, "ref")));
    }
    parts.join("; ")
}
