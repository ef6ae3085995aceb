//! Are the hosts alive that should be, do they get on with their work, and is a job stuck far over its own normal time?
use std::collections::BTreeSet;

use baseline::progress::{Job, Work, stalled_since};
use plugin::time::{HOUR, SECOND, age, ago, is_believed, moment, span};
use plugin::views::{self, Host, Progress, Running};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Span, Status, Trouble, Unit, alive};

/// Section `[checks.workers]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    /// Hosts that have to be there always, beside those with a service.
    hosts: Vec<String>,
    /// After how long without a word a host is silent.
    silent_after: Option<Span>,
    silent: LimitTexts,
    stuck: LimitTexts,
    hindered: LimitTexts,
}

/// Six heartbeats get lost before a lease does; then others take its jobs.
const SILENT: i64 = 60 * SECOND;
/// A lease that is over for longer than this is nobody's: as a rule it is taken back within seconds.
const ABANDONED: i64 = 30 * SECOND;
/// A job is stuck at ten times what its package took last, but not before this,
const SHORTEST: i64 = 2 * HOUR;
/// and one that was never imported at this.
const UNKNOWN: i64 = 12 * HOUR;

struct Workers;

impl Check for Workers {
    const PROGRAM: &'static str = "check_import_workers";
    const ABOUT: &'static str = "Are the hosts alive that should be: those with an open run or a service, and\nthose of \
         [checks.workers] hosts? -w and -c are those of the number of silent\nones: any, and more than half. \
         Do they get on with\ntheir work, and can they record it? Is a job stuck far over the usual time of\nits package?";
    const EXAMPLES: &'static str = "  check_import_workers -v\n  check_import_workers -w 0 -c 2";
    const NEXT: &'static str = "package-import workers";
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        let facts = views::facts(database)?;
        let now = database.now()?;
        let policy = &settings.policy;
        let after = policy.silent_after.map_or(SILENT, |span| span.milliseconds());
        let hosts = views::hosts(database)?;
        let named: BTreeSet<&str> = policy.hosts.iter().map(String::as_str).collect();
        let is_expected = |host: &&Host| {
            let busy = host.is_service || host.runs > 0 || host.running > 0;
            host.state == "online" && (busy || named.contains(host.name.as_str()))
        };
        let expected: Vec<&Host> = hosts.iter().filter(is_expected).collect();
        let missing: Vec<&str> =
            named.iter().copied().filter(|name| hosts.iter().all(|host| host.name != *name)).collect();
        let is_silent = |host: &&&Host| !is_believed(now, host.heartbeat) || now - host.heartbeat > after;
        let silent: Vec<&&Host> = expected.iter().filter(is_silent).collect();
        let all = expected.len() + missing.len();
        let jobs = views::running(database)?;
        let abandoned = views::abandoned(database, &facts, now - ABANDONED)?;
        let is_stuck = |job: &&Running| is_stuck(job, now) || abandoned.contains(&job.attempt);
        let stuck: Vec<&Running> = jobs.iter().filter(is_stuck).collect();
        let progress = views::progress(database, &facts)?;
        let lively = expected.iter().filter(|host| !is_silent(host));
        let hindered: Vec<Hindered<'_>> =
            lively.filter_map(|host| hindered(host, &progress, &jobs, now)).collect();

        let mut report = Report::new();
        let last = (all / 2).to_string();
        let limits = Limits::pick(Unit::Count, &settings.common.limits, &policy.silent, ("0", &last))?;
        report.measure("silent", (silent.len() + missing.len()) as f64, Unit::Count, &limits);
        let limits = Limits::pick(Unit::Count, &LimitTexts::default(), &policy.stuck, ("0", "~:"))?;
        report.measure("stuck", stuck.len() as f64, Unit::Count, &limits);
        let longest = jobs.first().map_or(0.0, |job| age(now, job.started));
        report.measure("longest", longest, Unit::Seconds, &Limits::none());
        report.measure("hosts", all as f64, Unit::Count, &Limits::none());
        report.measure("running", jobs.len() as f64, Unit::Count, &Limits::none());
        let limits = Limits::pick(Unit::Count, &LimitTexts::default(), &policy.hindered, ("0", "~:"))?;
        report.measure("hindered", hindered.len() as f64, Unit::Count, &limits);
        // More than half of the fleet does not import, for whatever reason; one host alone may be slow for once.
        let hinders = |host: &&Hindered<'_>| host.trouble.is_some() || all > 1;
        let out = silent.len() + missing.len() + hindered.iter().filter(hinders).count();
        if !hindered.is_empty() && policy.hindered == LimitTexts::default() && out * 2 > all {
            report.raise(Status::Critical);
        }

        for host in silent.iter().take(3) {
            report.say(match is_believed(now, host.heartbeat) {
                true => format!("{} silent since {}", host.name, moment(host.heartbeat, now)),
                false => {
                    format!("{} last heard of {}: is its clock right?", host.name, ago(now, host.heartbeat))
                }
            });
        }
        missing.iter().for_each(|name| report.say(format!("{name} was never seen")));
        hindered.iter().take(3).for_each(|host| report.say(host.text(now)));
        if let Some(job) = stuck.first() {
            let lease = if abandoned.contains(&job.attempt) { ", and its lease is over" } else { "" };
            report.say(format!(
                "{} runs for {} on {}{}{lease}",
                job.package,
                span(age(now, job.started)),
                job.host,
                usual(job)
            ));
        }
        if report.status() == Status::Ok {
            report.say(match all {
                0 => "no host has to be there now".to_owned(),
                all => format!("{all} of {all} hosts alive"),
            });
        }
        report.say(format!("{} running", jobs.len()));
        for host in hosts.iter().filter(|host| host.state != "online") {
            report.say(format!("{} {}", host.name, host.state));
        }
        alive::judge(&mut report, settings, database)?;
        details(&mut report, &hosts, &jobs, now);
        Ok(report)
    }
}

/// A host that lives and does not import.
struct Hindered<'a> {
    host: &'a str,
    /// Error that keeps it from recording its work; `None` if it has work and finishes none.
    trouble: Option<&'a str>,
    since: Option<i64>,
}

impl Hindered<'_> {
    fn text(&self, now: i64) -> String {
        let since = self.since.map_or_else(String::new, |since| format!(" for {}", span(age(now, since))));
        match self.trouble {
            Some(trouble) => format!("{} {trouble}", self.host),
            None => format!("{} has work and gets nothing done{since}", self.host),
        }
    }
}

fn hindered<'a>(
    host: &'a Host,
    progress: &'a [Progress],
    jobs: &[Running],
    now: i64,
) -> Option<Hindered<'a>> {
    let known = progress.iter().find(|it| it.host == host.name)?;
    if let Some(trouble) = &known.trouble {
        return Some(Hindered { host: &host.name, trouble: Some(trouble), since: known.trouble_since });
    }
    let mine = jobs.iter().filter(|job| job.host == host.name);
    let work = Work {
        progress: known.progress?,
        usual: known.usual,
        jobs: mine.map(|job| Job { started: job.started, usual: job.usual }).collect(),
        waiting: known.waiting,
    };
    let since = stalled_since(now, &work)?;
    Some(Hindered { host: &host.name, trouble: None, since: Some(since) })
}

fn is_stuck(job: &Running, now: i64) -> bool {
    let limit = job.usual.map_or(UNKNOWN, |usual| usual.saturating_mul(10).max(SHORTEST));
    now - job.started > limit
}

fn usual(job: &Running) -> String {
    job.usual.map_or_else(String::new, |usual| format!(", usually {}", span(usual as f64 / 1000.0)))
}

fn details(report: &mut Report, hosts: &[Host], jobs: &[Running], now: i64) {
    for host in hosts {
        let reason = host.reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
        report.detail(
            1,
            format!(
                "{}: {}{reason}, {} open runs, {} jobs, last seen {}",
                host.name,
                host.state,
                host.runs,
                host.running,
                ago(now, host.heartbeat)
            ),
        );
    }
    for job in jobs {
        report.detail(
            2,
            format!("{} on {} for {}{}", job.package, job.host, span(age(now, job.started)), usual(job)),
        );
    }
}

fn main() {
    plugin::main::<Workers>()
}
