//! The transcripts of the README, from one fresh root. `README=write` writes them anew.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use package_import_tests::installation::{Installation, binary};
use package_import_tests::synthetic::package;

use crate::operator::blocks::{read, repository};
use crate::operator::terminal::hermetic;

/// A command, and how many lines of what it prints are shown: at the beginning and at the end.
type Shown = (&'static str, usize, usize);
const ALL: usize = usize::MAX;

/// The transcript of an import.
const IMPORT: [Shown; 3] = [
    ("package-import import --from apt hello dash", ALL, 0),
    ("package-import show hello", ALL, 0),
    ("git --git-dir /var/lib/package-import/repos/d/dash.git log --graph --format='%h %s%d' --all", 3, 3),
];

/// The transcript of a night. `ID` is the signature of most failures.
const NIGHT: [Shown; 9] = [
    ("package-import enqueue --allow-unsigned incoming", ALL, 0),
    ("package-import run     # or wait: cron starts one every five minutes", ALL, 0),
    ("package-import status", ALL, 0),
    ("package-import failures --signature ID", ALL, 0),
    ("package-import show zlib", 6, 0),
    ("cp good/* incoming/", ALL, 0),
    ("package-import retry --signature ID --canary 1 --reason 'copied again'", ALL, 0),
    ("package-import run", ALL, 0),
    ("package-import retry --report 1", ALL, 0),
];

/// State of a package's files after a copy from elsewhere.
enum Became {
    Good,
    Cut,
    Missing,
}

const COPIED: [(&str, &str, Became); 6] = [
    ("bc", "1.07.1-3", Became::Cut),
    ("hostname", "3.23-1", Became::Cut),
    ("jq", "1.6-2", Became::Missing),
    ("netbase", "6.4-1", Became::Good),
    ("which", "2.21-4", Became::Good),
    ("zlib", "1.2.13-1", Became::Cut),
];

/// A root, and a folder in which somebody works.
struct World {
    installation: Installation,
    signature: String,
}

impl World {
    /// An installation of which nothing is there but its folder.
    fn new() -> World {
        let installation = Installation::new();
        let files = installation.files();
        fs::create_dir_all(files.join("bin")).unwrap();
        symlink(binary(), files.join("bin/package-import")).unwrap();
        World { installation, signature: String::new() }
    }

    /// Copies files into `incoming`, some of them damaged, and the same files whole into `good`.
    fn copy(&self) {
        let files = self.installation.files();
        let (incoming, good) = (files.join("incoming"), files.join("good"));
        for folder in [&incoming, &good] {
            fs::create_dir(folder).unwrap();
        }
        for (name, version, became) in COPIED {
            let package = package(name, version);
            package.write(&incoming);
            let upstream =
                incoming.join(format!("{name}_{}.orig.tar.gz", version.split('-').next().unwrap()));
            match became {
                Became::Good => {}
                Became::Cut => {
                    package.write(&good);
                    let length = fs::metadata(&upstream).unwrap().len();
                    fs::File::options().write(true).open(upstream).unwrap().set_len(length / 2).unwrap();
                }
                Became::Missing => fs::remove_file(upstream).unwrap(),
            }
        }
    }

    /// Output of a command in the folder, with the usual path of the root.
    fn type_in(&self, command: &str) -> String {
        let root = self.installation.root().display().to_string();
        let files = self.installation.files();
        let mut shell = Command::new("sh");
        hermetic(&mut shell, &files);
        let path = format!("{}:{}", files.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let typed = command.replace("/var/lib/package-import", &root);
        shell.args(["-c", &format!("exec 2>&1; {typed}")]).current_dir(&files).stdin(Stdio::null());
        shell.env("PATH", path).env("PACKAGE_IMPORT_ROOT", &root).env("PACKAGE_IMPORT_HOST", "import1");
        for name in ["http_proxy", "https_proxy", "no_proxy"] {
            if let Some(value) = std::env::var_os(name) {
                shell.env(name, value);
            }
        }
        let output = shell.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{command}: {said}");
        said.replace(&root, "/var/lib/package-import")
    }

    fn transcript(&mut self, commands: &[Shown]) -> String {
        let mut text = String::new();
        for (command, first, last) in commands {
            let command = command.replace("ID", &self.signature);
            let said = self.type_in(&command);
            if command == "package-import status" {
                let row = said.lines().skip_while(|line| !line.starts_with("SIGNATURE")).nth(1).unwrap();
                self.signature = row.split(' ').next().unwrap().to_owned();
            }
            let lines: Vec<&str> = said.lines().collect();
            let is_long = lines.len() > first.saturating_add(*last);
            let separator = if text.is_empty() { "" } else { "\n" };
            text += &format!("{separator}$ {command}\n");
            let kept = if is_long { &lines[..*first] } else { &lines[..] };
            kept.iter().for_each(|line| text += &format!("{line}\n"));
            if is_long {
                text += "...\n";
                lines[lines.len() - last..].iter().for_each(|line| text += &format!("{line}\n"));
            }
        }
        text
    }
}

/// A transcript without what differs from day to day and from one release of Debian's to the next: times, versions, hashes,
/// sizes, the name of the release, and how wide a column is for that. Small numbers stay.
fn steady(text: &str) -> String {
    let steady =
        |line: &str| line.split_whitespace().enumerate().map(steady_word).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = text.lines().map(steady).collect();
    // Packages are imported at the same time: whichever is done first is told first.
    for together in lines.chunk_by_mut(|one, other| {
        [one, other].iter().all(|it| it.contains(": imported into ") || it.contains("# imported into "))
    }) {
        together.sort();
    }
    lines.join("\n") + "\n"
}

fn steady_word((place, word): (usize, &str)) -> String {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_small = bare.len() <= 2 && bare.bytes().all(|byte| byte.is_ascii_digit());
    if is_small && !(place == 0 && bare == word) {
        return word.to_owned();
    }
    let is_hash = bare.len() >= 7 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash || bare.bytes().any(|byte| byte.is_ascii_digit()) {
        // Up to the first digit; what follows is a version, a time, an id.
        let start = word.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        let letters =
            if is_hash || bare.len() == 7 && !word.contains(['/', '_']) { "" } else { &word[..start] };
        return format!("{letters}#");
    }
    match word.split_once("debian/") {
        Some((before, suite)) => {
            let end = suite.trim_start_matches(|c: char| c.is_ascii_lowercase());
            format!("{before}debian/SUITE{end}")
        }
        None => word.to_owned(),
    }
}

#[test]
fn the_transcripts_are_what_the_program_prints() {
    let mut world = World::new();
    // Of two jobs at a time nobody knows which ends first.
    world.type_in("package-import set jobs=1");
    let import = world.transcript(&IMPORT);
    world.copy();
    let night = world.transcript(&NIGHT);
    let mut readme = read("README.md");
    let shown: Vec<String> = readme
        .split("```console\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect();
    assert_eq!(shown.len(), 2, "the README has two transcripts");
    if std::env::var_os("README").is_some_and(|value| value == "write") {
        for (old, new) in shown.iter().zip([&import, &night]) {
            readme = readme.replace(old, new);
        }
        fs::write(repository().join("README.md"), readme).unwrap();
        return;
    }
    for (shown, new) in shown.iter().zip([&import, &night]) {
        assert_eq!(
            steady(shown),
            steady(new),
            "README=write writes the transcripts anew; now they are\n{new}"
        );
    }
}
