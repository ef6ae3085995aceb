//! How long from publication to branch, and how many packages are behind?
use plugin::time::{HOUR, age, moment, span};
use plugin::{Check, Database, LimitTexts, Limits, Report, Settings, Trouble, Unit, views};

/// Section `[checks.freshness]`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    p95: LimitTexts,
    worst: LimitTexts,
    behind: LimitTexts,
}

/// The importer measures once an hour while it runs; an older figure is out of date.
const STALE: i64 = 36 * HOUR;

struct Freshness;

impl Check for Freshness {
    const PROGRAM: &'static str = "check_import_freshness";
    const ABOUT: &'static str = "How long from publication to branch, for what was first seen in the last seven\ndays? \
         -w and -c are those of the 95th percentile: 4h and 24h. What is not done\nyet counts with its present age; \
         what fails, and re-scans, are counted apart.";
    const EXAMPLES: &'static str = "  check_import_freshness\n  check_import_freshness -w 2h -c 12h";
    const NEXT: &'static str = "package-import freshness";
    type Options = plugin::NoOptions;
    type Policy = Policy;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        let facts = views::facts(database)?;
        let now = database.now()?;
        let Some((sampled, count)) = views::level(database, "latency_count")? else {
            return Err(Trouble::no_data(
                "nothing was measured yet: the importer does so at the end of a run",
            ));
        };
        let mut level = |figure: &str| -> Result<f64, Trouble> {
            Ok(views::level(database, figure)?.map_or(0.0, |(_, value)| value as f64))
        };
        let (p50, p95, worst) = (level("latency_p50")?, level("latency_p95")?, level("latency_max")?);
        let behind = level("behind")?;
        let counters = views::counters(database)?;
        let lanes = views::lanes(database)?;
        let upload = lanes.iter().find(|lane| lane.name == "upload").and_then(|lane| lane.oldest);
        // Jobs that have entered the queue since the sample, or have waited since.
        let worst = worst.max(upload.map_or(0.0, |entered| age(now, entered)));
        let remotes = views::remotes(database, &facts)?;
        let unpublished = remotes.iter().filter_map(|it| it.oldest).min();
        let worst = worst.max(unpublished.map_or(0.0, |since| age(now, since)));

        let (policy, given) = (&settings.policy, &settings.common.limits);
        let limits = Limits::pick(Unit::Seconds, given, &policy.p95, ("4h", "24h"))?;
        let mut report = Report::new();
        report.measure("p95", p95, Unit::Seconds, &limits);
        report.measure("p50", p50, Unit::Seconds, &Limits::none());
        report.measure("worst", worst, Unit::Seconds, &Limits::optional(Unit::Seconds, &policy.worst)?);
        report.measure("behind", behind, Unit::Count, &Limits::optional(Unit::Count, &policy.behind)?);
        report.measure("failing", counters.get("failing") as f64, Unit::Count, &Limits::none());
        report.measure("rescan", counters.get("queue_rescan") as f64, Unit::Count, &Limits::none());

        if !remotes.is_empty() {
            let sum: i64 = remotes.iter().map(|it| it.unpublished).sum();
            report.measure("unpublished", sum as f64, Unit::Count, &Limits::none());
        }

        let outages = views::all_outages(database)?;
        if now - sampled > STALE {
            // A measurement that is too old must not alert, nor report that all is well.
            report.lower_to(plugin::Status::Ok);
            report.raise(plugin::Status::Unknown);
            report.say(format!("nothing measured since {}, see check_import_runs", moment(sampled, now)));
        } else if count == 0 {
            views::explain(&mut report, &outages, now);
            let in_a_mass = views::level(database, "latency_rescan_count")?.map_or(0, |(_, count)| count);
            report.say(match in_a_mass {
                0 => "nothing was published in 7 days".to_owned(),
                count => format!("nothing was published in 7 days but {count} in bulk"),
            });
        } else {
            views::explain(&mut report, &outages, now);
            let (p50, p95, worst) = (span(p50), span(p95), span(worst));
            report.say(format!("95% of {count} within {p95}, half within {p50}, worst {worst}"));
        }
        views::warn_of_samples_ahead(&mut report, database)?;
        report.say(if behind > 0.0 { format!("{behind} behind") } else { String::new() });
        report.detail(1, format!("measured at {}: {count} publications of 7 days", moment(sampled, now)));
        if !remotes.is_empty() {
            let names: Vec<&str> = remotes.iter().map(|it| it.name.as_str()).collect();
            report.detail(
                1,
                format!("a version counts as there once all remotes have it: {}", names.join(", ")),
            );
        }
        for it in remotes.iter().filter(|it| it.unpublished > 0) {
            let oldest =
                it.oldest.map_or(String::new(), |since| format!(", oldest {}", span(age(now, since))));
            report.detail(1, format!("remote {}: {} unpublished{oldest}", it.name, it.unpublished));
        }
        if let Some(entered) = upload {
            report.detail(1, format!("oldest upload in the queue: {}", span(age(now, entered))));
        }
        Ok(report)
    }
}

fn main() {
    plugin::main::<Freshness>()
}
