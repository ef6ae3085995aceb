//! The last lines of the status: what to type next.

use std::io::{self, Write};

use state::read::status::Status;

use crate::{screen, way_on};

/// Number of packages that are retried first if more fail with one signature.
const CANARY: i64 = 5;

/// Prints the commands to type next.
pub(super) fn next(status: &Status) -> io::Result<()> {
    let mut hints = Vec::new();
    if status.ahead.iter().any(|ahead| ahead.what == "newest sample") {
        hints.push("package-import samples drop --after now --reason WHY".into());
    }
    if let Some(outage) = status.outages.first() {
        hints.push(format!("look at {} itself: jobs resume automatically", outage.dependency));
    }
    if let Some(package) = status.place.lost_packages.first() {
        hints.push(format!("package-import restore BACKUP --package {package}"));
        hints.push(format!("package-import requeue {package}"));
    }
    if let Some(group) = status.top.first() {
        hints.push(format!("package-import failures --signature {}", group.signature));
        let canary = if group.packages > CANARY { format!(" --canary {CANARY}") } else { String::new() };
        let way_on = way_on::of(&group.code, &format!("--signature {}", group.signature));
        let again = || format!("package-import retry --signature {}{canary}", group.signature);
        hints.push(way_on.unwrap_or_else(again));
    }
    if let Some(remote) = status.remotes.iter().find(|it| it.failing + it.foreign + it.refused > 0) {
        hints.push(format!("package-import remotes {}", remote.remote));
    }
    if let Some(id) = status.collisions.id {
        hints.push(format!("package-import collision show {id}"));
    }
    if let Some(channel) = status.channels.iter().find(|it| it.failing.is_some()) {
        hints.push(format!("package-import notify test {}", channel.channel));
    }
    if let Some(count) = status.findings.iter().find(|it| it.packages > it.muted) {
        hints.push(format!("package-import repair plan --code {}", count.code));
    }
    if let Some(package) = &status.foreign.oldest {
        hints.push(format!("package-import show {package}"));
    }
    if status.wedged > 0 {
        hints.push("package-import failures --state wedged".into());
    }
    let mut stdout = screen::stdout();
    if !hints.is_empty() {
        writeln!(stdout, "Next:")?;
    }
    hints.iter().try_for_each(|hint| writeln!(stdout, "  {hint}"))
}
