//! Do more imports fail than normally do, in total or with one signature?
use plugin::time::date;
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Trouble, Unit, views};

/// `[checks.failures]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    failing: LimitTexts,
}

struct Failures;

impl Check for Failures {
    const PROGRAM: &'static str = "check_import_failures";
    const ABOUT: &'static str = "Do more imports fail than normally do, in total or with one signature?\n\
         -w and -c are limits that count beside what is normal.";
    const EXAMPLES: &'static str = "  check_import_failures\n  check_import_failures -w 800 -c 1500";
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        views::facts(database)?;
        let counters = views::counters(database)?;
        let suppressions = views::suppressions(database)?;
        let suppressed: i64 = suppressions.iter().map(|one| one.failing).sum();
        let failing = (counters.get("failing") - suppressed).max(0);
        let (parked, held) = (counters.get("parked"), counters.get("failing_held"));
        let given = &settings.common.limits;
        let limits = Limits::pick(Unit::Count, given, &settings.policy.failing, ("~:", "~:"))?;

        let mut report = Report::new();
        report.measure("failing", (failing + parked) as f64, Unit::Count, &limits);
        report.measure("parked", parked as f64, Unit::Count, &Limits::none());
        report.measure("held", held as f64, Unit::Count, &Limits::none());
        report.measure("suppressed", suppressed as f64, Unit::Count, &Limits::none());
        report.say(format!("{failing} failing, learning 0/7 days"));
        if parked > 0 {
            report.say(format!("{parked} parked"));
        }
        if let Some(first) = suppressions.first() {
            report.say(format!("{suppressed} suppressed until {}", date(first.until)));
        }
        if held > 0 {
            report.say(format!("{held} held"));
        }
        Ok(report)
    }
}

fn main() {
    plugin::main::<Failures>()
}
