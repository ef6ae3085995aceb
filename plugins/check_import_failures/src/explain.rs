//! Numbers behind a verdict, for `--explain`.

use baseline::{Judged, Verdict};
use plugin::Report;
use plugin::time::{SECOND, date};

/// Adds it: at once if requested, else with `-vv`.
pub fn explain(report: &mut Report, asked: bool, verdict: Option<&Verdict>) {
    let level = if asked { 0 } else { 2 };
    let mut tell = |text: String| report.detail(level, text);
    let Some(verdict) = verdict else {
        tell("no sample was judged yet: the importer does so at the end of a run, and once an hour".into());
        return;
    };
    tell(format!("judged {} at {}: {}", verdict.state, date(verdict.time * SECOND), verdict.text));
    verdict.sentences().into_iter().for_each(&mut tell);
    for (figure, judged) in [("failing and parked", &verdict.stock), ("failed in 24 h", &verdict.flow)] {
        if let Some(judged) = judged {
            numbers(figure, judged).into_iter().for_each(&mut tell);
        }
    }
    if let Some(one) = &verdict.signature {
        tell(format!("signature {}: {:.0}, normally {:.0}", one.id, one.value, one.normal));
    }
}

fn numbers(figure: &str, judged: &Judged) -> Vec<String> {
    let (hours, value, expected) = judged.window;
    let norm = if judged.set { "set by an operator" } else { "learned" };
    let limit = |limit: Option<u64>| limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    let limits = &judged.limits;
    vec![
        format!(
            "{figure}: {:.0}, E={:.1} ({norm}), s={:.3}, z={:.2} (WARNING needs {:.2}), {}",
            judged.value, judged.normal, judged.spread, judged.score, judged.needed, judged.state
        ),
        format!(
            "{figure}: decided by the last {hours} h: {value:.1} where {expected:.1} is normal; samples of {} days for \
             the level, of {} for the spread",
            judged.days.0, judged.days.1
        ),
        format!(
            "{figure}: WARNING from {}, CRITICAL from {}, over below {}, an outage from {} parked",
            limit(limits.warning),
            limit(limits.critical),
            limit(limits.clear),
            limit(limits.parked)
        ),
    ]
}
