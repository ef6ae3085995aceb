//! Texts of each transition, and the commands to type.

use baseline::time::Millis;

use super::notices::New;
use super::words::{Kind, Level};

/// A duration by its two largest units: `2 h 5 min`.
pub fn span(milliseconds: i64) -> String {
    let minutes = milliseconds.max(0) / 60_000;
    match minutes {
        0 => format!("{} s", milliseconds.max(0) / 1000),
        1..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", minutes / 1440, minutes % 1440 / 60),
    }
}

/// `1 package`, `2 packages`.
fn counted(number: i64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// An unusable dependency, by the name of its breaker: the kind, a noun, its state.
fn unusable(dependency: &str) -> (Kind, String, &'static str) {
    match (dependency.strip_prefix("remote:"), dependency.strip_prefix("disk:")) {
        (Some(remote), _) => (Kind::Remote, format!("remote {remote}"), "out of reach"),
        (_, Some(disk)) => (Kind::Outage, disk.to_owned(), "full"),
        _ => (Kind::Outage, dependency.to_owned(), "out of reach"),
    }
}

/// A cause without the words for programs before it: `fetch/connect: connection refused`.
fn said(cause: &str) -> &str {
    let rest = cause.split_once(": ").filter(|(code, _)| code.contains('/') && !code.contains(' '));
    rest.map_or(cause, |(_, rest)| rest)
}

/// The topic of an outage.
pub fn outage_topic(dependency: &str) -> String {
    format!("outage:{dependency}")
}

/// Something is out of reach.
pub fn outage(dependency: &str, cause: Option<&str>) -> New {
    let (kind, noun, state) = unusable(dependency);
    let cause = cause.map_or(String::new(), |cause| format!(": {}", said(cause)));
    let hint = match dependency.strip_prefix("remote:") {
        Some(remote) => format!("package-import remotes {remote}"),
        None => "package-import status".to_owned(),
    };
    New {
        kind,
        topic: outage_topic(dependency),
        level: Level::Critical,
        subject: dependency.to_owned(),
        line: format!("{noun} is {state}{cause}"),
        items: vec!["What needs it waits, and goes on by itself when it is back.".into()],
        hints: vec![hint],
    }
}

/// It is back.
pub fn outage_over(dependency: &str, began: i64, now: i64) -> String {
    let (_, noun, state) = unusable(dependency);
    format!("{noun} is back: it was {state} for {} since {}", span(now - began), Millis(began))
}

/// The topic of more failures than normal.
pub const ALERT: &str = "alert:failing";

/// More fails than normally does.
pub fn alert(level: Level, text: &str) -> New {
    New {
        kind: Kind::Alert,
        topic: ALERT.into(),
        level,
        subject: "failing".into(),
        line: text.to_owned(),
        items: Vec::new(),
        hints: vec!["package-import failures".into(), "package-import baseline".into()],
    }
}

/// Far more fails with a signature than usual.
pub fn surge(short: &str, text: &str) -> New {
    New {
        kind: Kind::Surge,
        topic: surge_topic(short),
        level: Level::Warning,
        subject: short.to_owned(),
        line: format!("{short}: {text}"),
        items: Vec::new(),
        hints: vec![
            format!("package-import failures --signature {short}"),
            format!("package-import retry --signature {short} --canary 5"),
        ],
    }
}

/// The topic of a signature that rises.
pub fn surge_topic(short: &str) -> String {
    format!("surge:{short}")
}

/// Something fails in a way that was never seen before.
pub fn signature(short: &str, label: &str, package: &str) -> New {
    New {
        kind: Kind::Signature,
        topic: format!("signature:{short}"),
        level: Level::Warning,
        subject: short.to_owned(),
        line: format!("{short} {label}"),
        items: vec![format!("first seen in {package}")],
        hints: vec![format!("package-import failures --signature {short}")],
    }
}

/// A package waits for a person.
pub fn wedged(package: &str, label: &str) -> New {
    New {
        kind: Kind::Wedged,
        topic: format!("wedged:{package}"),
        level: Level::Warning,
        subject: package.to_owned(),
        line: format!("{package}: {label}"),
        items: Vec::new(),
        hints: vec!["package-import failures --state wedged".into()],
    }
}

/// Refs of a package wait for a person. Each is a kind, a name and who made it.
pub fn collision(package: &str, refs: &[(&str, &str, Option<&str>)]) -> New {
    let first = refs.first().map_or(String::new(), |(kind, name, who)| {
        let by = who.map_or(String::new(), |who| format!(" by {who}"));
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        format!("{name} {kind}{by}")
    });
    let more = match refs.len() {
        0 | 1 => String::new(),
        some => format!(", and {} more", some - 1),
    };
    New {
        kind: Kind::Collision,
        topic: format!("collision:{package}"),
        level: Level::Warning,
        subject: package.to_owned(),
        line: format!("{package}: {first}{more}"),
        items: Vec::new(),
        hints: vec!["package-import collisions".into()],
    }
}

/// An index lists far less than before.
pub fn removals(archive: &str, suite: &str, count: i64) -> New {
    New {
        kind: Kind::Removals,
        topic: removals_topic(archive, suite),
        level: Level::Warning,
        subject: archive.to_owned(),
        line: format!(
            "archive {archive}, suite {suite}: its index lists {} no more, which is not believed yet",
            counted(count, "publication")
        ),
        items: Vec::new(),
        hints: vec![
            "package-import archives".into(),
            format!("package-import poll {archive} --accept-removals"),
        ],
    }
}

/// The topic of removals.
pub fn removals_topic(archive: &str, suite: &str) -> String {
    format!("removals:{archive}/{suite}")
}

/// A repair was applied.
pub fn repair(package: &str, line: &str) -> New {
    New {
        kind: Kind::Repair,
        topic: format!("repair:{package}"),
        level: Level::Ok,
        subject: package.to_owned(),
        line: format!("{package}: {line}"),
        items: Vec::new(),
        hints: vec![format!("package-import show {package}")],
    }
}

/// No backup for too long.
pub fn backup(since: Option<i64>) -> New {
    let line = match since {
        Some(since) => format!("no backup was taken since {}", Millis(since)),
        None => "no backup was ever taken".into(),
    };
    New {
        kind: Kind::Backup,
        topic: BACKUP.into(),
        level: Level::Warning,
        subject: "state".into(),
        line,
        items: Vec::new(),
        hints: vec!["package-import backup FILE".into()],
    }
}

/// The topic of backups.
pub const BACKUP: &str = "backup";

/// Imported versions are not published to a remote.
pub fn behind(remote: &str, packages: i64, since: i64) -> New {
    New {
        kind: Kind::Remote,
        topic: behind_topic(remote),
        level: Level::Warning,
        subject: remote.to_owned(),
        line: format!(
            "remote {remote} is behind: it lacks versions of {}, the oldest since {}",
            counted(packages, "package"),
            Millis(since)
        ),
        items: Vec::new(),
        hints: vec![format!("package-import remotes {remote}")],
    }
}

/// The topic of a remote that is behind.
pub fn behind_topic(remote: &str) -> String {
    format!("behind:{remote}")
}
