//! Did the last run start, end and succeed in time, and is one hanging? A dead man's switch.
use plugin::time::{HOUR, SECOND, age, ago, is_believed, moment, span};
use plugin::views::{self, Run};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Span, Status, Trouble, Unit};

/// Section `[checks.runs]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    /// Interval at which cron starts a run.
    interval: Option<Span>,
    age: LimitTexts,
    stalled: LimitTexts,
}

/// An open run writes a heartbeat every ten seconds.
const SILENT: i64 = 120 * SECOND;

struct Runs;

impl Check for Runs {
    const PROGRAM: &'static str = "check_import_runs";
    const ABOUT: &'static str = "Did the last run start, end and succeed in time? -w and -c are those of the\ntime since a run ended well, \
         or since one that is open was seen: 2 and 4\nintervals of [checks.runs] interval (1h). Is a run hanging?";
    const EXAMPLES: &'static str = "  check_import_runs\n  check_import_runs -w 15m -c 1h";
    const NEXT: &'static str = "package-import status";
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        views::facts(database)?;
        let now = database.now()?;
        let recent = views::recent_runs(database)?;
        let open = views::open_runs(database)?;
        let Some(last) = recent.first() else { return Err(Trouble::no_data("no run yet")) };
        let believed = |at: &i64| is_believed(now, *at);
        let alive = open.iter().map(|run| run.heartbeat).filter(believed).max();
        let good = recent.iter().find(|run| run.is_good() && run.ended.is_some_and(|at| believed(&at)));
        // If every time is in the future, the age is negative, and alerts.
        let heard = good.and_then(|run| run.ended).max(alive).unwrap_or(last.started);
        let failed = recent.iter().take_while(|run| is_failed(run)).count();
        let crashes = crashes(&recent, now);
        let stalled = stalled(database, &open)?;

        let mut report = Report::new();
        report.measure("age", age(now, heard), Unit::Seconds, &limits(settings)?);
        let own =
            Limits::pick(Unit::Seconds, &LimitTexts::default(), &settings.policy.stalled, ("6h", "24h"))?;
        report.measure("stalled", stalled, Unit::Seconds, &own);
        let one = |run: &Run| run.ended.map_or(0.0, |ended| age(ended, run.started));
        report.measure("open", open.len() as f64, Unit::Count, &Limits::none());
        report.measure("failed_runs", failed as f64, Unit::Count, &Limits::none());
        report.measure("duration", good.map_or(0.0, one), Unit::Seconds, &Limits::none());
        if failed > 0 || crashes.is_some() {
            report.raise(Status::Warning);
        }
        tell(&mut report, &Told { now, last, good, open: &open, failed, crashes, stalled });
        Ok(report)
    }
}

struct Told<'a> {
    now: i64,
    last: &'a Run,
    good: Option<&'a Run>,
    open: &'a [Run],
    failed: usize,
    crashes: Option<Crashes<'a>>,
    stalled: f64,
}

/// Runs that were killed one after the other, while the next one is always begun: by systemd, or by cron.
struct Crashes<'a> {
    number: usize,
    last: &'a Run,
}

/// So many runs in a row that were killed are no accident,
const CRASHES: usize = 3;
/// and the last of them ended at most so long ago.
const CRASHED: i64 = HOUR;

fn crashes(recent: &[Run], now: i64) -> Option<Crashes<'_>> {
    let ended = || recent.iter().filter(|run| run.ended.is_some());
    let number = ended().take_while(|run| is_failed(run)).count();
    let is_now = |run: &&Run| run.ended.is_some_and(|at| is_believed(now, at) && now - at <= CRASHED);
    let last = ended().next().filter(is_now)?;
    (number >= CRASHES).then_some(Crashes { number, last })
}

fn tell(report: &mut Report, told: &Told<'_>) {
    let now = told.now;
    let silent: Vec<&Run> = told.open.iter().filter(|run| now - run.heartbeat > SILENT).collect();
    if let Some((run, at)) = ahead(now, told.last, told.open) {
        report.raise(Status::Warning);
        let (moment, by) = (moment(at, now), ago(now, at));
        report.say(format!("run {} on {} is dated {moment}, {by}: is its clock right?", run.id, run.host));
    }
    if let Some(run) = silent.first() {
        report.raise(Status::Warning);
        let since = moment(run.heartbeat, now);
        report.say(format!("run {} on {} silent since {since}", run.id, run.host));
    }
    died(report, told);
    if told.stalled > 0.0 && report.status() > Status::Ok {
        report.say(format!("nothing ended for {} though jobs wait", span(told.stalled)));
    }
    let lives = |run: &&Run| is_believed(now, run.heartbeat) && now - run.heartbeat <= SILENT;
    if let Some(run) = told.open.iter().find(lives) {
        report.say(format!("{} open on {} since {}", run.mode, run.host, moment(run.started, now)));
    }
    let is_troubled = report.status() > Status::Ok
        && (told.failed > 0 || told.crashes.is_some() || !silent.is_empty() || told.stalled > 0.0);
    match told.good.and_then(|run| run.ended.map(|ended| (run, ended))) {
        Some((_, ended)) if is_troubled => report.say(format!("last good run {}", ago(now, ended))),
        Some((run, ended)) => {
            let ago = ago(now, ended);
            let did = format!("{} done, {} failed", run.attempts, run.failed);
            let did = if run.attempts == 0 { "nothing to do".to_owned() } else { did };
            report.say(format!("last good run ended {ago} on {}: {did}", run.host));
        }
        None if told.open.is_empty() => report.say("no run has ended well"),
        None => {}
    }
    let ended = Some(told.last).filter(|run| run.ended.is_some());
    for run in told.open.iter().chain(ended) {
        let ended = run.ended.map_or_else(|| "open".into(), |ended| format!("ended {}", moment(ended, now)));
        let outcome = match run.outcome.as_deref() {
            Some("empty") => "queue empty",
            Some(outcome) => outcome,
            None => "no outcome yet",
        };
        let heard = moment(run.heartbeat, now);
        report.detail(
            1,
            format!(
                "run {} on {} ({}): started {}, {ended}, {outcome}, {} attempts, {} failed, last seen {heard}",
                run.id,
                run.host,
                run.mode,
                moment(run.started, now),
                run.attempts,
                run.failed
            ),
        );
    }
}

/// Says which runs did not end well.
fn died(report: &mut Report, told: &Told<'_>) {
    let now = told.now;
    if let Some(crashes) = &told.crashes {
        let (number, host) = (crashes.number, &crashes.last.host);
        let at = crashes.last.ended.map_or_else(String::new, |at| format!(" at {}", moment(at, now)));
        report.say(format!("{number} runs in a row have died, the last{at} on {host}"));
    } else if told.failed > 0 {
        let outcome = told.last.outcome.as_deref().unwrap_or("open");
        report.say(format!("run {} on {} was {outcome}", told.last.id, told.last.host));
    }
}

/// The run whose newest time is in the future.
fn ahead<'a>(now: i64, last: &'a Run, open: &'a [Run]) -> Option<(&'a Run, i64)> {
    let newest = |run: &Run| run.heartbeat.max(run.started).max(run.ended.unwrap_or(i64::MIN));
    let mut runs = open.iter().chain([last]).map(|run| (run, newest(run)));
    runs.find(|(_, at)| !is_believed(now, *at))
}

fn is_failed(run: &Run) -> bool {
    run.ended.is_some() && !run.is_good()
}

fn limits(settings: &Settings<Runs>) -> Result<Limits, Trouble> {
    let interval = settings.policy.interval.map_or(HOUR, |interval| interval.milliseconds()) / SECOND;
    let (warning, critical) = ((2 * interval).to_string(), (4 * interval).to_string());
    Limits::pick(Unit::Seconds, &settings.common.limits, &settings.policy.age, (&warning, &critical))
}

/// Seconds for which a run has been open and no attempt has ended, although there are jobs.
fn stalled(database: &mut Database<'_>, open: &[Run]) -> Result<f64, Trouble> {
    let Some(started) = open.iter().map(|run| run.started).min() else { return Ok(0.0) };
    let counters = views::counters(database)?;
    let lanes = views::lanes(database)?;
    let Some(oldest) = lanes.iter().filter_map(|lane| lane.oldest).min() else { return Ok(0.0) };
    if counters.get("running") == 0 && views::hosts(database)?.iter().all(|host| host.state != "online") {
        return Ok(0.0);
    }
    let ended = views::last_attempt(database)?.unwrap_or(started);
    Ok(age(database.now()?, ended.max(started).max(oldest)))
}

fn main() {
    plugin::main::<Runs>()
}
