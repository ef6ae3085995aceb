//! The systemd unit that ships: systemd understands all of it, it leaves little open, and what the program does is allowed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use package_import_tests::oracle::is_root;
use package_import_tests::programs::need;
use package_import_tests::queue::Queue;

/// Openness in tenths, as `systemd-analyze security` counts it: what is bare has 96.
const MOST_OPEN: &str = "20";

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/package-import.service");
    fs::read_to_string(path).unwrap()
}

/// True when `systemd-analyze` succeeds, and its output, without the user's own units and without colours.
fn analyze(arguments: &[&str]) -> (bool, String) {
    need("systemd-analyze", "systemd");
    let mut command = Command::new("systemd-analyze");
    let output =
        command.args(arguments).env("SYSTEMD_COLORS", "0").env("SYSTEMD_PAGER", "").output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), text)
}

/// The unit with a program that is there.
fn written(folder: &Path) -> PathBuf {
    let path = folder.join("package-import.service");
    let text = unit().replace("/usr/local/bin/package-import", "/usr/bin/true");
    assert!(text.contains("ExecStart=/usr/bin/true run --service"));
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn systemd_understands_the_unit_and_finds_little_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let path = path.to_str().unwrap();
    let (is_sound, said) = analyze(&["verify", "--man=no", path]);
    assert!(is_sound && said.is_empty(), "{said}");
    let (is_closed, said) = analyze(&["security", "--offline=true", "--threshold", MOST_OPEN, path]);
    assert!(is_closed, "{said}");
}

/// The calls of a filter, whose groups are looked up.
fn calls(words: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for word in words.split_whitespace() {
        if word.starts_with('@') {
            let (is_known, text) = analyze(&["syscall-filter", word]);
            assert!(is_known, "{word}: {text}");
            let inner = text.lines().skip(1).filter(|line| !line.trim_start().starts_with('#'));
            found.extend(calls(&inner.collect::<Vec<_>>().join(" ")));
        } else {
            found.insert(word.to_owned());
        }
    }
    found
}

/// The calls that the unit allows.
fn allowed() -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for line in unit().lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        match line.strip_prefix('~') {
            Some(refused) => allowed = allowed.difference(&calls(refused)).cloned().collect(),
            None => allowed.extend(calls(line)),
        }
    }
    allowed
}

#[test]
fn the_unit_allows_what_the_program_does() {
    need("strace", "strace");
    let queue = Queue::sqlite();
    queue.enqueue_one();
    let log = queue.installation.files().join("calls");
    let run = queue.command(&["run"]);
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .arg(run.get_program())
        .args(run.get_args())
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM version"), 1);
    let text = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
    let name = |line: &str| {
        let (name, _) = line.split_once(' ')?.1.trim_start().split_once('(')?;
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then(|| name.to_owned())
    };
    let made: BTreeSet<String> = text.lines().filter_map(name).collect();
    for needed in ["landlock_restrict_self", "seccomp", "execve", "fsync"] {
        assert!(made.contains(needed) || needed == "seccomp" && made.contains("prctl"), "{needed}: {made:?}");
    }
    let mut allowed = allowed();
    // Only root has what it gives up by the one, and SQLite gives files to their owner by the other only as root.
    allowed.extend(["capset", "fchown"].into_iter().filter(|_| is_root()).map(str::to_owned));
    let refused: Vec<&String> = made.difference(&allowed).collect();
    assert!(refused.is_empty(), "{refused:?}");
}
