//! The rules for Prometheus and the example for Alertmanager: what the real programs make of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An hour of an installation: a mirror is away for 20 minutes, more fails than normally does from the 30th minute on.
const HOUR: &str = r#"
rule_files: [RULES]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'package_import_build_info{version="0.2.0"}', values: '1x60'}
      - {series: 'package_import_heartbeat_timestamp_seconds{host="a"}', values: '0+60x60'}
      - {series: 'package_import_breaker_open{dependency="deb.example.org"}', values: '0x5 1x20 0x60'}
      - {series: 'package_import_verdict_state{figure="failing"}', values: '0x30 2x60'}
      - {series: 'package_import_verdict_timestamp_seconds{figure="failing"}', values: '0+60x60'}
      - {series: 'package_import_queue_oldest_seconds{lane="upload"}', values: '0x60'}
      - {series: 'package_import_channel_failing_seconds{channel="team"}', values: '0x60'}
    alert_rule_test:
      - {eval_time: 6m, alertname: PackageImportOutage, exp_alerts: []}
      - eval_time: 12m
        alertname: PackageImportOutage
        exp_alerts:
          - exp_labels: {severity: critical, dependency: deb.example.org}
            exp_annotations: {summary: "deb.example.org is out of reach: what needs it waits", command: package-import status}
      - {eval_time: 40m, alertname: PackageImportOutage, exp_alerts: []}
      - {eval_time: 20m, alertname: PackageImportFailures, exp_alerts: []}
      - eval_time: 40m
        alertname: PackageImportFailures
        exp_alerts:
          - exp_labels: {severity: critical, figure: failing}
            exp_annotations: {summary: "far more fails than normally does: failing", command: package-import failures}
      - {eval_time: 60m, alertname: PackageImportSilent, exp_alerts: []}
      - {eval_time: 60m, alertname: PackageImportMessagesFail, exp_alerts: []}
      - {eval_time: 60m, alertname: PackageImportUploadsWait, exp_alerts: []}
  - interval: 1m
    input_series: []
    alert_rule_test:
      - eval_time: 10m
        alertname: PackageImportSilent
        exp_alerts:
          - exp_labels: {severity: critical}
            exp_annotations: {summary: "no host was heard of, or nobody writes the figures", command: package-import workers}
"#;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples").join(name)
}

fn well(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: scripts/install-tools test"));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    said
}

#[test]
fn rules_alert_when_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, tests) = (example("prometheus-rules.yml"), folder.path().join("tests.yml"));
    well("promtool", &["check", "rules", rules.to_str().unwrap()]);
    std::fs::write(&tests, HOUR.replace("RULES", rules.to_str().unwrap())).unwrap();
    well("promtool", &["test", "rules", tests.to_str().unwrap()]);
}

#[test]
fn alertmanager_takes_the_example() {
    let config = example("alertmanager.yml");
    let config = config.to_str().unwrap();
    well("amtool", &["check-config", config]);
    let to = |labels: &[&str]| {
        well("amtool", &[&["config", "routes", "test", "--config.file", config], labels].concat())
    };
    assert_eq!(to(&["alertname=PackageImportOutage", "severity=critical"]).lines().next(), Some("on-call"));
    assert_eq!(to(&["alertname=PackageImportNoBackup", "severity=warning"]).lines().next(), Some("team"));
}

/// No rule waits for a figure that nobody writes: the documents have all that are written, which another test sees to.
#[test]
fn each_figure_of_the_rules_is_one_of_ours() {
    let text = std::fs::read_to_string(example("prometheus-rules.yml")).unwrap();
    let documented = std::fs::read_to_string(example("../monitoring.md")).unwrap();
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let figures: BTreeSet<&str> = words.filter(|word| word.starts_with("package_import_")).collect();
    assert!(figures.len() > 8, "{figures:?}");
    for figure in figures {
        let short = figure.trim_start_matches("package_import");
        assert!(documented.contains(short), "{figure} is not in docs/monitoring.md");
    }
}
