//! Do more packages fail than somebody thought right?
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Trouble, Unit};

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    failing: LimitTexts,
}

struct Example;

impl Check for Example {
    const PROGRAM: &'static str = "check_import_example";
    const ABOUT: &'static str = "Do more packages fail than somebody thought right?";
    const EXAMPLES: &'static str = "  check_import_example -w 500 -c 1000";
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        let given = &settings.common.limits;
        let limits = Limits::pick(Unit::Count, given, &settings.policy.failing, ("500", "1000"))?;
        let counters = database.row("SELECT failing, held FROM check_v1_example", &[])?;
        let (failing, held) = (counters.integer(0)?, counters.integer(1)?);

        let mut report = Report::new();
        report.measure("failing", failing as f64, Unit::Count, &limits);
        report.measure("held", held as f64, Unit::Count, &Limits::none());
        report.say(format!("{failing} failing"));
        report.say(if held > 0 { format!("{held} held") } else { String::new() });
        for row in database.rows("SELECT package, error FROM check_v1_example_worst", &[])? {
            report.detail(1, format!("{}: {}", row.text(0)?, row.text(1)?));
        }
        Ok(report)
    }
}

fn main() {
    plugin::main::<Example>()
}
