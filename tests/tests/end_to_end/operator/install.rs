//! `make install` into an empty folder: what lies there afterwards, and that it is whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use package_import_tests::daemons::plugins::{CHECKS, copy, install, program};
use package_import_tests::installation::binary;
use package_import_tests::programs::need;
use package_import_tests::queue::text;
use tempfile::TempDir;

use crate::operator::blocks::repository;
use crate::operator::help::{printed, subcommands};

/// Files of a clone after `make build`.
pub fn built(folder: &Path) {
    for name in ["target/release", "target/checks"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    copy(binary(), &folder.join("target/release"));
    install(&folder.join("target/checks"));
    for entry in fs::read_dir(repository()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_a_file = path.is_file() && !name.starts_with('.');
        if is_a_file || matches!(name.as_str(), "docs" | "nrpe.d") {
            let copied = Command::new("cp").arg("-r").arg(&path).arg(folder).status().unwrap();
            assert!(copied.success());
        }
    }
}

fn make(clone: &Path, settings: &[String]) -> Output {
    need("make", "make");
    // Nothing may be built here, nor found by accident.
    let mut command = Command::new("make");
    command.arg("-C").arg(clone).arg("install").arg("CARGO=false").args(settings);
    command.env_remove("DESTDIR").env_remove("PREFIX").output().unwrap()
}

fn well(clone: &Path, settings: &[String]) {
    let output = make(clone, settings);
    assert!(output.status.success(), "{}", text(&output));
}

/// All files below a folder, with their modes.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                assert_eq!(
                    path.metadata().unwrap().permissions().mode() & 0o777,
                    0o755,
                    "{}",
                    path.display()
                );
                folders.push(path);
            } else {
                let mode = path.metadata().unwrap().permissions().mode() & 0o777;
                found.push(format!("{mode:o} /{}", path.strip_prefix(folder).unwrap().display()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn everything_is_installed_below_a_folder() {
    let folder = TempDir::new().unwrap();
    let (clone, to) = (folder.path().join("clone"), folder.path().join("to"));
    built(&clone);
    let settings = [format!("DESTDIR={}", to.display()), "PREFIX=/usr".to_owned()];
    well(&clone, &settings);
    let found = listing(&to);
    let of = |start: &str| {
        let rest = found.iter().filter_map(|line| line.strip_prefix(start));
        rest.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("755 /usr/bin/"), ["package-import"]);
    let mut checks = CHECKS.map(program).to_vec();
    checks.sort();
    assert_eq!(of("755 /usr/lib/nagios/plugins/"), checks);
    let mut pages: Vec<String> = subcommands(&printed(&["--help"]))
        .iter()
        .map(|name| format!("package-import-{name}.1"))
        .chain(["package-import.1".to_owned()])
        .collect();
    pages.sort();
    let there = of("644 /usr/share/man/man1/");
    let missing: Vec<&String> = pages.iter().filter(|page| !there.contains(page)).collect();
    assert!(missing.is_empty(), "{missing:?} are not among {there:?}");
    let documents = of("644 /usr/share/doc/package-import/");
    for name in
        ["operations.md", "failures.md", "examples/grants.sql", "examples/nagios-services.cfg", "LICENSE-MIT"]
    {
        assert!(documents.iter().any(|it| it == name), "{name} is not among {documents:?}");
    }
    let rest: Vec<&String> = found
        .iter()
        .filter(|line| !["man1/", "share/doc/", "plugins/"].iter().any(|part| line.contains(part)))
        .collect();
    assert_eq!(
        rest,
        [
            "644 /etc/cron.d/package-import",
            "644 /etc/nagios/nrpe.d/package-import.cfg",
            "644 /usr/lib/systemd/system/package-import.service",
            "644 /usr/share/bash-completion/completions/package-import",
            "644 /usr/share/fish/vendor_completions.d/package-import.fish",
            "644 /usr/share/zsh/site-functions/_package-import",
            "755 /usr/bin/package-import",
        ]
    );
    // Each file names the program where it is, not where it was staged.
    let read = |name: &str| fs::read_to_string(to.join(name)).unwrap();
    assert!(
        read("usr/lib/systemd/system/package-import.service")
            .contains("\nExecStart=/usr/bin/package-import run")
    );
    let crontab = read("etc/cron.d/package-import");
    assert_eq!(crontab.matches(" /usr/bin/package-import ").count(), 2, "{crontab}");
    for name in &found {
        let path = to.join(name.split_once('/').unwrap().1);
        let bytes = fs::read(&path).unwrap();
        let staged = to.to_str().unwrap().as_bytes();
        assert!(!bytes.windows(staged.len()).any(|part| part == staged), "{} names DESTDIR", path.display());
    }
    let output = Command::new(to.join("usr/bin/package-import")).arg("--version").output().unwrap();
    assert!(output.status.success() && text(&output).starts_with("package-import "), "{}", text(&output));

    // Files that were changed stay, files that belong to the program are written again.
    fs::write(to.join("etc/cron.d/package-import"), "# none\n").unwrap();
    fs::write(to.join("etc/nagios/nrpe.d/package-import.cfg"), "# none\n").unwrap();
    fs::write(to.join("usr/lib/systemd/system/package-import.service"), "").unwrap();
    well(&clone, &settings);
    assert_eq!(
        read("etc/cron.d/package-import") + &read("etc/nagios/nrpe.d/package-import.cfg"),
        "# none\n# none\n"
    );
    assert!(read("usr/lib/systemd/system/package-import.service").contains("[Unit]"));
    assert_eq!(listing(&to), found);
}

#[test]
fn checks_can_be_elsewhere_and_what_is_not_built_is_not_installed() {
    let folder = TempDir::new().unwrap();
    let (clone, to) = (folder.path().join("clone"), folder.path().join("to"));
    built(&clone);
    let settings = [
        format!("DESTDIR={}", to.display()),
        "PLUGINS=/opt/checks".to_owned(),
        "SYSCONFDIR=/usr/local/etc".to_owned(),
    ];
    well(&clone, &settings);
    let commands = fs::read_to_string(to.join("usr/local/etc/nagios/nrpe.d/package-import.cfg")).unwrap();
    for line in commands.lines().filter(|line| line.starts_with("command[")) {
        let program = line.split_once('=').unwrap().1.split(' ').next().unwrap();
        assert!(program.starts_with("/opt/checks/check_import_"), "{line}");
        assert!(to.join(&program[1..]).exists(), "{line}");
    }
    assert!(to.join("usr/local/bin/package-import").exists() && !to.join("etc").exists());
    fs::remove_file(clone.join("target/release/package-import")).unwrap();
    fs::remove_dir_all(&to).unwrap();
    let output = make(&clone, &settings);
    assert!(!output.status.success() && text(&output).contains("run make build first"), "{}", text(&output));
    assert!(!to.exists(), "half of it would be worse than nothing");
}
