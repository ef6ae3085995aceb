use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error};
use operations::questions;
use serde_json::Value;
use state::read::metrics::Metrics;
use state::read::verdicts::Verdict;

use super::Installation;
use crate::exit;

/// Write figures for Prometheus, in the format of node_exporter's textfile collector
///
/// The file is written beside its place and renamed: nobody reads half of it. Call it from cron, or after each run.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  package-import metrics --textfile /var/lib/prometheus/node-exporter/package_import.prom"
)]
pub struct Arguments {
    /// The file, whose name has to end in .prom; - is the standard output
    #[arg(long, value_name = "PATH")]
    textfile: PathBuf,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let metrics = questions::metrics(&installation.open()?)?;
    let text = render(&metrics);
    if arguments.textfile.as_os_str() == "-" {
        io::stdout().write_all(text.as_bytes())?;
    } else {
        let path = std::path::absolute(&arguments.textfile).context("cannot find the current folder")?;
        replace(&path, &text).with_context(|| exit::Unwritable(path))?;
    }
    Ok(exit::DONE)
}

/// Writes beside the file and renames. The collector, another user, has to be able to read it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(there) => Some(there.file_type()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // A device, a pipe or a link is what somebody else needs in its place.
    if kind.is_some_and(|kind| !kind.is_file()) {
        let message = "it is not a regular file, and only such a one is replaced; - is the standard output";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new("/"));
    // The collector reads whatever ends in .prom.
    let mut beside =
        tempfile::Builder::new().prefix(&format!(".{name}.")).suffix(".new").tempfile_in(folder)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().set_permissions(Permissions::from_mode(0o644))?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The text that is built, a metric after the other.
#[derive(Default)]
struct Text(String);

impl Text {
    /// One metric with all its values: labels and a number each. Without values it is left out.
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

/// A label's value as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn render(metrics: &Metrics) -> String {
    let mut text = Text::default();
    let version = [(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)];
    text.add("build_info", "gauge", "The version of the program.", &version);
    packages(&mut text, metrics);
    queue(&mut text, metrics);
    verdicts(&mut text, &metrics.verdicts);
    surroundings(&mut text, metrics);
    text.0
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

/// What is normal, in the detail of the main verdict or of another.
fn normal(detail: &Value) -> Option<f64> {
    let judged = detail.get("stock").unwrap_or(detail);
    judged.get("normal").and_then(Value::as_f64)
}

fn surroundings(text: &mut Text, metrics: &Metrics) {
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
        .map(|host| (vec![("host", host.host.as_str())], seconds(host.heartbeat)))
        .collect();
    text.add("heartbeat_timestamp_seconds", "gauge", "When a host was last seen.", &heard);
    let moment = |at: Option<i64>| at.map(|at| (Vec::new(), seconds(at))).into_iter().collect::<Vec<_>>();
    let ended = moment(metrics.status.last_run.as_ref().map(|run| run.ended));
    text.add("run_ended_timestamp_seconds", "gauge", "When the last run ended.", &ended);
    text.one(
        "times_ahead",
        "Times of what has happened that are still to come: a clock was wrong. They are not told.",
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        replace(&place("new.prom"), "1").unwrap();
        replace(&place("new.prom"), "2").unwrap();
        assert_eq!(fs::read_to_string(place("new.prom")).unwrap(), "2");
        assert_eq!(fs::metadata(place("new.prom")).unwrap().permissions().mode() & 0o777, 0o644);
        symlink(place("new.prom"), place("link")).unwrap();
        symlink(place("nowhere"), place("dangling")).unwrap();
        fs::create_dir(place("folder")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        for name in ["link", "dangling", "folder", "pipe"] {
            let before = fs::symlink_metadata(place(name)).unwrap().file_type();
            assert!(replace(&place(name), "3").unwrap_err().to_string().contains("not a regular file"));
            assert_eq!(fs::symlink_metadata(place(name)).unwrap().file_type(), before, "{name}");
        }
        assert!(replace(Path::new("/dev/null"), "3").is_err());
        assert_eq!(fs::read_to_string(place("new.prom")).unwrap(), "2");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5, "nothing is left behind");
    }
}
