use std::io::{self, Write};

use anyhow::Error;
use operations::LookBack;
use operations::questions::{self, Failures, FailuresWanted};
use state::repair::findings::Count;
use state::words::{Class, FailureState};

use super::Installation;
use crate::exit;
use crate::screen::{self, more, paragraph, print, print_json, short, table};
use crate::time::{at, until};
use crate::way_on;

/// What fails, by cause; with --signature, --state or --packages, which packages
///
/// Packages with one cause have one signature, whose short id every command takes. Held packages are left out of the
/// causes, and marked among the packages. Damaged repositories are listed below, by finding: docs/repair.md.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import failures\n  package-import failures --signature k3v9q2m\n  package-import failures --since 2h --packages"
)]
pub struct Arguments {
    /// Packages that fail with this signature
    #[arg(long, value_name = "ID")]
    signature: Option<String>,

    /// Of this class: transient, permanent, unknown or infrastructure
    #[arg(long)]
    class: Option<Class>,

    /// Packages that are retrying, failing or wedged
    #[arg(long)]
    state: Option<FailureState>,

    /// That began within this time: 2h, 3d
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    since: Option<std::time::Duration>,

    /// Packages, not causes
    #[arg(long)]
    packages: bool,

    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,

    /// As it was at a time: 08:32, 'yesterday 08:32', '2h ago', '2026-11-24 08:32' (UTC)
    #[arg(long, value_name = "TIME")]
    at: Option<LookBack>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 300;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let wanted = FailuresWanted {
        signature: arguments.signature.clone(),
        class: arguments.class,
        state: arguments.state,
        since: arguments.since,
        packages: arguments.packages,
        limit: arguments.limit,
    };
    let answer = questions::failures(&installation.open_at(arguments.at)?, &wanted)?;
    if arguments.json {
        print_json(&answer)?;
    } else if answer.signatures.is_empty() && answer.packages.is_empty() {
        screen::as_of(arguments.at)?;
        writeln!(
            screen::stdout(),
            "{}",
            if wanted.is_narrowed() { "no failure matches" } else { "nothing fails" }
        )?;
        findings(&answer)?;
    } else if wanted.by_package() {
        screen::page();
        screen::as_of(arguments.at)?;
        packages(&answer, arguments.signature.is_some())?;
    } else {
        screen::page();
        screen::as_of(arguments.at)?;
        signatures(&answer)?;
    }
    Ok(exit::DONE)
}

fn signatures(answer: &Failures) -> io::Result<()> {
    let mut rows = table(&["SIGNATURE", "PACKAGES", "SINCE", "CLASS", "CAUSE"]).cut(3);
    for group in &answer.signatures {
        let policy = group.policy.as_ref().map_or(String::new(), |policy| format!(" [policy {policy}]"));
        let cause = format!("{}/{}: {}{policy}", group.stage, group.code, group.text);
        rows.add_row([&group.signature, &group.packages.to_string(), &at(group.since), &group.class, &cause]);
    }
    print(&rows)?;
    more(answer.signatures.len(), answer.all.0, "cause")?;
    findings(answer)
}

/// What is wrong with repositories, whether a package fails for it or not.
fn findings(answer: &Failures) -> io::Result<()> {
    let counted: Vec<&Count> = answer.findings.iter().filter(|it| it.packages > it.muted).collect();
    let Some(first) = counted.first() else { return Ok(()) };
    let mut rows = table(&["DAMAGE", "PACKAGES", "MUTED", "SINCE"]);
    for it in &counted {
        rows.add_row([&it.code, &it.packages.to_string(), &it.muted.to_string(), &at(it.since)]);
    }
    writeln!(screen::stdout())?;
    print(&rows)?;
    writeln!(screen::stdout(), "Next:\n  package-import repair plan --code {}", first.code)
}

fn packages(answer: &Failures, with_cause: bool) -> io::Result<()> {
    for group in answer.signatures.iter().filter(|_| with_cause) {
        let line = format!("{}/{}: {}", group.stage, group.code, group.text);
        let line = format!("{} {}: {}", group.signature, group.class, short(&line, LONGEST));
        writeln!(screen::stdout(), "{}", paragraph(0, &line))?;
        for (what, text) in [("policy", &group.policy), ("note", &group.note), ("bug", &group.bug)] {
            if let Some(text) = text {
                writeln!(screen::stdout(), "{}", paragraph(2, &format!("{what}: {}", short(text, LONGEST))))?;
            }
        }
    }
    let mut rows = table(&["PACKAGE", "STATE", "SINCE", "TRIES", "NEXT", "SIGNATURE"]);
    for failing in &answer.packages {
        let next = match (failing.held, failing.due) {
            (true, _) => "held".into(),
            (false, Some(due)) => until(answer.now, due),
            (false, None) => "now".into(),
        };
        rows.add_row([
            &failing.package,
            &failing.state,
            &at(failing.since),
            &failing.attempts.to_string(),
            &next,
            &failing.signature,
        ]);
    }
    print(&rows)?;
    more(answer.packages.len(), answer.all.1, "package")?;
    if let Some(failing) = answer.packages.first() {
        writeln!(
            screen::stdout(),
            "Next:\n  package-import show {}\n  package-import log {0}",
            failing.package
        )?;
        for group in answer.signatures.iter().filter(|_| with_cause) {
            let way_on = way_on::of(&group.code, &format!("--signature {}", group.signature));
            way_on.map_or(Ok(()), |command| writeln!(screen::stdout(), "  {command}"))?;
        }
    }
    Ok(())
}
