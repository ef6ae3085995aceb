//! When was each archive and suite last polled with success, and is a source unreachable?
use plugin::time::{DAY, age, ago, is_believed, moment, span};
use plugin::views::{self, Outage, Suite, SuiteVerdict, Waits};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Status, Trouble, Unit};

/// Section `[checks.archive]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    intervals: LimitTexts,
}

/// The section `[checks.runs]`, of which only this key is used here: polls by cron come no more often than that.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Runs {
    interval: Option<plugin::Span>,
}

struct Archive;

impl Check for Archive {
    const PROGRAM: &'static str = "check_import_archive";
    const ABOUT: &'static str = "When was each suite of each archive last polled with success? -w and -c count\nintervals of polls: \
         2 and 6. Is a source out of reach?";
    const EXAMPLES: &'static str = "  check_import_archive -v\n  check_import_archive -w 3 -c 12";
    const NEXT: &'static str = "package-import archives";
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        let facts = views::facts(database)?;
        let now = database.now()?;
        let given = &settings.common.limits;
        let limits = Limits::pick(Unit::Count, given, &settings.policy.intervals, ("2", "6"))?;
        let between = settings.section::<Runs>("runs")?.interval.map_or(0, |span| span.milliseconds());
        let suites = views::suites(database)?;
        let outages = views::outages(database)?;
        let verdicts = views::suite_verdicts(database, &facts)?;
        let waits = views::waits(database, &facts)?;
        let left_out = views::left_out(database, &facts)?;
        let Some(latest) = suites.iter().max_by(|a, b| a.late(now, between).total_cmp(&b.late(now, between)))
        else {
            return Err(Trouble::no_data(
                "no archive was polled yet: add [[archives]] to config.toml, and run with --poll",
            ));
        };
        let failing = suites.iter().filter(|suite| suite.error.is_some()).count();

        let mut report = Report::new();
        report.measure("intervals", latest.late(now, between), Unit::Count, &limits);
        let oldest = suites.iter().map(|it| it.age(now)).fold(0.0, f64::max);
        report.measure("oldest", oldest, Unit::Seconds, &Limits::none());
        report.measure("suites", suites.len() as f64, Unit::Count, &Limits::none());
        report.measure("failed", failing as f64, Unit::Count, &Limits::none());
        report.measure("unreachable", outages.len() as f64, Unit::Count, &Limits::none());

        let is_late = report.status() > Status::Ok;
        let said = odd(&suites, &verdicts, &waits, now);
        for (status, _) in &said {
            report.raise(*status);
        }
        let mut dated = suites.iter().filter_map(|it| Some((it.name(), it.polled?)));
        let ahead = dated.find(|(_, at)| !is_believed(now, *at));
        report.raise(if ahead.is_some() { Status::Warning } else { Status::Ok });
        unreachable(&mut report, &outages, now);
        views::explain(&mut report, &outages, now);
        if report.status() == Status::Ok {
            let oldest = span(oldest);
            report.say(match suites.len() {
                1 => format!("1 suite polled {oldest} ago"),
                count => format!("{count} suites polled, the oldest poll is {oldest} old"),
            });
        }
        if is_late {
            let name = latest.name();
            report.say(match latest.polled {
                Some(polled) if latest.believed(now).is_some() => {
                    format!("{name} not polled since {}", moment(polled, now))
                }
                // Its poll is dated in the future, which is said below.
                Some(_) => String::new(),
                None => format!("{name} never polled in {}", span(latest.age(now))),
            });
        }
        for (_, text) in &said {
            report.say(text);
        }
        if let Some((name, at)) = ahead {
            report.say(format!("poll of {name} is dated {}: is the clock right?", ago(now, at)));
        }
        if failing > 0 {
            report.say(format!("{failing} of {} polls failed", suites.len()));
        }
        for suite in &suites {
            report.detail(1, suite.describe(now));
            let own = verdicts.iter().find(|it| it.archive == suite.archive && it.suite == suite.suite);
            for line in own.into_iter().flat_map(|own| describe(own, now)) {
                report.detail(1, line);
            }
        }
        for wait in &waits {
            report.detail(1, describe_wait(wait, now));
        }
        if left_out > 0 {
            let more = if left_out < 1000 { "" } else { " or more" };
            report.detail(
                1,
                format!(
                    "{left_out}{more} packages without all their old versions (package-import history ask)"
                ),
            );
        }
        Ok(report)
    }
}

/// Codes of polls that fail until the configuration is changed: waiting for the next intervals does not help.
const OF_THE_CONFIGURATION: [&str; 6] =
    ["no-match", "same-branch", "no-keyring", "wrong-suite", "no-component", "too-many-suites"];

/// Findings beside late polls: removals that are withheld, a configuration that cannot work, files that are listed and
/// on no mirror, and remarks.
fn odd(suites: &[Suite], verdicts: &[SuiteVerdict], waits: &[Waits], now: i64) -> Vec<(Status, String)> {
    let mut said = Vec::new();
    for suite in suites {
        let error = suite.error.as_deref().unwrap_or_default();
        let is_own = |code: &&&str| error.split([':', '/']).nth(1) == Some(**code);
        if let Some(code) = OF_THE_CONFIGURATION.iter().find(is_own) {
            said.push((Status::Warning, format!("{}: {code}", suite.name())));
        }
    }
    for verdict in verdicts.iter().filter(|verdict| verdict.withheld > 0) {
        let since = verdict.withheld_since.map_or(String::new(), |at| format!(" since {}", moment(at, now)));
        let (archive, suite) = (&verdict.archive, &verdict.suite);
        said.push((
            Status::Warning,
            format!("{archive}/{suite}: {} removals withheld{since}", verdict.withheld),
        ));
    }
    for verdict in verdicts {
        let Some((age, limit)) = verdict.stale(now) else { continue };
        let (archive, suite) = (&verdict.archive, &verdict.suite);
        let time = |milliseconds: i64| span(milliseconds as f64 / 1000.0);
        let text = format!("{archive}/{suite}: lists as they were {} ago (limit {})", time(age), time(limit));
        said.push((Status::Warning, text));
    }
    for wait in waits.iter().filter(|wait| wait.kind == "pool") {
        let is_old = wait.oldest.is_some_and(|since| now - since > DAY);
        let status = if is_old { Status::Warning } else { Status::Ok };
        said.push((status, describe_wait(wait, now)));
    }
    let remarks: usize = verdicts.iter().map(|verdict| verdict.remarks.len()).sum();
    if remarks > 0 {
        let noun = if remarks == 1 { "remark" } else { "remarks" };
        said.push((Status::Ok, format!("{remarks} {noun} (package-import archives)")));
    }
    said
}

fn describe(verdict: &SuiteVerdict, now: i64) -> Vec<String> {
    let name = format!("{}/{}", verdict.archive, verdict.suite);
    let mut lines = Vec::new();
    if let Some(listed) = verdict.listed {
        let index = verdict.index.map_or("without a date".to_owned(), |date| {
            format!("of {}, {} old", moment(date, now), span(age(now, date)))
        });
        let mirror = verdict.mirror.as_deref().filter(|mirror| !mirror.is_empty()).unwrap_or("a mirror");
        lines.push(format!("{name}: index {index}, {listed} publications, from {mirror}"));
    }
    lines.extend(verdict.remarks.iter().map(|remark| format!("{name}: {remark}")));
    lines
}

fn describe_wait(wait: &Waits, now: i64) -> String {
    let what = match wait.kind.as_str() {
        "history" => "for their history",
        "base" => "for the version that they are built on",
        _ => "for a file that is listed and on no mirror",
    };
    let (count, noun) = match wait.packages {
        1 => ("1".to_owned(), "package waits"),
        1000.. => ("1000 or more".to_owned(), "packages wait"),
        more => (more.to_string(), "packages wait"),
    };
    let since = wait.oldest.map_or(String::new(), |at| format!(", the first for {}", span(age(now, at))));
    format!("{count} {noun} {what}{since}")
}

/// A source that cannot be reached warns at once, and is critical after a day.
fn unreachable(report: &mut Report, outages: &[Outage], now: i64) {
    for outage in outages {
        report.raise(if now - outage.since > DAY { Status::Critical } else { Status::Warning });
    }
}

trait Judged {
    fn believed(&self, now: i64) -> Option<i64>;
    fn age(&self, now: i64) -> f64;
    fn late(&self, now: i64, between: i64) -> f64;
    fn name(&self) -> String;
    fn describe(&self, now: i64) -> String;
}

impl Judged for Suite {
    /// Seconds since the last successful poll; without one, since the suite was added.
    fn age(&self, now: i64) -> f64 {
        age(now, self.believed(now).unwrap_or(self.followed))
    }

    /// The last successful poll, unless a wrong clock has dated it ahead.
    fn believed(&self, now: i64) -> Option<i64> {
        self.polled.filter(|polled| is_believed(now, *polled))
    }

    /// The same in intervals, with two decimals.
    fn late(&self, now: i64, between: i64) -> f64 {
        let interval = self.interval.max(between).max(1) as f64 / 1000.0;
        (100.0 * self.age(now) / interval).floor() / 100.0
    }

    fn name(&self) -> String {
        format!("{}/{}", self.archive, self.suite)
    }

    fn describe(&self, now: i64) -> String {
        let polled = match self.polled {
            Some(polled) => format!("polled {}", ago(now, polled)),
            None => "never polled".to_owned(),
        };
        let every = span(self.interval as f64 / 1000.0);
        let failed = match (&self.error, self.failed) {
            (Some(error), Some(failed)) => format!(", failed at {}: {error}", moment(failed, now)),
            _ => String::new(),
        };
        format!("{}: {polled}, every {every}{failed}", self.name())
    }
}

fn main() {
    plugin::main::<Archive>()
}
