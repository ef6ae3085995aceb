//! What waits for an operator, and for how long?
use plugin::time::{age, date, span};
use plugin::views::{self, Damaged, Wedged as Row};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Trouble, Unit, alive};

/// Section `[checks.wedged]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    oldest: LimitTexts,
    wedged: LimitTexts,
    foreign: LimitTexts,
    collisions: LimitTexts,
    damaged: LimitTexts,
}

/// The packages that have waited longest are listed one by one.
const LOOKED_AT: i64 = 100;

struct Wedged;

impl Check for Wedged {
    const PROGRAM: &'static str = "check_import_wedged";
    const ABOUT: &'static str = "What waits for a person: wedged packages, moved branches, damaged repositories?\n-w and -c are those of the one \
         that has waited longest: 1d and 7d.";
    const EXAMPLES: &'static str = "  check_import_wedged -v\n  check_import_wedged -w 3d -c 14d";
    const NEXT: &'static str = "package-import failures --state wedged";
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        let facts = views::facts(database)?;
        let now = database.now()?;
        let counters = views::counters(database)?;
        let rows = views::wedged(database, LOOKED_AT)?;
        let suppressions = views::suppressions(database)?;
        let suppressed = if suppressions.is_empty() { 0 } else { views::wedged_suppressed(database)? };
        let wedged = (counters.get("state_wedged") - suppressed).max(0);
        let (foreign, examples) = views::foreign_refs(database, &facts, LOOKED_AT)?;
        let (collisions, colliding) = views::collisions(database, &facts, LOOKED_AT)?;
        let damaged = views::damaged(database, &facts)?;
        let since =
            rows.first().map(|row| row.since).into_iter().chain(colliding.first().map(|it| it.since)).min();
        let oldest = since.map_or(0.0, |since| age(now, since));

        let (policy, given) = (&settings.policy, &settings.common.limits);
        let mut report = Report::new();
        let limits = Limits::pick(Unit::Seconds, given, &policy.oldest, ("1d", "7d"))?;
        report.measure("oldest", oldest, Unit::Seconds, &limits);
        report.measure("wedged", wedged as f64, Unit::Count, &Limits::optional(Unit::Count, &policy.wedged)?);
        report.measure("held", counters.get("held") as f64, Unit::Count, &Limits::none());
        report.measure("suppressed", suppressed as f64, Unit::Count, &Limits::none());
        // Somebody has pushed to a repository that only the importer writes: that is worth a look at any age.
        let warning = policy.foreign.warning.clone().or_else(|| Some("0".into()));
        let critical = policy.foreign.critical.clone();
        let limits = Limits::optional(Unit::Count, &LimitTexts { warning, critical })?;
        report.measure("foreign", foreign as f64, Unit::Count, &limits);
        let limits = Limits::optional(Unit::Count, &policy.collisions)?;
        report.measure("collisions", collisions as f64, Unit::Count, &limits);
        let limits = Limits::optional(Unit::Count, &policy.damaged)?;
        report.measure("damaged", damaged.packages as f64, Unit::Count, &limits);

        match rows.first() {
            Some(row) => {
                report.say(format!("{wedged} wait for a person"));
                let waited = span(age(now, row.since));
                report.say(format!("{} for {waited}: {}/{}", row.package, row.stage, row.code));
                report.next(format!("package-import show {}", row.package));
            }
            None if collisions == 0 && foreign == 0 && damaged.packages == 0 => {
                report.say("nothing waits for a person");
            }
            None => {}
        }
        if let Some(first) = colliding.first() {
            report.say(format!(
                "{collisions} collisions wait for a decision, the oldest {} of {} for {}",
                first.kind,
                first.package,
                span(age(now, first.since)),
            ));
            report.next(format!("package-import collision show {}", first.id));
        }
        if let Some(first) = examples.first() {
            report.say(format!(
                "{foreign} foreign refs, the oldest {} in {} for {}",
                first.name,
                first.package,
                span(age(now, first.since))
            ));
            report.next(format!("package-import show {}", first.package));
        }
        say_damaged(&mut report, &damaged, now);
        if let (true, Some(first)) = (suppressed > 0, suppressions.first()) {
            report.say(format!("{suppressed} suppressed until {}", date(first.until)));
        }
        if counters.get("held") > 0 {
            report.say(format!("{} held", counters.get("held")));
        }
        alive::judge(&mut report, settings, database)?;
        for row in &rows {
            report.detail(1, describe(row, now));
        }
        for it in &colliding {
            let waited = span(age(now, it.since));
            report.detail(
                1,
                format!("{}: {} for {waited}: collision {}, {}", it.package, it.name, it.id, it.kind),
            );
        }
        for it in &examples {
            report.detail(
                1,
                format!("{}: {} for {}: foreign {}", it.package, it.name, span(age(now, it.since)), it.kind),
            );
        }
        Ok(report)
    }
}

/// Repositories with findings: a plan mends them.
fn say_damaged(report: &mut Report, damaged: &Damaged, now: i64) {
    let Some((code, package, since)) = &damaged.oldest else { return };
    let (number, waited) = (damaged.packages, span(age(now, *since)));
    let noun = if number == 1 { "repository" } else { "repositories" };
    report.say(format!("{number} damaged {noun}, the oldest finding {code} in {package} for {waited}"));
    report.next(format!("package-import repair plan --code {code}"));
}

fn describe(row: &Row, now: i64) -> String {
    format!("{} for {}: {}/{}: {}", row.package, span(age(now, row.since)), row.stage, row.code, row.message)
}

fn main() {
    plugin::main::<Wedged>()
}
