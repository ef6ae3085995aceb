//! Do more imports fail than normally do, in total or with one signature?
mod cause;
mod explain;
mod limits;

use baseline::{Breaker, Live, State, Verdict};
use plugin::time::{HOUR, SECOND, date, moment};
use plugin::views::{self, LiveCounts, Suppression};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Status, Trouble, Unit};

/// Section `[checks.failures]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    failing: LimitTexts,
}

#[derive(Clone, clap::Args)]
struct Options {
    /// Show what the verdict rests on
    #[arg(long)]
    explain: bool,
}

struct Failures;

impl Check for Failures {
    const PROGRAM: &'static str = "check_import_failures";
    const ABOUT: &'static str = "Do more imports fail than normally do, in total or with one signature? What is\n\
         normal is learned. -w and -c are limits of failing and parked packages that\ncount beside it.";
    const EXAMPLES: &'static str = "  check_import_failures\n  check_import_failures -w 800 -c 1500\n  \
         check_import_failures --explain";
    const NEXT: &'static str = "package-import failures";
    type Options = Options;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        views::facts_before_any_run(database)?;
        let verdict = verdict(database)?;
        // A verdict is made at the end of a run. Before the first one a run may exist already.
        if verdict.is_none() && views::last_run(database)?.is_none() {
            return Err(views::no_run());
        }
        let now = database.now()?;
        let suppressions = views::suppressions(database)?;
        let suppressed: i64 = suppressions.iter().map(|one| one.failing).sum();
        let counters = views::counters(database)?;
        check_alive(database, verdict.as_ref(), counters.has("failing"))?;
        let held = counters.get("failing_held");
        // Parked jobs and their breaker are read only if there are any.
        let (counts, breaker) = match counters.get("parked") {
            0 => (LiveCounts { failing: counters.get("failing"), ..LiveCounts::default() }, None),
            _ => (views::live(database)?, views::outages(database)?.into_iter().next()),
        };
        let live = Live {
            failing: u64::try_from(counts.failing - suppressed - counts.parked_failing).unwrap_or(0),
            parked: u64::try_from(counts.parked).unwrap_or(0),
            breaker: breaker.map(|outage| Breaker {
                cause: outage.cause.as_deref().map(said),
                name: outage.name,
                since: outage.since / SECOND,
            }),
        };
        let given = &settings.common.limits;
        let fixed = Limits::pick(Unit::Count, given, &settings.policy.failing, ("~:", "~:"))?;

        let mut report = Report::new();
        let limits = limits::effective(&fixed, verdict.as_ref(), now)?;
        report.measure("failing", live.total() as f64, Unit::Count, &limits);
        report.raise(fixed.judge(live.total() as f64));
        report.measure("parked", live.parked as f64, Unit::Count, &Limits::none());
        report.measure("held", held as f64, Unit::Count, &Limits::none());
        report.measure("suppressed", suppressed as f64, Unit::Count, &Limits::none());
        let normal = verdict.as_ref().and_then(|it| it.stock.as_ref()).map_or(0.0, |stock| stock.normal);
        report.measure("normal", normal.round(), Unit::Count, &Limits::none());
        judge(&mut report, database, verdict.as_ref(), &live)?;
        match verdict.as_ref().is_some_and(|verdict| verdict.is_ahead(now / SECOND)) {
            // That warning has its own text.
            true => {
                report.raise(Status::Warning);
                report.say("package-import samples drop --after now --reason WHY");
            }
            false => views::warn_of_samples_ahead(&mut report, database)?,
        }
        left_out(&mut report, &suppressions, (suppressed, held));
        // Details are read only if they are shown.
        if settings.common.verbose > 0 {
            for signature in views::worst_signatures(database, 5)? {
                report.detail(1, format!("{} {} {}", signature.failing, signature.short, signature.label));
            }
        }
        explain::explain(&mut report, settings.options.explain, verdict.as_ref());
        Ok(report)
    }
}

/// The importer's newest verdict.
fn verdict(database: &mut Database<'_>) -> Result<Option<Verdict>, Trouble> {
    let Some(row) = views::verdict(database, "failing")? else { return Ok(None) };
    let verdict = serde_json::from_str(&row.detail).map_err(|error| {
        let at = date(row.at);
        Trouble::no_data(format!(
            "the verdict of {at} is of another release ({error}): run the importer once"
        ))
    })?;
    Ok(Some(verdict))
}

/// Checks that there are figures at all: without counters nothing would seem to fail.
fn check_alive(
    database: &mut Database<'_>,
    verdict: Option<&Verdict>,
    is_counted: bool,
) -> Result<(), Trouble> {
    let failing = verdict.and_then(|it| it.stock.as_ref()).map_or(0.0, |stock| stock.value);
    if failing >= 1.0 && !is_counted {
        return Err(Trouble::no_data("the counters are gone: package-import run counts again"));
    }
    let started = views::last_run(database)?.map(|run| run.started);
    let now = database.now()?;
    match (verdict, started) {
        // A run judges at its end, and every hour.
        (None, Some(started)) if now - started > 36 * HOUR => Err(Trouble::no_data(format!(
            "no sample was ever judged, though a run began at {}: see check_import_runs",
            moment(started, now)
        ))),
        _ => Ok(()),
    }
}

/// Judges, and adds the next step for the operator.
fn judge(
    report: &mut Report,
    database: &mut Database<'_>,
    verdict: Option<&Verdict>,
    live: &Live,
) -> Result<(), Trouble> {
    let Some(verdict) = verdict else {
        report.say(format!("{} failing, learning 0/7 days", live.total()));
        return Ok(());
    };
    let now = database.now()?;
    let found = verdict.at(live, now / SECOND);
    report.raise(match found.state {
        State::Ok => Status::Ok,
        State::Unknown => Status::Unknown,
        State::Warning => Status::Warning,
        State::Critical => Status::Critical,
    });
    let cause = cause::of_jump(database, verdict, live, &found)?;
    // A cause begins with the id of its signature; the cause of an outage is a host.
    let stored =
        verdict.cause.as_deref().filter(|_| !verdict.outage).and_then(|cause| cause.split(' ').next());
    let stored = stored.filter(|id| found.text.contains(*id)).map(str::to_owned);
    let id = cause.as_ref().map(|cause| cause.id.clone()).or(stored);
    let is_stale = found.text.starts_with("no sample since ");
    report.say(found.text);
    report.say(if is_stale { "see check_import_runs" } else { "" });
    report.say(cause.map_or_else(String::new, |cause| cause.text));
    if verdict.outage || live.breaker.is_some() {
        report.next("package-import status");
    }
    if let Some(id) = id.filter(|_| found.state.alerts()) {
        report.next(format!("package-import failures --signature {id}"));
        report.next(format!("package-import explain {id}"));
    }
    Ok(())
}

/// Last error of a dependency, without the code in front of it.
fn said(cause: &str) -> String {
    let rest = cause.split_once(": ").filter(|(code, _)| code.contains('/') && !code.contains(' '));
    baseline::concise(rest.map_or(cause, |(_, rest)| rest))
}

/// Mentions failures that do not count, so that they are not forgotten.
fn left_out(report: &mut Report, suppressions: &[Suppression], (suppressed, held): (i64, i64)) {
    if let Some(first) = suppressions.first() {
        report.say(format!("{suppressed} suppressed until {}", date(first.until)));
    }
    if held > 0 {
        report.say(format!("{held} held"));
    }
    for one in suppressions {
        let (kind, subject, until) = (&one.kind, &one.subject, date(one.until));
        report
            .detail(1, format!("{kind} {subject} suppressed until {until}, {}: {}", one.failing, one.reason));
    }
}

fn main() {
    plugin::main::<Failures>()
}
