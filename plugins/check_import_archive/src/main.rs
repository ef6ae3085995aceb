//! When was each archive and suite last polled with success, and is a source unreachable?
use plugin::time::{DAY, age, ago, is_believed, moment, span};
use plugin::views::{self, Outage, Suite};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Status, Trouble, Unit};

/// `[checks.archive]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    intervals: LimitTexts,
}

/// `[checks.runs]`, of which only this is of use here: who polls from cron polls no oftener than that.
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
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        views::facts(database)?;
        let now = database.now()?;
        let given = &settings.common.limits;
        let limits = Limits::pick(Unit::Count, given, &settings.policy.intervals, ("2", "6"))?;
        let between = settings.section::<Runs>("runs")?.interval.map_or(0, |span| span.milliseconds());
        let suites = views::suites(database)?;
        let outages = views::outages(database)?;
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
                _ => format!("{name} never polled in {}", span(latest.age(now))),
            });
        }
        if let Some((name, at)) = ahead {
            report.say(format!("poll of {name} is dated {}: is the clock right?", ago(now, at)));
        }
        if failing > 0 {
            report.say(format!("{failing} of {} polls failed", suites.len()));
        }
        for suite in &suites {
            report.detail(1, suite.describe(now));
        }
        Ok(report)
    }
}

/// A source that is out of reach warns at once, and is critical after a day.
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
    /// Seconds since the last good poll; since it is followed, if there was none.
    fn age(&self, now: i64) -> f64 {
        age(now, self.believed(now).unwrap_or(self.followed))
    }

    /// The last good poll, unless a wrong clock has dated it ahead.
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
