//! The blocks for a shell are typed as they stand, one after the other, on a machine of their own: this one's files below a
//! layer that is thrown away.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use package_import_tests::programs::need;
use package_import_tests::queue::text;
use package_import_tests::synthetic::package;
use tempfile::TempDir;

use crate::operator::blocks::{blocks, documents, quoted, read};
use crate::operator::install::built;

/// Step that is typed.
enum Step {
    /// The block of a document that begins with a line.
    Block(&'static str, &'static str),
    /// Words that a document has between backquotes.
    Quoted(&'static str, &'static str),
    /// Steps that the documents take for granted, and conditions that hold afterwards.
    Ours(&'static str),
}

use Step::{Block, Ours, Quoted};

const OPERATIONS: &str = "docs/operations.md";
const MONITORING: &str = "docs/monitoring.md";

/// From a clone to a damaged database.
const STEPS: [Step; 32] = [
    // A machine without it, whose programs for services and for other users only say what they are asked for.
    Ours(
        "userdel package-import 2>/dev/null || true; rm -rf /var/lib/package-import /var/backups/package-import",
    ),
    Ours(
        "mkdir -p /etc/bash_completion.d /usr/local/share/man /var/lib/prometheus/node-exporter /etc/nagios/nrpe.d /etc/cron.d /etc/systemd/system",
    ),
    Ours(
        "printf '#!/bin/sh\\necho systemctl \"$@\"\\n' > /usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl",
    ),
    Ours(
        "printf '#!/bin/sh\\nshift; user=$1; shift; exec runuser -u \"$user\" -- \"$@\"\\n' > /usr/local/bin/sudo; chmod 755 /usr/local/bin/sudo",
    ),
    Block("README.md", "target/release/package-import --root /tmp/try import --from apt hello dash"),
    Ours("test -f /tmp/hello/debian/control"),
    Block(OPERATIONS, "make install"),
    Ours(
        "man -l /usr/local/share/man/man1/package-import-status.1 >/dev/null 2>&1 || test -s /usr/local/share/man/man1/package-import-status.1",
    ),
    Ours("bash -n /usr/local/share/bash-completion/completions/package-import"),
    Ours(
        "grep -q '^ExecStart=/usr/local/bin/package-import' /usr/local/lib/systemd/system/package-import.service",
    ),
    Ours(
        "printf '[import]\\nsuite = \"sid\"\\n' > /var/lib/package-import/config.toml; chown package-import /var/lib/package-import/config.toml; chmod 0640 /var/lib/package-import/config.toml",
    ),
    Ours("sudo -u package-import /usr/local/bin/package-import enqueue --allow-unsigned /repo/files"),
    Quoted(MONITORING, "make install-plugins"),
    Quoted(MONITORING, "runuser -u package-import -- /usr/local/bin/package-import run"),
    Block(MONITORING, "addgroup --system package-import-monitor"),
    Quoted(MONITORING, "runuser -u nagios -- /usr/lib/nagios/plugins/check_import_runs -v"),
    Quoted(
        MONITORING,
        "cp nrpe.d/package-import.cfg /etc/nagios/nrpe.d/ && systemctl restart nagios-nrpe-server",
    ),
    Ours("grep -q '^command.check_import_runs.=/usr/lib' /etc/nagios/nrpe.d/package-import.cfg"),
    Quoted(
        MONITORING,
        "sed -i '/^command/s,=,=/usr/bin/env PACKAGE_IMPORT_ROOT=/srv/import ,' /etc/nagios/nrpe.d/package-import.cfg",
    ),
    Ours(
        "grep -q '^command.check_import_runs.=/usr/bin/env PACKAGE_IMPORT_ROOT=/srv/import /usr/lib' /etc/nagios/nrpe.d/package-import.cfg",
    ),
    Quoted(
        MONITORING,
        "chgrp package-import /var/lib/prometheus/node-exporter && chmod g+w /var/lib/prometheus/node-exporter",
    ),
    Quoted(
        MONITORING,
        "package-import metrics --textfile /var/lib/prometheus/node-exporter/package_import.prom",
    ),
    // Files of cron and systemd.
    Ours(
        "cp docs/examples/crontab /etc/cron.d/package-import; cp docs/examples/package-import.service /etc/systemd/system/",
    ),
    Quoted(OPERATIONS, "systemctl enable --now package-import"),
    Ours(
        "sed -n 's/^[0-9*][^a-z]*package-import  *//p' docs/examples/crontab > /tmp/lines; test $(wc -l < /tmp/lines) = 2",
    ),
    Ours("while read -r line; do su package-import -s /bin/sh -c \"$line\"; done < /tmp/lines"),
    Block("docs/repository-layout.md", "git clone --no-checkout /path/to/hello.git && cd hello"),
    Quoted(
        "docs/repository-layout.md",
        "git config --system --add safe.directory '/var/lib/package-import/repos/*'",
    ),
    Ours(
        "cd /tmp && git clone -q /var/lib/package-import/repos/h/hello.git again && test -f again/debian/control",
    ),
    // A week later.
    Block(
        OPERATIONS,
        "systemctl disable --now package-import            # the service; from cron: take the line of runs out of the crontab",
    ),
    Ours("sudo -u package-import package-import show hello | grep -q 1.0-1"),
    Ours(
        "cmp docs/examples/crontab /etc/cron.d/package-import && runuser -u nagios -- /usr/lib/nagios/plugins/check_import_wedged",
    ),
];

/// Blocks that no test types, by the words that they begin with, and why not.
const NOT_TYPED: [(&str, &str); 16] = [
    ("package-import serve  ", "pages starts it: it does not end by itself"),
    ("server {", "the configuration of a web server"),
    ("        auth_request /oauth2", "the configuration of a web server"),
    ("git fetch origin", "what a packager types in a clone; collisions::kinds has the branches"),
    ("package-import clone hello", "packager types it"),
    ("package-import history ask hello", "archives::histories types it"),
    ("git clone -b debian/sid https", "what a packager types who has no package-import"),
    ("apt-get install make", "continuous integration does it, and scripts/demo"),
    ("*/5 * * * * package-import", "a line of the crontab, compared below"),
    ("package-import status    ", "operator::snippets types its commands"),
    ("package-import backup /mnt", "operator::snippets types its commands"),
    ("package-import quiesce HOST", "operator::snippets types its commands"),
    ("z = (distance", "a formula"),
    ("postgresql://worker@", "two forms of an address"),
    ("u1 ", "a drawing"),
    ("IMPORT EXAMPLE OK", "the answer of a check"),
];

fn is_typed_here(document: &str, text: &str) -> bool {
    let is = |step: &Step| matches!(step, Block(of, first) if document == *of && text.starts_with(first));
    STEPS.iter().any(is)
}

#[test]
fn every_block_is_typed_by_a_test_or_it_is_said_why_not() {
    let (mut wrong, mut unused) = (Vec::new(), NOT_TYPED.map(|(words, _)| words).to_vec());
    for document in documents() {
        for block in blocks(&document) {
            // Transcripts, configuration and programs have tests of their own.
            if matches!(block.language.as_str(), "console" | "toml" | "rust")
                || is_typed_here(&document, &block.text)
            {
                continue;
            }
            match unused.iter().position(|words| block.text.starts_with(words)) {
                Some(at) => drop(unused.remove(at)),
                None => wrong.push(format!("{}:\n{}", block.place, block.text)),
            }
        }
    }
    assert!(wrong.is_empty(), "no test types these:\n{}", wrong.join("\n"));
    assert!(unused.is_empty(), "these stand nowhere any more: {unused:?}");
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = read("docs/examples/crontab").lines().find(|line| line.starts_with("*/5")).map(squeezed);
    assert!(squeezed(&read(OPERATIONS)).contains(&line.unwrap()), "the line of the crontab is another one");
}

/// A script of all steps: each with its number, so that one that fails can be named.
fn script() -> String {
    let mut script = "set -eu\npgrep() { command pgrep \"$@\" || test $? = 1; }\n".to_owned();
    for (number, step) in STEPS.iter().enumerate() {
        let typed = match step {
            Block(document, first) => {
                let found = blocks(document).into_iter().find(|block| block.text.starts_with(first));
                found.unwrap_or_else(|| panic!("{document} has no block that begins with {first}")).text
            }
            Quoted(document, words) => {
                let stands = quoted(document).iter().any(|(_, text)| text == words);
                assert!(stands, "{document} does not say `{words}`");
                (*words).to_owned()
            }
            Ours(words) => (*words).to_owned(),
        };
        // A place that stands for another.
        let typed = typed.replace("/path/to/hello.git", "/tmp/try/repos/h/hello.git");
        let folder = if typed.contains("git clone --no-checkout") { "/srv" } else { "/repo" };
        script += &format!("echo '@ step {number}'\n(cd {folder}\n{typed}\n)\n");
    }
    script + "echo '@ done'\n"
}

/// Files of a clone after `make build`.
fn stage(folder: &Path) {
    built(folder);
    fs::create_dir(folder.join("files")).unwrap();
    package("hello", "1.0-1").write(&folder.join("files"));
    fs::write(folder.join("steps"), script()).unwrap();
}

#[test]
fn a_newcomer_types_what_the_documents_say() {
    need("nrpe", "nagios-nrpe-server");
    need("addgroup", "adduser");
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path().join("top")).unwrap();
    stage(&folder.path().join("repo"));
    let machine = "set -eu
        cd \"$1\"
        mount -t tmpfs none top
        mkdir top/upper top/work top/machine
        mount -t overlay overlay -o lowerdir=/,upperdir=top/upper,workdir=top/work top/machine
        mkdir top/machine/repo
        mount --bind repo top/machine/repo
        mount --rbind /proc top/machine/proc
        mount --rbind /dev top/machine/dev
        cat /etc/resolv.conf > top/resolv; cat top/resolv > top/machine/etc/resolv.conf
        cat /etc/hosts > top/hosts; cat top/hosts > top/machine/etc/hosts
        exec chroot top/machine sh /repo/steps";
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", machine, "sh"])
        .arg(folder.path())
        .env_remove("PACKAGE_IMPORT_ROOT")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = text(&output);
    assert!(said.contains("@ done\n"), "{said}\nthe last step that is named failed");
}
