//! The form of what `--json` prints: the keys, as `docs/json.md` lists them.

use std::collections::{BTreeMap, BTreeSet};

use package_import_tests::queue::Queue;
use serde_json::Value;

use crate::operator::documents::document;
use crate::operator::incident::{self, DAMAGED, mend, run, signature};
use crate::operator::terminal::command;

/// JSON output of a command: one object with the version of its form.
fn json(queue: &Queue, arguments: &[&str]) -> Value {
    let output = command(queue, &[arguments, &["--json"]].concat()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["v"], 1, "{arguments:?} says its version");
    value
}

/// The keys of each object, an object a line; the members of a list are taken together.
fn form(value: &Value) -> String {
    let mut objects = BTreeMap::new();
    collect("", value, &mut objects);
    let line = |(at, keys): (String, BTreeSet<String>)| {
        let keys = keys.into_iter().collect::<Vec<_>>().join(" ");
        format!("{at}{{{keys}}}")
    };
    let documented = document("json.md");
    for key in objects.values().flatten() {
        assert!(documented.contains(&format!("`{key}`")), "docs/json.md does not name {key}");
    }
    objects.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn collect(at: &str, value: &Value, objects: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(fields) => {
            objects.entry(at.to_owned()).or_default().extend(fields.keys().cloned());
            fields.iter().for_each(|(key, value)| collect(&format!("{at}.{key}"), value, objects));
        }
        Value::Array(members) => {
            members.iter().for_each(|member| collect(&format!("{at}[]"), member, objects));
        }
        _ => {}
    }
}

#[test]
fn what_is_wrong() {
    let queue = incident::sqlite();
    incident::uploads(&queue);
    incident::outage(&queue);
    insta::assert_snapshot!(form(&json(&queue, &["status"])), @r"
    {ahead channels collisions failing findings foreign held hosts last_run locks new_failures now outages packages parked place queue remotes retrying running suites suppressed top unwalled v waits wedged}
    .collisions{collisions id kinds oldest packages since}
    .foreign{oldest packages refs since}
    .hosts[]{heartbeat host life reason running runs service since state trouble}
    .last_run{ended host note outcome}
    .outages[]{cause dependency next_probe parked probes since}
    .place{disks lost lost_packages}
    .queue[]{lane oldest waiting}
    .suppressed[]{kind reason subject until}
    .top[]{bug class code last note packages policy signature since stage text}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["failures"])), @r"
    {all findings now packages signatures v}
    .signatures[]{bug class code last note packages policy signature since stage text}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["failures", "--packages"])), @r"
    {all findings now packages signatures v}
    .packages[]{attempts code due held message package signature since stage state version}
    .signatures[]{bug class code last note packages policy signature since stage text}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["list", "--unapplied"])), @r"
    {all now packages unreadable v}
    .packages[]{held late package result signature since unapplied work}
    ");
    let id = signature(&queue, "missing-file");
    insta::assert_snapshot!(form(&json(&queue, &["explain", &id])), @r"
    {codes policy signature v}
    .codes[]{advice class code document meaning retry stages}
    .signature{bug class code last note packages policy signature since stage text}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["signature", "list"])), @r"
    {signatures v}
    .signatures[]{bug class code last note packages policy signature since stage text}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["signature", "show", &id])), @"{bug class code last note packages policy signature since stage text v}");
}

#[test]
fn one_package() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(form(&json(&queue, &["show", "perl"])), @r"
    {copy foreign head package repository state v versions}
    .state{attempts collisions due failure findings foreign held history lane last_success missing package place remotes result wait waits_for went_on work}
    .state.attempts[]{code cpu_ms ended host id importer lane message outcome peak_rss signature stage started versions wall_ms}
    .state.failure{attempts code due held message package signature since stage state version}
    .state.held{by reason since until}
    .state.missing[]{first_seen place tries version}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["show", "hello"])), @r"
    {copy foreign head package repository state v versions}
    .state{attempts collisions due failure findings foreign held history lane last_success missing package place remotes result wait waits_for went_on work}
    .state.attempts[]{code cpu_ms ended host id importer lane message outcome peak_rss signature stage started versions wall_ms}
    .versions[]{applied_commit branches commit distro dsc_sha256 late tag version}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["history", "perl"])), @r"
    {attempts events more package v}
    .attempts[]{code cpu_ms ended host id importer lane message outcome peak_rss signature stage started versions wall_ms}
    .events[]{action actor after at before id reason subject}
    ");
}

#[test]
fn work() {
    let queue = incident::sqlite();
    incident::uploads(&queue);
    insta::assert_snapshot!(form(&json(&queue, &["queue"])), @r"
    {lanes later next now pace running v waits}
    .lanes[]{lane oldest waiting}
    .later{held next_retry parked retrying}
    .next[]{due entered lane package place state}
    .pace{attempts left per_hour}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["freshness"])), @r"
    {behind figures now packages v}
    .figures{at behind failing failing_worst measured p50 p95 rescan_p95 rescan_worst rescans worst}
    .packages[]{lacks next package reason state unpublished why}
    .packages[].lacks[]{first_seen place published version}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["workers"])), @r"
    {hosts now running v}
    .hosts[]{heartbeat host life reason running runs service since state trouble}
    ");
    insta::assert_snapshot!(form(&json(&queue, &["tune"])), @"{attempts bytes_in bytes_out cpu_ms rss_max rss_p50 rss_p95 v wall_ms}");
    insta::assert_snapshot!(form(&json(&queue, &["audit"])), @r"
    {events more v}
    .events[]{action actor after at before id reason subject}
    ");
}

#[test]
fn baselines() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(form(&json(&queue, &["baseline", "show"])), @r"
    {now v verdicts}
    .verdicts[]{at critical detail figure samples since state text value warning}
    .verdicts[].detail{cause explained flow learning outage share signature since state stock text time}
    ");
    let explained = json(&queue, &["baseline", "show", "failing", "--explain"]);
    insta::assert_snapshot!(form(&explained["verdicts"][0]["samples"]), @"[]{hour value}");
    // When the run ended, nothing was held or suppressed yet.
    assert_eq!(explained["verdicts"][0]["samples"][0]["value"], 6);
}

#[test]
fn retries() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    insta::assert_snapshot!(form(&json(&queue, &["retry", "--signature", &id, "--dry-run"])), @"{batch packages v}");
    mend(&queue, &DAMAGED, "5.2-1");
    insta::assert_snapshot!(form(&json(&queue, &["retry", "--signature", &id])), @"{batch packages v}");
    run(&queue);
    let report = json(&queue, &["retry", "--report", "1"]);
    insta::assert_snapshot!(report, @r#"{"broken":0,"canary":0,"cured":3,"id":1,"state":"done","total":3,"unchanged":0,"v":1}"#);
}

/// These print an object for each package.
#[test]
fn an_object_a_line() {
    let queue = incident::sqlite();
    let output = command(&queue, &["verify", "hello", "zlib", "--json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2, "{text}");
    insta::assert_snapshot!(form(&objects[0]), @"{package problems v}");
}
