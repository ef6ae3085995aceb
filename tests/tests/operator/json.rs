//! The form of what `--json` prints: keys and kinds, as `docs/json.md` lists them.

use std::collections::BTreeSet;

use package_import_tests::queue::Queue;
use serde_json::Value;

use crate::incident::{self, DAMAGED, mend, run, signature};
use crate::terminal::command;

/// What a command prints as JSON: one object with the version of its form.
fn json(queue: &Queue, arguments: &[&str]) -> Value {
    let output = command(queue, &[arguments, &["--json"]].concat()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["v"], 1, "{arguments:?} says its version");
    value
}

/// Keys and kinds, one a line; the members of a list are taken together.
fn form(value: &Value) -> String {
    let mut lines = BTreeSet::new();
    collect("", value, &mut lines);
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

fn collect(at: &str, value: &Value, lines: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Object(fields) => {
            let dot = if at.is_empty() { "" } else { "." };
            return fields.iter().for_each(|(key, value)| collect(&format!("{at}{dot}{key}"), value, lines));
        }
        Value::Array(members) if !members.is_empty() => {
            return members.iter().for_each(|member| collect(&format!("{at}[]"), member, lines));
        }
        Value::Array(_) => "nothing",
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
    };
    lines.insert(format!("{at}: {kind}"));
}

#[test]
fn what_is_wrong() {
    let queue = incident::sqlite();
    incident::uploads(&queue);
    incident::outage(&queue);
    insta::assert_snapshot!(form(&json(&queue, &["status"])), @"");
    insta::assert_snapshot!(form(&json(&queue, &["failures"])), @"");
    insta::assert_snapshot!(form(&json(&queue, &["failures", "--packages"])), @"");
    let id = signature(&queue, "missing-file");
    insta::assert_snapshot!(form(&json(&queue, &["signature", "list"])), @"");
    insta::assert_snapshot!(form(&json(&queue, &["signature", "show", &id])), @"");
}

#[test]
fn one_package() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(form(&json(&queue, &["show", "perl"])), @"");
    insta::assert_snapshot!(form(&json(&queue, &["show", "hello"])), @"");
    insta::assert_snapshot!(form(&json(&queue, &["history", "perl"])), @"");
}

#[test]
fn work() {
    let queue = incident::sqlite();
    incident::uploads(&queue);
    insta::assert_snapshot!(form(&json(&queue, &["queue"])), @"");
    insta::assert_snapshot!(form(&json(&queue, &["workers"])), @"");
    insta::assert_snapshot!(form(&json(&queue, &["tune"])), @"");
    insta::assert_snapshot!(form(&json(&queue, &["audit"])), @"");
}

#[test]
fn retries() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    insta::assert_snapshot!(form(&json(&queue, &["retry", "--signature", &id, "--dry-run"])), @"");
    mend(&queue, &DAMAGED, "5.2-1");
    insta::assert_snapshot!(form(&json(&queue, &["retry", "--signature", &id])), @"");
    run(&queue);
    let report = json(&queue, &["retry", "--report", "1"]);
    insta::assert_snapshot!(report, @"");
}

/// These print an object for each package, and no version of their own yet.
#[test]
fn an_object_a_line() {
    let queue = incident::sqlite();
    let output = command(&queue, &["verify", "hello", "zlib", "--json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2, "{text}");
    insta::assert_snapshot!(form(&objects[0]), @"");
}
