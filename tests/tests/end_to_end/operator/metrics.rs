//! The figures for Prometheus: what its own client makes of the file.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use package_import_tests::queue::Queue;

use crate::operator::documents::document;
use crate::operator::incident;
use crate::operator::terminal::{refused, show};

/// Prints each sample as its name and labels, a space, and its value.
const READ: &str = "
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation and family.type in ('gauge', 'counter'), family
    for sample in family.samples:
        labels = ','.join(f'{key}={sample.labels[key]}' for key in sorted(sample.labels))
        print(f'{sample.name}{{{labels}}}', sample.value)
";

/// Name, labels and value of each sample in a text.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut python = Command::new("/usr/bin/python3");
    let python = python.args(["-c", READ]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut python = python.unwrap();
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "python3-prometheus-client: run scripts/install-tools test");
    let lines = String::from_utf8(output.stdout).unwrap();
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.lines().map(sample).collect()
}

fn says_what_the_state_says(queue: &Queue) {
    let path = queue.installation.root().join("import.prom");
    show(queue, &["metrics", "--textfile", path.to_str().unwrap()]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    let beside = fs::read_dir(queue.installation.root()).unwrap();
    let left = beside.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".new"));
    assert_eq!(left.count(), 0, "something is left beside the file");
    let samples = samples(&fs::read_to_string(path).unwrap());
    let value = |name: &str| samples[&format!("package_import_{name}")];
    // Five fail and one that is held, as `status` says. Four imports went well, and their repositories were packed anew.
    for (name, wanted) in [
        ("packages{}", 10.0),
        ("failing_packages{}", 5.0),
        ("held_packages{}", 1.0),
        ("suppressed_packages{}", 1.0),
        ("wedged_packages{}", 0.0),
        ("parked_jobs{}", 0.0),
        ("attempts_total{}", 14.0),
        ("queue_jobs{lane=upload}", 0.0),
        ("verdict_state{figure=failing}", 0.0),
        (&format!("signature_failing_packages{{signature={}}}", damaged(queue)), 3.0),
    ] {
        assert_eq!(value(name), wanted, "{name}: {samples:?}");
    }
    assert!(value("run_ended_timestamp_seconds{}") > 1.7e9);
    let documented = document("monitoring.md");
    for sample in samples.keys() {
        let name = sample.split('{').next().unwrap();
        let short = name.trim_start_matches("package_import");
        assert!(
            documented.contains(name) || documented.contains(&format!("`{short}")),
            "{name} is in no document"
        );
    }
}

fn damaged(queue: &Queue) -> String {
    incident::signature(queue, "checksum-mismatch")
}

#[test]
fn prometheus_reads_what_the_state_says() {
    says_what_the_state_says(&incident::sqlite());
    says_what_the_state_says(&incident::postgres());
}

#[test]
fn a_file_that_cannot_be_written_is_said_and_the_old_one_stays() {
    let queue = incident::sqlite();
    let text = refused(&queue, &["metrics", "--textfile", "/nowhere/import.prom"], 1);
    assert!(text.contains("cannot write /nowhere/import.prom"), "{text}");
    // A folder in its place: nothing is half-way written, and nothing is left beside it.
    let folder = queue.installation.root().join("taken.prom");
    fs::create_dir(&folder).unwrap();
    let text = refused(&queue, &["metrics", "--textfile", folder.to_str().unwrap()], 1);
    assert!(text.contains("cannot write "), "{text}");
    let names = fs::read_dir(queue.installation.root()).unwrap();
    assert!(names.into_iter().all(|entry| !entry.unwrap().file_name().to_string_lossy().contains(".new")));
}
