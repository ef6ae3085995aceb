//! Is the backlog, the age of the oldest job in each lane, or the time until it is drained, too big?
use plugin::time::{HOUR, SECOND, age, moment, span};
use plugin::views::{self, Lane, Outage, Remote};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Trouble, Unit, alive};

/// Section `[checks.queue]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    operator: LimitTexts,
    upload: LimitTexts,
    retry: LimitTexts,
    rescan: LimitTexts,
    verify: LimitTexts,
    maintain: LimitTexts,
    waiting: LimitTexts,
    drain: LimitTexts,
    publish: LimitTexts,
    unpublished: LimitTexts,
    publish_failing: LimitTexts,
}

struct Queue;

impl Check for Queue {
    const PROGRAM: &'static str = "check_import_queue";
    const ABOUT: &'static str = "Is the backlog, the age of the oldest job in each lane, or the time until it is\ndrained, too big? \
         -w and -c are those of the oldest upload: 1h and 4h.";
    const EXAMPLES: &'static str = "  check_import_queue\n  check_import_queue -w 30m -c 2h -v";
    const NEXT: &'static str = "package-import queue";
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        let facts = views::facts(database)?;
        let now = database.now()?;
        let counters = views::counters(database)?;
        let lanes = views::lanes(database)?;
        let backlog = || lanes.iter().filter(|lane| !can_wait(lane));
        let waiting: i64 = backlog().map(|lane| counters.get(&format!("queue_{}", lane.name))).sum();
        let drained = drained(database, backlog().filter_map(|lane| lane.oldest).min(), waiting)?;
        let (policy, given) = (&settings.policy, &settings.common.limits);
        let own = |texts: &LimitTexts, unit| Limits::optional(unit, texts);

        let mut report = Report::new();
        let oldest = |name: &str| {
            let lane = lanes.iter().find(|lane| lane.name == name);
            lane.and_then(|lane| lane.oldest).map_or(0.0, |oldest| age(now, oldest))
        };
        let upload = Limits::pick(Unit::Seconds, given, &policy.upload, ("1h", "4h"))?;
        report.measure("oldest_upload", oldest("upload"), Unit::Seconds, &upload);
        let others = [
            ("oldest_operator", "operator", &policy.operator),
            ("oldest_retry", "retry", &policy.retry),
            ("oldest_rescan", "rescan", &policy.rescan),
            ("oldest_verify", "verify", &policy.verify),
            ("oldest_maintain", "maintain", &policy.maintain),
        ];
        for (label, lane, texts) in others {
            report.measure(label, oldest(lane), Unit::Seconds, &own(texts, Unit::Seconds)?);
        }
        report.measure("waiting", waiting as f64, Unit::Count, &own(&policy.waiting, Unit::Count)?);
        report.measure("drain", drained, Unit::Seconds, &own(&policy.drain, Unit::Seconds)?);
        for (label, counter) in [("running", "running"), ("parked", "parked"), ("held", "queue_held")] {
            report.measure(label, counters.get(counter) as f64, Unit::Count, &Limits::none());
        }

        let remotes = views::remotes(database, &facts)?;
        let before = report.status();
        measure_remotes(&mut report, policy, &remotes, now)?;
        if report.status() > before {
            report.next("package-import remotes");
        }

        let (away, outages): (Vec<Outage>, Vec<Outage>) =
            views::all_outages(database)?.into_iter().partition(|it| it.name.starts_with(views::REMOTE));
        views::explain(&mut report, &outages, now);
        report.say(format!("{waiting} waiting"));
        // Uploads first; the other lanes may take longer.
        let waits = || backlog().filter(|lane| lane.oldest.is_some());
        let upload = waits().find(|lane| lane.name == "upload");
        if let Some(lane) = upload.or_else(|| waits().min_by_key(|lane| lane.oldest)) {
            report.say(format!("oldest {} {}", lane.name, span(oldest(&lane.name))));
        }
        say_some(&mut report, counters.get("parked"), "parked");
        say_some(&mut report, counters.get("queue_held"), "held");
        say_remotes(&mut report, &remotes, &away, now);
        alive::judge(&mut report, settings, database)?;
        details(&mut report, database, &lanes, now)?;
        Ok(report)
    }
}

/// Measures the remotes, if there are any: the longest time that something has waited to be published, and the numbers.
fn measure_remotes(
    report: &mut Report,
    policy: &Policy,
    remotes: &[Remote],
    now: i64,
) -> Result<(), Trouble> {
    if remotes.is_empty() {
        return Ok(());
    }
    let oldest = remotes.iter().filter_map(|it| it.oldest).min();
    let limits = Limits::pick(Unit::Seconds, &LimitTexts::default(), &policy.publish, ("4h", "24h"))?;
    report.measure("oldest_publish", oldest.map_or(0.0, |it| age(now, it)), Unit::Seconds, &limits);
    let own = |texts: &LimitTexts| Limits::optional(Unit::Count, texts);
    let (unpublished, failing) =
        remotes.iter().fold((0, 0), |sums, it| (sums.0 + it.unpublished, sums.1 + it.failing));
    report.measure("unpublished", unpublished as f64, Unit::Count, &own(&policy.unpublished)?);
    report.measure("publish_failing", failing as f64, Unit::Count, &own(&policy.publish_failing)?);
    Ok(())
}

fn say_remotes(report: &mut Report, remotes: &[Remote], away: &[Outage], now: i64) {
    for it in remotes {
        if it.unpublished > 0 {
            let oldest =
                it.oldest.map_or(String::new(), |oldest| format!(", oldest {}", span(age(now, oldest))));
            report.say(format!("{} unpublished on {}{oldest}", it.unpublished, it.name));
        }
        if let Some(outage) = away.iter().find(|one| one.name.strip_prefix(views::REMOTE) == Some(&it.name)) {
            let why = outage.cause.as_deref().map_or(String::new(), |cause| format!(": {}", said(cause)));
            report.say(format!("{} away since {}{why}", it.name, moment(outage.since, now)));
        }
        if it.failing > 0 {
            report.say(format!("{} not taken by {}", it.failing, it.name));
            report.detail(
                1,
                format!("remote {}: {} not taken (package-import remotes {})", it.name, it.failing, it.name),
            );
        }
    }
}

/// An error of a remote, without the code in front of it.
fn said(cause: &str) -> &str {
    let rest = cause.split_once(": ").filter(|(code, _)| code.contains('/') && !code.contains(' '));
    rest.map_or(cause, |(_, rest)| rest)
}

fn say_some(report: &mut Report, count: i64, what: &str) {
    report.say(if count > 0 { format!("{count} {what}") } else { String::new() });
}

/// Repositories are repacked when there is nothing else to do: those that wait for it are no backlog.
fn can_wait(lane: &Lane) -> bool {
    lane.name == "maintain"
}

/// Seconds until the queue is empty, at the rate since the oldest job entered the queue: since then no worker has
/// been idle. At least the last ten minutes are considered, at most six hours.
fn drained(database: &mut Database<'_>, oldest: Option<i64>, waiting: i64) -> Result<f64, Trouble> {
    let now = database.now()?;
    let Some(oldest) = oldest else { return Ok(0.0) };
    let window = (now - oldest).clamp(600 * SECOND, 6 * HOUR);
    let done = views::attempts_since(database, now - window)?;
    // If no job ends, the estimate grows with the wait.
    Ok((waiting as f64 * window as f64 / SECOND as f64 / done.max(1) as f64).round())
}

fn details(
    report: &mut Report,
    database: &mut Database<'_>,
    lanes: &[Lane],
    now: i64,
) -> Result<(), Trouble> {
    for lane in lanes {
        if let Some(oldest) = lane.oldest {
            report.detail(1, format!("lane {}: oldest {}", lane.name, span(age(now, oldest))));
        }
    }
    for host in views::hosts(database)?.iter().filter(|host| host.state != "online") {
        let reason = host.reason.as_deref().unwrap_or("no reason given");
        report.detail(1, format!("host {} is {}: {reason}", host.name, host.state));
    }
    Ok(())
}

fn main() {
    plugin::main::<Queue>()
}
