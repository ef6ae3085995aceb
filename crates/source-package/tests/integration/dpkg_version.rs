//! The order and the validity of versions, compared with dpkg's own.

use std::cmp::Ordering;
use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use source_package::version::Version;

const ORACLE: &str = r#"
use Dpkg::Version;
while (<STDIN>) {
    chomp;
    my ($x, $y) = map { Dpkg::Version->new($_) } split /\t/, $_, -1;
    my ($vx, $vy) = (scalar version_check($x), scalar version_check($y));
    print $vx ? 1 : 0, $vy ? 1 : 0, " ", ($vx && $vy ? $x <=> $y : 0), " ",
        join("\t", map { $_->as_string(omit_epoch => 1, omit_revision => 1), $_->as_string(omit_epoch => 1) } $x, $y), "\n";
}
"#;

/// Asks one perl process about all pairs and compares its answers with ours; returns the number of valid pairs.
fn compare_with_dpkg(pairs: &[(String, String)]) -> usize {
    let mut perl = Command::new("perl")
        .args(["-e", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("perl with Dpkg::Version is needed to compare with");
    let mut stdin = perl.stdin.take().unwrap();
    let input: String = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = perl.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), pairs.len());
    pairs.iter().zip(&answers).filter(|((a, b), answer)| agrees(a, b, answer)).count()
}

fn agrees(a: &str, b: &str, answer: &str) -> bool {
    let (version_a, version_b) = (Version::new(a), Version::new(b));
    let valid = format!("{}{}", u8::from(version_a.is_ok()), u8::from(version_b.is_ok()));
    let (dpkg_valid, rest) = answer.split_once(' ').unwrap();
    assert_eq!(valid, dpkg_valid, "validity of {a:?} and {b:?}");
    let (Ok(version_a), Ok(version_b)) = (version_a, version_b) else { return false };
    let order = version_a.compare(&version_b);
    let names =
        [&version_a, &version_b].map(|v| format!("{}\t{}", v.upstream(), v.without_epoch())).join("\t");
    assert_eq!(format!("{} {names}", order as i8), rest, "{a} and {b}");
    assert_eq!(version_b.compare(&version_a), order.reverse());
    assert_eq!(version_a.cmp(&version_b).is_eq(), a == b);
    assert!(order.is_eq() || version_a.cmp(&version_b) == order);
    true
}

fn versions_of_the_index() -> Vec<String> {
    let dump = Command::new("apt-cache").arg("dumpavail").output();
    let dump = dump.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut versions: Vec<String> =
        dump.lines().filter_map(|line| line.strip_prefix("Version: ")).map(str::to_owned).collect();
    versions.extend(include_str!("../data/versions.txt").lines().map(str::to_owned));
    versions.sort();
    versions.dedup();
    versions
}

#[test]
fn orders_the_versions_of_an_index_as_dpkg_does() {
    let mut versions = versions_of_the_index();
    let neighbours = |versions: &[String]| -> Vec<(String, String)> {
        versions.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    };
    // Neighbours by their text are similar, neighbours by our order are close; both are where orders go wrong.
    let mut pairs = neighbours(&versions);
    versions.sort_by_key(|text| Version::new(text).unwrap());
    pairs.extend(neighbours(&versions));
    assert!(compare_with_dpkg(&pairs) >= 600);
}

/// Runs `compare_with_dpkg` over a few thousand generated pairs, a few times.
fn compare_generated(pair: impl Strategy<Value = (String, String)>, least_valid: usize) {
    let pairs = proptest::collection::vec(pair, 4_000);
    let config =
        ProptestConfig { cases: 4, max_shrink_iters: 0, failure_persistence: None, ..Default::default() };
    TestRunner::new(config)
        .run(&pairs, |pairs| {
            assert!(compare_with_dpkg(&pairs) >= least_valid);
            Ok(())
        })
        .unwrap_or_else(|_| panic!("see above"));
}

/// A few characters that are difficult to order; short, so that two texts are often nearly equal.
fn tail() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["[0-9]{1,3}", "0{1,3}", "~{1,2}", "[a-cZ]", "[-+.]", "ds|rc"], 0..5)
        .prop_map(|parts| parts.concat())
}

#[test]
fn orders_generated_versions_as_dpkg_does() {
    let epoch =
        || prop_oneof![5 => Just(""), 1 => Just("0:"), 1 => Just("00:"), 1 => Just("1:"), 1 => Just("10:")];
    let version =
        move |start: String| (epoch(), tail()).prop_map(move |(epoch, tail)| format!("{epoch}{start}{tail}"));
    let pair = ("[0-9]", tail()).prop_flat_map(move |(digit, tail)| {
        let start = format!("{digit}{tail}");
        (version(start.clone()), version(start))
    });
    compare_generated(pair, 2_000);
}

#[test]
fn accepts_the_versions_that_dpkg_does() {
    let text =
        || prop_oneof!["[0-9]{0,2}:?[0-9a~:-][0-9a:-]{0,4}", "[0-9a:~_ é-]{0,6}", "[0-9a]?:?[0-9]-?\\PC?"];
    let clean = |text: String| text.replace(['\t', '\n'], "");
    compare_generated((text().prop_map(clean), text().prop_map(clean)), 100);
}

/// dpkg's own C code, because its perl code rounds numbers beyond 2^53.
#[test]
fn orders_long_numbers_as_dpkg_does() {
    let pairs = [
        ("1.20040101123456789012345", "1.20040101123456789012346"),
        ("1.0000000000000000000000002", "1.1"),
        ("1.99999999999999999999", "1.100000000000000000000"),
        ("18446744073709551616", "0"),
        ("1-18446744073709551615", "1-18446744073709551616"),
        ("0.9+ds0-3", "0.9+ds-4"),
    ];
    for (a, b) in pairs {
        let (ours_a, ours_b) = (Version::new(a).unwrap(), Version::new(b).unwrap());
        for (operator, order) in [("lt", Ordering::Less), ("eq", Ordering::Equal), ("gt", Ordering::Greater)]
        {
            let dpkg = Command::new("dpkg").args(["--compare-versions", a, operator, b]).status().unwrap();
            assert_eq!(dpkg.success(), ours_a.compare(&ours_b) == order, "{a} {operator} {b}");
        }
    }
}
