//! Every command that a document gives is typed once, and every configuration is read.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::queue::{Queue, text};
use package_import_tests::synthetic::package;
use package_import_tests::web::Server;

use crate::operator::blocks::{blocks, documents, quoted};
use crate::operator::help::{printed, subcommands};
use crate::operator::terminal::hermetic;

/// Texts that look like a command and are none, and commands that another test types.
const ELSEWHERE: [(&str, &str); 7] = [
    ("<package-import@localhost>", "an address"),
    ("COMMAND HOST:PROCESS", "the form of a session's name"),
    ("import --from apt", "operator::readme types it"),
    ("import --allow-unsigned", "the first words of a command"),
    ("serve --listen", "pages types it: it does not end by itself"),
    ("clone ", "packager types it"),
    ("user add", "pages types it: it reads a password"),
];

/// Commands that do not end with 0 here, with the reason.
const CODES: [(&str, i32, &str); 12] = [
    ("publish PACKAGE", 2, "no remote is configured; publishing types it"),
    ("publish [PACKAGE...]", 2, "no remote is configured; publishing types it"),
    ("notify test team", 1, "no channel is configured; telling types it"),
    ("notify test CHANNEL", 1, "no channel is configured; telling types it"),
    ("remotes NAME --leave --reason WHY", 1, "no remote is followed; publishing types it"),
    ("remotes [NAME]", 1, "no remote is followed; publishing types it"),
    ("repair undo ID", 2, "nothing of that plan was carried out; repair types it"),
    ("incident show ID", 1, "there was none; nights has ten"),
    ("rehearse SCENARIO", 2, "the page on incidents names the scenarios; nights plays them"),
    ("collision resolve ID", 2, "the table names its options beside it"),
    ("signature set ID", 2, "the table names its options beside it"),
    ("migrate --undo", 1, "nothing was migrated to anywhere"),
];

/// An installation in which something fails, that follows an archive and has a backup.
struct World {
    queue: Queue,
    archive: TestArchive,
    _server: Server,
    signature: String,
    scratch: usize,
}

impl World {
    fn new() -> World {
        let archive = TestArchive::new();
        archive.add("main", "hello", &package("hello", "1.0-1"));
        let bad = archive.add("main", "bad", &package("bad", "1.0-1"));
        fs::write(&bad, fs::read_to_string(&bad).unwrap().replace("3.0 (quilt)", "3.0 (git)")).unwrap();
        archive.publish(&suite("sid"));
        let server = Server::new(archive.root());
        let queue = Queue::sqlite();
        let keyring = archive.signer.keyring.display();
        queue.installation.configure(&format!(
            "[import]\nkeyrings = ['{keyring}']\n[[archives]]\nname = 'debian'\ndistro = 'debian'\nmirrors = ['{}']\n\
             keyrings = ['{keyring}']\n[[archives.suites]]\nname = 'sid'\n[archives.history]\nurl = '{}'\nkeyrings = ['{keyring}']\n",
            server.url(),
            server.url()
        ));
        let mut world = World { queue, archive, _server: server, signature: String::new(), scratch: 0 };
        world.well(&["run", "--poll"]);
        world.well(&["backup", &world.at("backup")]);
        world.collide();
        world.signature = world.queue.texts("SELECT short FROM signature").remove(0);
        world
    }

    /// Somebody pushes to a branch of the importer.
    fn collide(&self) {
        let repository = self.queue.installation.repository("hello");
        let script = "git config user.name A && git config user.email a@example.org &&
            tree=$( (git ls-tree debian/sid; printf '100644 blob %s\\tx\\n' $(echo x | git hash-object -w --stdin)) | git mktree) &&
            git update-ref refs/heads/debian/sid $(git commit-tree -p debian/sid -m x $tree)";
        let mut command = Command::new("sh");
        command.args(["-ec", script]).env("GIT_DIR", repository);
        assert!(command.output().unwrap().status.success());
        self.well(&["requeue", "hello", "--reason", "x"]);
        self.well(&["run", "--until-empty"]);
        self.well(&["repair", "plan", "hello"]);
    }

    fn well(&self, arguments: &[&str]) {
        let output = self.output(self.queue.command(arguments));
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }

    fn output(&self, mut command: Command) -> Output {
        hermetic(&mut command, &self.queue.installation.files());
        command.output().unwrap()
    }

    fn at(&self, name: &str) -> String {
        self.queue.installation.files().join(name).display().to_string()
    }

    fn fresh(&mut self) -> PathBuf {
        self.scratch += 1;
        self.queue.installation.files().join(format!("scratch{}", self.scratch))
    }

    /// A `.dsc` that a known key has signed.
    fn dsc(&mut self) -> String {
        let folder = self.fresh();
        fs::create_dir(&folder).unwrap();
        let dsc = package("other", "1.0-1").write(&folder);
        self.archive.signer.sign(&dsc);
        dsc.display().to_string()
    }

    /// Value for a word in capitals in a command.
    fn value(&mut self, command: &str, word: &str) -> String {
        match word {
            "PACKAGE" | "SUBJECT" => "hello".into(),
            "NAME" if command == "enqueue" => "hello".into(),
            "ARCHIVE" => "debian".into(),
            "HOST" | "NAME" => "host1".into(),
            "NAME=VALUE" | "jobs=N" => "jobs=2".into(),
            "ID" if matches!(command, "collision" | "repair") => "1".into(),
            "CODE" => "tag-gone".into(),
            "ID" => self.signature.clone(),
            "VERSION" => "1.0-1".into(),
            "ATTEMPT" => "1".into(),
            "BATCH" | "N" => "1".into(),
            "FIGURE" => "failing".into(),
            "FIGURE=N" => "failing=3".into(),
            "TIME" if command == "samples" => "now".into(),
            "TIME" => "3d".into(),
            "WHY" | "..." => "a reason".into(),
            "STAGE/CODE" => "verify/unsigned".into(),
            "SHELL" => "bash".into(),
            "FILE.dsc" => self.dsc(),
            "DIR" if matches!(command, "backup" | "restore") => self.at("backup"),
            "/mnt/backup/package-import" => self.at("backup"),
            "DIR" | "FOLDER" => self.fresh().display().to_string(),
            "PATH" => self.at("metrics.prom"),
            "FILE" => {
                let path = self.at("samples");
                let line = "{\"time\": \"2026-11-24T08:00:00Z\", \"figure\": \"failing\", \"value\": 3}\n";
                fs::write(&path, line).unwrap();
                path
            }
            "URL" => "sqlite:other.db".into(),
            word if word.contains("://owner@") => "sqlite:other.db".into(),
            word if word.starts_with("/var/lib/prometheus/") => self.at("metrics.prom"),
            other => other.to_owned(),
        }
    }

    /// Types a command as a document has it. A command that changes the whole root gets a copy of it.
    fn type_in(&mut self, written: &str) -> (i32, String) {
        let words: Vec<&str> = written.split_whitespace().collect();
        let is_name =
            words.len() == 1 || (words.len() == 2 && !written.contains(['-', '[']) && is_nested(&words));
        let name = words[0];
        let mut arguments: Vec<String> = Vec::new();
        for word in &words[1..] {
            let bare = word.trim_matches(['[', ']', '\'', '"']);
            let bare = if bare == "..." { bare } else { bare.trim_end_matches("...").trim_end_matches(']') };
            arguments.push(self.value(name, bare));
        }
        let mut root = self.queue.installation.root();
        if matches!(name, "restore" | "adopt") || written.starts_with("migrate -") {
            let copy = self.fresh();
            if name != "restore" || written.contains("--state-only") {
                let copied = Command::new("cp").arg("-a").arg(&root).arg(&copy).status().unwrap();
                assert!(copied.success());
            }
            if written.contains("--state-only") {
                ["state.db", "state.db-wal", "state.db-shm"]
                    .iter()
                    .for_each(|it| drop(fs::remove_file(copy.join(it))));
            }
            root = copy;
        }
        let mut command = self.queue.command(&[]);
        command = Command::new(command.get_program());
        command.arg("--root").arg(root).arg(name).args(arguments);
        // A name in the text stands for the whole command.
        if is_name && !self.runs_alone(name) {
            command.arg("--help");
        }
        let output = self.output(command);
        (output.status.code().unwrap_or(-1), text(&output))
    }

    /// True when a command is complete without arguments.
    fn runs_alone(&self, name: &str) -> bool {
        matches!(
            name,
            "poll"
                | "run"
                | "status"
                | "archives"
                | "freshness"
                | "failures"
                | "queue"
                | "workers"
                | "audit"
                | "set"
                | "tune"
                | "verify"
                | "repack"
                | "prune"
                | "adopt"
                | "migrate"
        )
    }
}

/// True when the second word is a subcommand of the first: `signature list`.
fn is_nested(words: &[&str]) -> bool {
    nested(words[0]).iter().any(|it| it == words[1]) && words[1] != "list" && words[1] != "show"
}

/// The subcommands of a command.
fn nested(name: &str) -> Vec<String> {
    const WITH: [&str; 4] = ["history", "signature", "baseline", "samples"];
    if WITH.contains(&name) { subcommands(&printed(&[name, "--help"])) } else { Vec::new() }
}

/// All commands of all documents, with their places.
fn commands() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for document in documents() {
        for (place, words) in quoted(&document) {
            if let Some(rest) = words.strip_prefix("package-import ") {
                found.push((place, rest.to_owned()));
            }
        }
        for block in blocks(&document) {
            // Those of the shell are typed on a machine of their own.
            if matches!(block.language.as_str(), "" | "indented") {
                for line in block.text.lines().filter_map(|line| line.trim().strip_prefix("package-import "))
                {
                    // The text behind it is its description.
                    let line = line.split(" #").next().unwrap_or_default();
                    let line = line.split("  ").next().unwrap_or_default();
                    let line = line.strip_prefix("--root /var/lib/package-import ").unwrap_or(line);
                    found.push((block.place.clone(), line.trim().to_owned()));
                }
            }
        }
    }
    let table = quoted_table();
    assert!(table.len() > 40, "{table:?}");
    found.extend(table);
    found
}

/// The commands in the first column of the table of commands.
fn quoted_table() -> Vec<(String, String)> {
    let text = crate::operator::blocks::read("docs/operations.md");
    let rows = text.lines().skip_while(|line| !line.starts_with("| command | what it does")).skip(2);
    let mut found = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cell = row.trim_matches('|').split(" | ").next().unwrap();
        let spans: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        let first = spans[0].split(' ').next().unwrap();
        for span in spans {
            let word = span.split(' ').next().unwrap();
            let is_below = word != first && nested(first).iter().any(|it| it == word);
            let command = if is_below { format!("{first} {span}") } else { span.to_owned() };
            found.push(("docs/operations.md, the table of commands".to_owned(), command));
        }
    }
    found
}

#[test]
fn every_command_of_the_documents_works_as_it_stands() {
    let mut world = World::new();
    let (mut wrong, mut typed, mut used) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (place, written) in commands() {
        if let Some(place) = ELSEWHERE.iter().position(|(words, _)| written.starts_with(words)) {
            used.insert(place);
            continue;
        }
        if !typed.insert(written.clone()) {
            continue;
        }
        let (code, said) = world.type_in(&written);
        let wanted = CODES.iter().find(|(words, ..)| *words == written).map_or(0, |(_, code, _)| *code);
        if code != wanted {
            wrong.push(format!("{place}: package-import {written}: {code}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(typed.len() > 70, "only {} were found: {typed:?}", typed.len());
    assert_eq!(used.len(), ELSEWHERE.len(), "one of ELSEWHERE stands nowhere any more");
    for (words, ..) in CODES {
        assert!(typed.contains(words), "{words} stands nowhere any more");
    }
}

#[test]
fn every_configuration_of_the_documents_is_read() {
    let mut read = 0;
    for document in documents() {
        for block in blocks(&document).iter().filter(|block| block.language == "toml") {
            let queue = Queue::sqlite();
            let base = "[[archives]]\nname = 'debian'\ndistro = 'debian'\nmirrors = ['http://localhost']\nkeyrings = ['/k.gpg']\n\
                 [[archives.suites]]\nname = 'sid'\n";
            // One that builds on another needs that.
            let needs = block.text.contains("[archives.base]");
            queue.installation.configure(&format!("{}\n{}", block.text, if needs { base } else { "" }));
            drop(queue.store_or_make());
            let mut command = queue.command(&["status"]);
            hermetic(&mut command, &queue.installation.files());
            let output = command.output().unwrap();
            // One that names a server is read before that is looked for.
            let is_elsewhere =
                block.text.contains("@db.example.org/") && text(&output).contains("cannot log in");
            assert!(output.status.success() || is_elsewhere, "{}: {}", block.place, text(&output));
            read += 1;
        }
    }
    assert!(read >= 8, "only {read} were found");
}
