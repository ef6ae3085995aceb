//! Is the state database sound, backed up, and has it room?
use std::path::Path;

use plugin::alive::{self, Repositories};
use plugin::time::{age, ago, date, is_believed, moment, span};
use plugin::views::{self, Facts};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Status, Trouble, Unit};

/// `[checks.database]`: `[checks] state` names the database.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    backup: LimitTexts,
    disk: LimitTexts,
    inodes: LimitTexts,
    integrity: LimitTexts,
    messages: LimitTexts,
}

/// Advice for a damaged database; see docs/operations.md.
const RESTORE: &str = "stop the importer, copy its folder away, package-import restore";

#[derive(Clone, clap::Args)]
struct Options {
    /// Only whether the database is readable and sound
    #[arg(long)]
    database: bool,
}

struct State;

impl Check for State {
    const PROGRAM: &'static str = "check_import_state";
    const ABOUT: &'static str = "Is the state database sound, backed up, and has it room? -w and -c are those of\nthe age of the last backup: \
         2d and 7d. Disk and inodes: 85 and 95 %.\nMessages that do not get to people: 1h and 1d.";
    const EXAMPLES: &'static str =
        "  check_import_state -v\n  check_import_state -w 36h -c 3d\n  check_import_state --database";
    const DAMAGED: (Status, &'static str) = (Status::Critical, RESTORE);
    const NEXT: &'static str = "package-import status";
    type Options = Options;
    type Policy = Policy;

    fn section() -> &'static str {
        "database"
    }

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        let facts = views::facts(database)?;
        let now = database.now()?;
        if settings.options.database {
            let mut report = Report::new();
            damage(&mut report, &facts);
            report.say(if report.status() == Status::Ok { "the database can be read" } else { "" });
            return Ok(report);
        }
        let (policy, given) = (&settings.policy, &settings.common.limits);
        let created = facts.created.unwrap_or(now);
        let none = LimitTexts::default();
        let mut report = Report::new();
        let limits = Limits::pick(Unit::Seconds, given, &policy.backup, ("2d", "7d"))?;
        let backup = report.measure(
            "backup_age",
            age(now, facts.last_backup.unwrap_or(created)),
            Unit::Seconds,
            &limits,
        );
        let limits = Limits::pick(Unit::Seconds, &none, &policy.integrity, ("8d", "~:"))?;
        let examined = age(now, facts.integrity_at.unwrap_or(created));
        let examined = report.measure("integrity_age", examined, Unit::Seconds, &limits);
        damage(&mut report, &facts);
        lost(&mut report, settings, database)?;
        messages(&mut report, settings, &views::channels(database, &facts)?, now)?;
        let usual = room(&mut report, settings)?;
        said(&mut report, &facts, now, (backup, examined));
        report.say(usual.unwrap_or_default());
        report.detail(1, format!("schema {}", facts.schema.unwrap_or(0)));
        report.detail(1, format!("made on {}", date(created)));
        Ok(report)
    }
}

fn damage(report: &mut Report, facts: &Facts) {
    if let Some(found) = facts.integrity.as_deref().filter(|found| !matches!(*found, "ok" | "server")) {
        report.raise(Status::Critical);
        report.say(format!("database damaged: {RESTORE}"));
        report.detail(1, format!("integrity: {found}"));
    }
}

/// A state that does not know its repositories is another state, new or old: the next import would begin their
/// histories again.
fn lost(report: &mut Report, settings: &Settings<State>, database: &mut Database<'_>) -> Result<(), Trouble> {
    let Some(root) = settings.folders().into_iter().next() else { return Ok(()) };
    match alive::unknown_repositories(&root, database)? {
        Repositories::Unknown(unknown, looked_up) if 2 * unknown > looked_up => {
            report.raise(Status::Critical);
            report.say(format!(
                "{unknown} of {looked_up} repositories are unknown to this state: restore it, or adopt"
            ));
            report.next("package-import restore FOLDER");
        }
        Repositories::Hidden(why) => {
            report.say("repositories not compared with the state");
            report.detail(1, why);
        }
        Repositories::Unknown(..) | Repositories::None => {}
    }
    Ok(())
}

fn said(report: &mut Report, facts: &Facts, now: i64, (backup, examined): (Status, Status)) {
    let of_backup = match facts.last_backup {
        Some(at) if is_believed(now, at) => format!("backup {} old", span(age(now, at))),
        Some(at) => format!("backup dated {}: is the clock right?", ago(now, at)),
        None if backup > Status::Ok => "no backup was ever taken".to_owned(),
        None => "no backup yet".to_owned(),
    };
    let of_examination = match facts.integrity_at {
        _ if examined == Status::Ok => String::new(),
        Some(at) => format!("database not examined since {}", moment(at, now)),
        None => "database never examined".to_owned(),
    };
    // What is wrong comes first.
    let both = if backup > Status::Ok { [of_backup, of_examination] } else { [of_examination, of_backup] };
    both.iter().for_each(|text| report.say(text));
    if backup > Status::Ok {
        report.next("package-import backup FOLDER");
    }
    report.detail(
        1,
        match facts.integrity_at {
            Some(at) => format!("examined at {}", moment(at, now)),
            None => "not examined yet: a run does so once a day".to_owned(),
        },
    );
}

/// The time for which a channel has taken no message, of the channel for which it is longest. Without channels there is no
/// such figure.
fn messages(
    report: &mut Report,
    settings: &Settings<State>,
    channels: &[views::Channel],
    now: i64,
) -> Result<(), Trouble> {
    if channels.is_empty() {
        return Ok(());
    }
    let failing: Vec<_> = channels.iter().filter(|it| it.failing.is_some()).collect();
    let longest = failing.iter().filter_map(|it| it.failing).map(|since| age(now, since)).fold(0.0, f64::max);
    let limits =
        Limits::pick(Unit::Seconds, &LimitTexts::default(), &settings.policy.messages, ("1h", "1d"))?;
    let state = report.measure("messages", longest, Unit::Seconds, &limits);
    for channel in failing {
        let since = channel.failing.unwrap_or(now);
        let why = channel.error.as_deref().unwrap_or("no cause noted");
        if state > Status::Ok {
            report.next(format!("package-import notify test {}", channel.name));
            report.say(format!(
                "messages do not get to {} since {}: {why}",
                channel.name,
                moment(since, now)
            ));
        }
        report.detail(1, format!("channel {}: not told since {}: {why}", channel.name, moment(since, now)));
    }
    Ok(())
}

/// Use of disk and inodes, in percent, of the fullest file system that the installation needs here. If it has no
/// folder here, as beside a server, there are no such figures. Returns what is said where there is room.
fn room(report: &mut Report, settings: &Settings<State>) -> Result<Option<String>, Trouble> {
    let mut most: Option<(f64, f64)> = None;
    for folder in settings.folders() {
        if let Some((disk, inodes)) = used(&folder) {
            report.detail(1, format!("{}: {disk}% of disk, {inodes}% of inodes used", folder.display()));
            let (worst_disk, worst_inodes) = most.unwrap_or((0.0, 0.0));
            most = Some((disk.max(worst_disk), inodes.max(worst_inodes)));
        }
    }
    let Some((disk, inodes)) = most else { return Ok(None) };
    let none = LimitTexts::default();
    let limits = Limits::pick(Unit::Percent, &none, &settings.policy.disk, ("85", "95"))?;
    let of_disk = report.measure("disk", disk, Unit::Percent, &limits);
    let limits = Limits::pick(Unit::Percent, &none, &settings.policy.inodes, ("85", "95"))?;
    let of_inodes = report.measure("inodes", inodes, Unit::Percent, &limits);
    if of_disk.max(of_inodes) == Status::Ok {
        return Ok(Some(format!("disk {disk}%, inodes {inodes}%")));
    }
    if of_disk > Status::Ok {
        report.say(format!("disk {disk}% full"));
    }
    if of_inodes > Status::Ok {
        report.say(format!("{inodes}% of inodes used"));
    }
    report.next("package-import prune");
    Ok(None)
}

/// Per cent used of the disk and of the inodes, in the way of `df`: what only root may still use counts as used.
fn used(folder: &Path) -> Option<(f64, f64)> {
    let found = rustix::fs::statvfs(folder).ok()?;
    let share = |used: u64, free: u64| match used + free {
        // Some file systems have no fixed number of inodes.
        0 => 0.0,
        all => (1000.0 * used as f64 / all as f64).round() / 10.0,
    };
    let blocks = share(found.f_blocks.saturating_sub(found.f_bfree), found.f_bavail);
    Some((blocks, share(found.f_files.saturating_sub(found.f_ffree), found.f_favail)))
}

fn main() {
    plugin::main::<State>()
}
