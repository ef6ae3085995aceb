//! Figures in the text format of Prometheus: what `metrics` writes and `/metrics` answers.

use std::fmt::Write as _;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use state::read::metrics::Metrics;
use state::read::status::Status;
use state::read::verdicts::Verdict;

use crate::answers::plain;
use crate::asked::Asked;
use crate::problem::Problem;

/// Answers `/metrics`. Old values are not sent, so that the collector notices that they are missing.
pub async fn answer(asked: Asked) -> Result<Response, Problem> {
    let found = asked.app.reader.metrics().await?;
    match &found.away {
        Some(cause) => {
            let text = format!("the database is away: {}\n", asked.cause(cause));
            Ok(plain(StatusCode::SERVICE_UNAVAILABLE, &text))
        }
        None => Ok(plain(StatusCode::OK, &render(&found.value, asked.viewer.is_public))),
    }
}

/// The text under construction, one metric after the other.
#[derive(Default)]
struct Text(String);

impl Text {
    /// One metric with all its values: labels and a number each. A metric without values is left out.
    fn add(&mut self, name: &str, kind: &str, help: &str, values: &[(Vec<(&str, &str)>, f64)]) {
        if values.is_empty() {
            return;
        }
        let mut add = |line: std::fmt::Arguments<'_>| self.0.write_fmt(line).unwrap_or_default();
        add(format_args!("# HELP package_import_{name} {help}\n# TYPE package_import_{name} {kind}\n"));
        for (labels, value) in values {
            let labels: Vec<String> =
                labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            add(format_args!("package_import_{name}{labels} {value}\n"));
        }
    }

    fn one(&mut self, name: &str, help: &str, value: i64) {
        self.add(name, "gauge", help, &[(Vec::new(), float(value))]);
    }
}

/// A label's value in the syntax of the format.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The text of all figures. On a public page the hosts are left out.
pub fn render(metrics: &Metrics, is_public: bool) -> String {
    let mut text = Text::default();
    let version = [(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)];
    text.add("build_info", "gauge", "The version of the program.", &version);
    packages(&mut text, metrics);
    queue(&mut text, metrics);
    verdicts(&mut text, &metrics.verdicts);
    surroundings(&mut text, metrics, is_public);
    text.0
}

fn collisions(text: &mut Text, status: &Status) {
    let kinds: Vec<_> = (status.collisions.kinds.iter())
        .map(|(kind, some)| (vec![("kind", kind.as_str())], float(*some)))
        .collect();
    let help = "Refs that were made or moved by others and wait for a decision.";
    text.add("collisions", "gauge", help, &kinds);
    let oldest = status.collisions.since.map_or(0.0, |since| seconds(status.now - since));
    let help = "Age of the collision that has waited longest.";
    text.add("collision_oldest_seconds", "gauge", help, &[(Vec::new(), oldest)]);
}

fn packages(text: &mut Text, metrics: &Metrics) {
    let status = &metrics.status;
    text.one("packages", "Packages that are known.", status.packages);
    text.one(
        "failing_packages",
        "Packages whose last import failed, without held ones, with suppressed ones.",
        status.failing,
    );
    text.one("suppressed_packages", "Failing packages that do not count for a while.", metrics.suppressed);
    text.one("wedged_packages", "Packages that wait for a person.", status.wedged);
    collisions(text, status);
    let damaged: Vec<_> = (status.findings.iter())
        .map(|it| (vec![("code", it.code.as_str())], float(it.packages - it.muted)))
        .collect();
    if !damaged.is_empty() {
        let help = "Packages by the findings of the last look at their repositories, without muted ones.";
        text.add("damaged_packages", "gauge", help, &damaged);
    }
    text.one("held_packages", "Packages that an operator took out of the queue.", status.held.0);
    let each: Vec<_> = status
        .top
        .iter()
        .map(|group| (vec![("signature", group.signature.as_str())], float(group.packages)))
        .collect();
    text.add(
        "signature_failing_packages",
        "gauge",
        "Failing packages by the short id of their signature, at most 50.",
        &each,
    );
}

fn queue(text: &mut Text, metrics: &Metrics) {
    let status = &metrics.status;
    let lanes: Vec<_> =
        status.queue.iter().map(|lane| (vec![("lane", lane.lane.as_str())], float(lane.waiting))).collect();
    text.add("queue_jobs", "gauge", "Jobs that wait, by lane.", &lanes);
    let age = |oldest: Option<i64>| oldest.map_or(0.0, |oldest| seconds(status.now - oldest));
    let oldest: Vec<_> =
        status.queue.iter().map(|lane| (vec![("lane", lane.lane.as_str())], age(lane.oldest))).collect();
    text.add("queue_oldest_seconds", "gauge", "Age of the oldest job that waits, by lane.", &oldest);
    text.one("running_jobs", "Jobs that run.", status.running);
    text.one("parked_jobs", "Jobs that wait for something that cannot be used now.", status.parked);
    let attempts = [(Vec::new(), float(metrics.attempts))];
    text.add(
        "attempts_total",
        "counter",
        "Attempts: to import a package, to check its repository, or to pack it anew.",
        &attempts,
    );
}

fn verdicts(text: &mut Text, verdicts: &[Verdict]) {
    let code = |state: &str| match state {
        "OK" => 0.0,
        "WARNING" => 1.0,
        "CRITICAL" => 2.0,
        _ => 3.0,
    };
    let each = |value: &dyn Fn(&Verdict) -> Option<f64>| -> Vec<(Vec<(&'static str, String)>, f64)> {
        verdicts
            .iter()
            .filter_map(|verdict| Some((vec![("figure", verdict.figure.clone())], value(verdict)?)))
            .collect()
    };
    let mut add = |name: &str, help: &str, value: &dyn Fn(&Verdict) -> Option<f64>| {
        let values = each(value);
        let values: Vec<_> = values
            .iter()
            .map(|(labels, value)| (labels.iter().map(|(k, v)| (*k, v.as_str())).collect(), *value))
            .collect();
        text.add(name, "gauge", help, &values);
    };
    add("verdict_state", "What was said last: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.", &|it| {
        Some(code(&it.state))
    });
    add("verdict_value", "What it was said about.", &|it| Some(float(it.value)));
    add("verdict_normal", "What is normal.", &|it| normal(&it.detail));
    add("verdict_warning", "From here on it is a WARNING at once.", &|it| it.warning.map(float));
    add("verdict_critical", "From here on it is CRITICAL at once.", &|it| it.critical.map(float));
    add("verdict_timestamp_seconds", "When it was said.", &|it| Some(seconds(it.at)));
}

/// Baseline, in the detail of the main verdict or of another.
fn normal(detail: &Value) -> Option<f64> {
    let judged = detail.get("stock").unwrap_or(detail);
    judged.get("normal").and_then(Value::as_f64)
}

fn surroundings(text: &mut Text, metrics: &Metrics, is_public: bool) {
    let open: Vec<_> = metrics
        .dependencies
        .iter()
        .map(|(name, open, _)| (vec![("dependency", name.as_str())], f64::from(u8::from(*open))))
        .collect();
    text.add("breaker_open", "gauge", "Whether a dependency cannot be used now.", &open);
    let parked: Vec<_> = metrics
        .dependencies
        .iter()
        .map(|(name, _, parked)| (vec![("dependency", name.as_str())], float(*parked)))
        .collect();
    text.add("breaker_parked_jobs", "gauge", "Jobs that wait for a dependency.", &parked);
    let polled: Vec<_> = metrics
        .polled
        .iter()
        .map(|(archive, suite, at)| {
            (vec![("archive", archive.as_str()), ("suite", suite.as_str())], seconds(*at))
        })
        .collect();
    text.add("polled_timestamp_seconds", "gauge", "When a suite was last polled with success.", &polled);
    let heard: Vec<_> = metrics
        .status
        .hosts
        .iter()
        .filter(|_| !is_public)
        .map(|host| (vec![("host", host.host.as_str())], seconds(host.heartbeat)))
        .collect();
    text.add("heartbeat_timestamp_seconds", "gauge", "When a host was last seen.", &heard);
    let now = metrics.status.now;
    let failing: Vec<_> = (metrics.status.channels.iter())
        .filter(|_| !is_public)
        .map(|it| {
            (vec![("channel", it.channel.as_str())], seconds(it.failing.map_or(0, |since| now - since)))
        })
        .collect();
    text.add("channel_failing_seconds", "gauge", "How long a channel has not taken messages.", &failing);
    let moment = |at: Option<i64>| at.map(|at| (Vec::new(), seconds(at))).into_iter().collect::<Vec<_>>();
    let ended = moment(metrics.status.last_run.as_ref().map(|run| run.ended));
    text.add("run_ended_timestamp_seconds", "gauge", "When the last run ended.", &ended);
    text.one(
        "times_ahead",
        "Recorded times in the future: a clock was wrong. The other metrics leave them out.",
        i64::try_from(metrics.status.ahead.len()).unwrap_or(i64::MAX),
    );
    let backup = moment(metrics.last_backup);
    text.add("backup_timestamp_seconds", "gauge", "When the last good backup was made.", &backup);
}

fn seconds(milliseconds: i64) -> f64 {
    float(milliseconds) / 1000.0
}

/// Counts and times are far below 2^53, where the cast is exact.
#[allow(clippy::cast_precision_loss)]
fn float(value: i64) -> f64 {
    value as f64
}
